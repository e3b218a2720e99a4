//! What an action other than an approval does, in words that can be checked before it is sent.

use chrono::{DateTime, Utc};

use crate::api::environment::InFlight;
use crate::api::release_action::Parameters;
use crate::api::strategy::Weight;
use crate::api::{ActionKind, Environment, Release};
use crate::app::rows::environments::workload;
use crate::app::state::confirm::Fact;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::store::Store;
use crate::app::{shifting, target};
use crate::domain::age::Age;
use crate::domain::resume;

/// What an action on a release does besides moving it.
pub(super) fn of_release(
    store: &Store,
    id: Option<&ReleaseId>,
    (kind, parameters): (ActionKind, Option<&Parameters>),
    release: &Release,
) -> Vec<Fact> {
    let mut facts = vec![fact("requested by", release.spec.requested_by.clone())];
    if matches!(kind, ActionKind::Promote | ActionKind::PromoteFull)
        && let Some(skipped) = shifting::skipped(release, kind)
    {
        facts.push(fact("steps", skipped));
    }
    if let Some(status) = release.status.as_ref().filter(|_| kind == ActionKind::Resume) {
        facts.push(fact("next", resume::after_resume(status, store.now)));
    }
    let Some(with) = parameters else { return facts };
    weight(&mut facts, store, id, with);
    if let Some(item) = &with.item {
        facts.push(fact("item", item.clone()));
    }
    if let Some(gate) = &with.gate {
        facts.push(bad("passes by force", gate.clone()));
    }
    incident(&mut facts, with);
    if let Some(until) = with.until {
        facts.push(fact("until", instant(until, store.now)));
    }
    if kind == ActionKind::Override {
        facts.push(fact("afterwards", "it stays as a debt that somebody else must review".to_owned()));
    }
    if let Some(person) = &with.person {
        facts.push(fact("to", person.clone()));
    }
    facts
}

/// What a shift of weight does to pods and requests, and what the policy says of it.
fn weight(facts: &mut Vec<Fact>, store: &Store, id: Option<&ReleaseId>, with: &Parameters) {
    let wanted = with.weight.and_then(|percent| u8::try_from(percent).ok()).and_then(Weight::new);
    let (Some(wanted), Some(id)) = (wanted, id) else { return };
    let (lines, refusal) = shifting::told(store, id, wanted);
    facts.extend(lines.into_iter().map(|(label, value)| fact(label, value)));
    facts.extend(refusal.map(|refusal| bad("policy", refusal)));
}

/// What an action on an environment reaches.
pub(super) fn of_environment(
    store: &Store,
    id: &EnvironmentId,
    (kind, parameters): (ActionKind, Option<&Parameters>),
) -> Vec<Fact> {
    let Some(environment) = store.environment(id) else { return Vec::new() };
    let nothing = Parameters::default();
    let with = parameters.unwrap_or(&nothing);
    let mut facts = Vec::new();
    match kind {
        ActionKind::Freeze => freeze(&mut facts, store, id, with),
        ActionKind::AbortAll => facts.push(bad("aborts", under_way(store, id))),
        ActionKind::Scale | ActionKind::Restart => component(&mut facts, store, id, (kind, with)),
        ActionKind::Deny | ActionKind::Allow => {
            let digest = with.digest.as_deref().unwrap_or_default();
            facts.push(fact("digest", digest.to_owned()));
            facts.push(fact("runs here", runs(environment, digest)));
            if let Some(until) = with.until {
                facts.push(fact("until", instant(until, store.now)));
            }
        }
        ActionKind::Review => debt(&mut facts, environment, with, store.now),
        _ => {}
    }
    incident(&mut facts, with);
    facts
}

fn fact(label: &'static str, value: String) -> Fact {
    Fact { label, value, bad: false }
}

fn bad(label: &'static str, value: String) -> Fact {
    Fact { label, value, bad: true }
}

fn incident(facts: &mut Vec<Fact>, with: &Parameters) {
    if let Some(incident) = &with.incident {
        facts.push(fact("incident", incident.clone()));
    }
}

