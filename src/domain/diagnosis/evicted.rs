//! The node put the pod out.
//!
//! `status.reason` `Evicted`: `pkg/kubelet/eviction/eviction_manager.go`; `NodeLost`, `NodeAffinity`, `OutOfcpu` and the like:
//! `pkg/kubelet/lifecycle/predicate.go`; `Preempting`: `pkg/kubelet/preemption`.

use super::facts::Facts;
use super::words::{joined, word_after};
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "evicted", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let pod = facts.pod?;
    let (what, remedy) = match &*pod.reason {
        "Evicted" => {
            let resource = word_after(&pod.message, "low on resource: ").unwrap_or("resources");
            (
                format!("put out by its node, which was low on {resource}"),
                "set requests that tell what the pod needs, or give the node more",
            )
        }
        "NodeLost" => {
            ("its node does not answer".to_owned(), "look at the node; its pods come back elsewhere")
        }
        "Preempting" | "Preempted" => {
            ("put out for a pod of higher priority".to_owned(), "look at the priority classes")
        }
        reason if reason.starts_with("OutOf") => (
            format!("its node has no {} left", &reason["OutOf".len()..]),
            "its workload starts another pod; delete this one",
        ),
        _ => return None,
    };
    Some(Found {
        sentence: what,
        evidence: joined(&pod.reason, &pod.message),
        remedy: remedy.to_owned(),
        jump: Some(Jump::Describe),
    })
}
