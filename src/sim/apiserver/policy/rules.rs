//! The rules: one small function each, from a case to a verdict.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize as _;
use serde_json::Value;
use std::fmt::Write as _;

use super::{Case, Verdict};
use crate::api::environment::Versions;
use crate::api::{ActionKind, GROUP};
use crate::domain::image_version;
use crate::sim::apiserver::rbac::Question;
use crate::sim::kinds::{at, list, text};
use crate::sim::store::instant;

pub(super) fn refuse(broken: bool, verdict: impl FnOnce() -> String) -> Verdict {
    broken.then(|| (verdict(), false))
}

fn invalid(broken: bool, verdict: impl FnOnce() -> String) -> Verdict {
    broken.then(|| (verdict(), true))
}

pub(super) fn release_identity(case: &Case<'_>) -> Verdict {
    let (user, said) = (&case.request.user.name, text(case.object, &["spec", "requestedBy"]));
    refuse(said != user, || format!("IdentityMismatch: spec.requestedBy must be {user}, not {said}"))
}

pub(super) fn action_identity(case: &Case<'_>) -> Verdict {
    let (user, said) = (&case.request.user.name, text(case.object, &["spec", "actor"]));
    refuse(said != user, || format!("IdentityMismatch: spec.actor must be {user}, not {said}"))
}

fn may(case: &Case<'_>, verb: &str) -> bool {
    let question =
        Question { verb, group: GROUP, resource: "environments", namespace: case.request.namespace };
    case.authorizer.allows(case.request.user, question).is_some()
}

pub(super) fn release_verb(case: &Case<'_>) -> Verdict {
    let emergency = at(case.object, &["spec", "emergency"]) == Some(&Value::Bool(true));
    let verb = match (text(case.object, &["spec", "kind"]), emergency) {
        ("Rollback", _) => "rollback",
        (_, true) => "override",
        _ => "deploy",
    };
    refuse(!may(case, verb), || {
        format!(
            "VerbDenied: {} may not {verb} environment {} in namespace {}",
            case.request.user.name,
            text(case.object, &["spec", "environment"]),
            case.request.namespace
        )
    })
}

pub(super) fn action_verb(case: &Case<'_>) -> Verdict {
    let action = text(case.object, &["spec", "action"]);
    let kind = ActionKind::ALL.into_iter().find(|kind| kind.as_str() == action)?;
    let verb = kind.verb().as_str();
    refuse(!may(case, verb), || {
        format!(
            "VerbDenied: {action} needs the verb {verb} on environment {} in namespace {}, which {} does not have",
            text(case.object, &["spec", "environment"]),
            case.request.namespace,
            case.request.user.name
        )
    })
}

pub(super) fn slot_group(case: &Case<'_>) -> Verdict {
    let foreign = list(case.object, &["spec", "slots"]).iter().find(|slot| {
        let group = text(slot, &["group"]);
        !group.is_empty() && !case.request.user.groups.iter().any(|own| own == group)
    })?;
    refuse(true, || {
        format!(
            "SlotDenied: {} is not in group {} of slot {}",
            case.request.user.name,
            text(foreign, &["group"]),
            text(foreign, &["name"])
        )
    })
}

pub(super) fn slot_missing(case: &Case<'_>) -> Verdict {
    let approve = text(case.object, &["spec", "action"]) == "Approve";
    invalid(approve && list(case.object, &["spec", "slots"]).is_empty(), || {
        "SlotMissing: Approve names the slots that it fills".to_owned()
    })
}

pub(super) fn finalizers(case: &Case<'_>) -> Verdict {
    invalid(!list(case.object, &["metadata", "finalizers"]).is_empty(), || {
        "MetadataRefused: metadata.finalizers is set by the controller only".to_owned()
    })
}

pub(super) fn owners(case: &Case<'_>) -> Verdict {
    invalid(!list(case.object, &["metadata", "ownerReferences"]).is_empty(), || {
        "MetadataRefused: metadata.ownerReferences is not allowed: a record is not owned".to_owned()
    })
}

pub(super) fn labels(case: &Case<'_>) -> Verdict {
    let ours = |field: &str| {
        at(case.object, &["metadata", field])
            .and_then(Value::as_object)
            .is_some_and(|map| map.keys().any(|key| key.starts_with("release-cockpit.dev/")))
    };
    invalid(ours("labels") || ours("annotations"), || {
        "MetadataRefused: labels and annotations with the prefix release-cockpit.dev/ are set by the controller only"
            .to_owned()
    })
}

