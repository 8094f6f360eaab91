//! `sessions`: where the sessions of a keyed operator live.

use super::Context;
use crate::raw::{self, Key, Settings};
use crate::{Hosting, defaults};

/// Actors in one task, at most: a gigabyte of them.
const ACTORS_MAX: u32 = 100_000;

/// Checks those of an operator; what is wrong is reported and as if it were not there.
pub(crate) fn check(settings: &Settings, cx: &Context<'_>) -> Hosting {
    let sessions = match settings {
        Settings::Rolling(rolling) => rolling.sessions.as_ref(),
        Settings::Window(window) => window.sessions.as_ref(),
        Settings::Detect(detect) => detect.sessions.as_ref(),
        Settings::Filter(_)
        | Settings::Select(_)
        | Settings::KeyBy(_)
        | Settings::Infer(_)
        | Settings::Route(_)
        | Settings::Union(_)
        | Settings::Label(_)
        | Settings::Steward(_)
        | Settings::Sketch(_)
        | Settings::Watch(_)
        | Settings::Alert(_) => None,
    };
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
