//! Stopping a release when nothing but the release itself can be read.

use super::actions::age;
use super::{Decision, Draft, Observed, Requeue};
use crate::api::release_action::{ActionKind, ReleaseAction};
use crate::domain::environment_action;
use crate::domain::workload_kind;
use chrono::{DateTime, Utc};

/// Stops judged in one decision.
const AT_ONCE: usize = 16;

/// Judges the stops (pause, abort, reject) among a release's actions and nothing else: no gate, no workload and no other release is looked
/// at, so that `observed` may lack them. What follows from a stop, such as putting images back, is left to [`super::next`].
///
/// A pause where Argo Rollouts run is left to [`super::next`] as well: they are paused in the same step, which must know them.
#[must_use]
pub fn stop(observed: &Observed, now: DateTime<Utc>) -> Decision {
    let components = observed.environment.iter().flat_map(|environment| &environment.spec.components);
    let has_rollouts =
        { components }.any(|component| workload_kind::row(component.workload.kind).has_own_plan);
    let is_ours = |action: &&ReleaseAction| {
        let kind = action.spec.action;
        !action.is_judged() && environment_action::stops(kind) && !(kind == ActionKind::Pause && has_rollouts)
    };
    let mut open: Vec<&ReleaseAction> = observed.actions.iter().filter(is_ours).collect();
    open.sort_by_key(|action| age(action));
    open.truncate(AT_ONCE);
    let mut draft = Draft::new(observed, now);
    draft.judge_all(&open);
    let weight = draft.stored.weight.clone();
    let mut decision = draft.finish();
    // nothing was measured
    decision.status.weight = weight;
    decision.requeue = Requeue::OnChange;
    decision
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::WorkloadKind;
    use crate::api::release::Phase;
    use crate::api::release_action::ActionResult;
    use crate::domain::fixtures::{action, at, environment, guarded};
    use crate::domain::rollout::world::World;
    use crate::domain::rollout::{Effect, next};

    /// The release after some turns, with everything but itself unreadable.
    fn blind(mut world: World, turns: usize, asked: &[(ActionKind, i64)]) -> Observed {
        world.turns(turns);
        let mut observed = world.observed;
        observed.workloads.clear();
        observed.tracks.clear();
        observed.traffic.clear();
        observed.others.clear();
        for (number, (kind, secs)) in asked.iter().enumerate() {
            observed.actions.push(action(&format!("a{number}"), *kind, "erin", *secs));
        }
        observed
    }

    fn verdicts(decision: &Decision) -> Vec<ActionResult> {
        let verdict = |effect: &Effect| match effect {
            Effect::JudgeAction { result, .. } => Some(*result),
            _ => None,
        };
        decision.effects.iter().filter_map(verdict).collect()
    }

    #[test]
    fn a_stop_needs_nothing_but_the_release() {
        use ActionResult::{Applied, Refused};
        let cases = vec![
            (World::new(guarded()), 2, ActionKind::Reject, Phase::Rejected, Applied),
            (World::new(guarded()), 2, ActionKind::Abort, Phase::Aborted, Applied),
            (World::new(guarded()), 2, ActionKind::Pause, Phase::Pending, Refused),
            (World::new(environment()), 4, ActionKind::Pause, Phase::Paused, Applied),
            (World::new(environment()), 4, ActionKind::Abort, Phase::RollingBack, Applied),
            (World::new(environment()), 4, ActionKind::Reject, Phase::Progressing, Refused),
        ];
        for (world, turns, kind, phase, result) in cases {
            let observed = blind(world, turns, &[(kind, 30)]);
            let before = observed.release.status.clone().unwrap();
            let decision = stop(&observed, at(40));
            assert_eq!((decision.status.phase, verdicts(&decision)), (phase, vec![result]), "{kind}");
            assert_eq!(decision.status.weight, before.weight);
            assert!(decision.effects.iter().all(|effect| !effect.changes_world()), "{kind}");
        }
    }

    #[test]
    fn everything_but_a_stop_waits_for_the_whole_look() {
        let asked = [(ActionKind::Promote, 20), (ActionKind::Override, 21), (ActionKind::Abort, 30)];
        let decision = stop(&blind(World::new(environment()), 4, &asked), at(40));
        assert_eq!(verdicts(&decision), [ActionResult::Applied]);
        let idle = stop(&blind(World::new(environment()), 4, &[]), at(40));
        assert!(idle.effects.is_empty());
    }

    #[test]
    fn where_rollouts_run_only_their_pause_is_left_to_the_whole_look() {
        let mut observed =
            blind(World::new(environment()), 4, &[(ActionKind::Pause, 20), (ActionKind::Abort, 30)]);
        observed.environment.as_mut().unwrap().spec.components[0].workload.kind = WorkloadKind::Rollout;
        let decision = stop(&observed, at(40));
        assert_eq!((decision.status.phase, verdicts(&decision).len()), (Phase::RollingBack, 1));
    }

    #[test]
    fn a_stop_does_not_wait_behind_a_flood_of_other_actions() {
        let mut world = World::new(environment());
        world.turns(4);
        for number in 0..200 {
            let name = format!("flood{number:03}");
            world.observed.actions.push(action(&name, ActionKind::Resume, "mallory", 20));
        }
        world.observed.actions.push(action("the-stop", ActionKind::Abort, "erin", 30));
        let decision = next(&world.observed, at(40));
        assert_eq!(decision.status.phase, Phase::RollingBack);
    }

    #[test]
    fn an_older_resume_does_not_undo_a_pause_that_was_judged_before_it() {
        for (resumed_at, expected) in [(20, ActionResult::Refused), (35, ActionResult::Applied)] {
            let mut observed = blind(World::new(environment()), 4, &[(ActionKind::Pause, 30)]);
            let paused = stop(&observed, at(40));
            assert_eq!(paused.status.phase, Phase::Paused);
            observed.release.status = Some(paused.status);
            observed.actions.push(action("resume", ActionKind::Resume, "mallory", resumed_at));
            let decision = next(&observed, at(41));
            let found: Vec<_> = decision
                .effects
                .iter()
                .filter_map(|effect| match effect {
                    Effect::JudgeAction { name, result, .. } if name == "resume" => Some(*result),
                    _ => None,
                })
                .collect();
            assert_eq!(found, [expected], "resumed at {resumed_at}");
        }
    }
}
