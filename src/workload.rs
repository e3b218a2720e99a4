//! Workloads: the objects that run a component, behind one port.
//!
//! Owns how each kind is read into a [`WorkloadState`] and how its image is replaced so that a second try does no harm. Must not
//! know when that is right (`domain::rollout`). A new kind is one file and one line in [`WORKLOADS`].

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use kube::Client;
use serde_json::Value;

use crate::api::environment::WorkloadKind;
use crate::api::release::RolloutAsk;
use crate::domain::rollout_status::WorkloadState;

mod argo_rollout;
mod autoscaler;
mod configs;
mod controller_revisions;
mod daemon_set;
mod deployment;
mod operate;
mod patch;
pub(crate) mod refusal;
mod replica_sets;
mod request_error;
mod stateful_set;
mod template;
pub mod track;
mod two_tracks;

pub use autoscaler::{autoscaler_of, autoscalers};
pub use configs::content_hash;
pub(crate) use request_error::request_error;
pub use two_tracks::unfit as unfit_for_two_tracks;

/// What can go wrong with a workload.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server could not be asked, or said no.
    #[error("{kind} {name}: {}", request_error(source))]
    Kube {
        /// Kind of the object.
        kind: WorkloadKind,
        /// Name of the object.
        name: String,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// Somebody changed the object between the look and the write; nothing was written.
    #[error("{kind} {name} changed in between")]
    Changed {
        /// Kind of the object.
        kind: WorkloadKind,
        /// Name of the object.
        name: String,
    },
    /// The object is gone.
    #[error("{kind} {name} does not exist")]
    Missing {
        /// Kind of the object.
        kind: WorkloadKind,
        /// Name of the object.
        name: String,
    },
    /// No adapter is registered for this kind.
    #[error("{0} is not carried out by this version")]
    Unsupported(WorkloadKind),
    /// A second workload cannot be made of this kind.
    #[error(
        "a second workload can only be made of a Deployment, and {name} is a {kind}: release it with the strategy rolling"
    )]
    Single {
        /// Kind of the object.
        kind: WorkloadKind,
        /// Name of the object.
        name: String,
    },
    /// The name of the second workload is taken.
    #[error(
        "{kind} {name} was not made by the controller: rename or remove it, its name is needed for the second workload"
    )]
    Foreign {
        /// Kind of the object.
        kind: WorkloadKind,
        /// Name of the object.
        name: String,
    },
    /// The labels of a workload that serves traffic would have to change, which means to remove it first.
    #[error(
        "{kind} {name} serves traffic, and its pods no longer bear the labels that are wanted: it is not removed; restore the selector of the component's Service, or roll back"
    )]
    Serves {
        /// Kind of the object.
        kind: WorkloadKind,
        /// Name of the object.
        name: String,
    },
}

impl Error {
    /// Whether a later try may succeed without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Changed { .. } => true,
            Self::Missing { .. }
            | Self::Unsupported(_)
            | Self::Single { .. }
            | Self::Foreign { .. }
            | Self::Serves { .. } => false,
            Self::Kube { source, .. } => refusal::is_transient(source),
        }
    }
}

/// Where a workload lives, and the container that matters.
#[derive(Clone)]
pub struct Target {
    /// Client with which it is reached.
    pub client: Client,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Name of the container whose image is released.
    pub container: String,
}

/// The image of one container to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerChange {
    /// Name of the container or init container.
    pub container: String,
    /// The image that must still be there.
    pub from: String,
    /// The image that takes its place.
    pub to: String,
}

/// An image to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageChange {
    /// The image that must still be there.
    pub from: String,
    /// The image that takes its place.
    pub to: String,
    /// Further containers whose images are replaced in the same write.
    pub others: Vec<ContainerChange>,
    /// The partition that a StatefulSet gets in the same write; absent: it is left alone.
    pub partition: Option<i32>,
    /// `namespace/name` of the release.
    pub release: String,
    /// For `kubectl rollout history`.
    pub cause: String,
    /// Whether it goes back to what ran before: an equal revision then keeps the cause that it bears.
    pub is_undo: bool,
}

/// A size to be set, or pods to be started anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub kind: OperationKind,
    /// Name of the action that asks for it; the workload bears it afterwards, so that it is done once.
    pub action: String,
}

