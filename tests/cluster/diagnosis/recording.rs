//! What a situation looks like on the API server, written down for the table test: as it was, without what says nothing of the cause.

use std::collections::BTreeSet;
use std::path::Path;

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::core::{ApiResource, DynamicObject};
use serde_json::{Map, Value, json};

use super::Situation;
use crate::space::Space;

/// The namespace that recordings tell of, whatever the run's own was called.
const NAMESPACE: &str = "shop";

/// What says nothing of a cause, wherever it stands; and defaults of the API server.
const NOISE: [&str; 48] = [
    "uid",
    "resourceVersion",
    "generateName",
    "controllerRevisionHash",
    "blockOwnerDeletion",
    "hostIP",
    "hostIPs",
    "podIP",
    "podIPs",
    "qosClass",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "imagePullPolicy",
    "dnsPolicy",
    "enableServiceLinks",
    "preemptionPolicy",
    "priority",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "tolerations",
    "terminationGracePeriodSeconds",
    "strategy",
    "revisionHistoryLimit",
    "lastProbeTime",
    "lastUpdateTime",
    "containerID",
    "resourceClaimStatuses",
    "collisionCount",
    "podManagementPolicy",
    "updateStrategy",
    "persistentVolumeClaimRetentionPolicy",
    "allocatedResources",
    "allocatedResourcesStatus",
    "reportingInstance",
    "user",
    "volumeMounts",
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "terminatingReplicas",
    "divisor",
    "selector",
    "fullyLabeledReplicas",
    "action",
    "source",
    "generation",
    "observedGeneration",
];

/// Writes the objects of a situation.
pub(super) async fn write(space: &Space, situation: &Situation) {
    let version = space.admin.apiserver_version().await.expect("a version").git_version;
    let mut objects = Vec::new();
    for (group, kind, plural) in [
        (
            "apps",
            situation.kind.as_str(),
            if situation.kind == "StatefulSet" { "statefulsets" } else { "deployments" },
        ),
        ("apps", "ReplicaSet", "replicasets"),
        ("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
        ("", "Pod", "pods"),
        ("", "Event", "events"),
    ] {
        let resource = ApiResource {
            group: group.to_owned(),
            version: "v1".to_owned(),
            api_version: if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") },
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        };
        let api: Api<DynamicObject> = Api::namespaced_with(space.admin.clone(), &space.namespace, &resource);
        let found = api.list(&kube::api::ListParams::default()).await.expect("a list").items;
        for object in found {
            let mut object = serde_json::to_value(object).expect("an object");
            if is_part(&object, kind, &situation.name) {
                // a list does not repeat these
                object["apiVersion"] = resource.api_version.as_str().into();
                object["kind"] = kind.into();
                let selector = object.pointer("/spec/selector").cloned();
                trim(&mut object, kind, situation.rival.is_some() && kind == situation.kind);
                // noise everywhere else
                if kind == "PodDisruptionBudget" {
                    object["spec"]["selector"] = selector.expect("a selector");
                }
                objects.push(object);
            }
        }
    }
    cordoned(space, &mut objects).await;
    drop_repetitions(&mut objects);
    let source = match situation.by.as_deref() {
        Some("kubelet") => {
            format!("the control plane and a kubelet of Kubernetes {version} with containerd and runc")
        }
        _ => format!("the control plane of Kubernetes {version}"),
    };
    let header = format!(
        "# Recorded from {source} by tests/cluster/diagnosis.rs (RELEASE_COCKPIT_UPDATE=1): do not edit.\n\
         # How it was brought about: {} in situations.yaml.\n",
        situation.name
    );
    objects.iter_mut().for_each(first_what_it_is);
    let text = serde_saphyr::to_string(&objects).expect("YAML").replace(&space.namespace, NAMESPACE);
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/diagnoses/{}.yaml", situation.name));
    std::fs::write(path, header + &text).expect("to be written");
}

/// Adds the nodes of the pods that are cordoned, without all else about them.
async fn cordoned(space: &Space, objects: &mut Vec<Value>) {
    let nodes: Api<Node> = Api::all(space.admin.clone());
    let of = |object: &Value| object.pointer("/spec/nodeName").and_then(Value::as_str).map(str::to_owned);
    let names: BTreeSet<String> = objects.iter().filter_map(of).collect();
    for name in names {
        let spec = nodes.get(&name).await.expect("a node").spec.unwrap_or_default();
        if spec.unschedulable == Some(true) {
            objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
                "spec": {"unschedulable": true, "taints": spec.taints}}));
        }
    }
}

/// As kubectl prints it: version and kind before all else.
fn first_what_it_is(object: &mut Value) {
    let Value::Object(map) = object else { return };
    let mut sorted = Map::new();
    for key in ["apiVersion", "kind"] {
        sorted.extend(map.remove(key).map(|value| (key.to_owned(), value)));
    }
    sorted.append(map);
    *map = sorted;
}

/// Whether an object belongs to the workload of that name.
fn is_part(object: &Value, kind: &str, workload: &str) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if kind == "Event" {
        let name = text("/involvedObject/name");
        let rest = name.strip_prefix(workload);
        return rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    }
    text("/metadata/labels/app") == workload || text("/metadata/name") == workload
}

fn trim(object: &mut Value, kind: &str, with_writers: bool) {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut).expect("metadata");
    if !with_writers {
        metadata.remove("managedFields");
    }
    if kind == "Event" {
        metadata.remove("name");
    }
    if kind == "ReplicaSet" {
        // its workload says the same
        object["spec"]["template"] = Value::Null;
    }
    clean(object);
}

/// Leaves of events that only differ in a name or a time the newest few.
fn drop_repetitions(objects: &mut Vec<Value>) {
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    objects.reverse();
    objects.retain(|object| {
        let what = format!("{} {}", object["involvedObject"]["kind"], object["reason"]);
        let count = seen.entry(what).or_default();
        *count += 1;
        object["kind"] != "Event" || *count <= 3
    });
    objects.reverse();
}

/// Takes the noise away, and what is empty then.
fn clean(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !NOISE.contains(&key.as_str()));
            map.values_mut().for_each(clean);
            map.retain(|key, value| key.starts_with("f:") || key == "." || !is_empty(value));
        }
        Value::Array(list) => {
            list.retain(|item| !is_token(item));
            list.iter_mut().for_each(clean);
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_object().is_some_and(Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

/// The volume of the ServiceAccount's token, which every pod has.
fn is_token(item: &Value) -> bool {
    item.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("kube-api-access-"))
}
