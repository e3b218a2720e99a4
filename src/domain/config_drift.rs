//! Configuration that changed without a release: which ConfigMaps and Secrets a pod template takes from, their hashes, and which of
//! them are no longer what they were.
//!
//! Only hashes are compared and kept, keyed by the environment's uid, so that equal contents of two environments look different. The
//! key is no secret: a hash tells whether a content is the one that somebody already knows, of the whole object at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

use crate::api::Release;
use crate::api::config_record::{ConfigKind, ConfigRecord};
use crate::api::names::ComponentName;
use crate::api::release::ComponentImage;
use crate::domain::hex::hex;

/// Hash of what does not exist.
pub(crate) const ABSENT: &str = "absent";

/// An object that pods take configuration from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigRef {
    /// Its kind.
    pub kind: ConfigKind,
    /// Its name.
    pub name: String,
}

/// The ConfigMaps and Secrets that a pod template takes variables, files or pull credentials from, each once.
#[must_use]
pub(crate) fn references(template: &Value) -> Vec<ConfigRef> {
    let mut found = BTreeSet::new();
    collect(&template["spec"], &mut found);
    found.into_iter().collect()
}

fn collect(value: &Value, found: &mut BTreeSet<ConfigRef>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                let kind = match key.as_str() {
                    "configMapRef" | "configMapKeyRef" | "configMap" => Some(ConfigKind::ConfigMap),
                    "secretRef" | "secretKeyRef" | "secret" => Some(ConfigKind::Secret),
                    _ => None,
                };
                let name = inner.get("name").or_else(|| inner.get("secretName")).and_then(Value::as_str);
                match (kind, name) {
                    (Some(kind), Some(name)) => {
                        found.insert(ConfigRef { kind, name: name.to_owned() });
                    }
                    _ => collect(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Keyed hash over the content of one object: HMAC-SHA-256 under the environment's uid, the first 32 hexadecimal digits.
#[must_use]
pub(crate) fn hash(salt: &str, reference: &ConfigRef, object: &Value) -> String {
    let mut message = format!("{}/{}\n", reference.kind.as_str(), reference.name);
    for part in ["data", "binaryData"] {
        // the server is free to tell them in any order
        let sorted: BTreeMap<_, _> = object[part].as_object().into_iter().flatten().collect();
        for (key, value) in sorted {
            let value = value.as_str().unwrap_or_default();
            // lengths keep two contents from having one text
            let _ = writeln!(message, "{part} {}:{key} {}:{value}", key.len(), value.len());
        }
    }
    hex(&hmac(salt.as_bytes(), message.as_bytes())[..16])
}

/// Keyed hash of one value, of the same form as [`hash`]. The values that are compared must have the same key.
#[must_use]
pub(crate) fn value_hash(salt: &str, value: &str) -> String {
    hex(&hmac(salt.as_bytes(), value.as_bytes())[..16])
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |byte: u8| block.map(|of_key| of_key ^ byte);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// How an object compares with what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// Its content is another one.
    Changed,
    /// It is gone.
    Gone,
    /// It was not there.
    New,
    /// It cannot be told: one of the two contents is not known.
    Unknown,
}

/// One object that is not known to be what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The component whose pods take from it.
    pub component: ComponentName,
    /// Kind and name.
    pub object: String,
    /// How it compares.
    pub change: Change,
}

/// What is not known to be the same `now` as it was `then`.
#[must_use]
pub(crate) fn drift(then: &[ConfigRecord], now: &[ConfigRecord]) -> Vec<Drift> {
    let same = |a: &ConfigRecord, b: &ConfigRecord| {
        (&a.component, a.kind, &a.name) == (&b.component, b.kind, &b.name)
    };
    let told = |record: &ConfigRecord, change| Drift {
        component: record.component.clone(),
        object: format!("{} {}", record.kind.as_str(), record.name),
        change,
    };
    let before = then.iter().filter_map(|was| {
        let is = now.iter().find(|is| same(was, is))?;
        let change = match (was.hash.as_deref(), is.hash.as_deref()) {
            (None, _) | (_, None) => Change::Unknown,
            (Some(was), Some(is)) if was == is => return None,
            (_, Some(ABSENT)) => Change::Gone,
            (Some(ABSENT), _) => Change::New,
            _ => Change::Changed,
        };
        Some(told(was, change))
    });
    let new = now.iter().filter(|is| !then.iter().any(|was| same(was, is)));
    before.chain(new.map(|is| told(is, Change::Unknown))).collect()
}

/// What the configuration was while these images last ran: as the release that replaced them found it. Nothing where no release did.
#[must_use]
pub(crate) fn then<'a>(
    images: &[ComponentImage],
    releases: impl IntoIterator<Item = &'a Release>,
) -> Option<&'a [ConfigRecord]> {
    let replaced = |release: &&Release| {
        release.status.as_ref().is_some_and(|status| {
            !status.before.is_empty()
                && status.before.iter().all(|before| {
                    images
                        .iter()
                        .any(|image| image.component == before.component && image.image == before.image)
                })
        })
    };
    let newest =
        releases.into_iter().filter(replaced).max_by_key(|release| release.status.as_ref()?.started_at)?;
    newest.status.as_ref().map(|status| status.configs.as_slice())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::release::RevisionRecord;
    use crate::domain::fixtures::{at, release_at};

    fn config(name: &str) -> ConfigRef {
        ConfigRef { kind: ConfigKind::ConfigMap, name: name.into() }
    }

    #[test]
    fn every_way_to_take_from_an_object_is_found_once() {
        let template = json!({"spec": {
            "containers": [{"name": "api", "envFrom": [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "b"}}],
                "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "b", "key": "k"}}}, {"name": "configMap", "value": "x"}]}],
            "volumes": [{"name": "v", "configMap": {"name": "c"}}, {"name": "w", "secret": {"secretName": "d"}},
                {"name": "p", "projected": {"sources": [{"configMap": {"name": "e"}}, {"secret": {"name": "f"}}]}}]
        }});
        let names: Vec<_> = references(&template).into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["a", "c", "e", "b", "d", "f"]);
    }

    #[test]
    fn the_keyed_hash_is_the_standards() {
        let hex = |bytes: [u8; 32]| hex(&bytes);
        // RFC 4231, cases 2 and 6
        let found = hex(hmac(b"Jefe", b"what do ya want for nothing?"));
        assert_eq!(found, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let found = hex(hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"));
        assert_eq!(found, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_hash_tells_contents_apart_and_environments_too() {
        let hash = |salt: &str, data: Value| super::hash(salt, &config("a"), &json!({"data": data}));
        let first = hash("u1", json!({"a": "1", "b": "2"}));
        assert_eq!(first, hash("u1", json!({"b": "2", "a": "1"})));
        assert_ne!(first, hash("u2", json!({"a": "1", "b": "2"})));
        assert_ne!(hash("u1", json!({"a": "1 1:b 1:2"})), hash("u1", json!({"a": "1", "b": "2"})));
        assert!(first.len() == 32 && !first.contains('"'));
    }

    #[test]
    fn what_is_not_known_is_never_called_the_same() {
        let record = |name: &str, hash: Option<&str>| ConfigRecord {
            component: "backend".into(),
            kind: ConfigKind::ConfigMap,
            name: name.into(),
            hash: hash.map(Into::into),
        };
        let then = [
            record("same", Some("1")),
            record("other", Some("1")),
            record("gone", Some("1")),
            record("back", Some(ABSENT)),
            record("hidden", None),
        ];
        let now = [
            record("same", Some("1")),
            record("other", Some("2")),
            record("gone", Some(ABSENT)),
            record("back", Some("1")),
            record("hidden", Some("1")),
            record("more", Some("1")),
        ];
        let told: Vec<_> = drift(&then, &now).into_iter().map(|drift| (drift.object, drift.change)).collect();
        let expected = [
            ("other", Change::Changed),
            ("gone", Change::Gone),
            ("back", Change::New),
            ("hidden", Change::Unknown),
            ("more", Change::Unknown),
        ];
        assert_eq!(told, expected.map(|(name, change)| (format!("ConfigMap {name}"), change)));
    }

    #[test]
    fn the_configuration_of_a_version_is_what_its_successor_found() {
        let release = |secs: i64, hash: &str| {
            let mut release = release_at(&format!("r{secs}"), "v2", secs);
            let status = release.status.get_or_insert_default();
            status.started_at = Some(at(secs));
            status.before = vec![RevisionRecord {
                component: "backend".into(),
                image: "r/backend:v1".into(),
                revision: None,
                replicas: None,
                partition: None,
            }];
            status.configs = vec![ConfigRecord {
                component: "backend".into(),
                kind: ConfigKind::Secret,
                name: "s".into(),
                hash: Some(hash.into()),
            }];
            release
        };
        let releases = [release(10, "old"), release(20, "new")];
        let image = |image: &str| [ComponentImage { component: "backend".into(), image: image.into() }];
        assert_eq!(then(&image("r/backend:v1"), &releases).unwrap()[0].hash.as_deref(), Some("new"));
        assert_eq!(then(&image("r/backend:v9"), &releases), None);
    }
}
