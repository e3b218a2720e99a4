//! What a confirmation repeats: where, how it fares right now, what is still missing.

use std::collections::BTreeSet;

use crate::api::release::{ApprovalState, GateState};
use crate::api::{ActionKind, Environment, Release};
use crate::app::quantity::{Unit, Value};
use crate::app::silences;
use crate::app::state::confirm::{Confirm, Fact, Intent};
use crate::app::state::health::{HealthClass, Reading};
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::store::Store;
use crate::domain::{image_version, intent};

mod particular;

/// The facts of a confirmation, in the order in which they are read.
pub(super) fn of(store: &Store, confirm: &Confirm) -> Vec<Fact> {
    let id = &confirm.environment;
    let Some(cluster) = store.cluster(id.cluster) else { return Vec::new() };
    let good = |label, value: String| Fact { label, value, bad: false };
    let Some(environment) = store.environment(id) else {
        let value = format!("{} does not exist, or this version cannot decode it", id.key);
        return vec![
            good("cluster", cluster.context.to_string()),
            Fact { label: "environment", value, bad: true },
        ];
    };
    let mut facts = vec![
        good("cluster", cluster.context.to_string()),
        good("environment", format!("{} ({})", id.key.name, environment.spec.tier)),
        good("application", application(environment)),
    ];
    if let Some(row) = store.rows.environments.iter().find(|row| row.id == *id) {
        facts.extend(state(row));
    }
    facts.extend(about(store, confirm));
    facts
}

/// What is particular to what is meant.
fn about(store: &Store, confirm: &Confirm) -> Vec<Fact> {
    let id = &confirm.environment;
    let (Some(cluster), Some(environment)) = (store.cluster(id.cluster), store.environment(id)) else {
        return Vec::new();
    };
    let good = |label, value: String| Fact { label, value, bad: false };
    match &confirm.intent {
        Intent::Action { kind: ActionKind::Approve, release, .. } => {
            let groups =
                cluster.identity.as_ref().map(|identity| identity.groups.as_slice()).unwrap_or_default();
            let slots: Vec<String> =
                intent::slots_for(environment, groups).into_iter().map(|s| s.name).collect();
            let strangers = image_version::strangers(&environment.spec, &release.spec);
            let images = strangers.iter().map(|image| Fact {
                label: "other version",
                value: format!("{} does not carry {}", image.image, release.spec.version),
                bad: true,
            });
            let mut facts: Vec<Fact> = images.collect();
            facts.push(good("requested by", release.spec.requested_by.clone()));
            facts.extend(source(store, confirm, environment));
            facts.extend(source_gates(release));
            facts.push(good("you count for", slots.join(", ")));
            facts.push(good("missing after you", missing_after_me(environment, release)));
            facts
        }
        Intent::Action { kind, release, parameters } => {
            particular::of_release(store, confirm.release.as_ref(), (*kind, parameters.as_deref()), release)
        }
        Intent::EnvironmentAction { kind, parameters } => {
            particular::of_environment(store, id, (*kind, parameters.as_deref()))
        }
        Intent::Release(release) => {
            let mut facts = vec![good("strategy", strategy(environment, release))];
            if let Some(approval) = &environment.spec.approval {
                let people: i32 = approval.slots.iter().map(|slot| slot.minimum).sum();
                facts.push(good("then waits for", format!("{people} {}", plural(people, "approval"))));
            }
            facts
        }
        Intent::Rollback { emergency: true, .. } => vec![
            Fact { label: "emergency", value: "at once, without a second person".to_owned(), bad: true },
            Fact {
                label: "afterwards",
                value: "somebody else must review it before the next normal release".to_owned(),
                bad: false,
            },
        ],
        Intent::Rollback { .. } => Vec::new(),
        Intent::Silence { .. } | Intent::Expire { .. } => silences::facts(store, confirm),
    }
}

