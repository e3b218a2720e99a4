//! Argo Rollouts among the components: their own steps are followed, a pause of theirs is a pause of the release, and what people ask
//! of the release is asked of them.
//!
//! What a Rollout is asked stands in `status.rollouts[].asked` until it is seen to have done so; the effect is decided on what is
//! stored, and names where the Rollout stood.

use super::progress::Running;
use super::{Draft, Effect, RolloutChange};
use crate::api::names::ComponentName;
use crate::api::release::{ComponentState, Paused, Phase, RolloutAsk, RolloutVerb};
use crate::api::release_action::ActionKind;
use crate::domain::argo_rollout::{self, ArgoPhase, ArgoRollout};
use crate::domain::rollout_status::{RolloutStatus, WorkloadState};
use crate::domain::{plan, timeline};

/// Who pauses a release whose Rollout pauses.
const ARGO: &str = "argo-rollouts";

impl Draft<'_> {
    /// Tells what the Rollouts say of themselves, asks again for what they have not done, and pauses and goes on with them.
    pub(super) fn follow_rollouts(&mut self) {
        if !self.status.phase.holds_lane() {
            return;
        }
        let plan = self.plan();
        let mut told = Vec::new();
        for name in plan::components(&plan) {
            let Some(workload) = self.observed.workloads.get(name.as_str()) else { continue };
            let Some(argo) = workload.argo.as_deref() else { continue };
            let mut progress = argo_rollout::progress(name, workload, argo);
            let asked = self.asked(name).filter(|ask| !argo_rollout::is_done(argo, ask)).cloned();
            if let (Some(ask), Some(component)) = (&asked, self.component(name)) {
                let (component, workload) = (name.clone(), component.workload.clone());
                self.do_after(Effect::Rollout(RolloutChange { component, workload, ask: ask.clone() }));
            }
            progress.asked = asked;
            told.push(progress);
        }
        self.status.rollouts = told;
        match self.status.phase {
            Phase::Progressing => self.pause_with_rollouts(),
            Phase::Paused => self.go_on_with_rollouts(),
            _ => {}
        }
    }

    fn asked(&self, name: &ComponentName) -> Option<&RolloutAsk> {
        self.status.rollouts.iter().find(|told| told.component == *name)?.asked.as_ref()
    }

    /// The Rollouts that have begun to bring this release's version, as far as they are not done.
    fn under_way(&self) -> Vec<(ComponentName, WorkloadState, ArgoRollout)> {
        let plan = self.plan();
        let begun = |name: &&ComponentName| {
            let state = self.state_of(name);
            matches!(state, Some(ComponentState::Progressing | ComponentState::Done))
        };
        plan::components(&plan)
            .filter(begun)
            .filter_map(|name| match self.sight(name) {
                Running::New(workload) => {
                    let argo = workload.argo.as_deref().cloned()?;
                    Some((name.clone(), workload, argo))
                }
                _ => None,
            })
            .collect()
    }

    /// Whether what was asked ends a pause, so that the pause counts no more.
    fn is_being_resumed(&self, name: &ComponentName) -> bool {
        self.asked(name).is_some_and(|ask| {
            matches!(ask.verb, RolloutVerb::Promote | RolloutVerb::PromoteFull | RolloutVerb::Resume)
        })
    }

    fn first_pause(&self) -> Option<(ComponentName, String)> {
        self.under_way().into_iter().find_map(|(name, workload, argo)| {
            let (phase, reason) = argo_rollout::phase(&workload, &argo);
            let counts = phase == ArgoPhase::Paused && !self.is_being_resumed(&name);
            let at = |step: i32| format!(" at step {} of {}", step.saturating_add(1), argo.steps.len());
            let at = argo.step.filter(|_| !argo.steps.is_empty()).map_or(String::new(), at);
            counts.then(|| (name.clone(), format!("rollout {} pauses{at}: {reason}", workload.name)))
        })
    }

    fn pause_with_rollouts(&mut self) {
        let Some((_, reason)) = self.first_pause() else { return };
        let who = format!("someone with shift on environments/{}", self.observed.release.spec.environment);
        let message =
            format!("{reason}; cleared by {who}, who promotes or resumes it, or by the pause's end");
        let reason = Some(timeline::cut(reason, 1024));
        self.status.paused =
            Some(Paused { by: ARGO.into(), at: self.now, reason, resume_to: Phase::Progressing });
        self.enter(Phase::Paused, ARGO, "PausedByRollout", &message);
    }

    fn go_on_with_rollouts(&mut self) {
        let by_argo = self.status.paused.as_ref().is_some_and(|paused| paused.by == ARGO);
        if by_argo && self.first_pause().is_none() {
            self.status.paused = None;
            self.enter(Phase::Progressing, ARGO, "ResumedByRollout", "the rollout goes on");
        }
    }

    /// Passes on what a person means; whether nothing else is to be done about it.
    pub(super) fn steer_rollouts(&mut self, kind: ActionKind, by: &str) -> bool {
        let verb = match kind {
            ActionKind::Promote => RolloutVerb::Promote,
            ActionKind::PromoteFull => RolloutVerb::PromoteFull,
            ActionKind::Pause => RolloutVerb::Pause,
            ActionKind::Resume => RolloutVerb::Resume,
            ActionKind::Retry => RolloutVerb::Retry,
            _ => return false,
        };
        let mut names = Vec::new();
        for (name, _, argo) in self.rollouts() {
            if argo.is_aborted == (verb == RolloutVerb::Retry) && !argo.is_promoted() {
                self.ask_rollout(&name, &argo, verb);
                names.push(name.to_string());
            }
        }
        // a pause of the release is more than the pause of its Rollouts, and so is its end
        let is_all = match verb {
            RolloutVerb::Promote | RolloutVerb::PromoteFull => !names.is_empty(),
            RolloutVerb::Resume => {
                !names.is_empty() && self.status.paused.as_ref().is_some_and(|paused| paused.by == ARGO)
            }
            _ => false,
        };
        if is_all {
            let message = format!("{kind} by {by}: {}", names.join(", "));
            self.note(by, "RolloutAsked", &message);
            self.say(message);
            self.look_again();
        }
        is_all
    }

    /// Rollouts whose component runs what this release brings.
    fn rollouts(&self) -> Vec<(ComponentName, WorkloadState, ArgoRollout)> {
        let plan = self.plan();
        plan::components(&plan)
            .filter_map(|name| match self.sight(name) {
                Running::New(workload) | Running::Old(workload) => {
                    let argo = workload.argo.as_deref().cloned()?;
                    Some((name.clone(), workload, argo))
                }
                _ => None,
            })
            .filter(|(name, _, _)| self.target(name).is_some())
            .collect()
    }

    fn ask_rollout(&mut self, name: &ComponentName, argo: &ArgoRollout, verb: RolloutVerb) {
        let ask = RolloutAsk {
            verb,
            step: argo.step,
            current: timeline::cut(argo.current.clone(), 63),
            paused: argo.is_held(),
            at: self.now,
        };
        if argo_rollout::is_done(argo, &ask) {
            return;
        }
        if let Some(told) = self.status.rollouts.iter_mut().find(|told| told.component == *name) {
            // the first of two equal wishes stands, until it is fulfilled
            let stands = |before: &RolloutAsk| before.verb == verb && !argo_rollout::is_done(argo, before);
            if !told.asked.as_ref().is_some_and(stands) {
                told.asked = Some(ask);
            }
        }
    }

    /// A Rollout in the middle of its way is aborted before its template is put back: the traffic leaves at once.
    pub(super) fn aborts_first(&mut self, name: &ComponentName, workload: &WorkloadState) -> bool {
        let Some(argo) = workload.argo.as_deref() else { return false };
        let observed = workload.observed_generation >= workload.generation;
        if !observed || argo.is_promoted() || argo.stable.is_empty() || argo.is_aborted {
            return false;
        }
        self.ask_rollout(name, argo, RolloutVerb::Abort);
        true
    }

    /// The way back takes no steps: pauses and analyses are for what is new.
    pub(super) fn hurries_back(&mut self, name: &ComponentName, workload: &WorkloadState) -> bool {
        let Some(argo) = workload.argo.as_deref() else { return false };
        let observed = workload.observed_generation >= workload.generation;
        let verb = match argo {
            _ if !observed || argo.stable.is_empty() => return false,
            _ if argo.is_paused => RolloutVerb::Resume,
            _ if argo.is_promoted() || argo.promote_full => return false,
            _ => RolloutVerb::PromoteFull,
        };
        self.ask_rollout(name, argo, verb);
        true
    }

    /// The trouble that a retry is to end is no trouble of this attempt.
    pub(super) fn unless_asked(&self, name: &ComponentName, status: RolloutStatus) -> RolloutStatus {
        let retried = self.asked(name).is_some_and(|ask| ask.verb == RolloutVerb::Retry);
        match status {
            RolloutStatus::Failed(message) if retried => {
                RolloutStatus::Waiting(format!("{message}; it is asked to try again"))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::{OnFailure, WorkloadKind, WorkloadRef};
    use crate::api::release_action::ActionResult;
    use crate::domain::argo_rollout::{ArgoCondition, ArgoStep, ArgoStrategy, ROLLOUT_ABORTED};
    use crate::domain::fixtures::{action, environment};
    use crate::domain::rollout::world::World;

    /// Only the backend, as a Rollout of four pods with a pause at its second step.
    fn world() -> World {
        let mut environment = environment();
        environment.spec.components.truncate(1);
        let workload = WorkloadRef { kind: WorkloadKind::Rollout, name: "backend".into() };
        environment.spec.components[0].workload = workload;
        let mut world = World::new(environment);
        world.observed.release.spec.images.truncate(1);
        world.observed.workloads.remove("frontend");
        let step = |text: &str, weight| ArgoStep { text: text.into(), weight };
        let workload = world.observed.workloads.get_mut("backend").unwrap();
        workload.kind = WorkloadKind::Rollout;
        workload.argo = Some(Box::new(ArgoRollout {
            strategy: Some(ArgoStrategy::Canary { is_routed: false }),
            steps: vec![
                step("setWeight: 25", Some(25)),
                step("pause", None),
                step("setWeight: 50", Some(50)),
            ],
            step: Some(3),
            stable: "v1".into(),
            current: "v1".into(),
            ..ArgoRollout::default()
        }));
        world
    }

    fn workload(world: &mut World) -> &mut WorkloadState {
        world.observed.workloads.get_mut("backend").unwrap()
    }

    fn argo(world: &mut World) -> &mut ArgoRollout {
        workload(world).argo.as_mut().unwrap()
    }

    /// Argo's controller looks: a new template begins with the first steps, up to the pause.
    fn look(world: &mut World) {
        let image = world.image("backend").to_owned();
        let workload = workload(world);
        if workload.generation > workload.observed_generation {
            workload.observed_generation = workload.generation;
            let argo = workload.argo.as_mut().unwrap();
            image.rsplit(':').next().unwrap().clone_into(&mut argo.current);
            argo.conditions.clear();
            argo.pauses.clear();
            (argo.is_aborted, argo.controller_pause) = (false, false);
            if argo.current == argo.stable {
                workload.updated = 4;
            } else {
                argo.step = Some(1);
                argo.pauses = vec!["CanaryPauseStep".into()];
                argo.controller_pause = true;
                workload.updated = 1;
            }
        }
    }

    fn finish(world: &mut World) {
        let argo = argo(world);
        (argo.step, argo.stable, argo.promote_full) = (Some(3), argo.current.clone(), false);
        argo.pauses.clear();
        argo.controller_pause = false;
        workload(world).updated = 4;
    }

    fn asks(decision: &crate::domain::rollout::Decision) -> Vec<RolloutVerb> {
        let verb = |effect: &Effect| match effect {
            Effect::Rollout(change) => Some(change.ask.verb),
            _ => None,
        };
        decision.effects.iter().filter_map(verb).collect()
    }

    fn paused() -> World {
        let mut world = world();
        world.turns(4);
        assert_eq!(world.writes.len(), 1);
        look(&mut world);
        world.turns(2);
        assert_eq!(world.phase(), Phase::Paused, "{}", world.status().message);
        world
    }

    #[test]
    fn its_pause_is_the_releases_pause_and_ends_with_it() {
        let mut world = paused();
        let told = &world.status().rollouts[0];
        assert_eq!(
            (told.phase.as_str(), told.weight, told.actual, told.step),
            ("Paused", Some(25), Some(25), Some(1))
        );
        assert!(
            world.status().message.contains("step 2 of 3: CanaryPauseStep"),
            "{}",
            world.status().message
        );
        // somebody promoted it with Argo's own tools
        finish(&mut world);
        world.turn();
        assert_eq!(world.phase(), Phase::Progressing);
        assert_eq!(world.run(), Phase::Succeeded);
    }

    #[test]
    fn a_promotion_is_stored_before_it_is_asked_for_and_asked_until_it_is_seen() {
        for (kind, verb) in [
            (ActionKind::Promote, RolloutVerb::Promote),
            (ActionKind::PromoteFull, RolloutVerb::PromoteFull),
            (ActionKind::Resume, RolloutVerb::Resume),
        ] {
            let mut world = paused();
            world.observed.actions.push(action("a1", kind, "alice", 50));
            let first = world.turn();
            assert_eq!(asks(&first), [], "{kind}");
            assert_eq!(world.verdicts.last().unwrap().1, ActionResult::Applied);
            assert_eq!(asks(&world.turn()), [verb]);
            assert_eq!(asks(&world.turn()), [verb], "nothing was seen of it yet");
            finish(&mut world);
            assert_eq!(asks(&world.turn()), [], "{kind}");
            assert_eq!(world.run(), Phase::Succeeded);
        }
    }

    #[test]
    fn nothing_can_be_promoted_where_nothing_stands() {
        let mut world = paused();
        finish(&mut world);
        let (result, message) = world.act(action("a1", ActionKind::Promote, "alice", 50));
        assert_eq!(result, ActionResult::Refused, "{message}");
        let mut plain = World::new(environment());
        plain.turns(4);
        assert_eq!(plain.act(action("a1", ActionKind::Promote, "alice", 50)).0, ActionResult::Refused);
    }

    #[test]
    fn a_wish_for_an_earlier_step_is_refused() {
        let mut world = paused();
        let (result, message) = world.act(action("a1", ActionKind::Promote, "alice", 5));
        assert_eq!(result, ActionResult::Refused);
        assert!(message.contains("moved since"), "{message}");
        assert_eq!(world.act(action("a2", ActionKind::Promote, "alice", 50)).0, ActionResult::Applied);
    }

    #[test]
    fn going_back_aborts_it_first_and_takes_no_steps() {
        let mut world = paused();
        world.act(action("a1", ActionKind::Abort, "alice", 50));
        let asked: Vec<_> = (0..3).flat_map(|_| asks(&world.turn())).collect();
        assert!(asked.contains(&RolloutVerb::Abort) && world.writes.len() == 1, "{asked:?}");
        argo(&mut world).is_aborted = true;
        world.turns(2);
        assert!(world.image("backend").ends_with(":v1"));
        look(&mut world);
        assert_eq!(world.run(), Phase::Aborted);

        // after it succeeded, another way back
        let mut world = paused();
        finish(&mut world);
        assert_eq!(world.run(), Phase::Succeeded);
        world.act(action("a1", ActionKind::Rollback, "alice", 90));
        world.turns(3);
        assert!(world.image("backend").ends_with(":v1"));
        look(&mut world);
        assert_eq!(
            argo(&mut world).pauses,
            ["CanaryPauseStep"],
            "Argo takes its steps on the way back as well"
        );
        world.turn();
        assert_eq!(asks(&world.turn()), [RolloutVerb::PromoteFull]);
        finish(&mut world);
        assert_eq!(world.run(), Phase::RolledBack);
    }

    #[test]
    fn a_retry_leaves_the_aborted_state() {
        let mut world = world();
        world.spec().on_failure = OnFailure::Hold;
        world.turns(4);
        look(&mut world);
        world.turns(2);
        let abort = |world: &mut World| {
            let argo = argo(world);
            argo.is_aborted = true;
            argo.pauses.clear();
            argo.controller_pause = false;
            argo.conditions = vec![ArgoCondition {
                type_: "Progressing".into(),
                reason: ROLLOUT_ABORTED.into(),
                message: "Rollout aborted update to revision 2".into(),
            }];
        };
        abort(&mut world);
        world.turns(3);
        assert_eq!(world.phase(), Phase::Held, "{}", world.status().message);
        world.act(action("a1", ActionKind::Retry, "alice", 50));
        assert_eq!(asks(&world.turn()), [RolloutVerb::Retry]);
        assert_eq!(world.phase(), Phase::Progressing, "its old trouble is no trouble of this attempt");
        argo(&mut world).is_aborted = false;
        world.turns(2);
        assert_eq!(world.phase(), Phase::Progressing, "Argo has not looked yet");
        argo(&mut world).conditions.clear();
        finish(&mut world);
        assert_eq!(world.run(), Phase::Succeeded);
    }

    #[test]
    fn a_pause_of_a_person_reaches_it() {
        let mut world = paused();
        argo(&mut world).pauses.clear();
        argo(&mut world).controller_pause = false;
        world.turn();
        assert_eq!(world.phase(), Phase::Progressing);
        world.act(action("a1", ActionKind::Pause, "alice", 50));
        assert_eq!(asks(&world.turn()), [RolloutVerb::Pause]);
        argo(&mut world).is_paused = true;
        assert_eq!(asks(&world.turn()), []);
        assert_eq!(world.phase(), Phase::Paused);
        world.act(action("a2", ActionKind::Resume, "alice", 60));
        assert_eq!(asks(&world.turn()), [RolloutVerb::Resume]);
        assert_eq!(world.phase(), Phase::Progressing);
    }
}