/// What is done to a workload besides releasing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Wants so many replicas, where it wants `from`.
    Scale {
        /// Replicas that must still be wanted.
        from: i32,
        /// Replicas wanted from then on.
        to: i32,
    },
    /// Starts its pods anew, as `kubectl rollout restart` does at this instant.
    Restart(DateTime<Utc>),
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The image was replaced.
    Now,
    /// It had been replaced before.
    Already,
}

/// One old or present template of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub number: i64,
    /// Image of the container that matters, where the kind tells it.
    pub image: Option<String>,
    /// What `kubectl rollout history` says of it.
    pub change_cause: Option<String>,
    /// Its pod template, without the labels that tell revisions apart; nothing where the record holds none.
    pub template: Option<Value>,
    /// When it was recorded.
    pub created: Option<DateTime<Utc>>,
    /// Whether it is what is wanted now.
    pub is_current: bool,
}

impl Revision {
    /// The recorded change cause, unless it is one of ours about another image: somebody who changes the image by hand leaves the
    /// annotation behind, and it must not name the author of the change before.
    fn cause_of(recorded: Option<&String>, image: Option<&str>) -> Option<String> {
        let recorded = recorded?;
        let is_stale = recorded.contains(" by release ")
            && recorded.contains(", requested by ")
            && image.is_some_and(|image| !recorded.contains(&format!(" {image} by release ")));
        (!is_stale).then(|| recorded.clone())
    }
}

/// One kind of workload.
pub trait Workload: Send + Sync {
    /// The kind.
    fn kind(&self) -> WorkloadKind;

    /// What runs, and how far its rollout is; nothing when the object does not exist.
    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<WorkloadState>, Error>>;

    /// Replaces the image, provided that the container still runs `from`. Harmless when done twice.
    fn set_image<'a>(
        &'a self,
        target: &'a Target,
        change: &'a ImageChange,
    ) -> BoxFuture<'a, Result<Written, Error>>;

    /// Scales or restarts. Harmless when done twice.
    fn operate<'a>(
        &'a self,
        target: &'a Target,
        wanted: &'a Operation,
    ) -> BoxFuture<'a, Result<Written, Error>>;

    /// The revisions that are kept, newest first.
    fn revisions<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Revision>, Error>>;

    /// Asks a workload that has steps of its own for something, provided that it still stands where it did. Harmless when done twice.
    fn ask<'a>(&'a self, _: &'a Target, _: &'a RolloutAsk) -> BoxFuture<'a, Result<Written, Error>> {
        Box::pin(async { Err(Error::Unsupported(self.kind())) })
    }
}

/// Every kind that can be released.
pub static WORKLOADS: &[&dyn Workload] = &[
    &deployment::Deployments,
    &stateful_set::StatefulSets,
    &daemon_set::DaemonSets,
    &argo_rollout::Rollouts,
];

/// The adapter of a kind.
pub fn workload(kind: WorkloadKind) -> Result<&'static dyn Workload, Error> {
    WORKLOADS.iter().copied().find(|workload| workload.kind() == kind).ok_or(Error::Unsupported(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_by_hand_is_not_blamed_on_the_release_before() {
        let ours = "set to ghcr.io/acme/api:v1 by release prod-v1, requested by alice".to_owned();
        let cause = |image| Revision::cause_of(Some(&ours), image);
        assert_eq!(cause(Some("ghcr.io/acme/api:v1")), Some(ours.clone()));
        assert_eq!(cause(Some("ghcr.io/acme/api:v2")), None);
        assert_eq!(cause(None), Some(ours.clone()));
        let own = "kubectl set image".to_owned();
        assert_eq!(Revision::cause_of(Some(&own), Some("ghcr.io/acme/api:v2")), Some(own));
    }

    #[test]
    fn each_kind_is_registered_once() {
        let mut kinds: Vec<_> = WORKLOADS.iter().map(|workload| workload.kind()).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), WORKLOADS.len());
        for kind in kinds {
            assert_eq!(workload(kind).unwrap().kind(), kind);
        }
        assert_eq!(WORKLOADS.len(), 4);
    }
}
