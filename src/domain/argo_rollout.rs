//! Argo Rollouts: in which phase one is, whether it has done what it was asked to do, and what has to be written to ask it.
//!
//! Follows Argo's `utils/rollout` (phases) and `kubectl-argo-rollouts` (promote), with two differences on purpose: a Rollout that no
//! controller has seen yet is not observed, and ending a pause that a person began skips no step. Must not know how a Rollout is
//! read (`workload::argo_rollout`).

use std::fmt;

use serde_json::{Value, json};

use super::rollout_status::{PROGRESS_DEADLINE_EXCEEDED, WorkloadState};
use crate::api::names::ComponentName;
use crate::api::release::{RolloutAnalysis, RolloutAsk, RolloutProgress, RolloutVerb};

/// Reason of the condition of a Rollout that was aborted.
pub const ROLLOUT_ABORTED: &str = "RolloutAborted";

/// What only an Argo Rollout has; its numbers stand in the [`WorkloadState`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgoRollout {
    /// How it replaces pods; nothing where neither strategy is given.
    pub strategy: Option<ArgoStrategy>,
    /// Its steps.
    pub steps: Vec<ArgoStep>,
    /// Index of the present step.
    pub step: Option<i32>,
    /// `spec.paused`.
    pub is_paused: bool,
    /// `status.controllerPause`.
    pub controller_pause: bool,
    /// Reasons of `status.pauseConditions`.
    pub pauses: Vec<String>,
    /// `status.abort`.
    pub is_aborted: bool,
    /// `status.promoteFull`.
    pub promote_full: bool,
    /// Whether `spec.restartAt` is still to be carried out.
    pub restarts: bool,
    /// `status.conditions`, in order.
    pub conditions: Vec<ArgoCondition>,
    /// `status.stableRS`.
    pub stable: String,
    /// `status.currentPodHash`.
    pub current: String,
    /// `status.blueGreen.activeSelector`.
    pub active: String,
    /// Weight that the router's objects state for the canary.
    pub routed: Option<i32>,
    /// The analysis runs, those of the present step first.
    pub analyses: Vec<RolloutAnalysis>,
    /// The object that the pod template comes from, where it is not the Rollout's own: `Deployment backend`.
    pub template_from: Option<String>,
}

/// How a Rollout replaces pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgoStrategy {
    /// In steps.
    Canary {
        /// Whether a traffic router carries the weight.
        is_routed: bool,
    },
    /// At once.
    BlueGreen {
        /// Whether an analysis follows the switch.
        has_post_promotion: bool,
    },
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgoStep {
    /// As Argo writes it, such as `setWeight: 20` or `pause: 10s`.
    pub text: String,
    /// The weight that it sets.
    pub weight: Option<i32>,
}

/// A condition, as far as phases need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgoCondition {
    /// Type.
    pub type_: String,
    /// Reason.
    pub reason: String,
    /// Message.
    pub message: String,
}

/// Argo's four phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgoPhase {
    /// Everything wanted runs and is stable.
    Healthy,
    /// On its way.
    Progressing,
    /// Waits.
    Paused,
    /// Cannot go on.
    Degraded,
}

impl fmt::Display for ArgoPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "Healthy",
            Self::Progressing => "Progressing",
            Self::Paused => "Paused",
            Self::Degraded => "Degraded",
        })
    }
}

impl ArgoRollout {
    /// Whether what is wanted is what is stable.
    #[must_use]
    pub fn is_promoted(&self) -> bool {
        !self.stable.is_empty() && self.stable == self.current
    }

    /// Whether somebody or one of its steps pauses it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.is_paused || !self.pauses.is_empty()
    }

    /// The weight that its steps ask for by now; nothing for a blue-green strategy.
    #[must_use]
    pub fn desired_weight(&self) -> Option<i32> {
        if !matches!(self.strategy, Some(ArgoStrategy::Canary { .. })) {
            return None;
        }
        if self.is_promoted() {
            return Some(100);
        }
        if self.is_aborted {
            return Some(0);
        }
        let index = self.step.and_then(|step| usize::try_from(step).ok()).unwrap_or(0);
        if index >= self.steps.len() {
            return Some(100);
        }
        Some(self.steps[..=index].iter().rev().find_map(|step| step.weight).unwrap_or(0))
    }
}

