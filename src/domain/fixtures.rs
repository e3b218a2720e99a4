//! Objects that tests speak of: `planera`, with a backend in wave 0 and a frontend in wave 1, in `production`.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::health::Answers;
use super::rollout::{Observed, Source};
use super::rollout_status::WorkloadState;
use crate::api::condition::{Condition, ConditionStatus};
use crate::api::environment::{
    Approval, Component, Environment, EnvironmentSpec, EnvironmentStatus, IdentityRules, Person, Slot, Tier,
    WorkloadKind, WorkloadRef,
};
use crate::api::release::{ComponentImage, Release, ReleaseKind, ReleaseSpec};
use crate::api::release_action::{
    ActionKind, Expected, FilledSlot, ReleaseAction, ReleaseActionSpec, ReleaseRef,
};
use crate::api::time::to_time;

/// The namespace of every object here.
pub(crate) const NAMESPACE: &str = "planera";

/// Seconds after the epoch of these tests.
pub(crate) fn at(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + secs, 0).unwrap()
}

fn metadata(name: &str, secs: i64) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        namespace: Some(NAMESPACE.into()),
        uid: Some(uid(name)),
        generation: Some(1),
        resource_version: Some("1".into()),
        creation_timestamp: Some(to_time(at(secs))),
        ..ObjectMeta::default()
    }
}

/// The uid of the object of that name.
pub(crate) fn uid(name: &str) -> String {
    let sum: u64 = name.bytes().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    format!("00000000-0000-4000-8000-{:012x}", sum & 0xffff_ffff_ffff)
}

fn component(name: &str, wave: i32) -> Component {
    Component {
        name: name.into(),
        workload: WorkloadRef { kind: WorkloadKind::Deployment, name: name.into() },
        container: name.into(),
        image: format!("ghcr.io/acme/{name}"),
        wave,
        containers: Vec::new(),
    }
}

/// An environment that asks for nothing.
pub(crate) fn environment() -> Environment {
    let spec = EnvironmentSpec {
        application: "planera".into(),
        tier: Tier::Production,
        url: None,
        components: vec![component("backend", 0), component("frontend", 1)],
        strategy: None,
        allowed_strategies: Vec::new(),
        strategies: None,
        promotion: None,
        versions: None,
        approval: None,
        identity: None,
        open_read_only: false,
        retention: None,
        windows: Vec::new(),
        gates: None,
        metrics: None,
        analysis: Vec::new(),
        bake: None,
        on_failure: crate::api::environment::OnFailure::default(),
        rollback_on: crate::api::environment::RollbackOn::default(),
        supersede: false,
        notify: Vec::new(),
        contacts: BTreeMap::new(),
    };
    let status = Some(enforced());
    Environment { metadata: metadata("production", 0), spec, status }
}

/// The status of an environment whose admission policies have long been in force.
pub(crate) fn enforced() -> EnvironmentStatus {
    let conditions = vec![policies(ConditionStatus::True, at(-3600))];
    EnvironmentStatus { conditions, ..EnvironmentStatus::default() }
}

/// What the controller says of the admission policies.
pub(crate) fn policies(status: ConditionStatus, since: DateTime<Utc>) -> Condition {
    let is_well = status == ConditionStatus::True;
    Condition {
        type_: super::attested::CONDITION.into(),
        status,
        reason: if is_well { "Enforced" } else { "PoliciesMissing" }.into(),
        message: if is_well { "" } else { "release-cockpit-action is missing" }.into(),
        last_transition_time: since,
        observed_generation: Some(1),
    }
}

/// A slot.
pub(crate) fn slot(name: &str, group: Option<&str>, minimum: i32) -> Slot {
    Slot { name: name.into(), group: group.map(Into::into), minimum }
}

/// An environment that asks two people, one of them a team lead, and nobody for their own release.
pub(crate) fn guarded() -> Environment {
    let mut environment = environment();
    environment.spec.approval = Some(Approval {
        slots: vec![slot("team-leads", Some("team-leads"), 1), slot("any", None, 1)],
        prevent_self_approval: true,
        expires_after: None,
        wait_timer: None,
        confirm_phrase: None,
    });
    environment
}

