//! The admission policies of the product, as a table of small functions: same codes, sentences and statuses as the
//! `ValidatingAdmissionPolicies` that the manifests install. A policy whose binding is gone refuses nothing, as on a real server.

mod environments;
mod persons;
mod rules;
mod workloads;

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::Value;

use super::rbac::{Authorizer, Question, User};
use super::refusal::Refusal;
use crate::api::GROUP;
use crate::api::labels::CONTROLLER_USER;
use crate::api::time::DATE_TIME;
use crate::sim::kinds::{
    ENVIRONMENTS, MUTATING_BINDINGS, MUTATING_POLICIES, POLICIES, POLICY_BINDINGS, Resource, list, text,
};
use crate::sim::store::{Store, entry};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// POST, and apply to a free name.
    Create,
    /// PUT and PATCH.
    Update,
    /// DELETE.
    Delete,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// A request that is to be admitted.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who.
    pub user: &'a User,
    /// What.
    pub operation: Operation,
    /// On what.
    pub resource: &'static Resource,
    /// Subresource; empty for the object itself.
    pub sub: &'a str,
    /// Namespace.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
    /// The object as it would be; nothing for a deletion.
    pub object: Option<&'a Value>,
    /// The object as it is; nothing for a creation.
    pub old: Option<&'a Value>,
}

/// Everything that a rule may look at.
struct Case<'a> {
    request: Request<'a>,
    object: &'a Value,
    /// The named Environment; null when the rule does not need it.
    environment: &'a Value,
    authorizer: &'a Authorizer,
    now: DateTime<Utc>,
}