/// The phase and its message, in Argo's order of evaluation.
#[must_use]
pub fn phase(workload: &WorkloadState, argo: &ArgoRollout) -> (ArgoPhase, String) {
    let progressing = |message: &str| (ArgoPhase::Progressing, message.to_owned());
    if workload.observed_generation < workload.generation {
        return progressing("waiting for rollout spec update to be observed");
    }
    if argo.controller_pause && argo.pauses.is_empty() {
        return progressing("waiting for rollout to unpause");
    }
    for condition in &argo.conditions {
        if condition.type_ == "InvalidSpec" {
            return (ArgoPhase::Degraded, format!("InvalidSpec: {}", condition.message));
        }
        if condition.reason == ROLLOUT_ABORTED || condition.reason == PROGRESS_DEADLINE_EXCEEDED {
            return (ArgoPhase::Degraded, format!("{}: {}", condition.reason, condition.message));
        }
    }
    if argo.is_paused {
        return (ArgoPhase::Paused, "manually paused".to_owned());
    }
    if let Some(reason) = argo.pauses.first() {
        return (ArgoPhase::Paused, reason.clone());
    }
    if argo.restarts {
        return progressing("rollout is restarting");
    }
    if workload.updated < workload.desired {
        return progressing("more replicas need to be updated");
    }
    if workload.available < workload.updated {
        return progressing("updated replicas are still becoming available");
    }
    match pending(workload, argo) {
        Some(message) => progressing(message),
        None => (ArgoPhase::Healthy, String::new()),
    }
}

/// What the strategy still waits for once enough new pods are available.
fn pending(workload: &WorkloadState, argo: &ArgoRollout) -> Option<&'static str> {
    match argo.strategy? {
        ArgoStrategy::BlueGreen { .. } if argo.active.is_empty() || argo.active != argo.current => {
            Some("active service cutover pending")
        }
        ArgoStrategy::BlueGreen { has_post_promotion } if !argo.is_promoted() => {
            let run = argo.analyses.iter().find(|run| run.role == "post-promotion");
            let over = run.is_some_and(|run| !matches!(run.phase.as_str(), "" | "Pending" | "Running"));
            Some(if has_post_promotion && !over {
                "waiting for analysis to complete"
            } else {
                "waiting for post-promotion verification to complete"
            })
        }
        ArgoStrategy::Canary { is_routed: false } if workload.replicas > workload.updated => {
            Some("old replicas are pending termination")
        }
        ArgoStrategy::Canary { .. } if !argo.is_promoted() => Some("waiting for all steps to complete"),
        _ => None,
    }
}

/// Whether the trouble that it tells of is over: the abort has been taken back, and its controller has not looked yet.
#[must_use]
pub fn is_old_abort(argo: &ArgoRollout) -> bool {
    !argo.is_aborted && argo.conditions.iter().any(|condition| condition.reason == ROLLOUT_ABORTED)
}

/// What is told of a Rollout in the status of a release.
#[must_use]
pub fn progress(component: &ComponentName, workload: &WorkloadState, argo: &ArgoRollout) -> RolloutProgress {
    let (phase, message) = phase(workload, argo);
    let share = |part: i32, whole: i32| {
        let (part, whole) = (i64::from(part), i64::from(whole));
        let hundredths = part.saturating_mul(100).saturating_add(whole / 2);
        (whole > 0)
            .then(|| hundredths.checked_div(whole).and_then(|share| i32::try_from(share).ok()))
            .flatten()
    };
    let actual = match argo.strategy {
        Some(ArgoStrategy::Canary { is_routed: true }) => argo.routed,
        _ if argo.is_promoted() => Some(100),
        _ => share(workload.updated_available(), workload.replicas),
    };
    let cut = |text: &str, most| super::timeline::cut(text.to_owned(), most);
    RolloutProgress {
        component: component.clone(),
        phase: phase.to_string(),
        message: cut(&message, 512),
        steps: argo.steps.iter().take(64).map(|step| cut(&step.text, 128)).collect(),
        step: argo.step,
        weight: argo.desired_weight(),
        actual: actual.map(|actual| actual.clamp(0, 100)),
        stable: cut(&argo.stable, 63),
        current: cut(&argo.current, 63),
        analyses: argo
            .analyses
            .iter()
            .take(4)
            .map(|run| RolloutAnalysis { message: cut(&run.message, 256), ..run.clone() })
            .collect(),
        asked: None,
    }
}

