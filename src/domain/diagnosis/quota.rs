//! A `ResourceQuota` or a `LimitRange` refuses the pods.
//!
//! `exceeded quota: NAME, requested: …, used: …, limited: …` and `failed quota: NAME: must specify …`:
//! `staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go`; `LimitRange`: `plugin/pkg/admission/limitranger`. A
//! Deployment repeats them in its condition `ReplicaFailure` (`pkg/controller/deployment/sync.go`).

use super::facts::Facts;
use super::words::{between, word_after};
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "quota-exceeded", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    facts.refusals().find_map(exceeded)
}

fn exceeded(message: &str) -> Option<Found> {
    let found = |sentence: String, remedy: &str| {
        Some(Found {
            sentence,
            evidence: message.to_owned(),
            remedy: remedy.to_owned(),
            jump: Some(Jump::Workload),
        })
    };
    if let Some(quota) = word_after(message, "exceeded quota: ") {
        let requested = between(message, "requested: ", ", used:").unwrap_or("more");
        let used = between(message, "used: ", ", limited:").unwrap_or("?");
        let limited = message.split_once("limited: ").map_or("?", |(_, rest)| rest.trim_end_matches('.'));
        return found(
            format!("quota {quota} is used up: {requested} wanted, {used} used of {limited}"),
            "raise the ResourceQuota, lower requests, or release with maxSurge 0",
        );
    }
    if let Some(quota) = word_after(message, "failed quota: ") {
        let what = message.split_once("must specify ").map_or("requests and limits", |(_, rest)| rest);
        return found(
            format!("quota {quota} wants the pods to state {what}"),
            "add these requests and limits to the pod template",
        );
    }
    let (_, rest) = message.split_once(" is forbidden: ")?;
    let is_range =
        ["maximum ", "minimum "].iter().any(|word| rest.starts_with(word)) && rest.contains(" usage per ");
    if is_range {
        return found(
            format!("the namespace's LimitRange refuses the pods: {rest}"),
            "change the pods' resources, or the LimitRange",
        );
    }
    None
}
