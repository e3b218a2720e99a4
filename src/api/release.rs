//! Release: one version on its way into one environment. People create it; its spec never changes; the controller writes its status.

use chrono::{DateTime, Utc};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{ComponentName, EnvironmentKey, ReleaseKey};
use super::strategy::StrategyName;

mod contested;
mod evidence;
mod people;
mod phase;
mod plan;
mod refused;
mod rollout;
mod status;
mod track;

pub use contested::ContestedField;
pub use evidence::{Counts, Evidence, Spread};
pub use people::{ApprovalRecord, ApprovalState, CheckRecord, Driver, OverrideRecord};
pub use phase::Phase;
pub use plan::{
    BakeStep, PartStep, Plan, PlanStep, PolicyChange, RollStep, SmokeStep, StepProgress, TrackStep, Weights,
};
pub use refused::RefusedRequest;
pub use rollout::{RolloutAnalysis, RolloutAsk, RolloutProgress, RolloutVerb};
pub use status::{
    AnalysisVerdict, ComponentProgress, ComponentState, ContainerRecord, GateState, GateStatus, Paused,
    ReleaseStatus, RevisionRecord, TimelineEntry, Undo,
};
pub use track::{TrackLoss, TrackPlace, TrackProgress};

/// What is asked for.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "release-cockpit.dev",
    version = "v1alpha1",
    kind = "Release",
    plural = "releases",
    namespaced,
    shortname = "rel",
    category = "cockpit",
    status = "ReleaseStatus",
    derive = "PartialEq",
    doc = "One version on its way into one environment.",
    printcolumn(name = "Environment", type_ = "string", json_path = ".spec.environment", priority = 1),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Step", type_ = "integer", json_path = ".status.step.index"),
    printcolumn(name = "Weight", type_ = "number", json_path = ".status.weight.observed"),
    printcolumn(name = "Requested-By", type_ = "string", json_path = ".spec.requestedBy"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".spec.environment",
    selectable = ".spec.version",
    selectable = ".spec.requestedBy",
    selectable = ".status.phase",
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name: at most 63 characters"),
    cel
)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("spec is immutable: abort this release and create another").reason(kube::core::Reason::FieldValueForbidden),
    validation = Rule::new("!has(self.emergency) || !self.emergency || (has(self.reason) && self.reason.trim().size() >= 10)").message("an emergency release needs spec.reason (10 characters or more)").field_path(".reason"),
    validation = Rule::new("!has(self.emergency) || !self.emergency || self.kind == 'Rollback' || (has(self.ticket) && self.ticket.trim().size() >= 1)").message("an emergency release needs spec.ticket: the incident that it belongs to").field_path(".ticket"),
    validation = Rule::new("self.kind != 'Rollback' || (has(self.reason) && self.reason.trim().size() >= 3)").message("a rollback needs spec.reason").field_path(".reason"),
)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseSpec {
    /// Name of the Environment in the same namespace.
    #[schemars(length(min = 1, max = 63))]
    pub environment: String,
    /// The version, as people say it.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[0-9A-Za-z][0-9A-Za-z._+-]*$"))]
    pub version: String,
    /// The image of each component, by tag or (better) by digest.
    #[schemars(schema_with = "schemas::images")]
    pub images: Vec<ComponentImage>,
    /// Deploy, promote or roll back.
    pub kind: ReleaseKind,
    /// A strategy that the environment allows; absent: its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schemas::strategy")]
    pub strategy: Option<StrategyName>,
    /// Who asks: the name by which the API server knows the author.
    #[schemars(length(min = 1, max = 253))]
    pub requested_by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schemas::reason")]
    pub reason: Option<String>,
    /// What changes, for the approvers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schemas::changelog")]
    pub changelog: Option<String>,
    /// Where it is tracked; of an emergency release: the incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schemas::ticket")]
    pub ticket: Option<String>,
    /// Skips what may be skipped, needs the verb `override`, leaves a debt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<bool>,
}

impl Release {
    /// Namespace and name of this object; empty parts where the server has not named it yet.
    #[must_use]
    pub fn key(&self) -> ReleaseKey {
        ReleaseKey::new(
            self.metadata.namespace.as_deref().unwrap_or_default(),
            self.metadata.name.as_deref().unwrap_or_default(),
        )
    }

    /// The environment that this release is for.
    #[must_use]
    pub fn environment_key(&self) -> EnvironmentKey {
        EnvironmentKey::new(
            self.metadata.namespace.as_deref().unwrap_or_default(),
            self.spec.environment.as_str(),
        )
    }

    /// The phase; a release that the controller has not seen yet is `Pending`.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.status.as_ref().map(|status| status.phase).unwrap_or_default()
    }

    /// When the API server accepted it.
    #[must_use]
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.metadata.creation_timestamp.as_ref().map(super::time::from_time)
    }
}

/// Why a release exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ReleaseKind {
    /// A version from outside.
    Deploy,
    /// A version that proved itself in another environment.
    Promote,
    /// A version that ran here before.
    Rollback,
}

/// The image of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentImage {
    /// The component.
    pub component: ComponentName,
    /// Repository with tag, digest or both.
    #[schemars(
        length(min = 1, max = 512),
        regex(pattern = r"^[a-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?$")
    )]
    pub image: String,
}

/// Lists that Kubernetes merges by key, and texts that are drawn on terminals.
mod schemas {
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::ComponentImage;

    /// No control characters and no bidirectional overrides; line breaks allowed.
    const LINES: &str =
        r"^[^\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]*$";
    /// As `LINES`, without line breaks.
    const LINE: &str = r"^[^\x00-\x1f\x7f-\x{9f}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]*$";

    pub(super) fn images(generator: &mut SchemaGenerator) -> Schema {
        let items = <ComponentImage as JsonSchema>::json_schema(generator);
        json_schema!({
            "type": "array",
            "minItems": 1,
            "maxItems": 32,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["component"],
            "items": items
        })
    }

    /// A plain string: which strategies exist here is the Environment's word, judged by policy and controller.
    pub(super) fn strategy(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": ["rolling", "canary", "blueGreen"]})
    }

    pub(in crate::api) fn reason(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 1024, "pattern": LINES})
    }

    pub(super) fn changelog(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 16384, "pattern": LINES})
    }

    pub(super) fn ticket(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 256, "pattern": LINE})
    }
}
pub(super) use schemas::reason as reason_schema;
