//! Pods are to leave their nodes, and a `PodDisruptionBudget` does not let them go.
//!
//! The judgement is `domain::disruption_budget`'s. Told only while somebody waits: a budget that lets nothing go during a rollout is as it
//! should be. Last in the registry, since a budget keeps no pod from getting well and no rollout from going on.

use super::facts::Facts;
use super::{Cause, Found, Jump};
use crate::domain::disruption_budget::{Block, Budget, Held};

pub(super) const CAUSE: Cause = Cause { id: "disruption-budget", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let workload = facts.workload?;
    let mut found = workload.budgets.iter().filter_map(|budget| Some((budget, budget.block()?)));
    let (budget, block) =
        found.find(|(budget, block)| !budget.held.is_empty() && (*block != Block::Now || !workload.rolls))?;
    Some(Found {
        sentence: format!("{}, since {}", budget.waits()?, budget.sentence(block)),
        evidence: evidence(budget),
        remedy: budget.remedy(block),
        jump: Some(Jump::Workload),
    })
}

/// The budget's own condition and numbers, and the pods that wait.
fn evidence(budget: &Budget) -> String {
    let reason = if budget.reason.is_empty() { "not counted" } else { &budget.reason };
    let pods: Vec<String> =
        budget.held.iter().map(|Held { pod, node, .. }| format!("{pod} on {node}")).collect();
    format!("PodDisruptionBudget {}: {reason}, {}; {}", budget.name, budget.numbers(), pods.join(", "))
}
