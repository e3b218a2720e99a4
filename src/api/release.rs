//! Release: one version on its way into one environment. People create it; its spec never changes; the controller writes its status.

use std::fmt;

use chrono::{DateTime, Utc};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::names::{ComponentName, EnvironmentKey, ReleaseKey};
use super::strategy::{Step, StrategyName};

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
    /// Where it is tracked.
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

/// Where a release is in its life.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Phase {
    /// Waits for gates, approvals, timers, windows or the lane.
    #[default]
    Pending,
    /// Changes the environment.
    Progressing,
    /// Stopped by a person or a step; nothing is changed meanwhile.
    Paused,
    /// Everything is rolled out and is watched.
    Verifying,
    /// Done.
    Succeeded,
    /// Goes back.
    RollingBack,
    /// Went back.
    RolledBack,
    /// Failed, and kept as it is for a person.
    Held,
    /// A person said no.
    Rejected,
    /// A newer release took its place.
    Superseded,
    /// A person stopped it.
    Aborted,
    /// Nobody acted in time.
    Expired,
    /// The verdict of gates or analysis.
    Failed,
    /// It could not be carried out.
    Errored,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 14] = [
        Self::Pending,
        Self::Progressing,
        Self::Paused,
        Self::Verifying,
        Self::Succeeded,
        Self::RollingBack,
        Self::RolledBack,
        Self::Held,
        Self::Rejected,
        Self::Superseded,
        Self::Aborted,
        Self::Expired,
        Self::Failed,
        Self::Errored,
    ];

    /// The phase as objects write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Progressing => "Progressing",
            Self::Paused => "Paused",
            Self::Verifying => "Verifying",
            Self::Succeeded => "Succeeded",
            Self::RollingBack => "RollingBack",
            Self::RolledBack => "RolledBack",
            Self::Held => "Held",
            Self::Rejected => "Rejected",
            Self::Superseded => "Superseded",
            Self::Aborted => "Aborted",
            Self::Expired => "Expired",
            Self::Failed => "Failed",
            Self::Errored => "Errored",
        }
    }

    /// Nothing more will happen to this release. `Held` is not final: it waits for a person.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::RolledBack
                | Self::Rejected
                | Self::Superseded
                | Self::Aborted
                | Self::Expired
                | Self::Failed
                | Self::Errored
        )
    }

    /// This release holds the lane of its environment.
    #[must_use]
    pub const fn holds_lane(self) -> bool {
        matches!(self, Self::Progressing | Self::Paused | Self::Verifying | Self::RollingBack | Self::Held)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the controller says of a release. Every list is bounded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReleaseStatus {
    /// Where it is.
    pub phase: Phase,
    /// One sentence: what it waits for and who can clear it, or how it ended.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// What will be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The step that is being done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepProgress>,
    /// The three weights of the new version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weights>,
    /// The gates as last judged.
    #[schemars(length(max = 64))]
    pub gates: Vec<GateStatus>,
    /// Approvals, counted or not.
    #[schemars(length(max = 64))]
    pub approvals: Vec<ApprovalRecord>,
    /// What ran before, recorded once when execution starts.
    #[schemars(length(max = 32))]
    pub before: Vec<RevisionRecord>,
    /// How far each component is.
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentProgress>,
    /// Set while a person has paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// Why and by whom it is being undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// How often it was started again by Retry.
    pub attempt: i32,
    /// What happened, oldest first, at most 100 entries.
    #[schemars(length(max = 100))]
    pub timeline: Vec<TimelineEntry>,
    /// Names of the last actions that were judged, newest last, so that none is judged twice.
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub judged_actions: Vec<String>,
    /// Conditions in Kubernetes' form.
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
    /// Generation of the release that this was judged on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When execution started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When every component was rolled out and the watch began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifying_since: Option<DateTime<Utc>>,
    /// When it reached a final phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}

/// The steps, and a digest that approvals are bound to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The strategy in force.
    pub strategy: StrategyName,
    /// The steps in order.
    #[schemars(length(max = 128))]
    pub steps: Vec<PlanStep>,
    /// `sha256:…` over images, strategy and steps.
    #[schemars(length(max = 71))]
    pub digest: String,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlanStep {
    /// Set the images of one component and follow its rollout.
    Roll(RollStep),
    /// Ask the smoke probes.
    Smoke(SmokeStep),
    /// Watch for a time.
    Bake(BakeStep),
    /// A step out of the environment's canary.
    Canary(Step),
}

/// Set the image of a component and follow its rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollStep {
    /// The components of this wave, in the environment's order.
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentName>,
    /// The wave.
    #[schemars(range(min = 0, max = 100))]
    pub wave: i32,
}

/// Ask the smoke probes until they pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmokeStep {
    /// How many there are.
    #[schemars(range(min = 0, max = 32))]
    pub probes: i32,
}

