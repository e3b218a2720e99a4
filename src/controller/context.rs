//! What every reconciliation of one scope shares.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::Client;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::fault::{Cut, Faults};
use super::index::Index;
use super::lease::Leadership;
use super::metrics_http::Numbers;
use super::policies::Verdicts;
use super::ration::Ration;
use super::recent::{Known, Sights};
use super::seal::Ledger;
use super::telling::Teller;
use crate::api::names::{EnvironmentKey, ReleaseKey};
use crate::api::release::Phase;
use crate::api::{Environment, Release, ReleaseAction};
use crate::cluster::registry::Registries;
use crate::domain::health::{Answer, Answers};
use crate::metrics::Pool;
use crate::time::Clock;

/// What the whole controller shares.
pub(super) struct Core {
    pub client: Client,
    pub clock: Clock,
    pub http: Option<reqwest::Client>,
    pub registries: Registries,
    pub prometheus: Arc<Pool>,
    pub leadership: Leadership,
    pub faults: Faults,
    pub killed: Mutex<Option<String>>,
    pub kill: CancellationToken,
    pub numbers: Arc<Numbers>,
    pub recorder: Recorder,
    pub audit_export: Option<PathBuf>,
}

impl Core {
    /// Asked before every write: whether this replica still leads, and whether a test wants it dead.
    pub(super) fn permit(&self, object: &str, phase: Phase, before: impl Into<String>) -> Result<(), Error> {
        if let Some(place) = &*locked(&self.killed) {
            return Err(Error::Killed(place.clone()));
        }
        if !self.leadership.holds(self.clock.now()) {
            return Err(Error::NotLeading);
        }
        let cut = Cut { object: object.to_owned(), phase, before: before.into() };
        if self.faults.kills(&cut) {
            let place = cut.to_string();
            *locked(&self.killed) = Some(place.clone());
            self.kill.cancel();
            return Err(Error::Killed(place));
        }
        Ok(())
    }
}

/// What the reconciliations of one scope (a namespace, or all of them) share.
pub(super) struct Context {
    pub core: Arc<Core>,
    pub releases: Store<Release>,
    pub environments: Store<Environment>,
    pub actions: Store<ReleaseAction>,
    pub releases_by_environment: Index<Release>,
    pub actions_by_environment: Index<ReleaseAction>,
    pub actions_by_release: Index<ReleaseAction>,
    pub wake_release: mpsc::Sender<ObjectRef<Release>>,
    /// Releases of which somebody has just asked something.
    pub wake_at_once: mpsc::Sender<ObjectRef<Release>>,
    pub wake_environment: mpsc::Sender<ObjectRef<Environment>>,
    pub memory: Memory,
    /// Whether the admission policies are in force.
    pub policies: Verdicts,
    pub ledger: Ledger,
    pub teller: Teller,
    /// Ends with the scope, and all its questions with it.
    pub over: CancellationToken,
}

impl Context {
    /// Wakes a release; when the queue is full its own timer will.
    pub(super) fn wake(&self, release: &Release) {
        let _ = self.wake_release.try_send(ObjectRef::from_obj(release));
    }

    /// Completes when everything has been reported once; nothing is judged on less.
    pub(super) async fn ready(&self) {
        let _ = self.environments.wait_until_ready().await;
        let _ = self.actions.wait_until_ready().await;
        let _ = self.releases.wait_until_ready().await;
    }

    /// The releases of an environment as last reported.
    pub(super) fn releases_of(&self, key: &EnvironmentKey) -> Vec<Arc<Release>> {
        self.releases_by_environment.of(&key.namespace, &key.name)
    }

    /// The actions that name a release as last reported.
    pub(super) fn actions_of(&self, key: &ReleaseKey) -> Vec<Arc<ReleaseAction>> {
        self.actions_by_release.of(&key.namespace, &key.name)
    }
}

/// What is remembered between reconciliations; losing it costs time, never truth.
#[derive(Default)]
pub(super) struct Memory {
    answers: Mutex<BTreeMap<String, Answers>>,
    asking: Mutex<BTreeSet<(String, String)>>,
    failures: Mutex<BTreeMap<String, u32>>,
    lanes: Mutex<BTreeMap<EnvironmentKey, Arc<tokio::sync::Mutex<()>>>>,
    pub sights: Sights,
    pub known: Known,
    /// Rewriting of what is merely told of releases that wait.
    pub telling: Ration,
}

impl Memory {
    pub(super) fn answers(&self, uid: &str) -> Answers {
        locked(&self.answers).get(uid).cloned().unwrap_or_default()
    }

    /// Whether nobody is asking this question yet; from now on somebody is.
    pub(super) fn begin_asking(&self, uid: &str, name: &str) -> bool {
        locked(&self.asking).insert((uid.to_owned(), name.to_owned()))
    }

    pub(super) fn answered(&self, uid: &str, name: &str, answer: Answer) {
        locked(&self.answers).entry(uid.to_owned()).or_default().record(name, answer);
        locked(&self.asking).remove(&(uid.to_owned(), name.to_owned()));
    }

    pub(super) fn forget(&self, uid: &str) {
        locked(&self.answers).remove(uid);
        locked(&self.failures).remove(uid);
    }

    /// Whoever holds this is the only one who acts in that environment.
    pub(super) fn lane(&self, key: &EnvironmentKey) -> Arc<tokio::sync::Mutex<()>> {
        locked(&self.lanes).entry(key.clone()).or_default().clone()
    }

    pub(super) fn succeeded(&self, uid: &str) {
        locked(&self.failures).remove(uid);
    }

    /// How long to wait after one more failure in a row: from half a second, doubling, to two minutes.
    pub(super) fn failed(&self, uid: &str) -> Duration {
        let mut failures = locked(&self.failures);
        let count = failures.entry(uid.to_owned()).or_default();
        *count = count.saturating_add(1);
        Duration::from_millis(250).saturating_mul(1 << (*count).min(9)).min(Duration::from_secs(120))
    }
}

/// The data behind a lock; a panic elsewhere does not make it unusable.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_after_failures_grows_and_resets() {
        let memory = Memory::default();
        let waits: Vec<u128> = (0..12).map(|_| memory.failed("a").as_millis()).collect();
        assert_eq!(waits[..4], [500, 1000, 2000, 4000]);
        assert_eq!(waits[11], 120_000);
        memory.succeeded("a");
        assert_eq!(memory.failed("a").as_millis(), 500);
    }

    #[test]
    fn a_question_is_asked_once_at_a_time() {
        let memory = Memory::default();
        assert!(memory.begin_asking("a", "health/0"));
        assert!(!memory.begin_asking("a", "health/0"));
        let pass = crate::api::release::GateState::Pass;
        let answer = Answer::new(chrono::DateTime::UNIX_EPOCH, pass, "");
        memory.answered("a", "health/0", answer);
        assert!(memory.begin_asking("a", "health/0"));
        assert_eq!(memory.answers("a").passes_in_a_row("health/0", chrono::DateTime::UNIX_EPOCH), 1);
    }
}
