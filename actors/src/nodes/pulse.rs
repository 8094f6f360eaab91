//! Pulses: what the watchdog sees of actors and threads. Whoever is at work says so, and where; whoever
//! makes progress gives a beat. At rest nobody owes any.
//!
//! A [`Beat`] is of one thread at a time: a lane (`lanes`) or a thread of its own. Actors are at work
//! exactly while they are polled ([`Pulse::watch`]), so that waiting for another is rest. Code deep below
//! finds its thread's beat by itself ([`progress`], [`enter`]). What was given up is never polled again.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;

use parking_lot::Mutex;
use supervisors::ChildKind;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Beat>>> = const { RefCell::new(None) };
    static THREAD: u32 = thread_id();
}

/// Where work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nowhere: it waits for something to do.
    Rest,
    /// An actor starts.
    Start,
    /// An actor handles a message.
    Message,
    /// An actor stops.
    Stop,
    /// A thread goes round its loop.
    Loop,
    /// Work that may block.
    Blocking,
    /// A call to the log.
    Log,
    /// A call to a file.
    File,
    /// A forward of a model.
    Forward,
}

impl Stage {
    /// In a few words.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Rest => "at rest",
            Self::Start => "starting",
            Self::Message => "handling a message",
            Self::Stop => "stopping",
            Self::Loop => "in its loop",
            Self::Blocking => "in blocking work",
            Self::Log => "in a call to the log",
            Self::File => "in a call to a file",
            Self::Forward => "in a forward of the model",
        }
    }

    /// Whether it has reason to take long.
    pub(super) fn is_call(self) -> bool {
        match self {
            Self::Rest | Self::Message | Self::Stop | Self::Loop => false,
            Self::Start | Self::Blocking | Self::Log | Self::File | Self::Forward => true,
        }
    }
}

/// All beats of a shard.
#[derive(Debug, Default)]
pub struct Pulses {
    live: Mutex<Vec<Weak<Beat>>>,
    numbers: AtomicU64,
}

/// One thread's sign of life.
#[derive(Debug)]
pub(super) struct Beat {
    /// Unlike any other's.
    pub(super) number: u64,
    /// The actor that is replaced if this thread hangs, with all below it.
    pub(super) owner: ChildKind,
    pulses: Weak<Pulses>,
    turns: AtomicU64,
    thread: AtomicU32,
    place: Mutex<Place>,
    given_up: AtomicBool,
}

/// Who is at work, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Kind of the actor, or name of the thread.
    pub(super) who: &'static str,
    /// Where.
    pub(super) stage: Stage,
}

const AT_REST: Place = Place {
    who: "",
    stage: Stage::Rest,
};

impl Pulses {
    /// A beat of this owner.
    pub(super) fn pulse(self: &Arc<Self>, owner: ChildKind) -> Pulse {
        let beat = Arc::new(Beat {
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            owner,
            pulses: Arc::downgrade(self),
            turns: AtomicU64::new(0),
            thread: AtomicU32::new(0),
            place: Mutex::new(AT_REST),
            given_up: AtomicBool::new(false),
        });
        self.live.lock().push(Arc::downgrade(&beat));
        Pulse(Some(beat))
    }

    /// The beats there are; those whose owners have ended are forgotten.
    pub(super) fn live(&self) -> Vec<Arc<Beat>> {
        let mut live = self.live.lock();
        live.retain(|beat| beat.strong_count() > 0);
        live.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Beat {
    /// Grows with each sign of progress.
    pub(super) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Acquire)
    }

    /// Id of the thread that was at work last; 0 where threads have none.
    pub(super) fn thread(&self) -> u32 {
        self.thread.load(Ordering::Relaxed)
    }

    pub(super) fn place(&self) -> Place {
        *self.place.lock()
    }

    /// It will never be polled again, nor go round its loop once more.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }

    fn turn(&self) {
        self.turns.fetch_add(1, Ordering::Release);
    }
}

/// A way to give beats; without one to give, it costs nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Option<Arc<Beat>>);

