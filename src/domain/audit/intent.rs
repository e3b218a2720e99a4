//! How an intent reads: who, when, what, on which state, and what became of it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::api::release::TimelineEntry;
use crate::api::release_action::{Evidence, Expected, Parameters};
use crate::api::{ActionKind, Release, ReleaseAction};

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum IntentKind {
    /// A release was asked for.
    Release,
    /// An action was asked for.
    Action,
    /// Something that never became a record: refused before it was stored.
    Attempt,
}

/// Where it is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Origin {
    /// A record in the cluster or in an export.
    Record,
    /// The API server's own audit log.
    ServerLog,
}

/// One intent of one person. All texts are as the cluster has them: whoever prints them sanitises them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// When the API server received it.
    pub at: Option<DateTime<Utc>>,
    /// Who, as the API server knows them.
    pub actor: String,
    /// Who really sent it, where the author was impersonated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impersonated_by: Option<String>,
    /// What was attempted.
    pub kind: IntentKind,
    /// Namespace.
    pub namespace: String,
    /// The environment, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Name of the record; of an attempt: the name that it would have had, if it had one.
    pub name: String,
    /// The release that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What was meant, such as `Deploy v1.8.2` or `SetWeight 20 %`.
    pub what: String,
    /// The state that the author counted on.
    pub expected: String,
    /// What the author saw.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub saw: String,
    /// `Applied`, `Refused`, `Denied`, or the phase of a release.
    pub outcome: String,
    /// The state that was found, or why it was refused: one sentence.
    pub found: String,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Why, in the author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it is tracked: a ticket or an incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The server's answer, for attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The server's id of the request, for attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_id: Option<String>,
    /// Place in the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    /// Hash of its seal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What happened to a release. It is told, not sealed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<TimelineEntry>,
    /// Where it is known from.
    pub origin: Origin,
}

/// The intents behind these records, oldest first.
#[must_use]
pub fn intents(releases: &[&Release], actions: &[&ReleaseAction]) -> Vec<Intent> {
    let mut all: Vec<Intent> = releases
        .iter()
        .map(|release| Intent::of_release(release))
        .chain(actions.iter().map(|action| Intent::of_action(action)))
        .collect();
    all.sort_by(|a, b| (a.at, a.kind, &a.name).cmp(&(b.at, b.kind, &b.name)));
    all
}

impl Intent {
    /// A release.
    #[must_use]
    pub fn of_release(release: &Release) -> Self {
        let spec = &release.spec;
        let status = release.status.clone().unwrap_or_default();
        let emergency = if spec.emergency == Some(true) { "emergency " } else { "" };
        Self {
            at: release.created_at(),
            actor: spec.requested_by.clone(),
            impersonated_by: None,
            kind: IntentKind::Release,
            namespace: release.metadata.namespace.clone().unwrap_or_default(),
            environment: Some(spec.environment.clone()),
            name: release.metadata.name.clone().unwrap_or_default(),
            release: release.metadata.name.clone(),
            what: format!("{emergency}{:?} {}", spec.kind, spec.version),
            expected: String::new(),
            saw: String::new(),
            outcome: release.phase().to_string(),
            found: status.message,
            decided_at: status.finished_at,
            reason: spec.reason.clone(),
            ticket: spec.ticket.clone(),
            code: None,
            audit_id: None,
            sequence: status.seal.as_ref().map(|seal| seal.sequence),
            hash: status.seal.map(|seal| seal.hash),
            timeline: status.timeline,
            origin: Origin::Record,
        }
    }

