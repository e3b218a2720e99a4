//! The objects of one feed that cannot be decoded, or only in part.

use std::collections::BTreeMap;

use kube::Resource;

use crate::api::Stored;
use crate::domain::undecodable::Undecodable;

/// Namespace and name.
type Place = (Box<str>, Box<str>);

/// What is known of them, and what was last sent.
#[derive(Default)]
pub(super) struct Oddities {
    /// With whether the object is decoded in part, and thus has a row.
    now: BTreeMap<Place, (Undecodable, bool)>,
    sent: BTreeMap<Place, (Undecodable, bool)>,
}

impl Oddities {
    /// A whole list begins.
    pub(super) fn clear(&mut self) {
        self.now.clear();
    }

    /// Notes whether an object can be decoded.
    pub(super) fn examine<W: Resource>(&mut self, what: &str, object: &Stored<W>) {
        let place = place(object);
        match Undecodable::of(what, object) {
            Some(odd) => drop(self.now.insert(place, (odd, matches!(object, Stored::Readable(_))))),
            None => drop(self.now.remove(&place)),
        }
    }

    /// The object is gone.
    pub(super) fn forget(&mut self, object: &impl Resource) {
        self.now.remove(&place(object));
    }

    /// Whether the object was known to be undecodable, so that it has no row.
    pub(super) fn has_no_row(&self, object: &impl Resource) -> bool {
        self.now.get(&place(object)).is_some_and(|(_, in_part)| !in_part)
    }

    /// All of them, where that differs from what was sent last; each new one is logged once.
    pub(super) fn news(&mut self) -> Option<Vec<Undecodable>> {
        if self.now == self.sent {
            return None;
        }
        for (place, (odd, _)) in &self.now {
            if self.sent.get(place).is_none_or(|(before, _)| before != odd) {
                tracing::warn!(%odd, "an object is not understood");
            }
        }
        self.sent.clone_from(&self.now);
        Some(self.now.values().map(|(odd, _)| odd.clone()).collect())
    }
}

fn place(object: &impl Resource) -> Place {
    let meta = object.meta();
    (meta.namespace.as_deref().unwrap_or_default().into(), meta.name.as_deref().unwrap_or_default().into())
}
