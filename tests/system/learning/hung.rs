//! The hands of a steward hang: others take their place, and the story is the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actors::nodes::events::Happened;
use actors::nodes::faults::Faults;
use tests::inside;

use super::{Loop, OLD, TAKES_OVER, truth};

#[test]
fn hands_that_hang_are_replaced_and_the_story_goes_on() {
    let (calls, released) = (AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
    let until = Arc::clone(&released);
    let faults = Faults::new(Arc::new(move |kind: &str| {
        let hangs = kind == "director" && calls.fetch_add(1, Ordering::SeqCst) == 4;
        while hangs && !until.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }));
    let mut story = Loop::new();
    inside::block_on(async {
        let running = story.start_with("data", faults).await;
        let hung = || {
            let told = running.control.events(0).into_iter();
            let mut hung = told.filter_map(|event| match event.happened {
                Happened::Hung { actor, .. } => Some(actor),
                _ => None,
            });
            hung.next()
        };
        let who = running.until("the hang to be found", hung).await;
        assert_eq!(who, "director-sea");
        story.live(&running, OLD, |nth| truth(nth, false)).await;
        story
            .until(&running, "promoted", |nth| truth(nth, nth >= OLD))
            .await;
        released.store(true, Ordering::SeqCst);
        running.caught_up().await;
        running.stop().await;
    });
    assert_eq!(story.names(), TAKES_OVER);
    story.check_answers();
}
