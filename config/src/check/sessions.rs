//! `sessions`: where the sessions of a keyed operator live.

use super::Context;
use crate::raw::{self, Key};
use crate::{Hosting, defaults};

/// Actors in one task, at most: a gigabyte of them.
const ACTORS_MAX: u32 = 100_000;

/// Checks it; what is wrong is reported and as if it were not there.
pub(crate) fn check(sessions: Option<&Key<raw::Sessions>>, cx: &Context<'_>) -> Hosting {
    let Some(sessions) = sessions.and_then(Key::get) else {
        return defaults::HOSTING;
    };
    let max = |high| cx.within(sessions.max.as_ref()?, 1, high);
    let actors = || max(ACTORS_MAX).unwrap_or(defaults::ACTORS);
    match sessions.hosting.get() {
        Some(raw::Hosting::Hosted) => Hosting::Hosted { max: max(u32::MAX) },
        Some(raw::Hosting::Dedicated) => Hosting::Dedicated { max: actors() },
        Some(raw::Hosting::Auto) => Hosting::Auto { max: actors() },
        None => defaults::HOSTING,
    }
}
