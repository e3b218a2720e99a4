//! The objects, their resource versions, and a bounded history of what happened to them: what etcd and the watch cache are to
//! a real API server. Must not know about HTTP, permission or what an object does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::kinds::{self, Resource, TABLES, text};
use super::pod_facts::PodFacts;
use super::rng::Seed;

/// Changes kept per kind for watches that resume.
const HISTORY: usize = 20_000;

/// One version of an object.
#[derive(Debug)]
pub(super) struct Object {
    /// The object in full.
    pub value: Value,
    /// Its resource version.
    pub version: u64,
    json: OnceLock<Box<str>>,
    pod: OnceLock<PodFacts>,
}

impl Object {
    fn new(value: Value, version: u64) -> Arc<Self> {
        Arc::new(Self { value, version, json: OnceLock::new(), pod: OnceLock::new() })
    }

    /// The object as JSON; made once.
    pub(super) fn json(&self) -> &str {
        self.json.get_or_init(|| self.value.to_string().into_boxed_str())
    }

    /// What controllers count a pod by; read once.
    pub(super) fn pod(&self) -> &PodFacts {
        self.pod.get_or_init(|| PodFacts::of(&self.value))
    }

    /// `metadata.namespace`; empty for cluster-wide objects.
    pub(super) fn namespace(&self) -> &str {
        text(&self.value, &["metadata", "namespace"])
    }

    /// `metadata.name`.
    pub(super) fn name(&self) -> &str {
        text(&self.value, &["metadata", "name"])
    }

    /// `metadata.uid`.
    pub(super) fn uid(&self) -> &str {
        text(&self.value, &["metadata", "uid"])
    }
}

/// Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// Namespace; empty for cluster-wide objects.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
}

impl Key {
    /// A key from its two parts.
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of an object.
    pub(super) fn of(value: &Value) -> Self {
        Self::new(text(value, &["metadata", "namespace"]), text(value, &["metadata", "name"]))
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It appeared.
    Added,
    /// It changed.
    Modified,
    /// It is gone.
    Deleted,
}

/// One entry of the history.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Resource version of the change.
    pub version: u64,
    /// What happened.
    pub change: Change,
    /// The object after it (before it, for a deletion, with the deletion's resource version).
    pub object: Arc<Object>,
    /// The object before it.
    pub previous: Option<Arc<Object>>,
}

#[derive(Debug, Default)]
struct Rows {
    objects: BTreeMap<Key, Arc<Object>>,
    history: VecDeque<Event>,
    /// Newest version that the history no longer covers.
    forgotten: u64,
}

/// The asked-for part of the history is no longer kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// All objects.
#[derive(Debug)]
pub(super) struct Store {
    version: u64,
    seed: Seed,
    created: u64,
    rows: Vec<Rows>,
    touched: Vec<(&'static Resource, Key)>,
}

impl Store {
    /// An empty store.
    pub(super) fn new(seed: Seed) -> Self {
        let rows = (0..TABLES).map(|_| Rows { forgotten: 1_000, ..Rows::default() }).collect();
        Self { version: 1_000, seed, created: 0, rows, touched: Vec::new() }
    }

    /// The newest resource version.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// One object.
    pub(super) fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.rows[resource.table].objects.get(&Key::new(namespace, name))
    }

