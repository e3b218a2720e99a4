//! The policy that keeps an Environment with a freeze, debts, denials or records from being deleted.

use serde_json::Value;

use super::{Operation, Request, refuse_by};
use crate::sim::apiserver::refusal::Refusal;
use crate::sim::kinds::{NAMESPACES, at, int, list};
use crate::sim::store::Store;

const NAMESPACE_CONTROLLER: &str = "system:serviceaccount:kube-system:namespace-controller";

/// Refuses the deletion of an Environment that holds what would be lost with it, unless it is retired.
///
/// # Errors
/// 403.
pub(super) fn deletion(store: &Store, request: Request<'_>) -> Result<(), Refusal> {
    let (Operation::Delete, "Environment", "", Some(old)) =
        (request.operation, request.resource.kind, request.sub, request.old)
    else {
        return Ok(());
    };
    let is_there = |field: &str| at(old, &["status", field]).is_some_and(|value| !value.is_null());
    let is_going = store
        .get(NAMESPACES, "", request.namespace)
        .is_some_and(|found| at(&found.value, &["metadata", "deletionTimestamp"]).is_some());
    if is_there("retired") || is_going || request.user.name == NAMESPACE_CONTROLLER {
        return Ok(());
    }
    let Some(why) = held(old, is_there("frozen")) else { return Ok(()) };
    let verdict = format!(
        "EnvironmentKept: {} {why}: retire it first (release-cockpit retire {}/{})",
        request.name, request.namespace, request.name
    );
    refuse_by(store, request, "release-cockpit-environment-deletion", &verdict)
}

fn held(old: &Value, is_frozen: bool) -> Option<&'static str> {
    if is_frozen {
        return Some("is frozen");
    }
    if !list(old, &["status", "debts"]).is_empty() {
        return Some("has debts to review");
    }
    if !list(old, &["status", "denied"]).is_empty() {
        return Some("denies images");
    }
    (int(old, &["status", "chain", "sequence"]).unwrap_or(0) > 0).then_some("has records")
}
