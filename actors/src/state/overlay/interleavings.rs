//! Every order in which a host's loads, the commits before them and the store's flush can meet.
//!
//! The hosts work on one thread each; what races with a session that is passivated and comes back is
//! the flush, which moves committed snapshots out of memory on a thread of its own. Both threads run
//! the real code and stop where the other may come between: round each call of the store. All orders
//! of these steps are tried, as a model checker would (loom, shuttle), without one.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::*;
use crate::clock::ManualClock;
use crate::state::memory::MemoryStore;

const HOST: usize = 0;
const FLUSH: usize = 1;

/// Lets one thread go on at a time, in a given order.
struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Whose turn is next, and after that.
    order: VecDeque<usize>,
    running: Option<usize>,
    ended: [bool; 2],
}

impl Turns {
    /// Gives up the turn and waits for the next one.
    fn pass(&self, me: usize) {
        let mut state = self.state.lock();
        state.stop(me);
        self.changed.notify_all();
        while state.running.is_some() || state.next().is_some_and(|next| next != me) {
            self.changed.wait(&mut state);
        }
        state.order.pop_front();
        state.running = Some(me);
    }

    fn end(&self, me: usize) {
        let mut state = self.state.lock();
        state.stop(me);
        state.ended[me] = true;
        self.changed.notify_all();
    }
}

impl State {
    fn stop(&mut self, me: usize) {
        self.running.take_if(|running| *running == me);
    }

    /// Turns of who has ended are passed over; when all are taken, whoever comes goes on.
    fn next(&mut self) -> Option<usize> {
        while self.order.front().is_some_and(|next| self.ended[*next]) {
            self.order.pop_front();
        }
        self.order.front().copied()
    }
}

/// A store whose calls are steps; the first write fails, if it is to.
struct Stepping {
    inner: MemoryStore,
    turns: Arc<Turns>,
    fails: Mutex<bool>,
}

impl StateStore for Stepping {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.turns.pass(HOST);
        self.inner.load_many(space, keys)
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        self.turns.pass(FLUSH);
        if std::mem::take(&mut *self.fails.lock()) {
            let (path, what) = ("store".into(), "broken".into());
            return Err(StoreError::Engine { path, what });
        }
        self.inner.put_epoch(entries, marker)?;
        self.turns.pass(FLUSH);
        Ok(())
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.inner.marker()
    }

    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        self.inner.scan(space, visit)
    }

    fn wipe(&self) -> Result<(), StoreError> {
        self.inner.wipe()
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.stats()
    }
}

/// All orders of so many turns of the one and of the other.
fn orders(host: usize, flush: usize) -> Vec<VecDeque<usize>> {
    if host + flush == 0 {
        return vec![VecDeque::new()];
    }
    let mut all = Vec::new();
    for (who, left) in [(HOST, host), (FLUSH, flush)] {
        if left > 0 {
            let rest = match who {
                HOST => orders(host - 1, flush),
                _ => orders(host, flush - 1),
            };
            all.extend(rest.into_iter().map(|mut order| {
                order.push_front(who);
                order
            }));
        }
    }
    all
}

fn commit(state: &TaskState, epoch: u64, value: Option<&'static [u8]>) {
    let entry = Entry {
        space: 0,
        key: Bytes::from_static(b"key"),
        value: value.map(Bytes::from_static),
    };
    state.committed(epoch, vec![entry], &[0], Vec::new());
}

#[test]
fn a_session_that_comes_back_finds_its_last_commit_wherever_the_flush_stands() {
    let mut tried = 0;
    for fails in [false, true] {
        // The host commits and loads three times, each in two steps; the flush runs twice, in three.
        for order in orders(6, 6) {
            let turns = Arc::new(Turns {
                state: Mutex::new(State {
                    order: order.clone(),
                    running: None,
                    ended: [false; 2],
                }),
                changed: Condvar::new(),
            });
            let store = Stepping {
                inner: MemoryStore::new(),
                turns: Arc::clone(&turns),
                fails: Mutex::new(fails),
            };
            let clock = Arc::new(ManualClock::default());
            let state = TaskState::new(Arc::new(store), 1, 1, clock);
            let key = Bytes::from_static(b"key");
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..2 {
                        turns.pass(FLUSH);
                        // A failure loses nothing: the next flush takes it along.
                        drop(state.flush());
                    }
                    turns.end(FLUSH);
                });
                let values: [Option<&'static [u8]>; 3] = [Some(b"one"), None, Some(b"three")];
                let mut found = Vec::new();
                for (epoch, value) in (1..).zip(values) {
                    turns.pass(HOST);
                    commit(&state, epoch, value);
                    found.push(state.get(0, &key).expect("a store that can be read"));
                }
                turns.end(HOST);
                assert_eq!(
                    found,
                    values.map(|value| value.map(Bytes::from_static)),
                    "{order:?}"
                );
            });
            tried += 1;
        }
    }
    assert_eq!(tried, 2 * 924, "all orders of six and six");
}