pub(super) fn annotations(case: &Case<'_>) -> Verdict {
    let (most, shown) = if case.request.resource.kind == "Release" { (32_768, 32) } else { (8_192, 8) };
    let map = at(case.object, &["metadata", "annotations"]).and_then(Value::as_object)?;
    let long = map.values().any(|value| value.as_str().is_some_and(|text| text.chars().count() > most));
    invalid(map.len() > 8 || long, || format!("MetadataRefused: at most 8 annotations of {shown} KiB each"))
}

fn is_current(case: &Case<'_>, entry: &Value) -> bool {
    instant(entry, &["until"]).is_none_or(|until| until > case.now)
}

pub(super) fn frozen(case: &Case<'_>) -> Verdict {
    let freeze = at(case.environment, &["status", "frozen"]).filter(|freeze| !freeze.is_null())?;
    let forward = text(case.object, &["spec", "kind"]) != "Rollback";
    let emergency = at(case.object, &["spec", "emergency"]) == Some(&Value::Bool(true));
    refuse(is_current(case, freeze) && forward && !emergency, || {
        let mut sentence =
            format!("EnvironmentFrozen: {} is frozen", text(case.object, &["spec", "environment"]));
        for (field, before, after) in [("by", " by ", ""), ("until", " until ", ""), ("reason", " (", ")")] {
            if let Some(value) = freeze.get(field).and_then(Value::as_str) {
                let _ = write!(sentence, "{before}{value}{after}");
            }
        }
        sentence
    })
}

pub(super) fn version(case: &Case<'_>) -> Verdict {
    let pattern = at(case.environment, &["spec", "versions", "pattern"])?.as_str()?;
    let version = text(case.object, &["spec", "version"]);
    let fits = image_version::matches(pattern, version).unwrap_or(false);
    invalid(!fits, || {
        format!(
            "VersionRefused: version {version} does not match {pattern} of {}",
            text(case.object, &["spec", "environment"])
        )
    })
}

pub(super) fn strategy(case: &Case<'_>) -> Verdict {
    let wanted = at(case.object, &["spec", "strategy"])?.as_str()?;
    let allowed: Vec<_> =
        list(case.environment, &["spec", "allowedStrategies"]).iter().filter_map(Value::as_str).collect();
    invalid(!allowed.contains(&wanted), || {
        let name = text(case.object, &["spec", "environment"]);
        let mut sentence = format!("StrategyRefused: {name} does not allow the strategy {wanted}");
        if !allowed.is_empty() {
            let _ = write!(sentence, "; allowed: {}", allowed.join(", "));
        }
        sentence
    })
}

fn component<'a>(case: &Case<'a>, name: &str) -> Option<&'a Value> {
    list(case.environment, &["spec", "components"])
        .iter()
        .find(|component| text(component, &["name"]) == name)
}

pub(super) fn release_components(case: &Case<'_>) -> Verdict {
    let stranger = list(case.object, &["spec", "images"])
        .iter()
        .map(|image| text(image, &["component"]))
        .find(|name| component(case, name).is_none())?;
    unknown_component(case, stranger)
}

fn unknown_component(case: &Case<'_>, name: &str) -> Verdict {
    invalid(true, || {
        format!("ComponentUnknown: {} has no component {name}", text(case.object, &["spec", "environment"]))
    })
}

pub(super) fn images(case: &Case<'_>) -> Verdict {
    let alien = list(case.object, &["spec", "images"]).iter().find(|image| {
        let repository = component(case, text(image, &["component"]))
            .map(|component| text(component, &["image"]))
            .unwrap_or_default();
        !text(image, &["image"])
            .strip_prefix(repository)
            .is_some_and(|rest| rest.starts_with('@') || rest.starts_with(':'))
    })?;
    invalid(true, || {
        format!(
            "ImageRefused: {} is not from the repository of component {}",
            text(alien, &["image"]),
            text(alien, &["component"])
        )
    })
}

fn versions(case: &Case<'_>) -> Versions {
    let versions = at(case.environment, &["spec", "versions"]);
    versions.and_then(|versions| Versions::deserialize(versions).ok()).unwrap_or_default()
}

fn is_forward(case: &Case<'_>) -> bool {
    text(case.object, &["spec", "kind"]) != "Rollback"
}

