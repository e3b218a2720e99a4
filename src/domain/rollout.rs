//! The life of a release: `next` looks at everything that is known and says what the status must be and what must be done.
//!
//! Owns the state machine. Must not know how anything is read or written. Three rules make it safe to stop at any line:
//!
//! 1. The intent stands in the status before a workload is touched: an effect is only decided on a status that has been stored.
//! 2. Every effect names what it replaces, so that doing it twice does nothing.
//! 3. The phase changes through `Draft::enter` only, which records who did it and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::health::{Answers, Question};
use super::rollout_status::WorkloadState;
use crate::api::environment::{Environment, WorkloadRef};
use crate::api::names::ComponentName;
use crate::api::release::{Phase, PolicyChange, Release, ReleaseStatus};
use crate::api::release_action::{ActionResult, ReleaseAction};
use crate::api::stored;

mod actions;
mod already;
mod argo;
mod beside;
mod contested;
mod draft;
mod effect;
mod failure;
pub(in crate::domain) mod freeze;
mod loss;
mod moves;
mod patience;
mod paused;
mod pending;
mod people;
mod progress;
mod progressing;
mod refusals;
mod rolling_back;
mod shift;
mod sizes;
mod step_gates;
mod steps;
mod stop;
mod stops;
mod tracks;
mod unknown;
mod verifying;
mod watch;
mod weights;

pub use draft::{Draft, is_same_intent};
pub use effect::{RemoveTrack, RolloutChange, ScaleStable, SetTrack, SetTraffic, TrafficState};
pub use refusals::{Refusal, WriteOutcome};
pub use stops::stop;

/// Everything that is known about one release at one moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The release with its stored status.
    pub release: Release,
    /// Its environment, if it exists.
    pub environment: Option<Environment>,
    /// The policy of the environment as it is now, where the release has begun under another one.
    pub governs: Option<Governs>,
    /// Where the environment's versions must have proved themselves; absent where no promotion is demanded.
    pub source: Option<Source>,
    /// Workloads by component; those that do not exist are absent.
    pub workloads: BTreeMap<String, WorkloadState>,
    /// The second workloads by component; absent where there is none.
    pub tracks: BTreeMap<String, WorkloadState>,
    /// What the routers' objects say, by component; absent where the strategy names no router.
    pub traffic: BTreeMap<String, TrafficState>,
    /// What became of the last write for each component, as far as this controller made one.
    pub writes: BTreeMap<String, WriteOutcome>,
    /// Components whose workloads the API server does not let the controller read.
    pub unreadable: BTreeMap<String, Refusal>,
    /// Autoscalers by the component whose own workload they scale; looked for only where replicas carry the weight.
    pub autoscalers: BTreeMap<String, String>,
    /// Why the pods of second workloads crash, in one sentence; looked for only where none of them is available.
    pub crashes: BTreeMap<String, String>,
    /// Every action that names this release, judged or not.
    pub actions: Vec<ReleaseAction>,
    /// The other releases of the environment.
    pub others: Vec<Arc<Release>>,
    /// What probes answered so far.
    pub answers: Answers,
    /// What keeps a component's pods from getting well, in one sentence; looked for only where a rollout has failed.
    pub causes: BTreeMap<String, String>,
}

/// The policy of an environment as it is now.
#[derive(Clone, Debug)]
pub struct Governs {
    /// Hashes of its sections.
    pub hashes: BTreeMap<String, String>,
    /// Its last change.
    pub change: PolicyChange,
}

impl Governs {
    /// The policy of that environment.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let hashes = super::governing::hashes(&environment.spec);
        Self { hashes, change: super::governing::change(environment, Vec::new()) }
    }
}

/// The environment that promotions come from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The environment, if it exists.
    pub environment: Option<Environment>,
    /// Its releases.
    pub releases: Vec<Arc<Release>>,
}

/// What must be the case and what must be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The status to store before anything else.
    pub status: ReleaseStatus,
    /// What to do after the status is stored, in this order.
    pub effects: Vec<Effect>,
    /// When to look again.
    pub requeue: Requeue,
}

/// IO that is wanted, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Replace the image of a component, provided that it still runs `from`.
    SetImage(SetImage),
    /// Bring a second workload beside a component's own to that image and size.
    SetTrack(SetTrack),
    /// Change the number of pods of a component's own workload, provided that it is still `from`.
    ScaleStable(ScaleStable),
    /// Send a share of the traffic to the second workload, provided that the router still states `from`.
    SetTraffic(SetTraffic),
    /// Remove a second workload and whatever was made for it.
    RemoveTrack(RemoveTrack),
    /// Ask an Argo Rollout for something, provided that it still stands where it did.
    Rollout(RolloutChange),
    /// Ask a question and remember the answer under this name.
    Ask {
        /// Name of the probe.
        name: String,
        /// The question.
        question: Question,
    },
    /// Say what became of an action.
    JudgeAction {
        /// Name of the action.
        name: String,
        /// Applied or refused.
        result: ActionResult,
        /// One sentence.
        message: String,
    },
    /// Tell the cluster's own record of events.
    EmitEvent {
        /// CamelCase reason.
        reason: String,
        /// One sentence.
        message: String,
        /// Whether it is worth attention.
        is_warning: bool,
    },
}

