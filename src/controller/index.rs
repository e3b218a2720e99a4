//! What was reported, by what it belongs to, so that looking at one environment does not cost a look at every record of the cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;

use super::lock::locked;
use super::metadata::{name, namespace};

/// Namespace, and name of the owner in it.
type Key = (String, String);
type Groups<K> = BTreeMap<Key, BTreeMap<String, Arc<K>>>;

/// Objects by their owner: releases by environment, actions by environment or by release.
pub(super) struct Index<K: Resource<DynamicType = ()> + Clone + 'static> {
    store: Store<K>,
    owner: fn(&K) -> Option<&str>,
    /// Nothing until the store has been filled once.
    groups: Mutex<Option<Groups<K>>>,
}

impl<K: Resource<DynamicType = ()> + Clone + 'static> Index<K> {
    /// An index over a store; `owner` names what an object belongs to, in its own namespace.
    pub(super) fn new(store: Store<K>, owner: fn(&K) -> Option<&str>) -> Self {
        Self { store, owner, groups: Mutex::new(None) }
    }

    /// What belongs to an owner, as last reported, by name.
    pub(super) fn of(&self, namespace: &str, owner: &str) -> Vec<Arc<K>> {
        if let Some(groups) = &*locked(&self.groups) {
            let group = groups.get(&(namespace.to_owned(), owner.to_owned()));
            return group.map(|group| group.values().cloned().collect()).unwrap_or_default();
        }
        let belongs =
            |object: &Arc<K>| self::namespace(&**object) == namespace && (self.owner)(object) == Some(owner);
        self.store.state().into_iter().filter(belongs).collect()
    }

    /// To be told every event after the store was.
    pub(super) fn changed(&self, event: &Event<K>) {
        match event {
            Event::Apply(object) | Event::Delete(object) => {
                let mut groups = locked(&self.groups);
                let Some(groups) = &mut *groups else { return };
                self.place(groups, object, self.store.get(&ObjectRef::from_obj(object)));
            }
            Event::InitDone => {
                let mut groups = BTreeMap::new();
                for object in self.store.state() {
                    self.place(&mut groups, &object.clone(), Some(object));
                }
                *locked(&self.groups) = Some(groups);
            }
            Event::Init | Event::InitApply(_) => {}
        }
    }

    /// What an object belongs to never changes: specs of records are immutable.
    fn place(&self, groups: &mut Groups<K>, object: &K, stored: Option<Arc<K>>) {
        let Some(owner) = (self.owner)(object) else { return };
        let key = (namespace(object).to_owned(), owner.to_owned());
        let group = groups.entry(key).or_default();
        match stored {
            Some(stored) => group.insert(name(object).to_owned(), stored),
            None => group.remove(name(object)),
        };
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::reflector;

    use super::*;
    use crate::api::Release;
    use crate::domain::fixtures::{NAMESPACE, release_at};

    #[test]
    fn it_follows_the_store_from_the_first_event_on() {
        let (store, mut writer) = reflector::store::<Release>();
        let index = Index::new(store, |release: &Release| Some(release.spec.environment.as_str()));
        let names = |index: &Index<Release>, owner: &str| {
            let found = index.of(NAMESPACE, owner);
            found.iter().map(|release| name(&**release).to_owned()).collect::<Vec<_>>()
        };
        let mut other = release_at("c", "v1", 0);
        other.spec.environment = "staging".into();
        let apply = |name: &str| Event::Apply(release_at(name, "v1", 0));
        let events = [
            (Event::Init, &[][..]),
            (Event::InitApply(release_at("a", "v1", 0)), &[]),
            (Event::InitApply(other.clone()), &[]),
            (Event::InitDone, &["a"]),
            (apply("b"), &["a", "b"]),
            (Event::Delete(release_at("a", "v1", 0)), &["b"]),
            (apply("b"), &["b"]),
        ];
        for (event, expected) in events {
            writer.apply_watcher_event(&event);
            index.changed(&event);
            assert_eq!(names(&index, "production"), expected);
        }
        assert_eq!(names(&index, "staging"), ["c"]);
        assert!(index.of("elsewhere", "production").is_empty());
    }
}
