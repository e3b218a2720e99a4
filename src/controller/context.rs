//! What every reconciliation of one scope shares.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::Client;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::attempt::Running;
use super::audit_chain::Ledger;
use super::cache::{Known, WorkloadCache};
use super::claims::Claims;
use super::counters::Counters;
use super::deadlines::Deadlines;
use super::error::Error;
use super::fault::{Cut, Faults};
use super::index::Index;
use super::lease::Leadership;
use super::lock::locked;
use super::may::May;
use super::notifications::NotificationQueue;
use super::policies::Verdicts;
use super::rate_limiter::RateLimiter;
use super::secret_cache::SecretCache;
use super::turns::Turns;
use super::undecodable::Register;
use crate::api::names::{EnvironmentKey, ReleaseKey};
use crate::api::release::Phase;
use crate::api::release_action::ReleaseActionStatus;
use crate::api::{Environment, Release, ReleaseAction};
use crate::cluster::outbound::Outbound;
use crate::cluster::registry::Registries;
use crate::domain::health::{Answer, Answers};
use crate::domain::rollout::WriteOutcome;
use crate::metrics::Pool;
use crate::time::{Clock, Stopwatch};

/// What the whole controller shares.
pub(super) struct Core {
    /// For requests and watches: every request ends by itself.
    pub client: Client,
    /// For what has a deadline of its own and may take longer: probes and queries.
    pub patient_client: Client,
    pub deadlines: Deadlines,
    /// The reconciles that run now.
    pub running: Arc<Running>,
    pub clock: Clock,
    /// How servers are asked that Environments name.
    pub outbound: Outbound,
    pub registries: Registries,
    pub prometheus: Arc<Pool>,
    pub leadership: Leadership,
    /// Tells this process from all others.
    pub process: String,
    /// Whether this replica may write.
    pub may: watch::Sender<May>,
    pub faults: Faults,
    pub killed: Mutex<Option<String>>,
    pub kill: CancellationToken,
    pub counters: Arc<Counters>,
    pub recorder: Recorder,
    pub audit_export: Option<PathBuf>,
}

impl Core {
    /// Whether this replica still leads.
    pub(super) fn may_write(&self) -> Result<(), Error> {
        if let Some(place) = &*locked(&self.killed) {
            return Err(Error::Killed(place.clone()));
        }
        if self.leadership.holds(&self.clock) { Ok(()) } else { Err(Error::NotLeading) }
    }

    /// Asked before every write: whether this replica still leads, and whether a test wants it dead.
    pub(super) fn permit(&self, object: &str, phase: Phase, before: impl Into<String>) -> Result<(), Error> {
        self.may_write()?;
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
    /// Releases that somebody wants to pause, abort or reject.
    pub wake_to_stop: mpsc::Sender<ObjectRef<Release>>,
    /// Environments that somebody wants to freeze or stop, or where an image is to be denied.
    pub wake_stops: mpsc::Sender<ObjectRef<Environment>>,
    /// Turns of releases, of what people ask of releases, and of environments.
    pub turns: [Turns; 3],
    pub memory: Memory,
    /// Whether the admission policies are in force.
    pub policies: Verdicts,
    pub ledger: Ledger,
    pub notifications: NotificationQueue,
    /// Objects that cannot be decoded, or only in part.
    pub undecodable: Register,
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

    /// The actions that name a release as last reported, with the answers that are not reported yet.
    pub(super) fn actions_of(&self, key: &ReleaseKey) -> Vec<Arc<ReleaseAction>> {
        self.with_answers(self.actions_by_release.of(&key.namespace, &key.name))
    }

    /// The actions that name an environment, likewise.
    pub(super) fn actions_in(&self, key: &EnvironmentKey) -> Vec<Arc<ReleaseAction>> {
        self.with_answers(self.actions_by_environment.of(&key.namespace, &key.name))
    }

    fn with_answers(&self, mut actions: Vec<Arc<ReleaseAction>>) -> Vec<Arc<ReleaseAction>> {
        let answers = locked(&self.memory.judged);
        for action in &mut actions {
            let uid = action.metadata.uid.as_deref().unwrap_or_default();
            if let Some(answer) = answers.get(uid).filter(|_| !action.is_judged()) {
                Arc::make_mut(action).status = Some(answer.clone());
            }
        }
        actions
    }
}

/// What is remembered between reconciliations; losing it costs time, never truth.
#[derive(Default)]
pub(super) struct Memory {
    answers: Mutex<BTreeMap<String, Answers>>,
    asking: Mutex<BTreeSet<(String, String)>>,
    failures: Mutex<BTreeMap<String, u32>>,
    races: Mutex<BTreeMap<String, u32>>,
    writes: Mutex<BTreeMap<String, BTreeMap<String, WriteOutcome>>>,
    lanes: Mutex<BTreeMap<EnvironmentKey, Arc<tokio::sync::Mutex<()>>>>,
    /// Answers to actions that this process gave and no watch has reported yet, by uid.
    judged: Mutex<BTreeMap<String, ReleaseActionStatus>>,
    /// What failed and is not tried again before that time has passed.
    postponed: Mutex<BTreeMap<String, (Stopwatch, Duration)>>,
    pub claims: Claims,
    pub workloads: WorkloadCache,
    pub known: Known,
    pub secrets: SecretCache,
    /// Rewriting of what is merely told of releases that wait.
    pub telling: RateLimiter,
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

