//! The panic boundary round pure work: a panic in it becomes a value that says what panicked and
//! where, and the actor lives on.
//!
//! Who calls must not use what the work was in the middle of changing: it takes a before-image, or
//! cuts back to a mark, or works on values that the work only read. The process's panic hook stays
//! in force outside; inside it is silent, for what is caught is told once, by who handles it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught: its text and the place in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Does work that may panic, on this thread.
///
/// # Errors
/// If it panics; its half-done changes to what it borrows are still there.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    quiet_hook();
    DEPTH.set(DEPTH.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done.map_err(|payload| {
        let text = text(&*payload);
        Panicked(match PLACE.take() {
            Some(place) => format!("{text}, at {place}"),
            None => text.to_owned(),
        })
    })
}

fn text(payload: &(dyn std::any::Any + Send)) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without text")
}

/// Puts a hook before the process's own, once, that notes the place and says nothing inside a boundary.
fn quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if DEPTH.get() == 0 {
                before(info);
            } else {
                PLACE.set(info.location().map(ToString::to_string));
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_text_and_place_and_the_next_work_goes_well() {
        let panicked = guarded(|| -> u32 { panic!("row {} is poison", 7) }).expect_err("a panic");
        let text = panicked.to_string();
        assert!(text.starts_with("row 7 is poison, at "), "{text}");
        assert!(text.contains("boundary.rs"), "{text}");
        assert_eq!(guarded(|| 5), Ok(5));
    }

    #[test]
    fn a_panic_inside_two_boundaries_is_caught_by_the_inner_one() {
        let outer = guarded(|| guarded(|| panic!("inner")).is_err());
        assert_eq!(outer, Ok(true));
    }
}