/// Accounts with `oidc:` before or `-admin` or `-ops` behind belong to who is left; dave has an old account besides.
pub(crate) fn identity_rule() -> IdentityRules {
    IdentityRules {
        people: vec![Person {
            name: "dave".into(),
            accounts: vec!["dave@old.example".into(), "dave".into()],
        }],
        strip_prefixes: vec!["oidc:".into(), "ldap:".into()],
        strip_suffixes: vec!["-admin".into(), "-ops".into()],
    }
}

/// A release of both components, requested by bob.
pub(crate) fn release(version: &str) -> Release {
    release_at("planera-2", version, 0)
}

/// A release of that name, requested at that second.
pub(crate) fn release_at(name: &str, version: &str, secs: i64) -> Release {
    let image = |component: &str| ComponentImage {
        component: component.into(),
        image: format!("ghcr.io/acme/{component}:{version}"),
    };
    let spec = ReleaseSpec {
        environment: "production".into(),
        version: version.into(),
        images: vec![image("backend"), image("frontend")],
        kind: ReleaseKind::Deploy,
        strategy: None,
        requested_by: "bob".into(),
        reason: None,
        changelog: None,
        ticket: None,
        emergency: None,
    };
    Release { metadata: metadata(name, secs), spec, status: None }
}

/// A Deployment that is completely rolled out with four pods.
pub(crate) fn deployment(component: &str, version: &str) -> WorkloadState {
    WorkloadState {
        image: Some(format!("ghcr.io/acme/{component}:{version}")),
        resource_version: "7".into(),
        generation: 1,
        observed_generation: 1,
        desired: 4,
        replicas: 4,
        updated: 4,
        ready: 4,
        available: 4,
        revision: Some(1),
        ..WorkloadState::new(WorkloadKind::Deployment, component)
    }
}

/// A release of `v2` into an environment that runs `v1`.
pub(crate) fn observed(environment: Environment) -> Observed {
    let workloads =
        ["backend", "frontend"].map(|component| (component.to_owned(), deployment(component, "v1")));
    Observed {
        release: release("v2"),
        environment: Some(environment),
        governs: None,
        source: None,
        workloads: workloads.into_iter().collect(),
        writes: BTreeMap::new(),
        unreadable: BTreeMap::new(),
        actions: Vec::new(),
        others: Vec::new(),
        tracks: BTreeMap::new(),
        traffic: BTreeMap::new(),
        autoscalers: BTreeMap::new(),
        crashes: BTreeMap::new(),
        answers: Answers::default(),
        causes: BTreeMap::new(),
    }
}

/// A source environment with those releases.
pub(crate) fn source(environment: Environment, releases: Vec<Release>) -> Source {
    Source { environment: Some(environment), releases: releases.into_iter().map(Arc::new).collect() }
}

/// An action on `planera-2` that expects nothing.
pub(crate) fn action(name: &str, kind: ActionKind, actor: &str, secs: i64) -> ReleaseAction {
    let spec = ReleaseActionSpec {
        environment: "production".into(),
        release: Some(ReleaseRef {
            name: "planera-2".into(),
            uid: uid("planera-2"),
            requested_by: Some("bob".into()),
        }),
        action: kind,
        parameters: None,
        expected: None,
        actor: actor.into(),
        slots: None,
        reason: Some("because".into()),
        evidence: None,
    };
    ReleaseAction { metadata: metadata(name, secs), spec, status: None }
}

/// As [`action`], at the step that its author saw.
pub(crate) fn action_at_step(name: &str, kind: ActionKind, step: i32, secs: i64) -> ReleaseAction {
    let mut action = action(name, kind, "alice", secs);
    action.spec.expected = Some(Expected { step: Some(step), ..Expected::default() });
    action
}

/// An approval of that plan; the slot `team-leads` belongs to the group of the same name.
pub(crate) fn approve(name: &str, actor: &str, digest: &str, slots: &[&str], secs: i64) -> ReleaseAction {
    let mut action = action(name, ActionKind::Approve, actor, secs);
    action.spec.expected = Some(Expected { plan_digest: Some(digest.into()), ..Expected::default() });
    let filled = |name: &&str| FilledSlot {
        name: (*name).into(),
        group: (*name == "team-leads").then(|| "team-leads".into()),
    };
    action.spec.slots = Some(slots.iter().map(filled).collect());
    action
}
