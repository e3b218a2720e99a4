//! The pods of one cluster, and which of them are not well: those few are asked for every second, the others are thousands.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::pod_row::{PodKey, PodRow};

/// Pods by name. Rows are read freely and changed only here, so that what is kept about them stays true.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    rows: BTreeMap<PodKey, PodRow>,
    ailing: BTreeSet<PodKey>,
    restarted: BTreeSet<PodKey>,
}

impl Pods {
    /// All of them.
    #[must_use]
    pub const fn rows(&self) -> &BTreeMap<PodKey, PodRow> {
        &self.rows
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, key: &PodKey) -> Option<&PodRow> {
        self.rows.get(key)
    }

    /// Those of a namespace that have something to tell about their trouble, by name.
    pub fn ailing<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a PodRow> {
        self.among(&self.ailing, namespace)
    }

    /// Those of a namespace that have restarted, by name.
    pub fn restarted<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a PodRow> {
        self.among(&self.restarted, namespace)
    }

    fn among<'a>(&'a self, keys: &'a BTreeSet<PodKey>, namespace: &str) -> impl Iterator<Item = &'a PodRow> {
        let first = PodKey { namespace: namespace.into(), name: "".into() };
        let namespace = first.namespace.clone();
        let ours = keys.range(first..).take_while(move |key| key.namespace == namespace);
        ours.filter_map(|key| self.rows.get(key))
    }

    /// Takes one in; what it was before comes back.
    pub(in crate::app) fn put(&mut self, key: PodKey, row: PodRow) -> Option<PodRow> {
        note(&mut self.ailing, &key, row.facts.is_some());
        note(&mut self.restarted, &key, row.restarts > 0);
        self.rows.insert(key, row)
    }

    /// Forgets one; tells whether it was known.
    pub(in crate::app) fn remove(&mut self, key: &PodKey) -> bool {
        self.ailing.remove(key);
        self.restarted.remove(key);
        self.rows.remove(key).is_some()
    }

    /// These are all; tells whether that is news.
    pub(in crate::app) fn reset(&mut self, rows: Vec<(PodKey, PodRow)>) -> bool {
        let mut fresh = Self::default();
        for (key, row) in rows {
            fresh.put(key, row);
        }
        let changed = self.rows != fresh.rows;
        *self = fresh;
        changed
    }

    /// Changes the cause that one tells; tells whether that is news.
    pub(in crate::app) fn retell(&mut self, key: &PodKey, tell: impl FnOnce(&mut PodRow)) -> bool {
        let Some(row) = self.rows.get_mut(key) else { return false };
        let before = row.cause.clone();
        tell(row);
        row.cause != before
    }
}

fn note(keys: &mut BTreeSet<PodKey>, key: &PodKey, belongs: bool) {
    if !belongs {
        keys.remove(key);
    } else if !keys.contains(key) {
        keys.insert(key.clone());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::app::fixtures::pod;

    proptest! {
        #[test]
        fn what_is_kept_about_pods_is_what_their_rows_say(
            changes in prop::collection::vec((0_usize..4, 0_u32..2, any::<bool>(), any::<bool>()), 0..40)
        ) {
            let mut pods = Pods::default();
            for (number, restarts, is_ailing, goes) in changes {
                let mut row = pod("production", "backend", &format!("backend-{number}"), "v1.8.1");
                row.restarts = restarts;
                row.facts = is_ailing.then(Default::default);
                if goes {
                    pods.remove(&row.key);
                } else {
                    pods.put(row.key.clone(), row);
                }
                let namespace = "planera-production";
                let told: Vec<_> = pods.ailing(namespace).collect();
                let expected: Vec<_> = pods.rows().values().filter(|row| row.facts.is_some()).collect();
                prop_assert_eq!(told, expected);
                let told: Vec<_> = pods.restarted(namespace).collect();
                let expected: Vec<_> = pods.rows().values().filter(|row| row.restarts > 0).collect();
                prop_assert_eq!(told, expected);
                prop_assert_eq!(pods.ailing("planera").count(), 0);
            }
        }
    }
}