/// Whether a Rollout has done what it was asked, or has moved on so that it no longer applies.
#[must_use]
pub fn is_done(argo: &ArgoRollout, ask: &RolloutAsk) -> bool {
    if argo.current != ask.current {
        return true;
    }
    let moved = argo.step != ask.step;
    match ask.verb {
        RolloutVerb::Promote if !ask.paused => moved,
        RolloutVerb::Promote | RolloutVerb::Resume => moved || !argo.is_held(),
        RolloutVerb::PromoteFull => (argo.promote_full && !argo.is_paused) || argo.is_promoted(),
        RolloutVerb::Pause => argo.is_paused,
        RolloutVerb::Abort => argo.is_aborted || argo.is_promoted(),
        RolloutVerb::Retry => !argo.is_aborted,
    }
}

/// Merge patches that ask a Rollout for something; nothing where the part needs none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// For the object itself: to be written first, since the rest is judged by it.
    pub object: Option<Value>,
    /// For its status.
    pub status: Option<Value>,
}

/// What has to be written so that a Rollout does what it is asked; nothing when it has.
#[must_use]
pub fn writes(argo: &ArgoRollout, ask: &RolloutAsk) -> Writes {
    if is_done(argo, ask) {
        return Writes::default();
    }
    let unpause = || argo.is_paused.then(|| json!({"spec": {"paused": false}}));
    let status = |value: Value| Some(json!({"status": value}));
    match ask.verb {
        RolloutVerb::Pause => Writes { object: Some(json!({"spec": {"paused": true}})), status: None },
        RolloutVerb::Abort => Writes { object: None, status: status(json!({"abort": true})) },
        RolloutVerb::Retry => Writes { object: None, status: status(json!({"abort": false})) },
        RolloutVerb::PromoteFull => {
            let full = (!argo.promote_full && !argo.is_promoted()).then(|| json!({"promoteFull": true}));
            Writes { object: unpause(), status: full.and_then(status) }
        }
        RolloutVerb::Promote if !ask.paused => {
            let next = next_step(argo).map(|next| json!({"pauseConditions": null, "currentStepIndex": next}));
            Writes { object: None, status: next.and_then(status) }
        }
        RolloutVerb::Promote | RolloutVerb::Resume if argo.pauses.is_empty() => {
            Writes { object: unpause(), status: None }
        }
        RolloutVerb::Promote | RolloutVerb::Resume => {
            let clear = match next_step(argo).filter(|_| argo.controller_pause && is_inconclusive(argo)) {
                Some(next) => {
                    json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": next})
                }
                None => json!({"pauseConditions": null}),
            };
            Writes { object: unpause(), status: status(clear) }
        }
    }
}

/// Without a step of its own a canary runs an analysis again that could not be decided: the person who goes on has decided it.
fn is_inconclusive(argo: &ArgoRollout) -> bool {
    argo.analyses.iter().any(|run| run.role == "step" && run.phase == "Inconclusive")
}

fn next_step(argo: &ArgoRollout) -> Option<i32> {
    let steps = i32::try_from(argo.steps.len()).unwrap_or(i32::MAX);
    let step = argo.step.unwrap_or(0);
    (matches!(argo.strategy, Some(ArgoStrategy::Canary { .. })) && steps > 0)
        .then(|| step.saturating_add(1).min(steps))
}

#[cfg(test)]
mod tests;
