//! The objects that cannot be decoded, as last reported.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::super::lock::locked;

/// Kind, namespace and name.
pub(super) type Key = (String, String, String);

/// What is wrong with which object, as last reported.
#[derive(Debug, Default)]
pub(in crate::controller) struct Register(Mutex<BTreeMap<Key, String>>);

impl Register {
    /// Takes a report on one object; whether it is news.
    pub(super) fn report(&self, key: Key, wrong: Option<String>) -> bool {
        let mut all = locked(&self.0);
        match wrong {
            Some(wrong) => all.insert(key, wrong.clone()).is_none_or(|before| before != wrong),
            None => all.remove(&key).is_some(),
        }
    }

    /// Forgets what a whole list no longer holds.
    pub(super) fn keep_listed(&self, kind: &str, scope: Option<&str>, listed: &BTreeSet<Key>) {
        locked(&self.0).retain(|key, _| {
            let is_listed_here = key.0 == kind && scope.is_none_or(|scope| key.1 == scope);
            !is_listed_here || listed.contains(key)
        });
    }

    pub(super) fn count(&self, kind: &str) -> usize {
        locked(&self.0).keys().filter(|key| key.0 == kind).count()
    }
}