    /// The objects of a kind, in all namespaces (`None`) or one, by namespace and name.
    pub(super) fn list<'a>(
        &'a self,
        resource: &Resource,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.list_from(resource, &Key::new(namespace.unwrap_or_default(), ""), namespace)
    }

    /// As [`Store::list`], from a key on.
    pub(super) fn list_from<'a>(
        &'a self,
        resource: &Resource,
        from: &Key,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.rows[resource.table]
            .objects
            .range(from.clone()..)
            .take_while(move |(key, _)| namespace.is_none_or(|wanted| *key.namespace == *wanted))
            .map(|(_, object)| object)
    }

    /// As [`Store::list`], at a version of the past.
    ///
    /// # Errors
    /// [`Gone`] when the history no longer reaches back that far.
    pub(super) fn list_at(
        &self,
        resource: &Resource,
        version: u64,
        namespace: Option<&str>,
    ) -> Result<Vec<Arc<Object>>, Gone> {
        let mut before: BTreeMap<Key, Option<Arc<Object>>> = BTreeMap::new();
        for event in self.since(resource, version)? {
            before.entry(Key::of(&event.object.value)).or_insert_with(|| event.previous.clone());
        }
        let mut objects: BTreeMap<Key, Arc<Object>> =
            self.list(resource, namespace).map(|object| (Key::of(&object.value), object.clone())).collect();
        for (key, object) in before {
            match object {
                Some(object) if namespace.is_none_or(|wanted| *key.namespace == *wanted) => {
                    objects.insert(key, object);
                }
                _ => {
                    objects.remove(&key);
                }
            }
        }
        Ok(objects.into_values().collect())
    }

    /// Adds an object, giving it uid, creation time, generation and resource version. The caller has made sure that its name
    /// is free.
    pub(super) fn create(
        &mut self,
        resource: &'static Resource,
        mut value: Value,
        now: DateTime<Utc>,
    ) -> Arc<Object> {
        self.created += 1;
        let uid = self.seed.child("uid").nth(self.created).uid();
        let meta = metadata(&mut value);
        meta.insert("uid".into(), uid.into());
        if !meta.get("creationTimestamp").is_some_and(Value::is_string) {
            meta.insert("creationTimestamp".into(), stamp(now).into());
        }
        if resource.has_status() || resource.group == "apps" || resource.is_custom() {
            meta.entry("generation").or_insert_with(|| 1.into());
        }
        self.put(resource, value)
    }

    /// Replaces an object; a value that is equal to the present one changes nothing.
    pub(super) fn update(&mut self, resource: &'static Resource, value: Value) -> Arc<Object> {
        let key = Key::of(&value);
        if let Some(present) = self.rows[resource.table].objects.get(&key)
            && equal_but_version(&present.value, &value)
        {
            return present.clone();
        }
        self.put(resource, value)
    }

    /// Changes an object in place; nothing happens when it does not exist.
    pub(super) fn change(
        &mut self,
        resource: &'static Resource,
        key: &Key,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Object>> {
        let mut value = self.get(resource, &key.namespace, &key.name)?.value.clone();
        change(&mut value);
        Some(self.update(resource, value))
    }

    fn put(&mut self, resource: &'static Resource, mut value: Value) -> Arc<Object> {
        self.version += 1;
        metadata(&mut value).insert("resourceVersion".into(), self.version.to_string().into());
        let key = Key::of(&value);
        let object = Object::new(value, self.version);
        let previous = self.rows[resource.table].objects.insert(key.clone(), object.clone());
        let change = if previous.is_some() { Change::Modified } else { Change::Added };
        self.remember(resource, Event { version: self.version, change, object: object.clone(), previous });
        self.touched.push((resource, key));
        object
    }

    /// Removes an object at once.
    pub(super) fn remove(&mut self, resource: &'static Resource, key: &Key) -> Option<Arc<Object>> {
        let previous = self.rows[resource.table].objects.remove(key)?;
        self.version += 1;
        let mut value = previous.value.clone();
        metadata(&mut value).insert("resourceVersion".into(), self.version.to_string().into());
        let object = Object::new(value, self.version);
        self.remember(
            resource,
            Event {
                version: self.version,
                change: Change::Deleted,
                object: object.clone(),
                previous: Some(previous),
            },
        );
        self.touched.push((resource, key.clone()));
        Some(object)
    }

    fn remember(&mut self, resource: &Resource, event: Event) {
        let rows = &mut self.rows[resource.table];
        if rows.history.len() >= HISTORY
            && let Some(old) = rows.history.pop_front()
        {
            rows.forgotten = old.version;
        }
        rows.history.push_back(event);
    }

    /// What happened to a kind after a version.
    ///
    /// # Errors
    /// [`Gone`] when the history no longer reaches back that far.
    pub(super) fn since(
        &self,
        resource: &Resource,
        version: u64,
    ) -> Result<impl Iterator<Item = &Event>, Gone> {
        let rows = &self.rows[resource.table];
        if version < rows.forgotten {
            return Err(Gone);
        }
        let start = rows.history.partition_point(|event| event.version <= version);
        Ok(rows.history.range(start..))
    }

    /// Forgets all history, as a compaction of etcd does.
    pub(super) fn compact(&mut self) {
        for rows in &mut self.rows {
            rows.history.clear();
            rows.forgotten = self.version;
        }
    }

    /// What changed since this was last asked.
    pub(super) fn take_touched(&mut self) -> Vec<(&'static Resource, Key)> {
        std::mem::take(&mut self.touched)
    }
}