/// Watch for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BakeStep {
    /// For how long.
    pub duration: super::duration::Duration,
}

/// The step that is being done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepProgress {
    /// Index into the plan's steps, from 0; equal to their number when all are done.
    #[schemars(range(min = 0, max = 1000))]
    pub index: i32,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// Desired, achievable and observed share of the new version, in per cent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Weights {
    /// What was asked for.
    #[schemars(range(min = 0, max = 100))]
    pub desired: i32,
    /// What whole replicas allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub achievable: Option<i32>,
    /// What is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
}

/// The verdict of one gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateStatus {
    /// Name of the gate, such as `approval` or `preflight/secret-keys`.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// The verdict.
    pub state: GateState,
    /// One sentence.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub detail: String,
    /// Who or what can clear it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub cleared_by: Option<String>,
}

/// No data is never green: it is a state of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum GateState {
    /// Passed.
    Pass,
    /// Not yet.
    Wait,
    /// Refused.
    Fail,
    /// Cannot be judged.
    NoData,
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRecord {
    /// Who.
    #[schemars(length(max = 253))]
    pub actor: String,
    /// Slots that it fills.
    #[schemars(length(max = 8), inner(length(max = 63)))]
    pub slots: Vec<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// The plan's digest that the author saw.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// Name of the action that carries it.
    #[schemars(length(max = 63))]
    pub action: String,
    /// Whether it counts.
    pub state: ApprovalState,
}

/// Whether an approval counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ApprovalState {
    /// It counts.
    Counted,
    /// The plan has changed since.
    Stale,
    /// It is too old.
    Expired,
    /// The requester approved their own release.
    SelfApproval,
}

/// What ran in a component before this release touched it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionRecord {
    /// The component.
    pub component: ComponentName,
    /// The image.
    #[schemars(length(max = 512))]
    pub image: String,
    /// The workload's revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// How far a component is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComponentProgress {
    /// The component.
    pub component: ComponentName,
    /// How far.
    pub state: ComponentState,
    /// One sentence, in the words of `kubectl rollout status`.
    #[serde(default)]
    #[schemars(length(max = 512))]
    pub message: String,
    /// Pods of the new revision.
    #[serde(default)]
    pub updated: i32,
    /// Pods of the new revision that are available.
    #[serde(default)]
    pub available: i32,
    /// Pods wanted.
    #[serde(default)]
    pub total: i32,
    /// Revision after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// How far a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ComponentState {
    /// Not touched yet.
    Waiting,
    /// Being replaced.
    Progressing,
    /// Runs the new version.
    Done,
    /// Cannot be replaced.
    Failed,
    /// Being put back.
    RollingBack,
    /// Put back.
    RolledBack,
}

/// A person's pause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paused {
    /// Who.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// The phase to return to.
    pub resume_to: Phase,
}

/// Why a release is being undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undo {
    /// A person's name, or `controller`.
    #[schemars(length(max = 253))]
    pub by: String,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// One sentence.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// The phase that follows when everything is put back.
    pub ends_as: Phase,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// A person's name, or `controller`.
    #[schemars(length(max = 253))]
    pub by: String,
    /// CamelCase reason, as in Events.
    #[schemars(length(min = 1, max = 64))]
    pub reason: String,
    /// One sentence.
    #[schemars(length(max = 512))]
    pub message: String,
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
