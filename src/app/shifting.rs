//! Shifts of weight: what a person may propose, what it would do to pods and requests, and the policy's refusal beforehand.

use std::collections::BTreeMap;

use crate::api::release::PlanStep;
use crate::api::strategy::{Step, StrategyName, Weight};
use crate::api::{ActionKind, Environment, Release};
use crate::app::quantity::{Unit, Value};
use crate::app::rows::environments::workload;
use crate::app::state::located::ReleaseId;
use crate::app::state::store::Store;
use crate::app::steps::{self, StepWords};
use crate::app::tracks;
use crate::domain::weight::{self, Preview};
use crate::domain::{action, plan};

/// By how much a weight is shifted where neither plan nor policy says anything.
const USUAL: u8 = 10;
/// Name of the query that counts requests a second.
const REQUESTS: &str = "requestRate";

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// The weight now, in per cent.
pub(super) fn present(release: &Release) -> i32 {
    let weight = release.status.as_ref().and_then(|status| status.weight.as_ref());
    weight.map_or(0, |weight| weight.desired)
}

/// The weight that is proposed in that direction: the plan's next one, as far as the policy lets it go in one step.
pub(super) fn proposal(
    store: &Store,
    environment: &Environment,
    release: &Release,
    direction: Direction,
) -> Weight {
    let now = u8::try_from(present(release).clamp(0, 100)).unwrap_or_default();
    let plan = release.status.as_ref().and_then(|status| status.plan.as_ref());
    let planned =
        plan.map(|plan| plan.steps.as_slice()).unwrap_or_default().iter().filter_map(|step| match step {
            PlanStep::Canary(Step::SetWeight(weight)) => Some(weight.percent()),
            _ => None,
        });
    let percent = match direction {
        Direction::Up => {
            let next = planned.filter(|weight| *weight > now).min();
            let wanted = next.unwrap_or_else(|| now.saturating_add(USUAL).min(100));
            let passes = |percent: &u8| !is_beyond(store, environment, release, *percent);
            (now.saturating_add(1)..=wanted).rev().find(passes).unwrap_or(wanted)
        }
        Direction::Down => {
            planned.filter(|weight| *weight < now).max().unwrap_or_else(|| now.saturating_sub(USUAL))
        }
    };
    Weight::new(percent).unwrap_or_default()
}

/// Whether the policy refuses that weight for its size, whatever it says of the time.
fn is_beyond(store: &Store, environment: &Environment, release: &Release, percent: u8) -> bool {
    let Some(status) = &release.status else { return false };
    let mut status = status.clone();
    if let Some(weight) = &mut status.weight {
        weight.since = None;
    }
    let wanted = Weight::new(percent).unwrap_or_default();
    weight::refusal(environment, &status, wanted, store.now).is_some()
}

/// What that weight would do.
pub(super) fn preview(store: &Store, id: &ReleaseId, wanted: Weight) -> Option<Preview> {
    let (release, environment, pods) = known(store, id)?;
    Some(weight::preview(environment, release, &pods, wanted, store.now))
}

fn known<'a>(
    store: &'a Store,
    id: &ReleaseId,
) -> Option<(&'a Release, &'a Environment, BTreeMap<String, i32>)> {
    let release = store.release(id)?;
    let environment = store.environment(&store.environment_of(id)?)?;
    let cluster = store.cluster(id.cluster)?;
    let pods = environment.spec.components.iter().filter_map(|component| {
        let row = workload(cluster, environment, component)?;
        Some((component.name.to_string(), row.desired))
    });
    Some((&**release, &**environment, pods.collect()))
}