    /// What became of the last write for each component of a release.
    pub(super) fn writes(&self, uid: &str) -> BTreeMap<String, WriteOutcome> {
        locked(&self.writes).get(uid).cloned().unwrap_or_default()
    }

    pub(super) fn written(&self, uid: &str, component: &str, outcome: WriteOutcome) {
        locked(&self.writes).entry(uid.to_owned()).or_default().insert(component.to_owned(), outcome);
    }

    pub(super) fn forget(&self, uid: &str) {
        locked(&self.writes).remove(uid);
        locked(&self.races).remove(uid);
        locked(&self.answers).remove(uid);
        locked(&self.failures).remove(uid);
    }

    /// An action was answered by this process.
    pub(super) fn judged(&self, uid: &str, answer: ReleaseActionStatus) {
        locked(&self.judged).insert(uid.to_owned(), answer);
        locked(&self.postponed).remove(uid);
        locked(&self.failures).remove(uid);
    }

    /// The answer to an action was reported, or the action is gone.
    pub(super) fn answer_reported(&self, uid: &str) {
        locked(&self.judged).remove(uid);
        locked(&self.postponed).remove(uid);
        locked(&self.failures).remove(uid);
    }

    /// Leaves it alone for a while after it failed; how long.
    pub(super) fn postpone(&self, uid: &str) -> Duration {
        let wait = self.failed(uid);
        locked(&self.postponed).insert(uid.to_owned(), (Stopwatch::start(), wait));
        wait
    }

    /// How long it is still left alone; nothing when it may be tried.
    pub(super) fn postponed(&self, uid: &str) -> Option<Duration> {
        let (since, wait) = *locked(&self.postponed).get(uid)?;
        wait.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
    }

    /// How often it has failed in a row.
    pub(super) fn failures(&self, uid: &str) -> u32 {
        locked(&self.failures).get(uid).copied().unwrap_or_default()
    }

    /// Whoever holds this is the only one who acts in that environment.
    pub(super) fn lane(&self, key: &EnvironmentKey) -> Arc<tokio::sync::Mutex<()>> {
        locked(&self.lanes).entry(key.clone()).or_default().clone()
    }

    pub(super) fn succeeded(&self, uid: &str) {
        locked(&self.failures).remove(uid);
        locked(&self.races).remove(uid);
    }

    /// How long to wait after one more lost race in a row: a moment for the first five, then ever longer, up to ten seconds.
    pub(super) fn raced(&self, uid: &str) -> Duration {
        let mut races = locked(&self.races);
        let count = races.entry(uid.to_owned()).or_default();
        *count = count.saturating_add(1);
        Duration::from_millis(50)
            .saturating_mul(1 << count.saturating_sub(5).min(8))
            .min(Duration::from_secs(10))
    }

    /// How long to wait after one more failure in a row: from half a second, doubling, to two minutes.
    pub(super) fn failed(&self, uid: &str) -> Duration {
        let mut failures = locked(&self.failures);
        let count = failures.entry(uid.to_owned()).or_default();
        *count = count.saturating_add(1);
        Duration::from_millis(250).saturating_mul(1 << (*count).min(9)).min(Duration::from_secs(120))
    }
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
    fn what_failed_is_left_alone_until_it_is_answered() {
        let memory = Memory::default();
        assert_eq!((memory.postponed("a"), memory.failures("a")), (None, 0));
        assert_eq!(memory.postpone("a").as_millis(), 500);
        assert!(memory.postponed("a").is_some());
        assert_eq!(memory.failures("a"), 1);
        memory.judged("a", ReleaseActionStatus::default());
        assert_eq!((memory.postponed("a"), memory.failures("a")), (None, 0));
    }

    #[test]
    fn lost_races_in_a_row_back_off_after_the_fifth() {
        let memory = Memory::default();
        let waits: Vec<u128> = (0..16).map(|_| memory.raced("a").as_millis()).collect();
        assert_eq!(waits[..7], [50, 50, 50, 50, 50, 100, 200]);
        assert_eq!(waits[15], 10_000);
        memory.succeeded("a");
        assert_eq!(memory.raced("a").as_millis(), 50);
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
