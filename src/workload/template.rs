//! Pod templates as one hash, by which a change made by another hand is noticed.
//!
//! What only restarts pods does not count, nor does the image of the component's container, which decisions compare by themselves.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;

/// Annotations by which people and controllers restart pods: the end of a key, or the part before its slash.
const RESTARTS: [&str; 6] = [
    "restartedAt",
    "reloader.stakater.com",
    "configmap.reloader.stakater.com",
    "secret.reloader.stakater.com",
    "cattle.io",
    "release-cockpit.dev",
];

/// The hash of a template; `container` is the one whose image does not count.
#[must_use]
pub(super) fn hash(template: &PodTemplateSpec, container: &str) -> String {
    let mut value = serde_json::to_value(template).unwrap_or_default();
    let annotations = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        annotations.retain(|key, _| !only_restarts(key));
    }
    if let Some(metadata) = value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, value| {
            (key == "labels" || key == "annotations") && value.as_object().is_some_and(|map| !map.is_empty())
        });
    }
    let containers = value.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
    for one in containers.into_iter().flatten().filter(|one| one["name"] == container) {
        if let Some(one) = one.as_object_mut() {
            one.remove("image");
        }
    }
    let digest = Sha256::digest(value.to_string().as_bytes());
    hex(&digest[..8])
}

fn only_restarts(key: &str) -> bool {
    let (owner, name) = key.split_once('/').unwrap_or(("", key));
    RESTARTS.iter().any(|known| name == *known || owner == *known || owner.ends_with(&format!(".{known}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(edit: impl Fn(&mut Value)) -> PodTemplateSpec {
        let mut value = json!({
            "metadata": {"labels": {"app": "api"}, "annotations": {"prometheus.io/scrape": "true"}},
            "spec": {"containers": [{"name": "api", "image": "api:v1"}, {"name": "proxy", "image": "proxy:v1"}]}
        });
        edit(&mut value);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_what_changes_the_pods_counts() {
        type Edit = fn(&mut Value);
        let same: [Edit; 6] = [
            |_| {},
            |value| value["spec"]["containers"][0]["image"] = "api:v2".into(),
            |value| value["metadata"]["creationTimestamp"] = Value::Null,
            |value| value["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "now".into(),
            |value| {
                value["metadata"]["annotations"]["reloader.stakater.com/last-reloaded-from"] = "{}".into();
            },
            |value| value["metadata"]["annotations"]["cattle.io/timestamp"] = "now".into(),
        ];
        let other: [Edit; 6] = [
            |value| value["spec"]["containers"][0]["env"] = json!([{"name": "FEATURE", "value": "on"}]),
            |value| value["spec"]["containers"][1]["image"] = "proxy:v2".into(),
            |value| value["spec"]["initContainers"] = json!([{"name": "wait", "image": "wait:v1"}]),
            |value| value["spec"]["serviceAccountName"] = "other".into(),
            |value| value["metadata"]["labels"]["team"] = "blue".into(),
            |value| value["metadata"]["annotations"]["sidecar.istio.io/inject"] = "false".into(),
        ];
        let before = hash(&template(|_| {}), "api");
        for (index, edit) in same.iter().enumerate() {
            assert_eq!(hash(&template(edit), "api"), before, "same {index}");
        }
        for (index, edit) in other.iter().enumerate() {
            assert_ne!(hash(&template(edit), "api"), before, "other {index}");
        }
    }
}
