//! Names of things across clusters: the same namespace and name may exist in two of them.

use crate::api::{EnvironmentKey, ReleaseKey};
use crate::domain::pod_row::PodKey;

/// Index of a cluster in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u16);

/// A key and the cluster that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Located<K> {
    /// The cluster.
    pub cluster: ClusterId,
    /// The key within that cluster.
    pub key: K,
}

impl<K> Located<K> {
    /// That key in that cluster.
    pub const fn new(cluster: ClusterId, key: K) -> Self {
        Self { cluster, key }
    }
}

/// An environment of the session.
pub type EnvironmentId = Located<EnvironmentKey>;
/// A release of the session.
pub type ReleaseId = Located<ReleaseKey>;
/// A pod of the session.
pub type PodId = Located<PodKey>;
