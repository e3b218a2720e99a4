//! Second workloads and their routers: asked before the first of them is brought up, and fresh at the moment of execution.

use super::preflight::{EVERY, gate};
use super::{Case, Evaluation, targets};
use crate::api::release::PlanStep;
use crate::api::strategy::{Step, Weight};
use crate::domain::health::{Neighbours, Question, Routing};
use crate::domain::track;

/// Adds a gate per component that gets a second workload, and the questions that are due.
pub(super) fn judge(case: &Case<'_>, all: &mut Evaluation) {
    let strategy = case.plan.strategy;
    let Some(track) = track::of(strategy) else { return };
    let settings = case.environment.spec.strategy_of(strategy);
    let weights = weights(case);
    for (component, _) in targets(case) {
        let name = format!("traffic/{}", component.name);
        if case.observed.answers.is_due(&name, EVERY, case.now) {
            let routing =
                Routing { weights: weights.clone(), ..track::second_of(component, &settings, track) };
            all.questions.push((name.clone(), Question::Routing(routing)));
        }
        all.push(gate(case, &name, "someone who can edit the router's objects"));
        let name = format!("neighbours/{}", component.name);
        if case.observed.answers.is_due(&name, EVERY, case.now) {
            let gates = case.environment.spec.gates.as_ref();
            let question = Question::Neighbours(Neighbours {
                component: component.name.to_string(),
                workload: component.workload.clone(),
                track,
                routing: track::routing(&settings, &component.name),
                policy: gates.and_then(|gates| gates.neighbours.clone()).unwrap_or_default(),
            });
            all.questions.push((name.clone(), question));
        }
        all.push(gate(case, &name, "someone who can edit the objects that select the pods"));
    }
}

/// The shares that the plan goes through.
fn weights(case: &Case<'_>) -> Vec<Weight> {
    let share = |step: &PlanStep| match step {
        PlanStep::Canary(Step::SetWeight(weight)) => Some(*weight),
        PlanStep::Switch(_) => Some(Weight::FULL),
        _ => None,
    };
    case.plan.steps.iter().filter_map(share).collect()
}
