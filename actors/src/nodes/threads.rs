//! Where work runs that blocks: on threads of its own, or, in a simulation, on the one thread there is.
//!
//! Such work is written as a future. Between its awaits it may block, so in production it gets a thread
//! that it has for itself and that its awaits put to sleep. In a simulation it is a task beside the
//! actors: nothing there blocks, and whoever has to wait lets the paused clock go on instead.

use std::time::Duration;

use tokio::task::JoinError;

use super::pulse::{Pulse, Stage};

/// How a shard runs what blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// A thread for each.
    #[default]
    Own,
    /// All on the thread of the runtime, whose clock is paused: one seed, one run.
    One,
}

impl Threads {
    /// Starts work that goes on for long. Called within a runtime.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub(super) fn start(
        self,
        name: &str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let pulse = match self {
            Self::Own => Pulse::beside(),
            Self::One => Pulse::default(),
        };
        self.start_unwatched(name, async move {
            // What was given up ends without a word.
            let _: Option<()> = pulse.watch("thread", Stage::Loop, work).await;
        })
    }

    /// The same for work whose steps take what they take, and for which nobody waits.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub(super) fn start_unwatched(
        self,
        name: &str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        match self {
            Self::Own => {
                let runtime = tokio::runtime::Handle::current();
                let thread = std::thread::Builder::new().name(name.to_owned());
                thread.spawn(move || runtime.block_on(work)).map(drop)
            }
            Self::One => {
                drop(tokio::spawn(work));
                Ok(())
            }
        }
    }

    /// Does one piece of work that blocks, and waits for it.
    ///
    /// # Errors
    /// If it panics.
    pub async fn blocking<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        match self {
            Self::Own => {
                let pulse = Pulse::beside();
                let watched = move || {
                    let _section = pulse.section("thread", Stage::Blocking);
                    work()
                };
                tokio::task::spawn_blocking(watched).await
            }
            // A task too, so that a panic ends the same way.
            Self::One => tokio::spawn(async move { work() }).await,
        }
    }

    /// Sleeps, in work that [`Self::start`] started. On a thread of its own no timer of the runtime is
    /// needed for it, which may be on its way down.
    pub(super) async fn sleep(self, duration: Duration) {
        match self {
            Self::Own => std::thread::park_timeout(duration),
            Self::One => tokio::time::sleep(duration).await,
        }
    }

    /// Behind a call that found nothing within a time: where calls do not wait, that time passes here.
    pub(super) async fn waited(self, duration: Duration) {
        match self {
            Self::Own => {}
            Self::One => tokio::time::sleep(duration).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Runs work in both ways; gives the name of the thread it ran on and the panic of another piece.
    async fn ran(threads: Threads) -> (Option<String>, bool) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = async move {
            threads.sleep(Duration::from_millis(1)).await;
            let name = std::thread::current().name().map(str::to_owned);
            sender.send(name).expect("somebody waits");
        };
        threads.start("worker", work).expect("started");
        let name = receiver.await.expect("done");
        let panicked = threads.blocking(|| panic!("in blocking work")).await;
        (name, panicked.is_err_and(|error| error.is_panic()))
    }

    #[tokio::test(start_paused = true)]
    async fn work_has_a_thread_of_its_own_or_the_runtimes_and_its_panic_is_an_error() {
        let here = std::thread::current().name().map(str::to_owned);
        assert_eq!(ran(Threads::Own).await, (Some("worker".to_owned()), true));
        assert_eq!(ran(Threads::One).await, (here, true));
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_one_thread_passes_on_the_paused_clock() {
        let (began, (sender, receiver)) = (std::time::Instant::now(), mpsc::sync_channel(1));
        let work = async move {
            Threads::One.waited(Duration::from_secs(3_600)).await;
            sender.send(()).expect("somebody waits");
        };
        Threads::One.start("worker", work).expect("started");
        tokio::time::sleep(Duration::from_secs(3_601)).await;
        assert_eq!(receiver.try_recv(), Ok(()));
        assert!(began.elapsed() < Duration::from_secs(3_000));
    }
}
