//! Everything that the terminal knows. One owner, no locks; drawing reads it and changes nothing.

use chrono::{DateTime, Utc};

use crate::app::cluster_state::{ClusterId, ClusterState};

/// Everything that the terminal knows.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// The present instant, as the last event told it.
    pub now: DateTime<Utc>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The clusters of this session; [`ClusterId`] is the index.
    pub clusters: Vec<ClusterState>,
}

impl Store {
    /// That cluster, if the session has it.
    #[must_use]
    pub fn cluster(&self, id: ClusterId) -> Option<&ClusterState> {
        self.clusters.get(usize::from(id.0))
    }
}
