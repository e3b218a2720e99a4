//! The custom verbs on `environments.release-cockpit.dev` that carry every permission.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A permission, asked of the API server's own authorizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Create Deploy and Promote releases, start them.
    Deploy,
    /// Approve, reject, tick a checklist item.
    Approve,
    /// Pause, resume, set weight, promote, retry.
    Shift,
    /// Abort and roll back, in an emergency too.
    Rollback,
    /// Freeze, unfreeze, deny, allow.
    Freeze,
    /// Scale and restart.
    Scale,
    /// Break-glass.
    Override,
}

impl Verb {
    /// Every verb, in the order in which they are documented.
    pub const ALL: [Self; 7] =
        [Self::Deploy, Self::Approve, Self::Shift, Self::Rollback, Self::Freeze, Self::Scale, Self::Override];

    /// The verb as RBAC rules and `kubectl auth can-i` spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Approve => "approve",
            Self::Shift => "shift",
            Self::Rollback => "rollback",
            Self::Freeze => "freeze",
            Self::Scale => "scale",
            Self::Override => "override",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
