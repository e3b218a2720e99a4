//! Questions about oneself: `SelfSubjectReview`, `SelfSubjectAccessReview`, `SelfSubjectRulesReview`.

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};

use super::Shared;
use super::call::Call;
use super::rbac::{Question, rules};
use super::refusal::{Refusal, json_response};
use crate::sim::kinds::text;

/// Answers a review; nothing for other paths.
pub(super) fn answer(shared: &Shared, call: &Call) -> Option<Result<Response, Refusal>> {
    let review: fn(&Shared, &Call, &Value) -> Value = match call.path.trim_end_matches('/') {
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => who,
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => access,
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews" => all_rules,
        _ => return None,
    };
    if call.method != Method::POST {
        return Some(Err(Refusal::method_not_allowed()));
    }
    let body = super::protobuf::review(&call.body).map_or_else(|| call.object(), Ok);
    Some(body.map(|body| {
        let mut review = merged(&body, review(shared, call, &body));
        if review["metadata"].is_null() {
            review["metadata"] = json!({"creationTimestamp": null});
        }
        json_response(201, review.to_string())
    }))
}

fn merged(body: &Value, status: Value) -> Value {
    let mut review = body.clone();
    review["status"] = status;
    review
}

fn who(_: &Shared, call: &Call, _: &Value) -> Value {
    json!({"userInfo": {"username": call.user.name, "groups": call.user.groups}})
}

fn access(shared: &Shared, call: &Call, body: &Value) -> Value {
    let Some(attributes) = body["spec"].get("resourceAttributes") else {
        return json!({"allowed": true, "reason": "non-resource paths are open"});
    };
    let mut resource = text(attributes, &["resource"]).to_owned();
    let sub = text(attributes, &["subresource"]);
    if !sub.is_empty() {
        resource = format!("{resource}/{sub}");
    }
    let question = Question {
        verb: text(attributes, &["verb"]),
        group: text(attributes, &["group"]),
        resource: &resource,
        namespace: text(attributes, &["namespace"]),
    };
    match shared.authorizer.allows(&call.user, question) {
        Some(role) => {
            let reason = format!(
                "RBAC: allowed by RoleBinding \"{role}\" of ClusterRole \"{role}\" to User \"{}\"",
                call.user.name
            );
            json!({"allowed": true, "reason": reason})
        }
        None => json!({"allowed": false}),
    }
}

fn all_rules(shared: &Shared, call: &Call, body: &Value) -> Value {
    let namespace = text(body, &["spec", "namespace"]);
    let mut list = Vec::new();
    if call.user.groups.iter().any(|group| group == "system:masters") {
        list.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
    }
    for binding in shared.authorizer.roles(&call.user, namespace) {
        for (groups, resources, verbs) in rules(binding.role) {
            let rule = json!({"verbs": verbs, "apiGroups": groups, "resources": resources});
            if !list.contains(&rule) {
                list.push(rule);
            }
        }
    }
    json!({"resourceRules": list, "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["*"]}], "incomplete": false})
}
