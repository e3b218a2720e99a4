//! The wire: what is stored in etcd, and nothing else.
//!
//! Owns the three custom resources of the group `release-cockpit.dev/v1alpha1`, the words in which they are written, and the
//! only conversion between the clocks of Kubernetes (jiff) and ours (chrono). Must not know how a decision is made
//! (`domain`), nor how an object travels (`cluster`).
//!
//! The types are the source of the CustomResourceDefinitions that `release-cockpit manifests` prints.

pub(crate) mod audit_chain;
pub mod condition;
pub(crate) mod config_record;
pub(crate) mod duration;
#[expect(
    unreachable_pub,
    reason = "schema derives repeat the visibility of a type for what they make beside it"
)]
pub mod environment;
pub mod labels;
pub mod names;
pub(crate) mod notified;
pub(crate) mod permission;
#[expect(
    unreachable_pub,
    reason = "schema derives repeat the visibility of a type for what they make beside it"
)]
pub mod release;
#[expect(
    unreachable_pub,
    reason = "schema derives repeat the visibility of a type for what they make beside it"
)]
pub mod release_action;
pub(crate) mod stored;
pub mod strategy;
pub(crate) mod time;

pub use audit_chain::{ChainHead, Seal};
pub use condition::Condition;
pub use duration::Duration;
pub use environment::{Environment, EnvironmentSpec, EnvironmentStatus, Tier};
pub use names::{ComponentName, EnvironmentKey, ReleaseKey};
pub use notified::Notified;
pub use permission::Verb;
pub use release::{Phase, Release, ReleaseKind, ReleaseSpec, ReleaseStatus};
pub use release_action::{ActionKind, ActionResult, ReleaseAction, ReleaseActionSpec, ReleaseActionStatus};
pub use stored::{Stored, Unreadable};

/// API group of every object of this product.
pub const GROUP: &str = "release-cockpit.dev";
/// Served version of every object of this product.
pub const VERSION: &str = "v1alpha1";
/// Category under which `kubectl get cockpit` lists all three kinds.
pub const CATEGORY: &str = "cockpit";