/// What that weight would do, line by line, and why the policy refuses it.
pub(super) fn told(
    store: &Store,
    id: &ReleaseId,
    wanted: Weight,
) -> (Vec<(&'static str, String)>, Option<String>) {
    let (Some(then), Some(release)) = (preview(store, id, wanted), store.release(id)) else {
        return (Vec::new(), Some("this release is gone".to_owned()));
    };
    let present = Weight::new(u8::try_from(present(release).clamp(0, 100)).unwrap_or_default());
    let now = preview(store, id, present.unwrap_or_default());
    let observed = release.status.as_ref().and_then(|status| status.weight.as_ref()?.observed);
    let observed = observed.map_or("not measured".to_owned(), |observed| format!("observed {observed:.0}%"));
    let mut lines = vec![
        ("weight", format!("{} → {wanted} ({observed} now)", present.unwrap_or_default())),
        ("becomes", then.sentence.clone()),
    ];
    if let Some(now) = &now {
        lines.push((
            "split",
            format!(
                "new version {} → {}, old version {} → {}",
                now.canary_pods, then.canary_pods, now.stable_pods, then.stable_pods
            ),
        ));
    }
    lines.push(("requests", requests(store, id, (now.and_then(|now| now.achievable), then.achievable))));
    (lines, then.refusal)
}

/// How many requests a second go to the new version, now and then.
fn requests(store: &Store, id: &ReleaseId, (now, then): (Option<i32>, Option<i32>)) -> String {
    let rate = store.environment_of(id).and_then(|environment| {
        let metric = store.cluster(id.cluster)?.metrics.get(&(environment.key, REQUESTS.into()))?;
        let values: Vec<f64> = metric
            .series
            .iter()
            .filter_map(|series| series.current(store.now, 60.0_f64.max(series.step * 3.0)))
            .collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>())
    });
    let (Some(rate), Some(then)) = (rate, then) else {
        return "how many there are is not known".to_owned();
    };
    let share = |percent: i32| Value(Unit::Number, rate * f64::from(percent) / 100.0);
    let now = now.map_or_else(String::new, |now| format!("{} → ", share(now)));
    format!("{now}{} of {} a second meet the new version", share(then), Value(Unit::Number, rate))
}

/// Whether the release is where its weight or its steps can be shifted by hand; the controller judges by the same rules.
pub(super) fn fits(release: &Release, kind: ActionKind) -> Result<(), String> {
    let version = &release.spec.version;
    let Some(status) = release.status.as_ref().filter(|_| !release.phase().is_final()) else { return Ok(()) };
    let Some(plan) = &status.plan else { return Ok(()) };
    match (plan.strategy, kind) {
        (StrategyName::Rolling, _) => {
            return Err(format!("{version} replaces pods in place: there is no weight to shift"));
        }
        (StrategyName::BlueGreen, ActionKind::SetWeight) => {
            return Err(format!("{version} is switched at once: only the weight of a canary can be set"));
        }
        _ => {}
    }
    if status.step.is_none() {
        return Err(format!("{version} has not started"));
    }
    if let Some((_, drift)) = tracks::drifts(status).next() {
        return Err(format!("{drift}; resume takes that over first"));
    }
    match (kind, steps::current(release)) {
        (_, None) => Err(format!("no step of {version} is left")),
        (ActionKind::SetWeight, Some(PlanStep::Canary(_))) => Ok(()),
        (ActionKind::SetWeight, Some(_)) => {
            Err(format!("the steps of weight of {version} are over: the environment's own workloads follow"))
        }
        (ActionKind::Promote, Some(_)) => action::no_next_step(status).map_or(Ok(()), Err),
        (_, Some(_)) => action::no_way_to_the_end(status).map_or(Ok(()), Err),
    }
}

/// Where the release goes, in words: the steps that are left out.
pub(super) fn skipped(release: &Release, kind: ActionKind) -> Option<String> {
    let status = release.status.as_ref()?;
    let (done, _) = steps::done(release)?;
    let steps = &status.plan.as_ref()?.steps;
    let end = if kind == ActionKind::PromoteFull { plan::full_step(status)? } else { done + 1 };
    let words = |step: &PlanStep| StepWords(step).to_string();
    let left_out: Vec<String> = steps.get(done..end.min(steps.len()))?.iter().map(words).collect();
    let next = steps.get(end).map_or("the end".to_owned(), words);
    Some(format!("{} → {next}", left_out.join(", ")))
}