/// A verdict: `Code: sentence`, and whether it is 422 instead of 403.
type Verdict = Option<(String, bool)>;
type Rule = fn(&Case<'_>) -> Verdict;

const EXISTS: &str = "release-cockpit-environment-exists";
const ACTION_EXISTS: &str = "release-cockpit-action-environment-exists";
/// Actions on a release that need the release alone.
const STOPS: [&str; 4] = ["Pause", "Reject", "Abort", "Rollback"];
const RELEASE: (&str, &[Rule]) = (
    "release-cockpit-release",
    &[
        rules::release_identity,
        rules::release_verb,
        rules::finalizers,
        rules::owners,
        rules::labels,
        rules::annotations,
    ],
);
const ACTION: (&str, &[Rule]) = (
    "release-cockpit-action",
    &[
        rules::action_identity,
        rules::action_verb,
        rules::slot_group,
        rules::slot_missing,
        rules::finalizers,
        rules::owners,
        rules::labels,
        rules::annotations,
    ],
);
const RELEASE_ENVIRONMENT: (&str, &[Rule]) = (
    "release-cockpit-release-environment",
    &[
        rules::frozen,
        rules::version,
        rules::strategy,
        rules::release_components,
        rules::images,
        rules::labels_of_images,
        rules::digests,
        rules::denied,
    ],
);
const ACTION_ENVIRONMENT: (&str, &[Rule]) = (
    "release-cockpit-action-environment",
    &[
        persons::self_approval,
        persons::self_review,
        rules::freeze_that_rolls_back,
        rules::slot_unknown,
        rules::action_component,
        rules::until_past,
        rules::until_too_far,
        rules::item_unknown,
    ],
);

/// Admits a request or refuses it as the policies would.
///
/// # Errors
/// 403 or 422 of the first policy that refuses.
pub fn judge(
    store: &Store,
    authorizer: &Authorizer,
    request: Request<'_>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    crds(store, request)?;
    workloads::judge(store, authorizer, request)?;
    if !request.resource.is_ours() {
        return Ok(());
    }
    controller_only(store, authorizer, request)?;
    environments::deletion(store, request)?;
    let (Operation::Create, "Release" | "ReleaseAction", Some(object)) =
        (request.operation, request.resource.kind, request.object)
    else {
        return Ok(());
    };
    let (own, parameterised, exists) = if request.resource.kind == "Release" {
        (RELEASE, RELEASE_ENVIRONMENT, EXISTS)
    } else {
        (ACTION, ACTION_ENVIRONMENT, ACTION_EXISTS)
    };
    let nothing = Value::Null;
    let case = |environment| Case { request, object, environment, authorizer, now };
    run(store, own, &case(&nothing))?;
    match environment(store, request, (object, exists)) {
        Ok(Some(environment)) => run(store, parameterised, &case(&environment)),
        Ok(None) => Ok(()),
        Err(refusal) if is_bound(store, exists) => Err(refusal),
        Err(_) => Ok(()),
    }
}

/// Fills in who asks, where the object does not say it.
pub fn stamp(store: &Store, resource: &Resource, user: &User, value: &mut Value) {
    let (policy, field) = match resource.kind {
        "Release" => ("release-cockpit-stamp-release", "requestedBy"),
        "ReleaseAction" => ("release-cockpit-stamp-action", "actor"),
        _ => return,
    };
    let is_there = store.get(MUTATING_POLICIES, "", policy).is_some()
        && store.get(MUTATING_BINDINGS, "", policy).is_some();
    if is_there && value.get("spec").is_some_and(Value::is_object) && text(value, &["spec", field]).is_empty()
    {
        entry(value, "spec").insert(field.to_owned(), user.name.clone().into());
    }
}

/// Whether a policy is installed and a binding makes it deny.
fn is_bound(store: &Store, policy: &str) -> bool {
    store.get(POLICIES, "", policy).is_some()
        && store.list(POLICY_BINDINGS, None).any(|binding| {
            text(&binding.value, &["spec", "policyName"]) == policy
                && list(&binding.value, &["spec", "validationActions"]).iter().any(|action| action == "Deny")
        })
}

/// Refuses in the name of a policy, provided that it is in force.
fn refuse_by(store: &Store, request: Request<'_>, policy: &str, verdict: &str) -> Result<(), Refusal> {
    if is_bound(store, policy) {
        return Err(Refusal::policy(request.resource, request.name, policy, verdict, false));
    }
    Ok(())
}

fn crds(store: &Store, request: Request<'_>) -> Result<(), Refusal> {
    let ours = request.resource.kind == "CustomResourceDefinition" && request.name.ends_with(GROUP);
    if !ours || request.operation != Operation::Delete {
        return Ok(());
    }
    let verdict = "CRDGuard: deleting this definition would delete every record of its kind; delete the policy binding \
                   release-cockpit-crds first if you mean it";
    refuse_by(store, request, "release-cockpit-crds", verdict)
}

fn run(store: &Store, (policy, rules): (&str, &[Rule]), case: &Case<'_>) -> Result<(), Refusal> {
    if !is_bound(store, policy) {
        return Ok(());
    }
    match rules.iter().find_map(|rule| rule(case)) {
        Some((verdict, invalid)) => {
            Err(Refusal::policy(case.request.resource, case.request.name, policy, &verdict, invalid))
        }
        None => Ok(()),
    }
}

/// People create; the controller writes status, and it alone changes or deletes records.
fn controller_only(store: &Store, authorizer: &Authorizer, request: Request<'_>) -> Result<(), Refusal> {
    let user = request.user.name.as_str();
    if !request.sub.is_empty() && user != CONTROLLER_USER {
        let verdict = format!(
            "ControllerOnly: {}/{} is written by the controller; create a ReleaseAction instead",
            request.resource.plural, request.sub
        );
        return refuse_by(store, request, "release-cockpit-status", &verdict);
    }
    let exempt = [
        CONTROLLER_USER,
        "system:serviceaccount:kube-system:namespace-controller",
        "system:serviceaccount:kube-system:generic-garbage-collector",
    ];
    let is_record = matches!(request.resource.kind, "Release" | "ReleaseAction");
    if is_record
        && request.sub.is_empty()
        && request.operation != Operation::Create
        && !exempt.contains(&user)
    {
        let unreadable =
            request.old.filter(|old| request.resource.kind == "ReleaseAction" && !has_dates(old));
        if unreadable.is_some() && request.operation == Operation::Delete && may_retire(request, authorizer) {
            return Ok(());
        }
        let way = unreadable.map_or(String::new(), |old| {
            let environment = text(old, &["spec", "environment"]);
            format!(". It has a date that cannot be decoded: whoever has retire on environments/{environment} may delete it")
        });
        let verdict = format!(
            "RecordImmutable: {} are records: {} is for the controller only; create a ReleaseAction instead{way}",
            request.resource.plural,
            request.operation.name()
        );
        return refuse_by(store, request, "release-cockpit-records", &verdict);
    }
    Ok(())
}

/// Whether every date of an action's spec is one that can be decoded.
fn has_dates(action: &Value) -> bool {
    static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(DATE_TIME).ok());
    let dates = [action.pointer("/spec/evidence/at"), action.pointer("/spec/parameters/until")];
    dates
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .all(|text| DATE.as_ref().is_none_or(|date| date.is_match(text)))
}

/// Whether somebody may remove an unreadable record.
fn may_retire(request: Request<'_>, authorizer: &Authorizer) -> bool {
    let question =
        Question { verb: "retire", group: GROUP, resource: "environments", namespace: request.namespace };
    authorizer.allows(request.user, question).is_some()
}

/// The Environment that an object names; nothing where it is absent and need not be there.
fn environment(
    store: &Store,
    request: Request<'_>,
    (object, policy): (&Value, &str),
) -> Result<Option<Value>, Refusal> {
    let wanted = text(object, &["spec", "environment"]);
    if let Some(found) = store.get(ENVIRONMENTS, request.namespace, wanted) {
        return Ok(Some(found.value.clone()));
    }
    let is_action = policy == ACTION_EXISTS;
    if is_action && STOPS.contains(&text(object, &["spec", "action"])) {
        return Ok(None);
    }
    if store.list(ENVIRONMENTS, Some(request.namespace)).next().is_none() {
        if is_action {
            return Ok(None);
        }
        let sentence = "failed to configure binding: no params found for policy binding with `Deny` \
                        parameterNotFoundAction";
        let mut refusal = Refusal::policy(request.resource, request.name, policy, sentence, true);
        refusal.message = refusal.message.replace("denied request: failed", "failed");
        return Err(refusal);
    }
    let verdict = format!("EnvironmentNotFound: no Environment {wanted} in namespace {}", request.namespace);
    Err(Refusal::policy(request.resource, request.name, policy, &verdict, true))
}
