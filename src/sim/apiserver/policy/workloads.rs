//! The opt-in policies that close the images of managed workloads, and the label that opts in.

use serde_json::Value;

use super::{Operation, Request, refuse_by};
use crate::api::GROUP;
use crate::api::labels::CONTROLLER_USER;
use crate::sim::apiserver::rbac::{Authorizer, Question};
use crate::sim::apiserver::refusal::Refusal;
use crate::sim::kinds::{NAMESPACES, at, int, label, list};
use crate::sim::store::Store;

const MANAGED: &str = "release-cockpit.dev/managed";

fn is_managed(namespace: &Value) -> bool {
    label(namespace, MANAGED) == Some("true")
}

fn may_override(authorizer: &Authorizer, request: Request<'_>, namespace: &str) -> bool {
    let question = Question { verb: "override", group: GROUP, resource: "environments", namespace };
    authorizer.allows(request.user, question).is_some()
}

/// Refuses what changes the images or templates of a managed namespace, and what takes its label off.
///
/// # Errors
/// 403.
pub(super) fn judge(store: &Store, authorizer: &Authorizer, request: Request<'_>) -> Result<(), Refusal> {
    opt_out(store, authorizer, request)?;
    let managed = store.get(NAMESPACES, "", request.namespace).is_some_and(|found| is_managed(&found.value));
    let in_group = |group: &str| request.user.groups.iter().any(|own| own == group);
    let exempt = request.user.name == CONTROLLER_USER
        || in_group("system:serviceaccounts:kube-system")
        || in_group("system:nodes");
    if !managed || exempt || !is_locked(request) || may_override(authorizer, request, request.namespace) {
        return Ok(());
    }
    let sub = if request.sub.is_empty() { String::new() } else { format!("/{}", request.sub) };
    let verdict = format!(
        "WorkloadLocked: {} of {}{sub} in {}: this namespace is managed; images and templates change through a Release",
        request.operation.name(),
        request.resource.plural,
        request.namespace
    );
    refuse_by(store, request, "release-cockpit-workloads", &verdict)
}

/// Whether the request touches what is locked.
fn is_locked(request: Request<'_>) -> bool {
    let update = request.operation == Operation::Update;
    match (request.resource.group, request.resource.plural, request.sub) {
        ("apps", "replicasets", "scale") => update,
        ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets", "") => {
            !update || changes(request)
        }
        ("", "pods", "") => match request.operation {
            Operation::Create => true,
            Operation::Update => changes(request),
            Operation::Delete => false,
        },
        _ => false,
    }
}

fn changes(request: Request<'_>) -> bool {
    let (Some(old), Some(new)) = (request.old, request.object) else { return true };
    let differs = |path: &[&str]| at(old, path) != at(new, path);
    let images = |pod: &Value, field: &str| -> Vec<Value> {
        list(pod, &["spec", field]).iter().map(|container| container["image"].clone()).collect()
    };
    let paused = |value: &Value| at(value, &["spec", "paused"]) == Some(&Value::Bool(true));
    let limit = |value: &Value| int(value, &["spec", "revisionHistoryLimit"]).unwrap_or(10);
    match request.resource.plural {
        "pods" => {
            ["containers", "initContainers"].iter().any(|field| images(old, field) != images(new, field))
        }
        "replicasets" => differs(&["spec", "template"]) || differs(&["spec", "replicas"]),
        "deployments" => {
            differs(&["spec", "template"]) || paused(old) != paused(new) || limit(old) != limit(new)
        }
        _ => differs(&["spec", "template"]),
    }
}

fn opt_out(store: &Store, authorizer: &Authorizer, request: Request<'_>) -> Result<(), Refusal> {
    let (true, Operation::Update, "", Some(old), Some(new)) = (
        request.resource.table == NAMESPACES.table,
        request.operation,
        request.sub,
        request.old,
        request.object,
    ) else {
        return Ok(());
    };
    if !is_managed(old) || is_managed(new) || may_override(authorizer, request, request.name) {
        return Ok(());
    }
    let verdict = format!(
        "LabelLocked: taking {MANAGED} off {} needs the verb override on its environments",
        request.name
    );
    refuse_by(store, request, "release-cockpit-managed-label", &verdict)
}
