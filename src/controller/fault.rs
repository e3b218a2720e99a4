//! Places between two writes at which a test may kill the controller.

use std::fmt;
use std::sync::Arc;

use crate::api::release::Phase;

/// A place between two writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Name of the release, or of the environment.
    pub object: String,
    /// The phase that is being entered or worked in.
    pub phase: Phase,
    /// What would come next: `status`, `set-image COMPONENT`, `judge ACTION`, `end`.
    pub before: String,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "before {} of {} in {}", self.before, self.object, self.phase)
    }
}

type Hook = dyn Fn(&Cut) -> bool + Send + Sync;

/// What a test does to the controller; nothing in production.
#[derive(Clone, Default)]
pub struct Faults {
    hook: Option<Arc<Hook>>,
}

impl Faults {
    /// Kills the controller, without any cleaning up, at the first cut for which the function says so.
    pub fn kill_when(hook: impl Fn(&Cut) -> bool + Send + Sync + 'static) -> Self {
        Self { hook: Some(Arc::new(hook)) }
    }

    pub(super) fn kills(&self, cut: &Cut) -> bool {
        self.hook.as_ref().is_some_and(|hook| hook(cut))
    }
}
