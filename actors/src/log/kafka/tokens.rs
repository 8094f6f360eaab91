//! Tokens of OAUTHBEARER: taken from where they come, given to every client, renewed before they expire.
//!
//! librdkafka asks for a token through the queue of events of each client, and most clients here are
//! polled too rarely for that. So nobody waits to be asked: a client is given the token when it is
//! made, and a thread of their own takes new ones in time and gives them to all clients that live.

mod issuer;
mod jwt;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread::Thread;
use std::time::Duration;

use config::{Secret, TokenSource};
use parking_lot::Mutex;

use super::native::SignsIn;
use super::reporter::Reporter;
use crate::clock::{Clock, SystemClock};
use crate::log::LogError;

/// How soon a source that gave no token is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// A token that does not say when it expires is good for so long, and is taken anew in time.
const UNTOLD_LIFETIME_MS: i64 = 5 * 60_000;
/// A token is renewed when this part of what is left of its life is over.
const RENEWED_AFTER: f64 = 0.8;

/// What a client signs in with.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) text: Secret,
    /// Milliseconds since 1970-01-01 UTC.
    pub(super) expires: i64,
}

/// The tokens of all clients of a log.
pub(super) struct Tokens {
    source: TokenSource,
    reporter: Reporter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    clients: Vec<Weak<dyn SignsIn>>,
    /// Renews; started with the first client.
    thread: Option<Thread>,
}

impl Tokens {
    pub(super) fn new(source: TokenSource, reporter: Reporter) -> Arc<Self> {
        Arc::new(Self {
            source,
            reporter,
            state: Mutex::default(),
        })
    }

    /// Gives a new client the token, and those that follow. May take as long as a request.
    pub(super) fn sign_in<C: SignsIn + 'static>(
        self: &Arc<Self>,
        client: &Arc<C>,
    ) -> Result<(), LogError> {
        let now = SystemClock.now_ms();
        let mut state = self.state.lock();
        // Under the lock: who comes meanwhile waits for the same answer.
        let token = match state.token.clone().filter(|token| token.expires > now) {
            Some(token) => token,
            None => take(&self.source, now)?,
        };
        client.sign_in(&token).map_err(LogError::Refused)?;
        let wait = renewal(&token, now);
        state.token = Some(token);
        state.clients.retain(|client| client.strong_count() > 0);
        let client = Arc::downgrade(client) as Weak<dyn SignsIn>;
        state.clients.push(client);
        if state.thread.is_none() {
            state.thread = Some(self.start(wait)?);
        }
        Ok(())
    }

    fn start(self: &Arc<Self>, first: Duration) -> Result<Thread, LogError> {
        let tokens = Arc::downgrade(self);
        let mut wait = first;
        let renew = move || loop {
            std::thread::park_timeout(wait);
            let Some(tokens) = tokens.upgrade() else {
                return;
            };
            wait = tokens.renew();
        };
        let started = std::thread::Builder::new()
            .name("kafka-tokens".into())
            .spawn(renew);
        let failed = |error| LogError::Unavailable(format!("no thread for tokens: {error}"));
        Ok(started.map_err(failed)?.thread().clone())
    }

    /// Takes the next token and gives it to all clients; says when to come again.
    fn renew(&self) -> Duration {
        let now = SystemClock.now_ms();
        let token = match take(&self.source, now) {
            Ok(token) => token,
            Err(error) => {
                // Connections that are open go on; those that are made anew will fail with this cause.
                tracing::warn!(%error, "no new token for Kafka; asking again");
                self.reporter.remember(error.to_string());
                return AGAIN;
            }
        };
        let clients: Vec<_> = {
            let mut state = self.state.lock();
            state.token = Some(token.clone());
            state.clients.retain(|client| client.strong_count() > 0);
            state.clients.iter().filter_map(Weak::upgrade).collect()
        };
        for client in clients {
            if let Err(text) = client.sign_in(&token) {
                tracing::warn!(text, "a client does not take the token");
            }
        }
        renewal(&token, now)
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        if let Some(thread) = &self.state.get_mut().thread {
            thread.unpark();
        }
    }
}

/// How long a token is kept before the next is taken. The shorter it still lives, the sooner: a file
/// that has not been renewed yet is looked at again and again.
fn renewal(token: &Token, now: i64) -> Duration {
    let left = u64::try_from(token.expires - now).unwrap_or(0);
    let left = Duration::from_millis(left).mul_f64(RENEWED_AFTER);
    left.max(Duration::from_secs(1))
}

/// A token that has not expired, from its source.
fn take(source: &TokenSource, now: i64) -> Result<Token, LogError> {
    match source {
        TokenSource::File(path) => of_file(path, now),
        TokenSource::Issuer(issuer) => issuer::ask(issuer, now),
    }
}

fn of_file(path: &Path, now: i64) -> Result<Token, LogError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        // Whoever renews it may be about to write it for the first time.
        LogError::Unavailable(format!("token-file {shown} cannot be read: {error}"))
    })?;
    let text = text.trim();
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(LogError::Unavailable(format!(
            "token-file {shown} must hold a token and nothing else"
        )));
    }
    let expires = jwt::expiry(text).unwrap_or(now + UNTOLD_LIFETIME_MS);
    if expires <= now {
        let ago = config::Millis(now - expires);
        return Err(LogError::Unavailable(format!(
            "the token in {shown} expired {ago} ago: whoever renews it has not"
        )));
    }
    Ok(Token {
        text: Secret::new(text),
        expires,
    })
}
