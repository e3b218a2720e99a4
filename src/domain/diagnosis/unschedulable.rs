//! No node takes the pod, and why.
//!
//! Condition `PodScheduled`, reason `Unschedulable`: `pkg/scheduler/schedule_one.go`; the sentence: `FitError.Error` in
//! `pkg/scheduler/framework/types.go`; each reason: the plugins in `pkg/scheduler/framework/plugins` (`noderesources/fit.go`,
//! `tainttoleration`, `nodeaffinity`, `interpodaffinity`, `podtopologyspread`, `nodeunschedulable`, `volumebinding`).

use super::facts::Facts;
use super::words::between;
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "unschedulable", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let message = facts.pod?.unscheduled.as_deref()?;
    let (nodes, reasons) = parts(message);
    // the reason that most nodes give is the one to work on
    let mut told: Vec<(u32, &'static str, String)> = Vec::new();
    for reason in &reasons {
        let (count, words) = counted(reason);
        let (rank, said) = plain(words);
        told.push((count, rank, said));
    }
    told.sort_by_key(|(count, rank, _)| (rank.is_empty(), std::cmp::Reverse(*count)));
    let said: Vec<String> = told
        .iter()
        .map(|(count, _, said)| if *count > 0 { format!("{said} ({count})") } else { said.clone() })
        .collect();
    let remedy = told.iter().map(|(_, remedy, _)| *remedy).find(|remedy| !remedy.is_empty());
    Some(Found {
        sentence: match nodes {
            Some(nodes) => format!("no node of {nodes} takes it: {}", said.join(", ")),
            None => format!("no node takes it: {}", said.join(", ")),
        },
        evidence: message.to_owned(),
        remedy: remedy.unwrap_or("look at the pod's events and at the nodes").to_owned(),
        jump: Some(Jump::Describe),
    })
}

/// The number of nodes, and what they object; without what follows their full stop: claims of devices, preemption.
fn parts(message: &str) -> (Option<&str>, Vec<&str>) {
    let (nodes, rest) = match message.split_once(" nodes are available: ") {
        Some((count, rest)) => (count.rsplit('/').next(), rest),
        None => (None, message),
    };
    let rest = rest.split(". ").next().unwrap_or(rest);
    let reasons = rest.trim().trim_end_matches('.').split(", ").filter(|reason| !reason.is_empty());
    (nodes, reasons.collect())
}

fn counted(reason: &str) -> (u32, &str) {
    match reason.split_once(' ') {
        Some((count, words)) => match count.parse() {
            Ok(count) => (count, words),
            Err(_) => (0, reason),
        },
        None => (0, reason),
    }
}

/// What helps, and the reason in plain words.
fn plain(words: &str) -> (&'static str, String) {
    let with = |remedy, said: &str| (remedy, said.to_owned());
    if let Some(resource) = words.strip_prefix("Insufficient ") {
        let remedy = match resource {
            "cpu" => "lower its CPU requests or add nodes",
            "memory" => "lower its memory requests or add nodes",
            _ => "lower what it requests or add nodes that have it",
        };
        return (remedy, format!("not enough {resource}"));
    }
    if let Some(taint) =
        between(words, "untolerated taint {", "}").or(between(words, "untolerated taint(s) {", "}"))
    {
        return (
            "add a toleration, or take the taint away",
            format!("taint {}", taint.trim_end_matches(": ")),
        );
    }
    if let Some(claim) = between(words, "persistentvolumeclaim \"", "\" not found") {
        return ("create the PersistentVolumeClaim", format!("PersistentVolumeClaim {claim} does not exist"));
    }
    for (part, remedy, said) in [
        ("untolerated taint", "add a toleration, or take the taint away", "taints that it does not tolerate"),
        (
            "node affinity/selector",
            "label a node as its nodeSelector or nodeAffinity demands",
            "its node selector or affinity matches none",
        ),
        (
            "anti-affinity",
            "add nodes, or relax its podAntiAffinity",
            "its anti-affinity forbids it beside the pods there",
        ),
        (
            "pod affinity",
            "relax its podAffinity, or start what it wants to be beside",
            "its pod affinity matches none",
        ),
        (
            "topology spread",
            "add nodes in the missing zones, or relax topologySpreadConstraints",
            "its spread over zones or nodes forbids it",
        ),
        ("were unschedulable", "uncordon a node: kubectl uncordon", "cordoned"),
        ("Too many pods", "add nodes, or raise the nodes' limit of pods", "too many pods already"),
        (
            "unbound immediate PersistentVolumeClaims",
            "look at its PersistentVolumeClaim and its storage class",
            "its PersistentVolumeClaim is not bound",
        ),
        (
            "volume node affinity conflict",
            "its volume lies in another zone: start it there, or move the volume",
            "its volume lies elsewhere",
        ),
        ("free ports", "another pod holds its host port", "its host port is taken"),
    ] {
        if words.contains(part) {
            return with(remedy, said);
        }
    }
    with("", words)
}
