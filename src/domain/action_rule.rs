//! What each action is: the phases of a release in which it fits, the reason that it needs, and what must be typed before it is sent.
//!
//! The one table of actions: the controller judges by it, the cockpit and the command line ask by it. Stopping is easy, starting is
//! hard: whatever stops a release needs a reason and a yes, and never the phrase of production. Must not know how anything is asked.

use crate::api::environment::{Environment, Tier};
use crate::api::release::{Phase, PlanStep, Release, ReleaseKind, ReleaseStatus};
use crate::api::release_action::{ActionKind, Parameters};
use crate::api::strategy::Step;
use crate::domain::plan;

/// How far something reaches, and so what must be done before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Confirmation {
    /// It changes nothing in a cluster: nothing is asked.
    None,
    /// It changes a release's record, and not what runs: a yes, and nothing in development.
    Light,
    /// It stops a release or undoes it: a yes, and nothing in development.
    Stop,
    /// It stops all of an environment: a yes.
    StopAll,
    /// It changes what runs: nothing in development, a yes in staging, the typed phrase in production.
    Scaled,
    /// It opens what somebody closed, or reaches all of an environment: a yes, and the typed phrase in production.
    Wide,
}

/// What must be done before something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Demand {
    /// Nothing.
    Nothing,
    /// `y`, or the button that does it.
    Button,
    /// The environment's phrase is typed.
    Phrase,
}

impl Confirmation {
    /// What is demanded in an environment of that tier.
    #[must_use]
    pub const fn demand(self, tier: Tier) -> Demand {
        match (self, tier) {
            (Self::None, _) | (Self::Light | Self::Stop | Self::Scaled, Tier::Development) => Demand::Nothing,
            (Self::Scaled | Self::Wide, Tier::Production) => Demand::Phrase,
            (Self::Light | Self::Stop | Self::StopAll | Self::Scaled | Self::Wide, _) => Demand::Button,
        }
    }

    /// What a new release of that kind demands: a rollback stops something, everything else starts something.
    #[must_use]
    pub const fn of_release(kind: ReleaseKind) -> Self {
        match kind {
            ReleaseKind::Deploy | ReleaseKind::Promote => Self::Scaled,
            ReleaseKind::Rollback => Self::Stop,
        }
    }
}

/// What is typed where the phrase is demanded: the environment's own, else its name.
#[must_use]
pub(crate) fn phrase(environment: &Environment) -> &str {
    let own = environment.spec.approval.as_ref().and_then(|approval| approval.confirm_phrase.as_deref());
    own.or(environment.metadata.name.as_deref()).unwrap_or_default()
}

/// What an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ActionRule {
    /// Which.
    pub kind: ActionKind,
    /// The words on the button, such as `Roll back`.
    pub button: &'static str,
    /// Phases of a release in which it fits; empty where it acts on an environment, or is never carried out.
    pub phases: &'static [Phase],
    /// Whether the API server refuses it without a reason.
    pub needs_reason: bool,
    /// What must be typed.
    pub confirmation: Confirmation,
}

impl ActionRule {
    /// Whether it stops something or undoes it: it then waits behind nothing, and goes through on old data.
    #[must_use]
    pub(crate) const fn is_stop(&self) -> bool {
        matches!(self.confirmation, Confirmation::Stop | Confirmation::StopAll)
    }
}

const WAITING: &[Phase] = &[Phase::Pending];
const SHIFTING: &[Phase] = &[Phase::Progressing, Phase::Paused];
const UNDONE: &[Phase] =
    &[Phase::Progressing, Phase::Paused, Phase::Verifying, Phase::Held, Phase::Succeeded];
const ABORTED: &[Phase] = &[Phase::Pending, Phase::Progressing, Phase::Paused, Phase::Verifying, Phase::Held];
const UNFINISHED: &[Phase] =
    &[Phase::Pending, Phase::Progressing, Phase::Paused, Phase::Verifying, Phase::RollingBack, Phase::Held];

const fn row(
    kind: ActionKind,
    button: &'static str,
    phases: &'static [Phase],
    needs_reason: bool,
    confirmation: Confirmation,
) -> ActionRule {
    ActionRule { kind, button, phases, needs_reason, confirmation }
}

/// Every action, in the order of [`ActionKind::ALL`].
pub(crate) const RULES: [ActionRule; ActionKind::ALL.len()] = {
    use ActionKind as Kind;
    use Confirmation::{Light, Scaled, Stop, StopAll, Wide};
    [
        row(Kind::Approve, "Approve", WAITING, false, Scaled),
        row(Kind::Reject, "Reject", WAITING, true, Stop),
        row(Kind::Check, "Tick an item of", WAITING, false, Light),
        row(Kind::Start, "Start", &[], false, Scaled),
        row(Kind::Pause, "Pause", &[Phase::Progressing, Phase::Verifying], false, Stop),
        row(Kind::Resume, "Resume", &[Phase::Paused], false, Scaled),
        row(Kind::SetWeight, "Shift the weight of", SHIFTING, false, Scaled),
        row(Kind::Promote, "Go on with", SHIFTING, false, Scaled),
        row(Kind::PromoteFull, "Promote fully", SHIFTING, false, Scaled),
        row(Kind::Abort, "Abort", ABORTED, true, Stop),
        row(Kind::Rollback, "Roll back", UNDONE, true, Stop),
        row(Kind::Retry, "Retry", &[Phase::Held], false, Scaled),
        row(Kind::Override, "Override a gate of", WAITING, true, Wide),
        row(Kind::Freeze, "Freeze", &[], true, StopAll),
        row(Kind::Unfreeze, "Unfreeze", &[], true, Wide),
        row(Kind::Deny, "Deny a digest for", &[], true, StopAll),
        row(Kind::Allow, "Allow a digest for", &[], true, Wide),
        row(Kind::Scale, "Scale", &[], false, Scaled),
        row(Kind::Restart, "Restart", &[], false, Scaled),
        row(Kind::Withdraw, "Withdraw the approval of", WAITING, false, Light),
        row(Kind::Drive, "Drive", UNFINISHED, false, Light),
        row(Kind::HandOver, "Hand over", UNFINISHED, false, Light),
        row(Kind::AbortAll, "Stop everything", &[], true, StopAll),
        row(Kind::Review, "Review", &[], true, Light),
        row(Kind::Retire, "Retire", &[], true, Wide),
    ]
};

