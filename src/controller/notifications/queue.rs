//! The queue of notifications: what waits to be sent, and what was sent but is not reported yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::super::lock::locked;
use super::super::turns::Turns;
use crate::api::names::EnvironmentKey;
use crate::api::{Environment, Notified, Release};
use crate::domain::notice::Notice;
use crate::notify::Sender;

/// Objects of one environment whose notifications may be queued.
pub(super) const QUEUE: usize = 64;
/// Messages that are sent at once for one environment, and for all: one tenant's dead channel takes no place of another tenant.
const EACH: usize = 2;
const ALL: usize = 256;

/// The news of one object.
pub(in crate::controller) struct Job {
    pub(super) about: About,
    pub(super) environment: Arc<Environment>,
    pub(super) notices: Vec<Notice>,
}

#[derive(Clone)]
pub(super) enum About {
    Release(Arc<Release>),
    Environment(Arc<Environment>),
}

impl About {
    pub(super) fn uid(&self) -> &str {
        let uid = match self {
            Self::Release(release) => &release.metadata.uid,
            Self::Environment(environment) => &environment.metadata.uid,
        };
        uid.as_deref().unwrap_or_default()
    }
}

/// Queued notifications, and those sent but not yet seen in a status.
pub(in crate::controller) struct NotificationQueue {
    queue: mpsc::UnboundedSender<Job>,
    /// Objects whose news waits or is being told, by environment; what bounds the queue.
    waiting: Mutex<BTreeMap<EnvironmentKey, usize>>,
    /// Turns to send; nobody keeps one while it waits for another try.
    pub(super) turns: Turns,
    /// By the object's uid.
    pub(super) taken: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// One after the other writes down what was told.
    pub(super) writing: tokio::sync::Mutex<()>,
    pub(super) sender: Sender,
}

impl NotificationQueue {
    /// A teller, and the end of its queue for `work`.
    pub(in crate::controller) fn new(sender: Sender) -> (Self, mpsc::UnboundedReceiver<Job>) {
        let (queue, jobs) = mpsc::unbounded_channel();
        let notifications = Self {
            queue,
            waiting: Mutex::default(),
            turns: Turns::new(EACH, ALL),
            taken: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            sender,
        };
        (notifications, jobs)
    }

    /// The object is gone.
    pub(in crate::controller) fn forget(&self, uid: &str) {
        locked(&self.taken).remove(uid);
    }

    /// Takes what nobody has taken yet.
    pub(super) fn take(&self, uid: &str, reported: &[Notified], mut notices: Vec<Notice>) -> Vec<Notice> {
        let mut all = locked(&self.taken);
        let taken = all.entry(uid.to_owned()).or_default();
        taken.retain(|key| !reported.iter().any(|told| told.key == *key));
        notices.retain(|notice| taken.insert(notice.key.clone()));
        if taken.is_empty() {
            all.remove(uid);
        }
        notices
    }

    pub(super) fn give_back(&self, uid: &str, notices: &[Notice]) {
        if let Some(taken) = locked(&self.taken).get_mut(uid) {
            taken.retain(|key| !notices.iter().any(|notice| notice.key == *key));
        }
    }

    pub(super) fn enqueue(&self, about: About, environment: &Arc<Environment>, notices: Vec<Notice>) {
        if notices.is_empty() {
            return;
        }
        let job = Job { about, environment: environment.clone(), notices };
        if !self.begin(&environment.key()) {
            tracing::warn!(environment = %environment.key(), "too much is to be told at once; it is told later");
            return self.give_back(job.about.uid(), &job.notices);
        }
        if let Err(mpsc::error::SendError(job)) = self.queue.send(job) {
            self.end(&environment.key());
            self.give_back(job.about.uid(), &job.notices);
        }
    }

    /// Whether the environment has place for one more object with news.
    pub(super) fn begin(&self, key: &EnvironmentKey) -> bool {
        let mut waiting = locked(&self.waiting);
        let count = waiting.entry(key.clone()).or_default();
        let has_place = *count < QUEUE;
        *count += usize::from(has_place);
        has_place
    }

    pub(super) fn end(&self, key: &EnvironmentKey) {
        let mut waiting = locked(&self.waiting);
        if let Some(count) = waiting.get_mut(key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.remove(key);
            }
        }
    }
}
