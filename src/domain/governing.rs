//! The part of an Environment that governs a release: what people agree to when they approve it, and what it is carried out under.
//!
//! Owns which sections of the spec that are ([`sections`]) and which follow a change at once (`LIVE`). The digest of a plan covers
//! the sections; a release that has begun keeps those that it began with.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::plan::hash;
use crate::api::Environment;
use crate::api::environment::EnvironmentSpec;
use crate::api::release::{ComponentState, Phase, PolicyChange, ReleaseStatus};
use crate::api::time::from_time;

/// Fields of a spec whose changes count at once, also for releases that are approved or under way.
#[cfg(test)]
pub(crate) const LIVE: [&str; 8] =
    ["application", "contacts", "notify", "openReadOnly", "retention", "supersede", "url", "metrics.panes"];

/// Fields of a spec that govern a release.
const GOVERNING: [&str; 16] = [
    "allowedStrategies",
    "analysis",
    "approval",
    "bake",
    "components",
    "gates",
    "identity",
    "metrics",
    "onFailure",
    "promotion",
    "rollbackOn",
    "strategies",
    "strategy",
    "tier",
    "versions",
    "windows",
];

/// The governing sections of a spec that are there, as they are stored.
#[must_use]
pub(crate) fn sections(spec: &EnvironmentSpec) -> BTreeMap<String, Value> {
    let Ok(Value::Object(mut spec)) = serde_json::to_value(spec) else { return BTreeMap::new() };
    if let Some(metrics) = spec.get_mut("metrics").and_then(Value::as_object_mut) {
        metrics.remove("panes");
    }
    GOVERNING.iter().filter_map(|name| Some(((*name).to_owned(), spec.remove(*name)?))).collect()
}

/// Characters of a shortened hash: its kind, and half of its digits.
const SHORT: usize = "sha256:".len() + 32;

/// A hash for each governing section.
#[must_use]
pub(crate) fn hashes(spec: &EnvironmentSpec) -> BTreeMap<String, String> {
    let shortened = |value: Value| hash(value).chars().take(SHORT).collect();
    sections(spec).into_iter().map(|(name, value)| (name, shortened(value))).collect()
}

/// Names of the sections that differ.
#[must_use]
pub(crate) fn difference(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let names = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name));
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    names
}

/// The last change of the spec: which sections, and by whom, as far as the API server tells it: the field manager and the time.
#[must_use]
pub(crate) fn change(environment: &Environment, sections: Vec<String>) -> PolicyChange {
    let of_spec = environment.metadata.managed_fields.iter().flatten().filter(|entry| {
        let has_spec = entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:spec").is_some());
        has_spec && entry.subresource.as_deref().unwrap_or_default().is_empty()
    });
    let last = of_spec.max_by_key(|entry| entry.time.as_ref().map(from_time));
    let by = last.and_then(|entry| entry.manager.clone()).unwrap_or_default();
    let at: Option<DateTime<Utc>> = last.and_then(|entry| entry.time.as_ref()).map(from_time);
    let hash = hash(json!(hashes(&environment.spec)));
    PolicyChange { by: super::timeline::cut(by, 128), at, sections, hash }
}

/// `policy changed by kubectl-edit at 2027-01-15 08:00:00Z: approval, gates`.
#[must_use]
pub(crate) fn sentence(change: &PolicyChange) -> String {
    let by = if change.by.is_empty() { "somebody" } else { &change.by };
    let at = change.at.map_or(String::new(), |at| format!(" at {}", at.format("%Y-%m-%d %H:%M:%SZ")));
    format!("policy changed by {by}{at}: {}", change.sections.join(", "))
}

/// Whether a release has changed anything: until then a change of the policy sends it back to its gates.
fn has_begun(status: &ReleaseStatus) -> bool {
    let is_touched = status.components.iter().any(|progress| progress.state != ComponentState::Waiting);
    let is_beside = status.tracks.iter().any(|track| track.desired > 0 || track.available > 0);
    status.phase.holds_lane() && (status.phase != Phase::Progressing || is_touched || is_beside)
}

