//! The verdict on the policies: what is missing, what does not deny, what is not in force, and the remedy. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::admissionregistration::v1::{
    MatchResources, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
    ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::probe::{Answer, Probe};
use crate::api::condition::ConditionStatus;
use crate::api::labels::CONTROLLER_USER;
use crate::api::time::from_time;

const MANIFEST: &str = include_str!("../../../assets/manifests/policies.yaml");
/// How long an API server may take to heed a policy that has changed.
const HEEDED_WITHIN: TimeDelta = TimeDelta::seconds(2);
const REMEDY: &str = "release-cockpit manifests policies | kubectl apply -f -";

/// Whether the policies are in force, as the condition tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) struct Verdict {
    pub status: ConditionStatus,
    pub reason: &'static str,
    pub message: String,
    /// The API server could not be asked: an earlier verdict stands for a while.
    pub is_passing: bool,
    /// Since when the policies have been as they are, where that can be read.
    pub since: Option<DateTime<Utc>>,
    /// When this controller first saw it so, in an unbroken row.
    pub seen: Option<DateTime<Utc>>,
}

impl Verdict {
    pub(in crate::controller) fn is_enforced(&self) -> bool {
        self.status == ConditionStatus::True
    }

    /// What holds until the first answer.
    pub(in crate::controller) fn not_asked_yet() -> Self {
        Self::unknown(
            "NotAskedYet",
            "the API server has not been asked yet whether the policies are in force",
        )
    }

    fn enforced(message: impl Into<String>) -> Self {
        let status = ConditionStatus::True;
        Self {
            status,
            reason: "Enforced",
            message: message.into(),
            is_passing: false,
            since: None,
            seen: None,
        }
    }

    fn unknown(reason: &'static str, message: impl Into<String>) -> Self {
        let status = ConditionStatus::Unknown;
        Self { status, reason, message: message.into(), is_passing: false, since: None, seen: None }
    }

    fn open(reason: &'static str, what: &str) -> Self {
        let message = format!("{what}: no name is attested and no approval counts; remedy: {REMEDY}");
        Self { status: ConditionStatus::False, reason, message, is_passing: false, since: None, seen: None }
    }
}

/// What reading objects of a kind gave.
#[derive(Clone, Debug)]
pub(super) enum Listed<K> {
    /// These are all of them.
    Found(Vec<K>),
    /// The server shows none of them to this controller, and why.
    Closed(&'static str),
    /// The server could not be asked.
    Failed(String),
}

/// Everything that was seen of one namespace.
pub(super) struct Seen<'a> {
    pub policies: &'a Listed<ValidatingAdmissionPolicy>,
    pub bindings: &'a Listed<ValidatingAdmissionPolicyBinding>,
    pub probes: &'a [Probe],
    pub namespace: &'a str,
    /// User name of this controller: the only account that the policies may exempt.
    pub account: &'a str,
}

/// The policies that this version installs, and on which it relies.
pub(super) struct Shipped {
    policies: Vec<ValidatingAdmissionPolicy>,
    bindings: Vec<ValidatingAdmissionPolicyBinding>,
}

impl Shipped {
    /// Reads the manifest that is compiled in.
    pub(super) fn read() -> Self {
        let documents = || MANIFEST.split("\n---\n");
        let policies = documents().filter(|text| text.contains("\nkind: ValidatingAdmissionPolicy\n"));
        let bindings = documents().filter(|text| text.contains("\nkind: ValidatingAdmissionPolicyBinding\n"));
        Self {
            policies: policies.filter_map(|text| serde_saphyr::from_str(text).ok()).collect(),
            bindings: bindings.filter_map(|text| serde_saphyr::from_str(text).ok()).collect(),
        }
    }
}

/// The verdict. What the objects disprove is disproved, whatever the probes say; a forgery that was accepted disproves as well;
/// in force is what a probe's refusal proves.
pub(super) fn judge(shipped: &Shipped, seen: &Seen<'_>) -> Verdict {
    if let Some(fault) = fault_of_objects(shipped, seen) {
        return fault;
    }
    let space = seen.namespace;
    if let Some(probe) = seen.probes.iter().find(|probe| probe.answer == Answer::Accepted) {
        let what = format!(
            "the API server accepted, as a trial in namespace {space}, {} in another's name, which {} must refuse",
            probe.what, probe.policy
        );
        return Verdict::open("NotEnforced", &what);
    }
    for probe in seen.probes {
        match &probe.answer {
            Answer::Lost(why) => {
                let message = format!("the API server could not be asked in namespace {space}: {why}");
                return Verdict { is_passing: true, ..Verdict::unknown("NotAnswered", message) };
            }
            Answer::Stopped(why) => {
                let message = format!(
                    "{} in another's name was stopped in namespace {space} before a policy saw it ({why}); remedy: release-cockpit manifests rbac | \
                     kubectl apply -f -",
                    probe.what
                );
                return Verdict::unknown("NotJudged", message);
            }
            _ => {}
        }
    }
    let verdict = verdict_of_refusals(shipped, seen);
    let since = verdict.is_enforced().then(|| unchanged_since(shipped, seen)).flatten();
    Verdict { since, ..verdict }
}