/// The metadata of an object, made when absent.
pub(super) fn metadata(value: &mut Value) -> &mut Map<String, Value> {
    entry(value, "metadata")
}

/// An object's field as a map, made when absent.
pub(super) fn entry<'a>(value: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    if !value.get(field).is_some_and(Value::is_object) {
        value[field] = json!({});
    }
    match &mut value[field] {
        Value::Object(map) => map,
        _ => unreachable!("made a map above"),
    }
}

/// An instant as Kubernetes writes it: whole seconds, `Z`.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant with microseconds.
pub(super) fn micro_stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// An instant out of an object; nothing when absent or malformed.
pub(super) fn instant(value: &Value, path: &[&str]) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(kinds::at(value, path)?.as_str()?).ok().map(|at| at.to_utc())
}

fn equal_but_version(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    a.len() == b.len()
        && a.iter().all(|(key, left)| match b.get(key) {
            Some(right) if key == "metadata" => metadata_equal(left, right),
            Some(right) => left == right,
            None => false,
        })
}

fn metadata_equal(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    let own = |map: &Map<String, Value>| map.len() - usize::from(map.contains_key("resourceVersion"));
    own(a) == own(b)
        && a.iter().filter(|(key, _)| *key != "resourceVersion").all(|(key, left)| b.get(key) == Some(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kinds::PODS;

    fn pod(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "a", "name": name}})
    }

    #[test]
    fn versions_rise_and_the_history_tells_what_happened() {
        let mut store = Store::new(Seed(1));
        let first = store.create(PODS, pod("x"), DateTime::UNIX_EPOCH);
        let start = first.version;
        let second = store.change(PODS, &Key::new("a", "x"), |pod| pod["spec"] = json!({"a": 1})).unwrap();
        assert!(second.version > start);
        store.remove(PODS, &Key::new("a", "x"));
        let seen: Vec<_> = store.since(PODS, start).unwrap().map(|event| event.change).collect();
        assert_eq!(seen, [Change::Modified, Change::Deleted]);
        assert!(store.get(PODS, "a", "x").is_none());
    }

    #[test]
    fn an_equal_value_changes_nothing() {
        let mut store = Store::new(Seed(1));
        let object = store.create(PODS, pod("x"), DateTime::UNIX_EPOCH);
        let again = store.update(PODS, object.value.clone());
        assert_eq!(again.version, object.version);
    }

    #[test]
    fn a_history_that_was_dropped_is_gone() {
        let mut store = Store::new(Seed(1));
        let object = store.create(PODS, pod("x"), DateTime::UNIX_EPOCH);
        store.create(PODS, pod("y"), DateTime::UNIX_EPOCH);
        store.compact();
        assert!(store.since(PODS, object.version).is_err());
        assert!(store.since(PODS, store.version()).is_ok());
    }

    #[test]
    fn a_list_of_one_namespace_stops_at_its_end() {
        let mut store = Store::new(Seed(1));
        for (namespace, name) in [("a", "1"), ("b", "1"), ("b", "2"), ("c", "1")] {
            let mut value = pod(name);
            value["metadata"]["namespace"] = namespace.into();
            store.create(PODS, value, DateTime::UNIX_EPOCH);
        }
        assert_eq!(store.list(PODS, Some("b")).count(), 2);
        assert_eq!(store.list(PODS, None).count(), 4);
    }
}
