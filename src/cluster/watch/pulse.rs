//! Whether the API server answers at all: one cheap question every few seconds for all feeds of a cluster.
//!
//! A watch that is silent may be idle or dead; only a question tells.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::super::Cluster;
use super::super::error::{Error, Kind};
use super::{Backoff, on_clock};
use crate::time::Clock;

/// Time between two questions while all is well, on the session's clock.
const INTERVAL: Duration = Duration::from_secs(5);
/// Shortest time between two questions on the wall, however fast the session's clock runs.
const SHORTEST: Duration = Duration::from_millis(500);
/// How long an answer may take; with the interval the bound within which a dead server is noticed.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longest time between two questions while the server is silent.
const SILENT_INTERVAL: Duration = Duration::from_secs(5);

/// Whether the server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pulse {
    /// Not asked yet.
    #[default]
    Unknown,
    /// It answered.
    Alive {
        /// When.
        heard: DateTime<Utc>,
    },
    /// It did not.
    Silent {
        /// One sentence, sanitised.
        reason: String,
        /// When it is asked again.
        retry_at: DateTime<Utc>,
    },
}

/// Asks again and again, until nobody listens.
pub async fn probe(cluster: Cluster, clock: Clock, pulse: watch::Sender<Pulse>) {
    let mut backoff = Backoff::default();
    loop {
        let asked = tokio::time::timeout(PATIENCE, cluster.server_version());
        let answer = asked.await.unwrap_or_else(|_| Err(Error::timeout(PATIENCE.as_secs())));
        let delay = match answer {
            Err(error) if is_silence(&error) => {
                let delay = backoff.next_delay().min(SILENT_INTERVAL);
                let retry_at = clock.now() + on_clock(&clock, delay);
                pulse.send_replace(Pulse::Silent { reason: error.to_string(), retry_at });
                delay
            }
            // Any other answer is an answer: the feeds say themselves what is wrong.
            _ => {
                backoff.reset();
                pulse.send_replace(Pulse::Alive { heard: clock.now() });
                clock.wall(INTERVAL).max(SHORTEST)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = pulse.closed() => return,
        }
    }
}

/// No answer, or one that only something in front of the server gives.
fn is_silence(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unreachable | Kind::NoAnswer | Kind::Tls | Kind::Server)
}

/// Waits until a server that was silent answers; for ever if it was not.
pub(super) async fn back(pulse: &mut watch::Receiver<Pulse>) {
    let mut was_silent = matches!(*pulse.borrow(), Pulse::Silent { .. });
    while pulse.changed().await.is_ok() {
        let silent = matches!(*pulse.borrow_and_update(), Pulse::Silent { .. });
        if was_silent && !silent {
            return;
        }
        was_silent = silent;
    }
    std::future::pending::<()>().await;
}