pub(super) fn labels_of_images(case: &Case<'_>) -> Verdict {
    let (versions, version) = (versions(case), text(case.object, &["spec", "version"]));
    let mut images = list(case.object, &["spec", "images"]).iter();
    let why = images
        .find_map(|image| image_version::mismatch(Some(&versions), version, text(image, &["image"])))?;
    invalid(is_forward(case), || format!("VersionMismatch: {why}"))
}

pub(super) fn digests(case: &Case<'_>) -> Verdict {
    let mut images = list(case.object, &["spec", "images"]).iter().map(|image| text(image, &["image"]));
    let bare = images.find(|image| !image.contains("@sha256:"))?;
    invalid(is_forward(case) && versions(case).require_digest, || {
        format!(
            "DigestMissing: {bare} has no digest, which {} requires",
            text(case.object, &["spec", "environment"])
        )
    })
}

pub(super) fn denied(case: &Case<'_>) -> Verdict {
    let images = list(case.object, &["spec", "images"]);
    let entry = list(case.environment, &["status", "denied"]).iter().find(|entry| {
        let suffix = format!("@{}", text(entry, &["digest"]));
        is_current(case, entry) && images.iter().any(|image| text(image, &["image"]).ends_with(&suffix))
    })?;
    refuse(true, || {
        let name = text(case.object, &["spec", "environment"]);
        let mut sentence =
            format!("DigestDenied: {} is on the deny list of {name}", text(entry, &["digest"]));
        if let Some(reason) = entry.get("reason").and_then(Value::as_str) {
            let _ = write!(sentence, " ({reason})");
        }
        sentence
    })
}

pub(super) fn slot_unknown(case: &Case<'_>) -> Verdict {
    let known = list(case.environment, &["spec", "approval", "slots"]);
    let stranger = list(case.object, &["spec", "slots"]).iter().find(|slot| {
        !known.iter().any(|known| {
            text(known, &["name"]) == text(slot, &["name"]) && known.get("group") == slot.get("group")
        })
    })?;
    invalid(true, || {
        let group = match text(stranger, &["group"]) {
            "" => "without a group".to_owned(),
            group => format!("for group {group}"),
        };
        let name = text(case.object, &["spec", "environment"]);
        format!("SlotUnknown: {name} has no approval slot {} {group}", text(stranger, &["name"]))
    })
}

pub(super) fn action_component(case: &Case<'_>) -> Verdict {
    let name = text(case.object, &["spec", "parameters", "component"]);
    if name.is_empty() || component(case, name).is_some() {
        return None;
    }
    unknown_component(case, name)
}

fn parameter<'a>(case: &'a Case<'_>, name: &str) -> &'a str {
    text(case.object, &["spec", "parameters", name])
}

fn created(case: &Case<'_>) -> DateTime<Utc> {
    instant(case.object, &["metadata", "creationTimestamp"]).unwrap_or(case.now)
}

pub(super) fn until_past(case: &Case<'_>) -> Verdict {
    let until = instant(case.object, &["spec", "parameters", "until"])?;
    invalid(until <= created(case), || "UntilPast: spec.parameters.until must be in the future".to_owned())
}

pub(super) fn until_too_far(case: &Case<'_>) -> Verdict {
    let until = instant(case.object, &["spec", "parameters", "until"])?;
    let (article, hours) = match text(case.object, &["spec", "action"]) {
        "Override" => ("an Override", 4),
        "Drive" => ("a Drive", 8),
        _ => return None,
    };
    invalid(until > created(case) + TimeDelta::hours(hours), || {
        format!("UntilTooFar: {article} lasts {hours} hours at most")
    })
}

pub(super) fn freeze_that_rolls_back(case: &Case<'_>) -> Verdict {
    let meant =
        text(case.object, &["spec", "action"]) == "Freeze" && parameter(case, "inFlight") == "RollBack";
    refuse(meant && !may(case, "rollback"), || {
        format!(
            "VerbDenied: a Freeze that rolls back needs the verb rollback on environment {} in namespace {}, which {} does \
             not have",
            text(case.object, &["spec", "environment"]),
            case.request.namespace,
            case.request.user.name
        )
    })
}

pub(super) fn item_unknown(case: &Case<'_>) -> Verdict {
    let item = parameter(case, "item");
    let known = list(case.environment, &["spec", "gates", "checklist"]).iter().any(|known| known == item);
    invalid(text(case.object, &["spec", "action"]) == "Check" && !known, || {
        format!(
            "ItemUnknown: the checklist of {} has no item {item}",
            text(case.object, &["spec", "environment"])
        )
    })
}
