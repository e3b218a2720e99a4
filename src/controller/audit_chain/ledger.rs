//! What a process remembers of audit chains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::super::lock::locked;
use crate::api::{ChainHead, Environment};

/// What is remembered of chains between reconciliations; losing it costs time, never truth.
#[derive(Default)]
pub(in crate::controller) struct Ledger {
    pub(super) exported: Mutex<BTreeSet<String>>,
    pub(super) told: Mutex<BTreeSet<(String, String)>>,
    pub(super) looked: Mutex<BTreeMap<String, DateTime<Utc>>>,
    /// By the uid of the environment: the head behind which this process knows of no seal.
    left: Mutex<BTreeMap<String, ChainHead>>,
}

impl Ledger {
    /// Whether this is said for the first time of that environment.
    pub(super) fn is_first(&self, environment: &Environment, sentence: &str) -> bool {
        let uid = environment.metadata.uid.clone().unwrap_or_default();
        locked(&self.told).insert((uid, sentence.to_owned()))
    }

    /// Whether the chain ends where this process left it. Until it is left anew, nobody knows.
    pub(super) fn take(&self, environment: &Environment) -> bool {
        let uid = environment.metadata.uid.as_deref().unwrap_or_default();
        let head = environment.status.as_ref().and_then(|status| status.chain.clone()).unwrap_or_default();
        let left = locked(&self.left).remove(uid);
        left.is_some_and(|left| (left.sequence, left.hash) == (head.sequence, head.hash))
    }

    pub(super) fn leave(&self, environment: &Environment, head: ChainHead) {
        locked(&self.left).insert(environment.metadata.uid.clone().unwrap_or_default(), head);
    }
}