/// The last change of any policy or binding that matters, and the time that an API server takes to heed it: what was written before
/// may have been written without them. Nothing where they cannot be read.
fn unchanged_since(shipped: &Shipped, seen: &Seen<'_>) -> Option<DateTime<Utc>> {
    let (Listed::Found(policies), Listed::Found(bindings)) = (seen.policies, seen.bindings) else {
        return None;
    };
    let is_ours =
        |name: Option<&str>| shipped.policies.iter().any(|ours| ours.metadata.name.as_deref() == name);
    let policies =
        policies.iter().filter(|policy| is_ours(policy.metadata.name.as_deref())).map(|p| &p.metadata);
    let bindings = bindings.iter().filter(|b| is_ours(Some(&b.spec.policy_name))).map(|b| &b.metadata);
    policies.chain(bindings).flat_map(changes).max().map(|last| last + HEEDED_WITHIN)
}

/// When an object was made and changed; what the server itself notes in its status is no change.
fn changes(object: &ObjectMeta) -> impl Iterator<Item = DateTime<Utc>> + '_ {
    let entries = object.managed_fields.iter().flatten();
    let changes = entries.filter(|entry| entry.subresource.as_deref() != Some("status"));
    object.creation_timestamp.iter().chain(changes.filter_map(|entry| entry.time.as_ref())).map(from_time)
}

/// Every forgery was refused: by its own policy, or by another that came first.
fn verdict_of_refusals(shipped: &Shipped, seen: &Seen<'_>) -> Verdict {
    let is_proof = |probe: &Probe| {
        matches!(&probe.answer, Answer::Refused { policy, code }
            if policy == probe.policy && code == "IdentityMismatch")
    };
    let is_ours = |probe: &Probe| {
        matches!(&probe.answer, Answer::Refused { policy, .. }
            if shipped.policies.iter().any(|ours| ours.metadata.name.as_ref() == Some(policy)))
    };
    let closed = match (seen.policies, seen.bindings) {
        (Listed::Closed(why), _) | (_, Listed::Closed(why)) => Some(*why),
        _ => None,
    };
    let all_proven = !seen.probes.is_empty() && seen.probes.iter().all(is_proof);
    match closed {
        None if all_proven => {
            Verdict::enforced("every policy is installed and denies; forged names were refused")
        }
        Some(why) if all_proven => Verdict::enforced(format!(
            "forged names were refused; the policies themselves cannot be read here ({why})"
        )),
        // another of our policies refused first: the objects vouch for the one that it hid
        None if !seen.probes.is_empty()
            && seen.probes.iter().all(|probe| is_proof(probe) || is_ours(probe)) =>
        {
            Verdict::enforced("every policy is installed and denies; forgeries were refused")
        }
        _ => {
            let message = format!(
                "forged names were refused in namespace {}, but not by the policies of this product",
                seen.namespace
            );
            Verdict::unknown("NotJudged", message)
        }
    }
}

fn fault_of_objects(shipped: &Shipped, seen: &Seen<'_>) -> Option<Verdict> {
    if let Listed::Failed(why) = seen.policies {
        return Some(not_read(why));
    }
    if let Listed::Failed(why) = seen.bindings {
        return Some(not_read(why));
    }
    let name = |object: &ValidatingAdmissionPolicy| object.metadata.name.clone().unwrap_or_default();
    if let Listed::Found(found) = seen.policies {
        let is_missing =
            |ours: &&ValidatingAdmissionPolicy| !found.iter().any(|other| name(other) == name(ours));
        let missing: Vec<_> = shipped.policies.iter().filter(is_missing).map(&name).collect();
        if !missing.is_empty() {
            let what = format!("not installed: ValidatingAdmissionPolicy {}", missing.join(", "));
            return Some(Verdict::open("PoliciesMissing", &what));
        }
        let is_altered = |ours: &&ValidatingAdmissionPolicy| {
            !found.iter().any(|other| name(other) == name(ours) && is_as_strict(ours, other, seen.account))
        };
        let altered: Vec<_> = shipped.policies.iter().filter(is_altered).map(&name).collect();
        if !altered.is_empty() {
            let what =
                format!("not as this version installs it: ValidatingAdmissionPolicy {}", altered.join(", "));
            return Some(Verdict::open("NotEnforced", &what));
        }
    }
    let Listed::Found(found) = seen.bindings else { return None };
    let mut unbound = Vec::new();
    let mut lenient = Vec::new();
    for ours in shipped.bindings.iter().map(|binding| &binding.spec) {
        let mut bound = found
            .iter()
            .map(|binding| &binding.spec)
            .filter(|other| other.policy_name == ours.policy_name)
            .peekable();
        if bound.peek().is_none() {
            unbound.push(ours.policy_name.as_str());
        } else if !bound.any(|other| denies_as(ours, other)) {
            lenient.push(ours.policy_name.as_str());
        }
    }
    if !unbound.is_empty() {
        let what = format!("not bound: ValidatingAdmissionPolicy {}", unbound.join(", "));
        return Some(Verdict::open("PoliciesMissing", &what));
    }
    (!lenient.is_empty()).then(|| {
        let what =
            format!("bound, but not to deny everywhere: ValidatingAdmissionPolicy {}", lenient.join(", "));
        Verdict::open("NotDenying", &what)
    })
}

