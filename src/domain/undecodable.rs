//! An object that this version cannot decode, or only in part, as people see it.

use crate::api::stored::{self, Stored};
use kube::Resource;

/// What is wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undecodable {
    /// Its kind, in the plural, such as `environments.release-cockpit.dev`.
    pub what: Box<str>,
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Why, without the remedy.
    pub reason: String,
}

impl Undecodable {
    /// What is wrong with an object; nothing where it is understood.
    #[must_use]
    pub fn of<K: Resource>(what: &str, object: &Stored<K>) -> Option<Self> {
        let reason = match object {
            Stored::Readable(object) => return Self::in_part(what, object),
            Stored::Unreadable(unreadable) => unreadable.reason.clone(),
        };
        Some(Self::named(what, object, reason))
    }

    /// What this version does not understand of a decoded object; nothing where it understands all of it.
    #[must_use]
    pub fn in_part<K: Resource>(what: &str, object: &K) -> Option<Self> {
        let unknown = stored::unknown(object)?;
        Some(Self::named(what, object, format!("does not understand {unknown}")))
    }

    fn named(what: &str, object: &impl Resource, reason: String) -> Self {
        let meta = object.meta();
        Self {
            what: what.into(),
            namespace: meta.namespace.as_deref().unwrap_or_default().into(),
            name: meta.name.as_deref().unwrap_or_default().into(),
            reason,
        }
    }
}

impl std::fmt::Display for Undecodable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}: {}", self.what, self.namespace, self.name, self.reason)
    }
}
