//! What the controller says of a release.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{
    ApprovalRecord, CheckRecord, ContestedField, Driver, Evidence, OverrideRecord, Phase, Plan,
    RefusedRequest, RolloutProgress, StepProgress, TrackProgress, Weights,
};
use crate::api::audit_chain::Seal;
use crate::api::condition::Condition;
use crate::api::config_record::ConfigRecord;
use crate::api::names::ComponentName;
use crate::api::notified::Notified;

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
    /// Items of the checklist that people have ticked.
    #[schemars(length(max = 64))]
    pub checks: Vec<CheckRecord>,
    /// Gates that were passed by force.
    #[schemars(length(max = 16))]
    pub overrides: Vec<OverrideRecord>,
    /// Who drives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<Driver>,
    /// Name of the release that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub superseded_by: Option<String>,
    /// Its place in the environment's chain of records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// What ran before, recorded once when execution starts.
    #[schemars(length(max = 32))]
    pub before: Vec<RevisionRecord>,
    /// What the further containers of the components ran before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512))]
    pub containers: Vec<ContainerRecord>,
    /// What the ConfigMaps and Secrets of the components held then, as hashes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub configs: Vec<ConfigRecord>,
    /// How far each component is.
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentProgress>,
    /// The second workloads beside the environment's own, while there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub tracks: Vec<TrackProgress>,
    /// The Argo Rollouts among the components.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub rollouts: Vec<RolloutProgress>,
    /// The analyses as last judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub analysis: Vec<AnalysisVerdict>,
    /// What the comparisons with the old version have counted, one entry per analysis and component.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub evidence: Vec<Evidence>,
    /// What the API server refuses to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub refused: Vec<RefusedRequest>,
    /// Fields of workloads that somebody else sets, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub contested: Vec<ContestedField>,
    /// Set while a person has paused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// Why and by whom it is being undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// The environment's sections under which it is carried out, from its start to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "sections")]
    pub policy: Option<BTreeMap<String, serde_json::Value>>,
    /// How often it was started again by Retry.
    pub attempt: i32,
    /// What happened, oldest first, at most 100 entries.
    #[schemars(length(max = 100))]
    pub timeline: Vec<TimelineEntry>,
    /// Uids of the last actions that were judged, newest last, so that none is judged twice; `refused:` stands before those that were
    /// refused.
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub judged_actions: Vec<String>,
    /// What the channels of the environment's `notify` were told, newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub notified: Vec<Notified>,
    /// Conditions in Kubernetes' form.
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
    /// Generation of the release that this was judged on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When execution started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub started_at: Option<DateTime<Utc>>,
    /// When every component was rolled out and the watch began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub verifying_since: Option<DateTime<Utc>>,
    /// When it last came nearer to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub moved_at: Option<DateTime<Utc>>,
    /// When it reached a final phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub finished_at: Option<DateTime<Utc>>,
}

/// The verdict of one gate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// When it clears by itself, where only time is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub clears_at: Option<DateTime<Utc>>,
    /// The command that clears it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub command: Option<String>,
}

/// No data is never green: it is a state of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum GateState {
    /// Passed.
    Pass,
    /// Not yet.
    Wait,
    /// Refused.
    Fail,
    /// Cannot be judged.
    #[default]
    NoData,
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
    /// Pods wanted, where the release changes their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// The partition of a StatefulSet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
}

/// What a further container of a component ran before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRecord {
    /// The component.
    pub component: ComponentName,
    /// The container or init container.
    #[schemars(length(max = 63))]
    pub container: String,
    /// Its image.
    #[schemars(length(max = 512))]
    pub image: String,
}

/// What an analysis says of the new version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisVerdict {
    /// Name of the analysis.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Pass, fail, not yet, or no data.
    pub state: GateState,
    /// One sentence with the numbers and how many requests are behind them.
    #[schemars(length(max = 512))]
    pub detail: String,
    /// The new version's number, in the query's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The old version's number at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable: Option<f64>,
    /// Requests behind the new version's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<f64>,
    /// How sure a comparison is that the new version is worse, from 0 to 1: 1 - 1 / the highest evidence so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Evidence that the new version is worse: an equal one reaches `E` at most once in `E` releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<f64>,
    /// Evidence at which the release fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence_needed: Option<f64>,
    /// Since when the state is what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub since: Option<DateTime<Utc>>,
    /// When it was last measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: Option<DateTime<Utc>>,
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
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
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
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
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
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
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

/// What an Environment's schema has admitted is not described again.
fn sections(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}