fn not_read(why: &str) -> Verdict {
    let message = format!("the policies could not be read: {why}");
    Verdict { is_passing: true, ..Verdict::unknown("NotAnswered", message) }
}

/// Whether a binding denies wherever ours does.
fn denies_as(
    ours: &ValidatingAdmissionPolicyBindingSpec,
    other: &ValidatingAdmissionPolicyBindingSpec,
) -> bool {
    let params = match (&ours.param_ref, &other.param_ref) {
        (None, None) => true,
        (Some(ours), Some(other)) => {
            other.name == ours.name
                && other.namespace == ours.namespace
                && other.parameter_not_found_action == ours.parameter_not_found_action
                && other.selector.as_ref().is_none_or(is_everything)
        }
        _ => false,
    };
    params
        && other.validation_actions.iter().any(|action| action == "Deny")
        && other.match_resources.as_ref().is_none_or(|narrowed| {
            narrowed.resource_rules.as_ref().is_none_or(Vec::is_empty) && is_wide(narrowed)
        })
}

/// Whether a policy refuses at least what ours does: more validations make it stricter, more conditions do not.
fn is_as_strict(ours: &ValidatingAdmissionPolicy, other: &ValidatingAdmissionPolicy, account: &str) -> bool {
    let (Some(ours), Some(other)) = (&ours.spec, &other.spec) else { return false };
    let (ours, other) = (&accounted(ours, CONTROLLER_USER), &accounted(other, account));
    let has_all = |ours: Vec<String>, other: &[String]| ours.iter().all(|part| other.contains(part));
    other.failure_policy.as_deref().unwrap_or("Fail") == "Fail"
        && ours.param_kind == other.param_kind
        && conditions(ours) == conditions(other)
        && has_all(variables(ours), &variables(other))
        && has_all(validations(ours), &validations(other))
        && match (&ours.match_constraints, &other.match_constraints) {
            (Some(ours), Some(other)) => is_wide(other) && has_all(rules(ours), &rules(other)),
            (ours, _) => ours.is_none(),
        }
}

fn is_everything(selector: &LabelSelector) -> bool {
    selector.match_labels.as_ref().is_none_or(std::collections::BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
}

fn is_wide(resources: &MatchResources) -> bool {
    resources.match_policy.as_deref().unwrap_or("Equivalent") == "Equivalent"
        && resources.exclude_resource_rules.as_ref().is_none_or(Vec::is_empty)
        && resources.namespace_selector.as_ref().is_none_or(is_everything)
        && resources.object_selector.as_ref().is_none_or(is_everything)
}

fn rules(resources: &MatchResources) -> Vec<String> {
    let rules = resources.resource_rules.iter().flatten();
    rules
        .map(|rule| {
            let names = rule.resource_names.clone().unwrap_or_default();
            let scope = rule.scope.as_deref().unwrap_or("*");
            format!(
                "{:?} {:?} {:?} {:?} {names:?} {scope}",
                rule.api_groups, rule.api_versions, rule.operations, rule.resources
            )
        })
        .collect()
}

/// The policy without the name of the controller's account, which differs with the namespace that it is installed into.
fn accounted(spec: &ValidatingAdmissionPolicySpec, account: &str) -> ValidatingAdmissionPolicySpec {
    let mut spec = spec.clone();
    let quoted = format!("'{account}'");
    let conditions = spec.match_conditions.iter_mut().flatten().map(|condition| &mut condition.expression);
    let validations = spec.validations.iter_mut().flatten().map(|validation| &mut validation.expression);
    for expression in conditions.chain(validations) {
        *expression = expression.replace(&quoted, "CONTROLLER");
    }
    spec
}

fn conditions(spec: &ValidatingAdmissionPolicySpec) -> Vec<String> {
    spec.match_conditions.iter().flatten().map(|condition| words(&condition.expression)).collect()
}

fn variables(spec: &ValidatingAdmissionPolicySpec) -> Vec<String> {
    let variables = spec.variables.iter().flatten();
    variables.map(|variable| format!("{}={}", variable.name, words(&variable.expression))).collect()
}

fn validations(spec: &ValidatingAdmissionPolicySpec) -> Vec<String> {
    spec.validations.iter().flatten().map(|validation| words(&validation.expression)).collect()
}

/// An expression without the accidents of its layout.
fn words(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
