//! The pod is not to be scheduled before somebody opens its gates.
//!
//! `spec.schedulingGates`; condition `PodScheduled`, reason `SchedulingGated`: `pkg/scheduler/framework/plugins/schedulinggates`, whose
//! words name no gate.

use super::facts::Facts;
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "scheduling-gated", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let gates = &facts.pod?.gates;
    if gates.is_empty() {
        return None;
    }
    let names = gates.join(", ");
    Some(Found {
        sentence: format!("it is not scheduled before its scheduling gates are opened: {names}"),
        evidence: format!("spec.schedulingGates: {names}"),
        remedy: "look at whoever opens these gates: a queue, a quota or a budget controller".to_owned(),
        jump: Some(Jump::Describe),
    })
}