/// How the environment is right now that the version comes from: what an approver would otherwise have to look up.
fn source(store: &Store, confirm: &Confirm, environment: &Environment) -> Option<Fact> {
    let from = &environment.spec.promotion.as_ref()?.from;
    let is_it = |row: &&EnvironmentRow| {
        row.id.cluster == confirm.environment.cluster
            && *row.id.key.namespace == *from.namespace
            && *row.id.key.name == *from.name
    };
    let Some(row) = store.rows.environments.iter().find(is_it) else {
        let value = format!("{}/{} is not in view", from.namespace, from.name);
        return Some(Fact { label: "source", value, bad: true });
    };
    let versions: Vec<&str> = row.versions.iter().map(|version| &**version).collect();
    let mut value = format!("{} {}", row.name, versions.join(", "));
    let mut add = |text: String| {
        value.push_str(", ");
        value.push_str(&text);
    };
    add(row.health.word().to_owned());
    add(format!("error rate {}", reading(row.error_rate, percent)));
    let firing = row.alerts.map_or(0, |alerts| alerts.firing);
    if firing > 0 {
        add(format!("{firing} alerts fire"));
    }
    let is_bad = matches!(row.health.class(), HealthClass::Bad | HealthClass::Unknown);
    Some(Fact { label: "source", value, bad: is_bad || row.error_rate.is_over() || firing > 0 })
}

/// What the controller found against the version in its source.
fn source_gates(release: &Release) -> impl Iterator<Item = Fact> {
    let gates = release.status.iter().flat_map(|status| &status.gates);
    gates
        .filter(|gate| matches!(gate.name.as_str(), "promotion" | "source-health"))
        .filter(|gate| gate.state != GateState::Pass)
        .map(|gate| Fact { label: "promotion", value: gate.detail.clone(), bad: true })
}

fn strategy(environment: &Environment, release: &Release) -> String {
    release.spec.strategy.unwrap_or_else(|| environment.spec.default_strategy()).to_string()
}

fn state(row: &EnvironmentRow) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |label, value, bad| facts.push(Fact { label, value, bad });
    match row.pods {
        Some((ready, desired)) => add("pods", format!("{ready}/{desired} ready"), ready < desired),
        None => add("pods", "unknown".to_owned(), true),
    }
    add("error rate", reading(row.error_rate, percent), row.error_rate.is_over());
    add("p95", reading(row.latency, seconds), row.latency.is_over());
    if let Some(frozen) = &row.frozen {
        add("frozen by", frozen.to_string(), true);
    }
    if let Some(active) = &row.active {
        add("in progress", format!("{} {}", active.version, active.phase), false);
    }
    if let Some(failed) = &row.failed {
        add("last release", format!("{} {}: {}", failed.version, failed.phase, row.reason), true);
    }
    facts
}

fn reading(reading: Reading, unit: impl Fn(f64) -> String) -> String {
    match (reading.value, reading.limit) {
        (Some(value), Some(limit)) => format!("{} (limit {})", unit(value), unit(limit)),
        (Some(value), None) => unit(value),
        (None, _) => "no data".to_owned(),
    }
}

/// Seats that stay open: people with a counted approval and we ourselves take one each.
fn missing_after_me(environment: &Environment, release: &Release) -> String {
    let slots =
        environment.spec.approval.as_ref().map(|approval| approval.slots.as_slice()).unwrap_or_default();
    let needed: i32 = slots.iter().map(|slot| slot.minimum).sum();
    let records = release.status.as_ref().map(|status| status.approvals.as_slice()).unwrap_or_default();
    let people: BTreeSet<&str> =
        records.iter().filter(|r| r.state == ApprovalState::Counted).map(|r| r.actor.as_str()).collect();
    let left = needed - i32::try_from(people.len()).unwrap_or(i32::MAX).saturating_add(1).min(needed);
    if left == 0 { "no approval".to_owned() } else { format!("{left} more {}", plural(left, "approval")) }
}

fn plural(count: i32, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// The application and its components: what a change reaches.
fn application(environment: &Environment) -> String {
    let names: Vec<&str> = environment.spec.components.iter().map(|c| c.name.as_str()).collect();
    format!("{} ({})", environment.spec.application, names.join(", "))
}

/// A ratio as per cent, as the panes write it.
#[must_use]
pub(crate) fn percent(ratio: f64) -> String {
    Value(Unit::Ratio, ratio).to_string()
}

/// Seconds, as the panes write them.
#[must_use]
pub(crate) fn seconds(seconds: f64) -> String {
    Value(Unit::Seconds, seconds).to_string()
}
