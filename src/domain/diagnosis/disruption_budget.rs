//! A `PodDisruptionBudget` does not let a pod go.
//!
//! `Cannot evict pod as it would violate the pod's disruption budget.`, and as its cause `The disruption budget NAME needs N healthy pods
//! and has M currently`: `pkg/registry/core/pod/storage/eviction.go`. Rollouts delete pods and ask no budget: it is a drain, an autoscaler
//! or a descheduler that waits.

use super::facts::Facts;
use super::words::{between, word_after};
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "disruption-budget", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let message = facts.refusals().find(|message| {
        message.contains("violate the pod's disruption budget") || message.contains("The disruption budget ")
    })?;
    let budget = word_after(message, "The disruption budget ");
    let needs = between(message, " needs ", " healthy pods");
    let has = between(message, " and has ", " currently");
    let sentence = match (budget, needs, has) {
        (Some(budget), Some(needs), Some(has)) => {
            format!("disruption budget {budget} lets no pod go: it needs {needs} healthy pods and has {has}")
        }
        _ => "a disruption budget lets no pod go".to_owned(),
    };
    Some(Found {
        sentence,
        evidence: message.to_owned(),
        remedy: "bring more pods up, or lower minAvailable of the PodDisruptionBudget; a budget of all pods lets no node be drained".to_owned(),
        jump: Some(Jump::Workload),
    })
}