impl Effect {
    /// Whether it changes a workload or what sends traffic to it.
    #[must_use]
    pub const fn changes_world(&self) -> bool {
        match self {
            Self::SetImage(_)
            | Self::SetTrack(_)
            | Self::ScaleStable(_)
            | Self::SetTraffic(_)
            | Self::RemoveTrack(_)
            | Self::Rollout(_) => true,
            Self::Ask { .. } | Self::JudgeAction { .. } | Self::EmitEvent { .. } => false,
        }
    }

    /// The component whose workload, or what sends traffic to it, it changes.
    #[must_use]
    pub const fn component(&self) -> Option<&ComponentName> {
        match self {
            Self::SetImage(set) => Some(&set.component),
            Self::SetTrack(set) => Some(&set.component),
            Self::ScaleStable(set) => Some(&set.component),
            Self::SetTraffic(set) => Some(&set.component),
            Self::RemoveTrack(set) => Some(&set.component),
            Self::Rollout(change) => Some(&change.component),
            Self::Ask { .. } | Self::JudgeAction { .. } | Self::EmitEvent { .. } => None,
        }
    }
}

/// Replace the image of a further container of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetContainer {
    /// The container or init container.
    pub container: String,
    /// The image that must still be there.
    pub from: String,
    /// The image that takes its place.
    pub to: String,
}

/// Replace the image of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetImage {
    /// The component.
    pub component: ComponentName,
    /// The object that runs it.
    pub workload: WorkloadRef,
    /// The container.
    pub container: String,
    /// The image that must still be there.
    pub from: String,
    /// The image that takes its place.
    pub to: String,
    /// Further containers whose images are replaced in the same write.
    pub others: Vec<SetContainer>,
    /// The partition that comes with it, for a StatefulSet.
    pub partition: Option<i32>,
    /// For `kubectl rollout history`.
    pub change_cause: String,
    /// Whether it goes back to what ran before: the workload's own record of that revision then counts, as `kubectl rollout undo`
    /// would have it.
    pub is_undo: bool,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// As soon as everything is done.
    Now,
    /// After that time, or when something changes.
    After(TimeDelta),
    /// When something changes.
    OnChange,
}

/// What a release's status must be now, and what must be done.
///
/// Pure: equal inputs give equal decisions. Calling it again on a stored decision and an unchanged world changes nothing.
#[must_use]
pub fn next(observed: &Observed, now: DateTime<Utc>) -> Decision {
    if !stored::is_decoded(&observed.release) {
        return left_alone(observed);
    }
    let mut draft = Draft::new(observed, now);
    draft.refresh_plan();
    draft.note_policy_change();
    draft.judge_actions();
    draft.obey_stop();
    draft.count_approvals();
    draft.count_step_approvals();
    if draft.holds_for_unknown() || draft.obeys_freeze() {
        draft.mind_the_time();
        return draft.finish();
    }
    if draft.heed_refusals() {
        draft.await_refused();
        return draft.finish();
    }
    draft.follow_rollouts();
    match draft.status.phase {
        Phase::Pending => draft.wait_for_gates(),
        Phase::Progressing => draft.carry_out_step(),
        Phase::Paused => draft.stand_still(),
        Phase::Verifying => draft.watch_result(),
        Phase::RollingBack => draft.undo_changes(),
        Phase::Held => draft.stay_held(),
        _ => {}
    }
    draft.await_refused();
    draft.mind_the_time();
    draft.finish()
}

/// A release of which this version does not understand a part: a newer version carries it on, or a person corrects it. A status that
/// is understood in part is not even written: that would remove the other parts.
fn left_alone(observed: &Observed) -> Decision {
    let mut status = observed.release.status.clone().unwrap_or_default();
    if stored::is_status_understood(&observed.release) && !status.phase.is_final() {
        let unknown = stored::unknown(&observed.release).unwrap_or_default();
        status.message = format!(
            "left alone: this controller does not understand {unknown} of this release. Upgrade the controller."
        );
    }
    Decision { status, effects: Vec::new(), requeue: Requeue::OnChange }
}

/// How soon to look again while pods are being replaced, should no change be reported.
const FAST: TimeDelta = TimeDelta::seconds(5);
/// How soon to look again while nothing moves.
const SLOW: TimeDelta = TimeDelta::seconds(15);

#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
