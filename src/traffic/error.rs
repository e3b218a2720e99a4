//! What can go wrong with routers and their objects, each as a sentence that says what to do.

use crate::workload;

/// A failure of a router.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings name no router, or not what it needs.
    #[error("{0}")]
    Config(String),
    /// An object that the settings name does not exist.
    #[error("{what} does not exist: create it, or name another one in trafficRouting.config")]
    Missing {
        /// Kind and name.
        what: String,
    },
    /// The cluster does not know the kind.
    #[error(
        "the cluster has no {kind} ({group}): install the router's definitions, or choose another router"
    )]
    NotInstalled {
        /// Kind.
        kind: String,
        /// Its group.
        group: String,
    },
    /// The object is there, but cannot be used as it is; the sentence says why.
    #[error("{0}")]
    Unfit(String),
    /// A name or label that would be written is longer than Kubernetes accepts; the sentence says which.
    #[error("{0}")]
    NameTooLong(String),
    /// Somebody changed the object between the look and the write; nothing was written.
    #[error("{0} changed in between")]
    Changed(String),
    /// The API server could not be asked, or said no.
    #[error("{what}: {}", crate::workload::request_error(source))]
    Kube {
        /// Kind and name.
        what: String,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// A workload could not be read.
    #[error(transparent)]
    Workload(#[from] workload::Error),
}

impl Error {
    /// Whether a later try may succeed without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Changed(_) => true,
            Self::Config(_)
            | Self::Missing { .. }
            | Self::NotInstalled { .. }
            | Self::Unfit(_)
            | Self::NameTooLong(_) => false,
            Self::Workload(error) => error.is_transient(),
            Self::Kube { source, .. } => workload::refusal::is_transient(source),
        }
    }

    /// Whether looking again at once is all that it takes.
    #[must_use]
    pub fn is_race(&self) -> bool {
        matches!(self, Self::Changed(_) | Self::Workload(workload::Error::Changed { .. }))
    }
}
