//! A release in flight whose environment this version understands in part only: it stays where it is until the whole of it is
//! understood. People can still pause and abort it, and it goes back where the missing parts do not say how.

use super::{Draft, SLOW};
use crate::api::release::{GateState, Phase};
use crate::api::stored;
use crate::domain::gate;
use crate::domain::timeline::CONTROLLER;

/// Parts of an Environment that say what is changed on the way back.
const NEEDED_TO_GO_BACK: [&str; 3] = ["spec.components", "spec.strateg", "spec.allowedStrategies"];

impl Draft<'_> {
    /// Holds a release that executes, where its environment is not understood; whether that is all there is to do.
    pub(super) fn holds_for_unknown(&mut self) -> bool {
        let Some(environment) = self.observed.environment.as_ref() else { return false };
        let Some(verdict) = gate::not_understood(environment) else {
            self.go_on_understood();
            return false;
        };
        let holds = match self.status.phase {
            Phase::Progressing | Phase::Paused | Phase::Verifying => true,
            Phase::RollingBack => stored::unknown_parts(environment).iter().any(|part| {
                !part.is_field
                    && (part.path == "spec"
                        || NEEDED_TO_GO_BACK.iter().any(|needed| part.path.starts_with(needed)))
            }),
            _ => false,
        };
        if !holds {
            return false;
        }
        if self.gate_state(gate::ENVIRONMENT) != Some(GateState::NoData) {
            self.note(CONTROLLER, "NotUnderstood", &verdict.detail);
        }
        let message = super::pending::sentence(&verdict);
        self.put_gate(verdict);
        self.say(format!("held at step {}: it {message}", self.step_number()));
        self.waits_openly();
        self.requeue_after(SLOW);
        true
    }

    /// The whole environment is understood again: the present step goes on, with its whole time.
    fn go_on_understood(&mut self) {
        if self.gate_state(gate::ENVIRONMENT) != Some(GateState::NoData) {
            return;
        }
        if self.status.phase == Phase::Pending {
            return;
        }
        self.keep_clear(gate::ENVIRONMENT, "understood");
        self.note(CONTROLLER, "Understood", "the controller understands the Environment again");
        if matches!(self.status.phase, Phase::Progressing) {
            self.set_step(self.step());
        }
    }

    fn gate_state(&self, name: &str) -> Option<GateState> {
        self.status.gates.iter().find(|held| held.name == name).map(|gate| gate.state)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::world::World;
    use crate::api::release::{GateState, Phase, Release};
    use crate::api::release_action::{ActionKind, ActionResult};
    use crate::api::stored::Stored;
    use crate::domain::fixtures::{action, action_at_step, environment, release};

    /// The object as a version that does not know that value decodes it.
    fn with<K>(object: &K, at: &str, value: &Value) -> K
    where
        K: serde::Serialize + serde::de::DeserializeOwned + kube::Resource + 'static,
    {
        let mut object = serde_json::to_value(object).unwrap();
        let (parent, key) = at.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value.clone();
        Stored::decode(&object.to_string()).readable().unwrap()
    }

    fn newer(at: &str, value: &Value) -> crate::api::Environment {
        with(&environment(), at, value)
    }

    /// A release that executes, whose environment is then changed by a newer version.
    fn executing(at: &str, value: &Value) -> World {
        let mut world = World::new(environment());
        world.turn();
        world.turn();
        assert_eq!(world.phase(), Phase::Progressing);
        world.observed.environment = Some(newer(at, value));
        world
    }

    #[test]
    fn a_waiting_release_keeps_its_plan_and_says_what_is_not_understood() {
        let mut world = World::new(environment());
        world.observed.environment.as_mut().unwrap().spec.approval =
            Some(serde_json::from_value(json!({"slots": [{"name": "leads"}]})).unwrap());
        world.turn();
        let plan = world.status().plan.clone();
        let known = world.observed.environment.clone().unwrap();
        world.observed.environment = Some(with(&known, "/spec/onFailure", &json!("retry")));
        world.turn();
        assert_eq!((world.phase(), &world.status().plan), (Phase::Pending, &plan));
        let said = &world.status().message;
        assert!(said.contains("does not understand spec.onFailure: retry"), "{said}");
        let gates: Vec<_> =
            world.status().gates.iter().map(|gate| (gate.name.as_str(), gate.state)).collect();
        assert_eq!(gates, [("environment", GateState::NoData)], "no verdict rests on what is missing");
    }

    #[test]
    fn a_release_that_executes_stays_where_it_is_until_everything_is_understood() {
        let mut world = executing("/spec/onFailure", &json!("retry"));
        let writes = world.writes.len();
        for _ in 0..3 {
            world.roll();
            world.secs += 3_600;
            world.turn();
        }
        assert_eq!((world.phase(), world.writes.len()), (Phase::Progressing, writes));
        let said = &world.status().message;
        assert!(said.starts_with("held at step 1") && said.contains("spec.onFailure: retry"), "{said}");
        world.observed.environment = Some(environment());
        assert_eq!(world.run(), Phase::Succeeded, "{}", world.status().message);
    }

    #[test]
    fn people_can_still_abort_and_it_goes_back_where_the_way_is_understood() {
        let mut world = executing("/spec/onFailure", &json!("retry"));
        world.observed.actions.push(action("stop", ActionKind::Abort, "alice", 20));
        world.turn();
        assert_eq!(world.phase(), Phase::RollingBack);
        for _ in 0..8 {
            world.roll();
            world.secs += 5;
            world.turn();
        }
        assert_eq!(world.phase(), Phase::Aborted, "{}", world.status().message);
        let mut world = executing("/spec/components/1/workload/kind", &json!("CloneSet"));
        world.observed.actions.push(action("stop", ActionKind::Abort, "alice", 20));
        for _ in 0..4 {
            world.roll();
            world.turn();
        }
        assert_eq!(world.phase(), Phase::RollingBack, "{}", world.status().message);
        assert!(world.status().message.contains("CloneSet"), "{}", world.status().message);
    }

    #[test]
    fn a_field_of_a_newer_version_holds_what_starts_and_nothing_that_stops() {
        // in the policy: nothing starts, what executes stays where it is, and people can still go back
        let mut world = World::new(newer("/spec/components/0/quota", &json!(3)));
        world.turn();
        assert_eq!(world.phase(), Phase::Pending);
        let said = &world.status().message;
        assert!(said.contains("does not understand spec.components[0].quota: 3"), "{said}");
        let mut world = executing("/spec/components/0/quota", &json!(3));
        world.turn();
        assert!(world.status().message.starts_with("held at step 1"), "{}", world.status().message);
        let mut stop = action("stop", ActionKind::Abort, "alice", 20);
        stop = with(&stop, "/spec/parameters", &json!({"urgency": "high"}));
        world.observed.actions.push(stop);
        for _ in 0..8 {
            world.roll();
            world.secs += 5;
            world.turn();
        }
        assert_eq!(world.phase(), Phase::Aborted, "{}", world.status().message);

        // in the release itself: it does not start, and people can abort it
        let mut world = World::new(environment());
        world.observed.release = with(&release("v2"), "/spec/after", &json!("noon"));
        world.turn();
        assert_eq!(world.phase(), Phase::Pending);
        let said = &world.status().message;
        assert!(said.contains("does not understand spec.after: noon of this release"), "{said}");
        world.observed.actions.push(action("stop", ActionKind::Abort, "alice", 20));
        world.turn();
        assert_eq!(world.phase(), Phase::Aborted);

        // in an action that starts something
        let mut world = executing("/spec/onFailure", &json!("rollback"));
        let odd = action_at_step("odd", ActionKind::Resume, 0, 20);
        world.observed.actions.push(with(&odd, "/spec/until", &json!("noon")));
        world.turn();
        let (_, result, said) = &world.verdicts[0];
        assert_eq!(*result, ActionResult::Refused);
        assert!(said.contains("does not understand spec.until: noon"), "{said}");
    }

    #[test]
    fn an_unknown_action_is_refused_and_an_unknown_phase_is_left_alone() {
        let mut world = executing("/spec/onFailure", &json!("hold"));
        let odd = action_at_step("odd", ActionKind::Pause, 0, 20);
        world.observed.actions.push(with(&odd, "/spec/action", &json!("Teleport")));
        world.turn();
        let (_, result, said) = &world.verdicts[0];
        assert_eq!(*result, ActionResult::Refused);
        assert!(said.contains("does not understand spec.action: Teleport"), "{said}");

        let mut odd: Release = release("v2");
        odd.status = Some(crate::api::ReleaseStatus::default());
        let odd = with(&odd, "/status/phase", &json!("Draining"));
        let mut world = World::new(environment());
        world.observed.release = odd.clone();
        world.observed.actions.push(action("stop", ActionKind::Abort, "alice", 20));
        let decision = world.turn();
        assert_eq!((decision.effects.len(), Some(&decision.status)), (0, odd.status.as_ref()));
    }
}
