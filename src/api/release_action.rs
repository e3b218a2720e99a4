//! ReleaseAction: a person's intent, immutable, kept as the audit trail. The controller writes what became of it.

use chrono::{DateTime, Utc};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audit_chain::Seal;
use super::environment::InFlight;
use super::names::ReleaseKey;
use super::release::reason_schema;

mod kind;

pub use kind::ActionKind;

/// What is meant, and what its author saw.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "release-cockpit.dev",
    version = "v1alpha1",
    kind = "ReleaseAction",
    plural = "releaseactions",
    namespaced,
    shortname = "ract",
    category = "cockpit",
    status = "ReleaseActionStatus",
    derive = "PartialEq",
    doc = "A person's intent on a release or an environment; never changed, kept as the audit trail.",
    printcolumn(name = "Release", type_ = "string", json_path = ".spec.release.name"),
    printcolumn(name = "Action", type_ = "string", json_path = ".spec.action"),
    printcolumn(name = "Actor", type_ = "string", json_path = ".spec.actor"),
    printcolumn(name = "Result", type_ = "string", json_path = ".status.result"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".spec.release.name",
    selectable = ".spec.environment",
    selectable = ".spec.action",
    selectable = ".spec.actor",
    selectable = ".status.result",
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name: at most 63 characters"),
    cel
)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("actions are immutable").reason(kube::core::Reason::FieldValueForbidden),
    validation = ("self.action in ['Freeze','Unfreeze','Deny','Allow','Scale','Restart','AbortAll','Review','Retire'] ? !has(self.release) : has(self.release)", "Freeze, Unfreeze, Deny, Allow, Scale, Restart, AbortAll, Review and Retire act on the environment (no spec.release); every other action needs spec.release"),
    validation = ("!(self.action in ['Approve','Check']) || (has(self.expected) && has(self.expected.planDigest))", "Approve and Check need spec.expected.planDigest: an approval is bound to the plan that its author saw"),
    validation = ("!(self.action in ['Pause','Resume','SetWeight','Promote','PromoteFull','Retry']) || (has(self.expected) && has(self.expected.step))", "Pause, Resume, SetWeight, Promote, PromoteFull and Retry need spec.expected.step: the step that their author saw"),
    validation = ("self.action != 'Approve' || has(self.release) && has(self.release.requestedBy)", "Approve needs spec.release.requestedBy: the requester that its author saw"),
    validation = ("self.action != 'SetWeight' || (has(self.parameters) && has(self.parameters.weight))", "SetWeight needs spec.parameters.weight (0..100)"),
    validation = ("self.action != 'Check' || (has(self.parameters) && has(self.parameters.item))", "Check needs spec.parameters.item"),
    validation = ("!(self.action in ['Deny','Allow']) || (has(self.parameters) && has(self.parameters.digest))", "Deny and Allow need spec.parameters.digest"),
    validation = ("!(self.action in ['Scale','Restart']) || (has(self.parameters) && has(self.parameters.component))", "Scale and Restart need spec.parameters.component"),
    validation = ("self.action != 'Override' || (has(self.parameters) && has(self.parameters.gate) && has(self.parameters.until) && has(self.parameters.incident))", "Override needs spec.parameters.gate, until and incident"),
    validation = ("self.action != 'Drive' || (has(self.parameters) && has(self.parameters.until))", "Drive needs spec.parameters.until"),
    validation = ("self.action != 'Review' || (has(self.parameters) && has(self.parameters.debt))", "Review needs spec.parameters.debt"),
    validation = Rule::new("!(self.action in ['Reject','Abort','AbortAll','Rollback','Override','Freeze','Unfreeze','Deny','Allow','Review','Retire']) || (has(self.reason) && self.reason.trim().size() >= 3)").message("this action needs spec.reason").field_path(".reason"),
    validation = Rule::new("self.action == 'Approve' || !has(self.slots) || self.slots.size() == 0").message("only Approve fills slots").field_path(".slots"),
)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseActionSpec {
    /// Name of the Environment in the same namespace; the authorizer needs it.
    #[schemars(length(min = 1, max = 63))]
    pub environment: String,
    /// The release; absent for actions on the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseRef>,
    /// What is meant.
    pub action: ActionKind,
    /// With what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// What must still be true: compare-and-swap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// Who: the name by which the API server knows the author.
    #[schemars(length(min = 1, max = 253))]
    pub actor: String,
    /// The slots that an Approve fills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schemas::slots")]
    pub slots: Option<Vec<FilledSlot>>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "reason_schema")]
    pub reason: Option<String>,
    /// What the author saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl ReleaseAction {
    /// The release that this acts on.
    #[must_use]
    pub fn release_key(&self) -> Option<ReleaseKey> {
        let release = self.spec.release.as_ref()?;
        Some(ReleaseKey::new(self.metadata.namespace.as_deref().unwrap_or_default(), release.name.as_str()))
    }

    /// When the API server accepted it: the time of the act, which no client can choose.
    #[must_use]
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.metadata.creation_timestamp.as_ref().map(super::time::from_time)
    }

    /// Whether the controller has already said what became of it.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.result.is_some())
    }
}

/// The release as the author saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseRef {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Its uid, so that a namesake is never meant.
    #[schemars(length(min = 36, max = 36), regex(pattern = r"^[0-9a-f-]{36}$"))]
    pub uid: String,
    /// Its requester; the controller compares it with the release itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub requested_by: Option<String>,
}

/// What an action is done with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// For SetWeight, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub weight: Option<i32>,
    /// For Check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub item: Option<String>,
    /// For Deny and Allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// For Scale and Restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub component: Option<String>,
    /// For Scale; absent: as many as before the last Scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub replicas: Option<i32>,
    /// For Override.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub gate: Option<String>,
    /// For Freeze, Deny, Override and Drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::api::time::instant_as_text")]
    pub until: Option<DateTime<Utc>>,
    /// For Freeze: what becomes of the release that executes; absent: it may finish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlight>,
    /// For Override and Freeze: the incident that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub incident: Option<String>,
    /// For Review: id of the debt that is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub debt: Option<String>,
    /// For `HandOver`: who takes over, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub person: Option<String>,
}

/// What the author saw and what must still be true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// `metadata.generation` of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub generation: Option<i64>,
    /// `status.step.index`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub step: Option<i32>,
    /// `status.plan.digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub plan_digest: Option<String>,
}

/// A slot that an approval fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FilledSlot {
    /// Name of the slot.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The slot's group, which the API server checks against the author's groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub group: Option<String>,
}

/// What the author's screen showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Weight in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub weight: Option<i32>,
    /// Error rate with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub error_rate: Option<String>,
    /// 99th percentile with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub p99: Option<String>,
    /// Requests behind these numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<i64>,
    /// When they were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::api::time::instant_as_text")]
    pub at: Option<DateTime<Utc>>,
}

/// What became of an action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReleaseActionStatus {
    /// Whether it was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schemas::result")]
    pub result: Option<ActionResult>,
    /// One sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: Option<DateTime<Utc>>,
    /// Its place in the environment's chain of records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// Whether an action was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ActionResult {
    /// It was carried out.
    Applied,
    /// It no longer fitted, or was not allowed.
    Refused,
}

mod schemas {
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::FilledSlot;

    pub(super) fn slots(generator: &mut SchemaGenerator) -> Schema {
        let items = <FilledSlot as JsonSchema>::json_schema(generator);
        json_schema!({
            "type": "array",
            "maxItems": 8,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": items
        })
    }

    pub(super) fn result(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": ["Applied", "Refused"]})
    }
}
