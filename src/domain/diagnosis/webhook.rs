//! An admission webhook or policy refuses the pods, or does not answer.
//!
//! `admission webhook "NAME" denied the request: …` and `failed calling webhook "NAME": …`:
//! `staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/{errors,validating,mutating}`; `ValidatingAdmissionPolicy 'NAME' with
//! binding 'NAME' denied request: …`: `…/plugin/policy/validating/dispatcher.go`.

use super::facts::Facts;
use super::words::{between, core, has};
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "webhook-refuses", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    facts.refusals().find_map(refusal)
}

fn refusal(message: &str) -> Option<Found> {
    let (sentence, remedy) = if let Some(name) = between(message, "failed calling webhook \"", "\"") {
        let silent = has(
            message,
            &["deadline exceeded", "timeout", "connection refused", "no endpoints", "no such host"],
        );
        let missing = between(message, "service \"", "\" not found");
        let why = match missing {
            Some(service) => format!("has no Service {service} to answer it"),
            None if silent => "does not answer".to_owned(),
            None => "fails".to_owned(),
        };
        (
            format!("admission webhook {name} {why}, and nothing is admitted without it"),
            "look at the webhook's pods and Service, or at its failurePolicy".to_owned(),
        )
    } else if let Some(name) = between(message, "admission webhook \"", "\"") {
        let (_, why) = message.split_once("denied the request")?;
        let why = core(why.trim_start_matches([':', ' ']));
        let why = if why.is_empty() { "without a reason" } else { why };
        (
            format!("admission webhook {name} refuses the pods: {why}"),
            "change what it objects to, or its policy".to_owned(),
        )
    } else {
        let name = between(message, "ValidatingAdmissionPolicy '", "'")?;
        let (_, why) = message.split_once("denied request: ")?;
        (
            format!("admission policy {name} refuses the pods: {why}"),
            "change what it objects to, or the policy".to_owned(),
        )
    };
    Some(Found { sentence, evidence: message.to_owned(), remedy, jump: Some(Jump::Workload) })
}
