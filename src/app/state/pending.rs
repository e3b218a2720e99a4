//! What was asked for and is not yet seen to have happened. A key press marks; only the watch shows what is true.

use chrono::{DateTime, Utc};

use crate::api::ReleaseKey;
use crate::app::state::effect::RequestId;
use crate::app::state::located::{EnvironmentId, ReleaseId};

/// An intent on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The request that carries it.
    pub request: RequestId,
    /// What is meant, such as `approve` or `deploy v1.8.2`.
    pub what: String,
    /// Where.
    pub environment: EnvironmentId,
    /// The release that it acts on, or the one that it creates.
    pub release: ReleaseId,
    /// The object that carries it: a release's or an action's namespace and name.
    pub object: ReleaseKey,
    /// It creates a release rather than an action.
    pub creates: bool,
    /// When it was sent.
    pub since: DateTime<Utc>,
    /// How far it is.
    pub state: PendingState,
    /// That the controller is silent was said already.
    pub warned: bool,
}

/// How far an intent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingState {
    /// Sent; no answer yet.
    Sent,
    /// The API server holds it; the controller has not judged it yet.
    Accepted,
    /// It may or may not have arrived.
    Unknown,
}