impl Pulse {
    /// The pulse of whoever is at work on this thread.
    pub(super) fn here() -> Self {
        Self(CURRENT.with_borrow(Clone::clone))
    }

    /// A pulse of whoever is at work on this thread, for a thread that works beside it.
    pub(super) fn beside() -> Self {
        let beat = CURRENT.with_borrow(Clone::clone);
        let pulse = beat.and_then(|beat| Some(beat.pulses.upgrade()?.pulse(beat.owner.clone())));
        pulse.unwrap_or_default()
    }

    /// Is at work whenever the work is polled. What is given up ends with `None` if it comes to that.
    pub(super) async fn watch<F: Future>(
        &self,
        who: &'static str,
        stage: Stage,
        work: F,
    ) -> Option<F::Output> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if self.0.as_ref().is_some_and(|beat| beat.is_given_up()) {
                return Poll::Ready(None);
            }
            let _section = self.section(who, stage);
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Is at work until the section is dropped.
    pub(super) fn section(&self, who: &'static str, stage: Stage) -> Section {
        let Some(beat) = &self.0 else {
            return Section(None);
        };
        beat.thread.store(THREAD.with(|id| *id), Ordering::Relaxed);
        let before = std::mem::replace(&mut *beat.place.lock(), Place { who, stage });
        beat.turn();
        let outer = CURRENT.replace(Some(Arc::clone(beat)));
        Section(Some((Arc::clone(beat), before, outer)))
    }
}

/// Work that is on its way on this thread.
pub(super) struct Section(Option<(Arc<Beat>, Place, Option<Arc<Beat>>)>);

impl Drop for Section {
    fn drop(&mut self) {
        if let Some((beat, before, outer)) = self.0.take() {
            CURRENT.set(outer);
            *beat.place.lock() = before;
            beat.turn();
        }
    }
}

/// The work on this thread makes progress: for loops that may be long.
pub(super) fn progress() {
    CURRENT.with_borrow(|beat| {
        if let Some(beat) = beat {
            beat.turn();
        }
    });
}

/// Whether the work on this thread was given up: what it does is of use to nobody.
pub(super) fn is_given_up() -> bool {
    CURRENT.with_borrow(|beat| beat.as_ref().is_some_and(|beat| beat.is_given_up()))
}

/// The work on this thread is at this stage until the section is dropped.
pub(super) fn enter(stage: Stage) -> Section {
    let current = CURRENT.with_borrow(Clone::clone);
    let who = current.as_ref().map_or("", |beat| beat.place().who);
    Pulse(current).section(who, stage)
}

/// The kernel's id of this thread.
fn thread_id() -> u32 {
    let link = std::fs::read_link("/proc/thread-self").ok();
    let id = link.and_then(|link| link.file_name()?.to_str()?.parse().ok());
    id.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn who_waits_is_at_rest_and_who_is_given_up_is_polled_no_more() {
        let pulses = Arc::new(Pulses::default());
        let pulse = pulses.pulse(ChildKind::Committer);
        let beat = pulses.live().remove(0);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (inner, place) = (Arc::clone(&seen), Arc::clone(&beat));
        let work = async move {
            inner.lock().push(place.place().stage);
            tokio::task::yield_now().await;
            let call = enter(Stage::Log);
            inner.lock().push(place.place().stage);
            drop(call);
            inner.lock().push(place.place().stage);
        };
        let mut work = Box::pin(pulse.watch("toy", Stage::Message, work));
        assert!(futures_util::poll!(&mut work).is_pending());
        assert_eq!(beat.place(), AT_REST);
        let turns = beat.turns();
        assert_eq!(work.await, Some(()));
        assert!(beat.turns() > turns);
        let expected = [Stage::Message, Stage::Log, Stage::Message];
        assert_eq!(*seen.lock(), expected);
        beat.give_up();
        let never = pulse.watch("toy", Stage::Message, async { panic!("polled") });
        assert_eq!(never.await, None::<()>);
        drop(pulse);
        drop(beat);
        assert!(pulses.live().is_empty());
    }
}
