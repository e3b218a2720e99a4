//! Names of the objects that a release changes or makes: Kubernetes refuses those that are too long, however urgent the release is.

use super::preflight::{EVERY, FRESH, gate};
use super::{Case, Evaluation, Gate, targets};
use crate::api::environment::Component;
use crate::api::release::GateState;
use crate::api::strategy::StrategyName;
use crate::domain::health::Question;
use crate::domain::object_name::NewName;
use crate::domain::{span, track};

/// Adds a failed gate per component whose workload has too long a name: Kubernetes could not make its pods.
pub(super) fn of_workloads(case: &Case<'_>, all: &mut Evaluation) {
    for (component, _) in targets(case) {
        let workload = &component.workload;
        if let Some(problem) = NewName::of_workload(workload.kind, &workload.name, 0).problem() {
            all.push(Gate::fail(name(component), problem).cleared_by(owner(component)));
        }
    }
}

/// Adds a gate per component that gets a second workload, where the release passes all other questions about it. Only a name that
/// does not fit holds it: the server would refuse the second workload.
pub(super) fn of_second_workloads(case: &Case<'_>, all: &mut Evaluation) {
    let strategy = case.plan.strategy;
    let Some(track) = track::of(strategy) else { return };
    let settings = case.environment.spec.strategy_of(strategy);
    for (component, _) in targets(case) {
        let name = name(component);
        if all.gates.iter().any(|gate| gate.name == name) {
            continue;
        }
        if case.observed.answers.is_due(&name, EVERY, case.now) {
            let question = Question::Names(track::second_of(component, &settings, track));
            all.questions.push((name.clone(), question));
        }
        let gate = match case.observed.answers.last_since(&name, span::before(case.now, FRESH)) {
            Some(answer) if answer.state == GateState::Fail => {
                Gate::fail(name, format!("{}{}", answer.detail, instead(case))).cleared_by(owner(component))
            }
            Some(answer) => Gate::pass(name, &answer.detail),
            None => gate(case, &name, &owner(component)),
        };
        all.push(gate);
    }
}

fn name(component: &Component) -> String {
    format!("names/{}", component.name)
}

fn owner(component: &Component) -> String {
    format!("the owner of component {}", component.name)
}

/// The way without a second workload.
fn instead(case: &Case<'_>) -> &'static str {
    let spec = &case.environment.spec;
    let may_roll = spec.default_strategy() == StrategyName::Rolling
        || spec.allowed_strategies.contains(&StrategyName::Rolling);
    if may_roll {
        "; or release with the strategy rolling, which needs no second workload"
    } else {
        "; or add rolling to spec.allowedStrategies and release with it: it needs no second workload"
    }
}

#[cfg(test)]
mod tests {
    use crate::api::environment::WorkloadKind;
    use crate::api::release::{GateState, ReleaseKind, ReleaseStatus};
    use crate::api::strategy::{BlueGreen, Canary, Step, Strategy, Weight};
    use crate::domain::fixtures::{at, environment, observed};
    use crate::domain::gate::{Evaluation, Moment, evaluate};
    use crate::domain::health::{Answer, Question};
    use crate::domain::plan;
    use crate::domain::rollout::Observed;

    fn evaluation(observed: &Observed) -> Evaluation {
        let plan = plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
        let status = ReleaseStatus { plan: Some(plan), ..ReleaseStatus::default() };
        evaluate(observed, &status, None, Moment::Waiting, at(0))
    }

    fn found(observed: &Observed) -> Vec<(String, GateState, String)> {
        let gates = evaluation(observed).gates.into_iter();
        let ours = gates.filter(|gate| gate.name.starts_with("names/"));
        ours.map(|gate| (gate.name, gate.state, gate.detail)).collect()
    }

    fn hurry(observed: &mut Observed, kind: ReleaseKind) {
        observed.release.spec.kind = kind;
        observed.release.spec.emergency = Some(kind != ReleaseKind::Rollback);
        if kind == ReleaseKind::Rollback {
            // what runs now may always be gone back to
            for image in &mut observed.release.spec.images {
                let running = observed.workloads[image.component.as_str()].image.as_ref();
                image.image.clone_from(running.unwrap());
            }
        }
    }

    #[test]
    fn a_workload_whose_pods_could_not_be_made_holds_every_release_but_a_rollback() {
        for (kind, length, fails) in [
            (WorkloadKind::StatefulSet, 52, false),
            (WorkloadKind::StatefulSet, 53, true),
            (WorkloadKind::Deployment, 242, false),
            (WorkloadKind::Deployment, 243, true),
        ] {
            let mut environment = environment();
            environment.spec.components[0].workload.kind = kind;
            environment.spec.components[0].workload.name = "a".repeat(length);
            let mut observed = observed(environment);
            let gates = found(&observed);
            assert_eq!(gates.len(), usize::from(fails), "{kind} {length}: {gates:?}");
            if let Some((name, state, detail)) = gates.first() {
                assert_eq!((name.as_str(), *state), ("names/backend", GateState::Fail));
                assert!(
                    detail.contains(&format!("is too long: {length} characters, at most {}", length - 1)),
                    "{detail}"
                );
            }
            hurry(&mut observed, ReleaseKind::Deploy);
            assert_eq!(found(&observed), gates, "no hurry makes a name shorter: {kind}");
            hurry(&mut observed, ReleaseKind::Rollback);
            assert!(found(&observed).is_empty(), "{kind}");
        }
    }

    #[test]
    fn what_waits_for_nothing_still_waits_for_the_names_of_its_second_workloads() {
        let canary = Canary { steps: vec![Step::SetWeight(Weight::new(50).unwrap())], ..Canary::default() };
        for strategy in [Strategy::Canary(canary), Strategy::BlueGreen(BlueGreen::default())] {
            for kind in [ReleaseKind::Deploy, ReleaseKind::Rollback] {
                let mut environment = environment();
                environment.spec.strategy = Some(strategy.clone());
                let mut observed = observed(environment);
                assert!(found(&observed).is_empty(), "the router's gate asks for more");
                hurry(&mut observed, kind);
                let asked = evaluation(&observed).questions;
                let names: Vec<_> =
                    asked.iter().filter(|(_, question)| matches!(question, Question::Names(_))).collect();
                assert_eq!(names.len(), 2, "{asked:?}");
                assert!(found(&observed).iter().all(|(_, state, _)| *state == GateState::Wait));
                for (state, expected) in [
                    (GateState::Fail, GateState::Fail),
                    (GateState::Pass, GateState::Pass),
                    // nobody waits for what cannot be found out
                    (GateState::NoData, GateState::Pass),
                ] {
                    for component in ["backend", "frontend"] {
                        let answer = Answer::new(at(0), state, "Service x is too long");
                        observed.answers.record(&format!("names/{component}"), answer);
                    }
                    let gates = found(&observed);
                    assert!(gates.iter().all(|(_, state, _)| *state == expected), "{gates:?}");
                    let way = "add rolling to spec.allowedStrategies";
                    assert_eq!(gates[0].2.contains(way), expected == GateState::Fail, "{gates:?}");
                }
            }
        }
    }

    #[test]
    fn what_needs_no_second_workload_is_asked_nothing() {
        for kind in [ReleaseKind::Deploy, ReleaseKind::Rollback] {
            let mut observed = observed(environment());
            hurry(&mut observed, kind);
            assert!(found(&observed).is_empty());
            let asked = evaluation(&observed).questions;
            assert!(!asked.iter().any(|(_, question)| matches!(question, Question::Names(_))), "{asked:?}");
        }
    }
}
