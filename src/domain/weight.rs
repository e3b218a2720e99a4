//! Weights of a canary: what whole pods make of a share, what the policy lets people ask for, and what a change would do.
//!
//! Owns the arithmetic and the guard rails. Must not know how a weight is reached (`rollout::shift`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{plan, track};
use crate::api::environment::Environment;
use crate::api::release::{PlanStep, Release, ReleaseStatus};
use crate::api::strategy::{Canary, Step, Strategy, StrategyName, Weight};

/// Pods of the two workloads of a component, and the share of the traffic that a router sends to the second one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// Pods of the second workload.
    pub second: i32,
    /// Pods of the component's own workload.
    pub own: i32,
    /// Per cent; 0 where replicas carry the weight.
    pub traffic: i32,
}

impl Split {
    /// Everything on the component's own workload.
    #[must_use]
    pub(crate) const fn home(pods: i32) -> Self {
        Self { second: 0, own: pods, traffic: 0 }
    }
}

/// How `pods` pods are split for a weight. A router needs as many pods behind it as its share asks for, and the own workload stays
/// whole; without one the nearest whole number of pods changes sides, ties up, and below 100 % neither side is ever without any.
#[must_use]
pub(crate) fn split(weight: Weight, pods: i32, is_routed: bool) -> Split {
    let (pods, percent) = (pods.max(0), i32::from(weight.percent()));
    if percent == 0 || pods == 0 {
        return Split::home(pods);
    }
    if is_routed {
        return Split { second: rounded_up(pods, percent), own: pods, traffic: percent };
    }
    if percent == 100 {
        return Split { second: pods, own: 0, traffic: 0 };
    }
    let nearest = parts(pods, percent, 50);
    let second = nearest.clamp(1, pods.saturating_sub(1).max(1));
    Split { second, own: pods.saturating_sub(second).max(1), traffic: 0 }
}

/// That part of so many pods, in whole pods, rounded up.
#[must_use]
pub(crate) fn rounded_up(pods: i32, percent: i32) -> i32 {
    parts(pods, percent, 99)
}

/// So many hundredths of the pods, after `more` hundredths of a pod are added.
fn parts(pods: i32, percent: i32, more: i64) -> i32 {
    let hundredths = i64::from(pods).saturating_mul(i64::from(percent)).saturating_add(more);
    i32::try_from(hundredths / 100).unwrap_or(pods)
}

/// The weight that these splits make of what was asked for, in whole per cent; nothing where no pod runs at all.
#[must_use]
pub(crate) fn achievable(splits: &[(Split, bool)]) -> Option<i32> {
    let share = |(split, is_routed): &(Split, bool)| {
        let (second, own) = (i64::from(split.second), i64::from(split.own));
        let all = second.saturating_add(own);
        if *is_routed {
            (own.saturating_mul(i64::from(split.traffic)), own.saturating_mul(100))
        } else {
            (second.saturating_mul(100), all.saturating_mul(100))
        }
    };
    let add = |sum: (i64, i64), one: (i64, i64)| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1));
    let (new, all) = splits.iter().map(share).fold((0, 0), add);
    let doubled = new.saturating_mul(200).saturating_add(all);
    (all > 0).then(|| {
        i32::try_from(doubled.checked_div(all.saturating_mul(2)).unwrap_or_default()).unwrap_or_default()
    })
}

/// Says openly what whole pods make of a weight: `20% of 3 replicas is 33%: 1 of 3`.
#[must_use]
pub(crate) fn sentence(weight: Weight, splits: &[(Split, bool)]) -> String {
    let second = splits.iter().fold(0_i32, |sum, (split, _)| sum.saturating_add(split.second));
    let own = splits.iter().fold(0_i32, |sum, (split, _)| sum.saturating_add(split.own));
    let pods = second.saturating_add(own);
    match achievable(splits) {
        None => format!("{weight} of no pods"),
        Some(_) if splits.iter().all(|(_, is_routed)| *is_routed) => {
            format!(
                "{weight} of the traffic, {second} {} beside {own}",
                if second == 1 { "pod" } else { "pods" }
            )
        }
        Some(real) if real == i32::from(weight.percent()) => format!("{weight}: {second} of {pods} replicas"),
        Some(real) => format!("{weight} of {pods} replicas is {real}%: {second} of {pods}"),
    }
}

/// What a weight would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preview {
    /// What is asked for, in per cent.
    pub desired: i32,
    /// What whole pods make of it; nothing where no pod runs.
    pub achievable: Option<i32>,
    /// Pods of the new version.
    pub canary_pods: i32,
    /// Pods of the old version.
    pub stable_pods: i32,
    /// One sentence: the weight as whole pods make it.
    pub sentence: String,
    /// Why the policy refuses it; nothing when it does not.
    pub refusal: Option<String>,
}