/// The rule of an action.
#[must_use]
pub(crate) const fn rule(kind: ActionKind) -> &'static ActionRule {
    let mut at = 0;
    while at < RULES.len() {
        if RULES[at].kind as u8 == kind as u8 {
            return &RULES[at];
        }
        at = at.saturating_add(1);
    }
    // every kind has its row: a test holds the table to `ActionKind::ALL`
    &RULES[0]
}

/// What an action with these parameters demands. Lowering a canary's weight only stops; scaling to zero takes all of a component away.
#[must_use]
pub(crate) fn confirmation(
    kind: ActionKind,
    parameters: Option<&Parameters>,
    release: Option<&Release>,
) -> Confirmation {
    let from = || release?.status.as_ref()?.weight.as_ref().map(|weight| weight.desired);
    match (kind, parameters) {
        (ActionKind::SetWeight, Some(Parameters { weight: Some(to), .. })) if *to < from().unwrap_or(0) => {
            Confirmation::Stop
        }
        (ActionKind::Scale, Some(Parameters { replicas: Some(0), .. })) => Confirmation::Wide,
        _ => rule(kind).confirmation,
    }
}

/// Whether an action makes sense on that release as its status stands.
///
/// Approvals and checks also fit a step that waits for them. Nobody rolls a rollback back: that would restore the version left.
#[must_use]
pub(crate) fn fits(kind: ActionKind, release: &Release, status: &ReleaseStatus) -> bool {
    match kind {
        ActionKind::Approve | ActionKind::Check if status.phase != Phase::Pending => {
            SHIFTING.contains(&status.phase) && step_waits_for(status, kind)
        }
        ActionKind::Rollback if release.spec.kind == ReleaseKind::Rollback => false,
        _ => rule(kind).phases.contains(&status.phase),
    }
}

/// Whether the present step waits for what an action of that kind gives.
#[must_use]
pub(crate) fn step_waits_for(status: &ReleaseStatus, kind: ActionKind) -> bool {
    matches!(
        (plan::present(status), kind),
        (Some((_, PlanStep::Canary(Step::Approval(_)))), ActionKind::Approve)
            | (Some((_, PlanStep::Canary(Step::Checklist(_)))), ActionKind::Check)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_row() {
        let kinds: Vec<_> = RULES.iter().map(|rule| rule.kind).collect();
        assert_eq!(kinds, ActionKind::ALL);
        for kind in ActionKind::ALL {
            assert_eq!(rule(kind).kind, kind);
            assert_eq!(rule(kind).phases.is_empty(), kind.is_on_environment() || kind == ActionKind::Start);
        }
    }

    #[test]
    fn stopping_never_needs_the_phrase_and_starting_in_production_always_does() {
        for rule in RULES {
            use ActionKind as Kind;
            let stops = [
                Kind::Pause,
                Kind::Abort,
                Kind::Reject,
                Kind::Freeze,
                Kind::AbortAll,
                Kind::Deny,
                Kind::Rollback,
            ];
            let notes = [Kind::Check, Kind::Withdraw, Kind::Drive, Kind::HandOver, Kind::Review];
            let demand = rule.confirmation.demand(Tier::Production);
            let expected = match rule.kind {
                kind if stops.contains(&kind) || notes.contains(&kind) => Demand::Button,
                _ => Demand::Phrase,
            };
            assert_eq!(demand, expected, "{}", rule.kind);
            assert!(rule.confirmation.demand(Tier::Staging) <= Demand::Button, "{}", rule.kind);
        }
        let of = |kind| Confirmation::of_release(kind).demand(Tier::Production);
        assert_eq!(of(ReleaseKind::Rollback), Demand::Button);
        assert_eq!((of(ReleaseKind::Deploy), of(ReleaseKind::Promote)), (Demand::Phrase, Demand::Phrase));
    }

    #[test]
    fn sending_less_to_the_new_version_stops_and_sending_more_starts() {
        let demand = |from, to| {
            let release: Release = serde_json::from_value(serde_json::json!({
                "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "metadata": {"name": "one"},
                "spec": {"environment": "production", "version": "v1", "kind": "Deploy", "requestedBy": "bob", "images": []},
                "status": {"weight": {"desired": from, "observed": from}},
            }))
            .unwrap();
            let parameters = Parameters { weight: Some(to), ..Parameters::default() };
            confirmation(ActionKind::SetWeight, Some(&parameters), Some(&release)).demand(Tier::Production)
        };
        assert_eq!(demand(50, 30), Demand::Button);
        assert_eq!(demand(30, 50), Demand::Phrase);
    }

    #[test]
    fn scaling_to_zero_is_asked_in_every_tier() {
        let demand = |replicas, tier| {
            let parameters = Parameters { replicas, ..Parameters::default() };
            confirmation(ActionKind::Scale, Some(&parameters), None).demand(tier)
        };
        assert_eq!(demand(Some(0), Tier::Development), Demand::Button);
        assert_eq!(demand(Some(1), Tier::Development), Demand::Nothing);
        assert_eq!(demand(None, Tier::Development), Demand::Nothing);
    }
}
