//! The API server refuses the pods for another reason: Pod Security, a missing service account or priority class.
//!
//! `pods "NAME" is forbidden: violates PodSecurity "LEVEL": …`: `staging/src/k8s.io/pod-security-admission/admission`; `error looking up
//! service account`: `plugin/pkg/admission/serviceaccount`; `no PriorityClass with name`: `plugin/pkg/admission/priority`.

use super::facts::Facts;
use super::words::{between, has, word_after};
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "pods-refused", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    facts.refusals().find_map(refusal)
}

fn refusal(message: &str) -> Option<Found> {
    let (sentence, remedy) = if let Some(level) = between(message, "violates PodSecurity \"", "\"") {
        let (_, why) = message.split_once("\": ").unwrap_or(("", "see the workload"));
        (
            format!("Pod Security {level} refuses the pods: {why}"),
            "change the pod's security context, or the namespace's level",
        )
    } else if let Some(account) = word_after(message, "error looking up service account ") {
        let account = account.rsplit('/').next().unwrap_or(account);
        (format!("service account {account} does not exist"), "create the ServiceAccount")
    } else if let Some(class) = word_after(message, "no PriorityClass with name ") {
        (format!("priority class {class} does not exist"), "create the PriorityClass, or name another one")
    } else if has(message, &["is forbidden: "]) && has(message, &["pods "]) {
        let (_, why) = message.split_once("is forbidden: ")?;
        (format!("the API server refuses the pods: {why}"), "change what it objects to")
    } else {
        return None;
    };
    Some(Found {
        sentence,
        evidence: message.to_owned(),
        remedy: remedy.to_owned(),
        jump: Some(Jump::Workload),
    })
}
