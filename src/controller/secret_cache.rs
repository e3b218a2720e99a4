//! Whether Secrets permit how they are used, as last answered by the API server.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use super::lock::locked;
use crate::cluster::secret::SecretError;
use crate::domain::secret_use::SecretUse;

/// How long an answer is reused.
const FRESH: TimeDelta = TimeDelta::seconds(30);
/// Answers above which old ones are dropped.
const MANY: usize = 1_024;

/// Whether a use is permitted.
pub(super) type Answer = Result<(), SecretError>;

/// By namespace and use: the latest answer and its time.
type Answers = BTreeMap<(String, SecretUse), (DateTime<Utc>, Answer)>;

/// The latest answers.
#[derive(Default)]
pub(super) struct SecretCache(Mutex<Answers>);

impl SecretCache {
    /// The answer, while it is fresh.
    pub(super) fn get(&self, namespace: &str, wanted: &SecretUse, now: DateTime<Utc>) -> Option<Answer> {
        let answers = locked(&self.0);
        let (at, answer) = answers.get(&(namespace.to_owned(), wanted.clone()))?;
        ((now - *at).abs() < FRESH).then(|| answer.clone())
    }

    /// Keeps an answer; old ones go when there are many.
    pub(super) fn keep(&self, namespace: &str, wanted: SecretUse, now: DateTime<Utc>, answer: Answer) {
        let mut answers = locked(&self.0);
        if answers.len() >= MANY {
            answers.retain(|_, (at, _)| (now - *at).abs() < FRESH);
        }
        answers.insert((namespace.to_owned(), wanted), (now, answer));
    }
}