/// Replaces the governing sections by those with which a release began. Whether that was possible: sections that this version cannot
/// read leave the environment as it is.
pub(crate) fn pin(environment: &mut Environment, status: &ReleaseStatus) -> bool {
    let Some(kept) = status.policy.as_ref().filter(|_| has_begun(status)) else { return true };
    let Ok(Value::Object(mut spec)) = serde_json::to_value(&environment.spec) else { return false };
    let panes = spec.get("metrics").and_then(|metrics| metrics.get("panes")).cloned();
    for name in GOVERNING {
        match kept.get(name) {
            Some(value) => spec.insert(name.to_owned(), value.clone()),
            None => spec.remove(name),
        };
    }
    if let (Some(panes), Some(metrics)) = (panes, spec.get_mut("metrics").and_then(Value::as_object_mut)) {
        metrics.insert("panes".to_owned(), panes);
    }
    match serde_json::from_value(json!(spec)) {
        Ok(spec) => {
            environment.spec = spec;
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Duration;
    use crate::api::environment::{Gates, OnFailure};
    use crate::api::release::ComponentProgress;
    use crate::domain::fixtures::{at, environment, guarded};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};

    #[test]
    fn every_field_of_a_spec_governs_or_follows_at_once() {
        let schema = json!(schemars::schema_for!(EnvironmentSpec));
        let fields = schema["properties"].as_object().unwrap();
        assert!(fields.len() > 20);
        for field in fields.keys() {
            let is_known =
                [&GOVERNING[..], &LIVE].iter().filter(|list| list.contains(&field.as_str())).count();
            assert_eq!(is_known, 1, "{field} is in one of the two lists");
        }
    }

    #[test]
    fn a_change_is_found_section_by_section() {
        type Change = fn(&mut EnvironmentSpec);
        let changes: [(&str, Change, &[&str]); 8] = [
            ("minimum", |spec| spec.approval.as_mut().unwrap().slots[0].minimum = 2, &["approval"]),
            (
                "self-approval",
                |spec| spec.approval.as_mut().unwrap().prevent_self_approval = false,
                &["approval"],
            ),
            ("gates", |spec| spec.gates = Some(Gates::default()), &["gates"]),
            ("hold", |spec| spec.on_failure = OnFailure::Hold, &["onFailure"]),
            ("workload", |spec| spec.components[0].workload.name = "other".into(), &["components"]),
            ("alerts", |spec| spec.rollback_on.health_checks = false, &["rollbackOn"]),
            ("contacts", |spec| drop(spec.contacts.insert("on-call".into(), "#ops".into())), &[]),
            ("retention", |spec| spec.retention = Some(Duration::from_mins(5)), &[]),
        ];
        let before = guarded();
        for (name, change, expected) in changes {
            let mut after = before.clone();
            change(&mut after.spec);
            assert_eq!(difference(&hashes(&before.spec), &hashes(&after.spec)), expected, "{name}");
        }
    }

    #[test]
    fn the_last_manager_of_the_spec_is_who_changed_it() {
        let mut environment = environment();
        assert_eq!(
            sentence(&change(&environment, vec!["gates".into()])),
            "policy changed by somebody: gates"
        );
        let entry = |manager: &str, secs, field: &str, subresource: Option<&str>| ManagedFieldsEntry {
            manager: Some(manager.into()),
            time: Some(crate::api::time::to_time(at(secs))),
            fields_v1: Some(FieldsV1(json!({field: {}}))),
            subresource: subresource.map(Into::into),
            ..ManagedFieldsEntry::default()
        };
        environment.metadata.managed_fields = Some(vec![
            entry("argocd", 1, "f:spec", None),
            entry("kubectl-edit", 5, "f:spec", None),
            entry("release-cockpit", 9, "f:status", Some("status")),
            entry("labeller", 9, "f:metadata", None),
        ]);
        let told = sentence(&change(&environment, vec!["approval".into(), "gates".into()]));
        assert_eq!(told, "policy changed by kubectl-edit at 2027-01-15 08:00:05Z: approval, gates");
    }

    #[test]
    fn a_release_that_has_begun_keeps_the_policy_of_its_start() {
        let began = guarded();
        let progress = ComponentProgress {
            component: "backend".into(),
            state: ComponentState::Progressing,
            message: String::new(),
            updated: 0,
            available: 0,
            total: 0,
            revision: None,
        };
        let status = ReleaseStatus {
            policy: Some(sections(&began.spec)),
            phase: Phase::Progressing,
            components: vec![progress],
            ..ReleaseStatus::default()
        };
        let mut changed = began.clone();
        changed.spec.on_failure = OnFailure::Hold;
        changed.spec.components[0].workload.name = "other".into();
        changed.spec.approval = None;
        changed.spec.gates = Some(Gates::default());
        changed.spec.contacts.insert("on-call".into(), "#ops".into());
        let mut pinned = changed.clone();
        assert!(pin(&mut pinned, &status));
        let contacts = changed.spec.contacts.clone();
        assert_eq!(pinned.spec, EnvironmentSpec { contacts, ..began.spec.clone() });
        let mut waiting = changed.clone();
        assert!(pin(&mut waiting, &ReleaseStatus { phase: Phase::Pending, ..status.clone() }));
        assert_eq!(waiting.spec, changed.spec);
        let mut untouched = changed.clone();
        assert!(pin(&mut untouched, &ReleaseStatus { components: Vec::new(), ..status.clone() }));
        assert_eq!(untouched.spec, changed.spec, "nothing is changed yet: its gates are asked again");
        let mut unreadable = changed.clone();
        let odd = [("components".to_owned(), json!("none"))].into();
        assert!(!pin(&mut unreadable, &ReleaseStatus { policy: Some(odd), ..status }));
        assert_eq!(unreadable.spec, changed.spec);
    }
}