/// `16:03Z, in 2h`; the day where it is another one.
fn instant(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let left = Age::between(now, at);
    if at.date_naive() == now.date_naive() {
        format!("{}Z, in {left}", at.format("%H:%M"))
    } else {
        format!("{}Z, in {left}", at.format("%Y-%m-%d %H:%M"))
    }
}

fn freeze(facts: &mut Vec<Fact>, store: &Store, id: &EnvironmentId, with: &Parameters) {
    let until = with.until.map_or("somebody lifts it".to_owned(), |until| instant(until, store.now));
    facts.push(fact("until", until));
    let fate = match with.in_flight.unwrap_or_default() {
        InFlight::Finish => "may finish",
        InFlight::Hold => "is held where it is",
        InFlight::RollBack => "is rolled back",
    };
    let running =
        target::releases_of(store, id).into_iter().find(|(_, release)| release.phase().holds_lane());
    let what = running.map_or("nothing executes now".to_owned(), |(_, release)| release.spec.version.clone());
    let value = format!("{what}; what executes {fate}");
    let loud = with.in_flight == Some(InFlight::RollBack);
    facts.push(Fact { label: "in flight", value, bad: loud });
}

/// Everything that waits or runs there, by version and phase.
fn under_way(store: &Store, id: &EnvironmentId) -> String {
    let alive: Vec<String> = target::releases_of(store, id)
        .into_iter()
        .filter(|(_, release)| !release.phase().is_final())
        .map(|(_, release)| format!("{} {}", release.spec.version, release.phase()))
        .collect();
    if alive.is_empty() { "nothing: no release waits or runs".to_owned() } else { alive.join(", ") }
}

fn component(
    facts: &mut Vec<Fact>,
    store: &Store,
    id: &EnvironmentId,
    (kind, with): (ActionKind, &Parameters),
) {
    let (Some(cluster), Some(environment)) = (store.cluster(id.cluster), store.environment(id)) else {
        return;
    };
    let name = with.component.as_deref().unwrap_or_default();
    let row = environment.spec.component(name).and_then(|found| workload(cluster, environment, found));
    let now = row.map_or("?".to_owned(), |row| row.desired.to_string());
    if kind == ActionKind::Restart {
        facts.push(fact("restarts", format!("{now} pods of {name}, a few at a time")));
        return;
    }
    let back = environment.status.as_ref().and_then(|status| {
        status.scaled.iter().find(|scaled| scaled.component.as_str() == name).map(|scaled| scaled.replicas)
    });
    let (to, gone) = match (with.replicas, back) {
        (Some(replicas), _) => (replicas.to_string(), replicas == 0),
        (None, Some(replicas)) => (format!("{replicas}, as before"), false),
        (None, None) => ("as before".to_owned(), false),
    };
    facts.push(Fact { label: "replicas", value: format!("{name}: {now} → {to}"), bad: gone });
    if gone {
        facts.push(bad("then", format!("{name} answers nobody until it is scaled back")));
    }
}

fn runs(environment: &Environment, digest: &str) -> String {
    let current = environment.status.as_ref().map(|status| status.current.as_slice()).unwrap_or_default();
    let here = current.iter().find(|c| c.digest.as_deref() == Some(digest) || c.image.ends_with(digest));
    here.map_or("no".to_owned(), |c| format!("yes: {} {}; it is left as it is", c.component, c.version))
}

fn debt(facts: &mut Vec<Fact>, environment: &Environment, with: &Parameters, now: DateTime<Utc>) {
    let debts = environment.status.as_ref().map(|status| status.debts.as_slice()).unwrap_or_default();
    if let Some(debt) = debts.iter().find(|debt| Some(&debt.id) == with.debt.as_ref()) {
        facts.push(fact("was done", debt.what.clone()));
        facts.push(fact("by", format!("{}, {} ago", debt.by, Age::between(debt.at, now))));
        facts.push(fact("because", debt.reason.clone()));
        if let Some(incident) = &debt.incident {
            facts.push(fact("incident", incident.clone()));
        }
    }
}
