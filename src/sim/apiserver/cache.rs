//! The watch caches of API servers: the state that a read sees which allows any (`resourceVersion=0`).
//!
//! There are several API servers behind one address, and each cache lags as it likes: such a read may see an older state than the read
//! before it. Every other read sees the newest state.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sim::kinds::Resource;
use crate::sim::rng::Seed;
use crate::sim::store::{Object, Store};

/// How far the caches lag.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    /// The most versions that one of them is behind.
    most: AtomicU64,
    reads: AtomicU64,
}

impl Caches {
    /// From now on the caches are up to that many versions behind.
    pub(crate) fn lag(&self, most: u64) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// The objects of a kind as a read of that `resourceVersion` sees them, with the version of that state; nothing when it sees the newest
    /// state.
    pub(crate) fn list(
        &self,
        store: &Store,
        resource: &Resource,
        namespace: Option<&str>,
        asked: Option<&str>,
    ) -> Option<(u64, Vec<Arc<Object>>)> {
        let most = self.most.load(Ordering::Relaxed);
        if asked != Some("0") || most == 0 {
            return None;
        }
        let read = self.reads.fetch_add(1, Ordering::Relaxed);
        let behind = Seed(most).child("cache").nth(read).0 % (most + 1);
        let version = store.version().saturating_sub(behind);
        // a cache that has just been filled anew is up to date
        store.list_at(resource, version, namespace).ok().map(|objects| (version, objects))
    }
}