/// What that weight would do to a release. `pods` are those wanted of each component where the release has not recorded them yet.
#[must_use]
pub(crate) fn preview(
    environment: &Environment,
    release: &Release,
    pods: &BTreeMap<String, i32>,
    wanted: Weight,
    now: DateTime<Utc>,
) -> Preview {
    let settings = environment.spec.strategy_of(StrategyName::Canary);
    let before = release.status.as_ref().map_or(&[][..], |status| status.before.as_slice());
    let splits: Vec<_> = environment
        .spec
        .components
        .iter()
        .filter(|component| plan::target(release, &component.name).is_some())
        .filter_map(|component| {
            let name = &component.name;
            let record = before.iter().find(|record| record.component == *name);
            if record.is_some_and(|record| plan::target(release, name) == Some(&record.image)) {
                return None;
            }
            let tracks = release.status.as_ref().map_or(&[][..], |status| status.tracks.as_slice());
            let track = tracks.iter().find(|track| track.component == *name);
            let recorded = track.and_then(|track| track.capacity);
            let recorded = recorded.or_else(|| record.and_then(|record| record.replicas));
            let pods = recorded.or_else(|| pods.get(name.as_str()).copied())?;
            let is_routed = track::routing(&settings, name).is_some();
            Some((split(wanted, pods, is_routed), is_routed))
        })
        .collect();
    let nothing = ReleaseStatus::default();
    Preview {
        desired: i32::from(wanted.percent()),
        achievable: achievable(&splits),
        canary_pods: splits.iter().map(|(split, _)| split.second).sum(),
        stable_pods: splits.iter().map(|(split, _)| split.own).sum(),
        sentence: sentence(wanted, &splits),
        refusal: refusal(environment, release.status.as_ref().unwrap_or(&nothing), wanted, now),
    }
}

/// Why a person may not set that weight now, in the policy's words; nothing when they may.
#[must_use]
pub(crate) fn refusal(
    environment: &Environment,
    status: &ReleaseStatus,
    wanted: Weight,
    now: DateTime<Utc>,
) -> Option<String> {
    let plan = status.plan.as_ref().filter(|plan| plan.strategy == StrategyName::Canary);
    let Some(plan) = plan else { return Some("only the weight of a canary can be set".to_owned()) };
    let step = status.step.as_ref().and_then(|step| usize::try_from(step.index).ok());
    let Some(step) = step else { return Some("its first step has not begun".to_owned()) };
    if !matches!(plan.steps.get(step), Some(PlanStep::Canary(_))) {
        return Some("its steps of weight are over: the environment's own workloads follow".to_owned());
    }
    let weight = status.weight.clone().unwrap_or_default();
    let wanted = i32::from(wanted.percent());
    if wanted == weight.desired {
        return Some(format!("its weight is {wanted}% already"));
    }
    if wanted < weight.desired {
        return None;
    }
    let Strategy::Canary(canary) = environment.spec.strategy_of(StrategyName::Canary) else { return None };
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    let open_approval = plan.steps.iter().enumerate().skip(step).find_map(|(index, step)| {
        matches!(step, PlanStep::Canary(Step::Approval(_))).then_some(index.saturating_add(1))
    });
    rails(&canary, (weight.desired, wanted), open_approval)
        .or_else(|| dwell(&canary, &weight, now))
        .map(|why| format!("{name} {why}"))
}

fn rails(canary: &Canary, (from, to): (i32, i32), open_approval: Option<usize>) -> Option<String> {
    let largest = canary.max_step.map(|step| i32::from(step.percent()));
    if let Some(largest) = largest.filter(|largest| to.saturating_sub(from) > *largest) {
        let most = from.saturating_add(largest).min(100);
        return Some(format!(
            "lets the weight grow by {largest}% at most in one step: from {from}% to {most}%"
        ));
    }
    let limit = canary.max_weight_before_approval.map(|limit| i32::from(limit.percent()));
    match (limit.filter(|limit| to > *limit), open_approval) {
        (Some(limit), Some(step)) => {
            Some(format!("allows {limit}% at most before the approval of step {step}"))
        }
        _ => None,
    }
}

fn dwell(canary: &Canary, weight: &crate::api::release::Weights, now: DateTime<Utc>) -> Option<String> {
    let shortest = canary.min_dwell?;
    let end = weight.since?.checked_add_signed(shortest.to_delta())?;
    (end > now).then(|| {
        let end = end.format("%Y-%m-%d %H:%M:%SZ");
        format!("keeps a weight for {shortest} at least: {}% stays until {end}", weight.desired)
    })
}

#[cfg(test)]
mod tests;
