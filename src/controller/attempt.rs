//! One reconcile, in a task of its own with a deadline: a panic or a hang ends it and nothing else.
//!
//! Owns the table of what runs, from which `/healthz` and the metrics know what is stuck.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::error::Error;
use super::lock::locked;
use crate::time::Stopwatch;

/// Deadlines that one object may miss in a row before the controller calls itself unhealthy.
const MISSED: u32 = 3;
/// How far beyond its deadline a reconcile may be seen to run; longer, and its thread is stuck.
const TOLERANCE: Duration = Duration::from_secs(5);

/// What runs now, and which objects missed their deadline.
#[derive(Debug, Default)]
pub(super) struct Running {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    running: BTreeMap<u64, Entry>,
    /// Deadlines missed in a row, by object.
    missed: BTreeMap<String, u32>,
    timeouts: u64,
    panics: u64,
    /// Stops that nobody has judged yet, by uid: for how long they have been known.
    stops: BTreeMap<String, Stopwatch>,
}

#[derive(Debug)]
struct Entry {
    object: String,
    since: Stopwatch,
    limit: Duration,
}

/// How many reconciles ended badly, and how old the oldest of those that run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub oldest: Duration,
    pub timeouts: u64,
    pub panics: u64,
    pub stops: usize,
    pub oldest_stop: Duration,
}

impl Running {
    /// What `/metrics` shows.
    pub(super) fn counts(&self) -> Counts {
        let table = locked(&self.table);
        let oldest = table.running.values().map(|entry| entry.since.elapsed()).max().unwrap_or_default();
        let oldest_stop = table.stops.values().map(Stopwatch::elapsed).max().unwrap_or_default();
        let stops = table.stops.len();
        Counts { oldest, timeouts: table.timeouts, panics: table.panics, stops, oldest_stop }
    }

    /// What is stuck, in one sentence; absent while nothing is.
    pub(super) fn stuck(&self) -> Option<String> {
        let table = locked(&self.table);
        let late = table.running.values().find(|entry| entry.since.elapsed() > entry.limit + TOLERANCE);
        if let Some(entry) = late {
            return Some(format!(
                "{} has been reconciled for {} s",
                entry.object,
                entry.since.elapsed().as_secs()
            ));
        }
        let (object, times) = table.missed.iter().find(|(_, times)| **times >= MISSED)?;
        Some(format!("{object} missed its deadline {times} times in a row"))
    }

    /// The object is gone.
    pub(super) fn forget(&self, object: &str) {
        locked(&self.table).missed.remove(object);
    }

    /// This replica no longer works: nothing waits for it.
    pub(super) fn clear(&self) {
        let mut table = locked(&self.table);
        table.missed.clear();
        table.stops.clear();
    }

    /// A stop that nobody has judged was reported.
    pub(super) fn stop_reported(&self, uid: &str) {
        locked(&self.table).stops.entry(uid.to_owned()).or_insert_with(Stopwatch::start);
    }

    /// A stop was judged, or is gone; how long it waited, where it did.
    pub(super) fn stop_judged(&self, uid: &str) -> Option<Duration> {
        locked(&self.table).stops.remove(uid).map(|since| since.elapsed())
    }

    /// For how long this stop has been waiting.
    pub(super) fn stop_age(&self, uid: &str) -> Duration {
        locked(&self.table).stops.get(uid).map(Stopwatch::elapsed).unwrap_or_default()
    }

    fn begin(self: &Arc<Self>, object: &str, limit: Duration) -> Begun {
        let mut table = locked(&self.table);
        table.next += 1;
        let id = table.next;
        table.running.insert(id, Entry { object: object.to_owned(), since: Stopwatch::start(), limit });
        Begun { running: self.clone(), id }
    }

    fn ended<T>(&self, object: &str, outcome: &Result<T, Error>) {
        let mut table = locked(&self.table);
        match outcome {
            Err(Error::Late(_)) => {
                table.timeouts += 1;
                *table.missed.entry(object.to_owned()).or_default() += 1;
                return;
            }
            Err(Error::Panicked(_)) => table.panics += 1,
            _ => {}
        }
        table.missed.remove(object);
    }

    /// Runs `work` on `object` in a task of its own. Dropping the returned future ends the task.
    pub(super) async fn run<T, F>(
        self: &Arc<Self>,
        object: String,
        limit: Duration,
        work: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let begun = self.begin(&object, limit);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let _begun = begun;
            tokio::time::timeout(limit, work).await.unwrap_or(Err(Error::Late(limit)))
        }));
        let outcome = match task.await {
            Ok(outcome) => outcome,
            Err(error) if error.is_panic() => Err(Error::Panicked(words(&*error.into_panic()))),
            // only the end of the runtime cancels a task that somebody awaits
            Err(_) => Err(Error::NotLeading),
        };
        self.ended(&object, &outcome);
        outcome
    }
}

struct Begun {
    running: Arc<Running>,
    id: u64,
}

impl Drop for Begun {
    fn drop(&mut self) {
        locked(&self.running.table).running.remove(&self.id);
    }
}

/// The message of a panic, in one line.
pub(super) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    crate::domain::timeline::cut(crate::sanitize::line(text.unwrap_or("no message")).into_owned(), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hang_ends_at_the_deadline_and_is_counted() {
        let running = Arc::new(Running::default());
        let limit = Duration::from_secs(60);
        for times in 1..=MISSED {
            assert_eq!(running.stuck(), None);
            let outcome =
                running.run("shop/r".into(), limit, std::future::pending::<Result<(), Error>>()).await;
            assert!(matches!(outcome, Err(Error::Late(_))), "{outcome:?}");
            assert_eq!(running.counts().timeouts, u64::from(times));
        }
        assert_eq!(running.stuck().unwrap(), "shop/r missed its deadline 3 times in a row");
        running.run("shop/r".into(), limit, async { Ok(()) }).await.unwrap();
        assert_eq!(running.stuck(), None);
    }

    #[test]
    fn a_stop_has_an_age_until_it_is_judged() {
        let running = Running::default();
        running.stop_reported("a");
        running.stop_reported("a");
        assert_eq!(running.counts().stops, 1);
        assert!(running.stop_judged("a").is_some() && running.stop_judged("a").is_none());
        running.stop_reported("b");
        running.clear();
        assert_eq!(running.counts(), Counts::default());
    }

    #[tokio::test]
    async fn a_panic_ends_one_reconcile_and_keeps_its_message() {
        let running = Arc::new(Running::default());
        let broken = async { if true { panic!("no such\u{1b}[31m step") } else { Ok(()) } };
        let outcome = running.run("shop/r".into(), Duration::from_secs(60), broken).await;
        let Err(Error::Panicked(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.starts_with("no such") && !message.contains('\u{1b}'), "{message}");
        assert_eq!(running.counts().panics, 1);
        assert_eq!(running.run("shop/r".into(), Duration::from_secs(60), async { Ok(1) }).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_is_dropped_ends_and_leaves_the_table() {
        let running = Arc::new(Running::default());
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let hangs = async move {
            let _alive = alive;
            std::future::pending::<Result<(), Error>>().await
        };
        let mut attempt = Box::pin(running.run("shop/r".into(), Duration::from_secs(60), hangs));
        assert!(futures::poll!(attempt.as_mut()).is_pending());
        assert_eq!(locked(&running.table).running.len(), 1);
        drop(attempt);
        assert!(ended.await.is_err());
        while !locked(&running.table).running.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