    /// An action.
    #[must_use]
    pub fn of_action(action: &ReleaseAction) -> Self {
        let spec = &action.spec;
        let status = action.status.clone().unwrap_or_default();
        let slots: Vec<&str> = spec.slots.iter().flatten().map(|slot| slot.name.as_str()).collect();
        let parameters = spec.parameters.clone().unwrap_or_default();
        let mut what = with(spec.action, &parameters);
        if !slots.is_empty() {
            what = format!("{what} as {}", slots.join(", "));
        }
        Self {
            at: action.created_at(),
            actor: spec.actor.clone(),
            impersonated_by: None,
            kind: IntentKind::Action,
            namespace: action.metadata.namespace.clone().unwrap_or_default(),
            environment: Some(spec.environment.clone()),
            name: action.metadata.name.clone().unwrap_or_default(),
            release: spec.release.as_ref().map(|release| release.name.clone()),
            what,
            expected: spec.expected.as_ref().map(expected).unwrap_or_default(),
            saw: spec.evidence.as_ref().map(saw).unwrap_or_default(),
            outcome: status.result.map_or_else(|| "Waiting".to_owned(), |result| format!("{result:?}")),
            found: status.message.unwrap_or_default(),
            decided_at: status.at,
            reason: spec.reason.clone(),
            ticket: parameters.incident,
            code: None,
            audit_id: None,
            sequence: status.seal.as_ref().map(|seal| seal.sequence),
            hash: status.seal.map(|seal| seal.hash),
            timeline: Vec::new(),
            origin: Origin::Record,
        }
    }

    /// What it was on, as people write it: a release, else the environment, else the namespace.
    #[must_use]
    pub fn on(&self) -> String {
        match (&self.release, &self.environment) {
            (Some(name), _) => format!("{}/{name}", self.namespace),
            (None, Some(environment)) => format!("{}/{environment}", self.namespace),
            (None, None) => self.namespace.clone(),
        }
    }

    /// Who, and by whom they were impersonated.
    #[must_use]
    pub fn by(&self) -> String {
        match &self.impersonated_by {
            Some(sender) => format!("{} (sent by {sender})", self.actor),
            None => self.actor.clone(),
        }
    }
}

/// An action with its parameters, in words.
fn with(kind: ActionKind, given: &Parameters) -> String {
    let mut words = vec![kind.to_string()];
    words.extend(given.weight.map(|weight| format!("{weight} %")));
    words.extend(given.item.as_ref().map(|item| format!("`{item}`")));
    words.extend(given.gate.clone());
    words.extend(given.component.clone());
    words.extend(given.replicas.map(|replicas| format!("to {replicas}")));
    words.extend(given.digest.as_deref().map(short));
    words.extend(given.debt.as_ref().map(|debt| format!("of {debt}")));
    words.extend(given.person.as_ref().map(|person| format!("to {person}")));
    words.extend(given.until.map(|until| format!("until {}", until.format("%Y-%m-%d %H:%MZ"))));
    words.extend(given.in_flight.map(|in_flight| format!("in flight: {}", in_flight.as_str())));
    words.extend(given.incident.clone());
    words.join(" ")
}

fn expected(expected: &Expected) -> String {
    let generation = expected.generation.map(|generation| format!("generation {generation}"));
    let step = expected.step.map(|step| format!("step {}", crate::domain::plan::number(step)));
    let plan = expected.plan_digest.as_deref().map(|digest| format!("plan {}", short(digest)));
    generation.into_iter().chain(step).chain(plan).collect::<Vec<_>>().join(", ")
}

fn saw(evidence: &Evidence) -> String {
    let weight = evidence.weight.map(|weight| format!("weight {weight} %"));
    let errors = evidence.error_rate.as_ref().map(|rate| format!("error rate {rate}"));
    let p99 = evidence.p99.as_ref().map(|p99| format!("p99 {p99}"));
    let samples = evidence.samples.map(|samples| format!("{samples} requests"));
    let at = evidence.at.map(|at| format!("at {}", at.format("%H:%M:%SZ")));
    weight.into_iter().chain(errors).chain(p99).chain(samples).chain(at).collect::<Vec<_>>().join(", ")
}

/// The first characters of a digest, enough to tell it from others.
fn short(digest: &str) -> String {
    digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(12).collect()
}
