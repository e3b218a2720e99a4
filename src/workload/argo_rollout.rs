//! Argo Rollouts, and their ReplicaSets as revisions.
//!
//! Owns which part of a Rollout is read, and how it is asked for something. What its phase is and what has to be written is
//! `domain::argo_rollout`'s.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::{Patch, PatchParams};
use kube::{Api, CustomResource, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, ImageChange, Operation, Revision, Target, Workload, Written};
use super::{operate, patch, replica_sets};
use crate::api::environment::WorkloadKind;
use crate::api::labels::{ANNOTATION_ROLLOUT_REVISION, CONTROLLER_FIELD_MANAGER};
use crate::api::release::{RolloutAnalysis, RolloutAsk};
use crate::api::stored;
use crate::domain::argo_rollout::{self, ArgoCondition, ArgoRollout, ArgoStep, ArgoStrategy};
use crate::domain::rollout_status::{Progressing, WorkloadState};

/// The kind `argoproj.io/v1alpha1` Rollout.
pub(super) struct Rollouts;

const KIND: WorkloadKind = WorkloadKind::Rollout;

/// A Rollout, as far as it is read here.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize)]
#[kube(
    group = "argoproj.io",
    version = "v1alpha1",
    kind = "Rollout",
    plural = "rollouts",
    namespaced,
    status = "RolloutState",
    schema = "disabled"
)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RolloutSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replicas: Option<i32>,
    #[serde(deserialize_with = "stored::without_nulls")]
    pub(super) selector: LabelSelector,
    #[serde(deserialize_with = "stored::without_nulls")]
    pub(super) template: PodTemplateSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload_ref: Option<WorkloadSource>,
    #[serde(deserialize_with = "stored::without_nulls")]
    paused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress_deadline_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "stored::without_nulls")]
    strategy: Strategy,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct WorkloadSource {
    kind: String,
    name: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Strategy {
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<Canary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blue_green: Option<BlueGreen>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Canary {
    steps: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic_routing: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_surge: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_unavailable: Option<Value>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BlueGreen {
    #[serde(skip_serializing_if = "Option::is_none")]
    post_promotion_analysis: Option<Value>,
}

/// What the Argo controller says of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RolloutState {
    #[serde(deserialize_with = "stored::without_nulls")]
    abort: bool,
    #[serde(deserialize_with = "stored::without_nulls")]
    pause_conditions: Vec<PauseCondition>,
    #[serde(deserialize_with = "stored::without_nulls")]
    controller_pause: bool,
    #[serde(deserialize_with = "stored::without_nulls")]
    current_pod_hash: String,
    #[serde(deserialize_with = "stored::without_nulls")]
    replicas: i32,
    #[serde(deserialize_with = "stored::without_nulls")]
    updated_replicas: i32,
    #[serde(deserialize_with = "stored::without_nulls")]
    ready_replicas: i32,
    #[serde(deserialize_with = "stored::without_nulls")]
    available_replicas: i32,
    current_step_index: Option<i32>,
    #[serde(deserialize_with = "stored::without_nulls")]
    observed_generation: String,
    #[serde(deserialize_with = "stored::without_nulls")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "stored::without_nulls")]
    canary: CanaryState,
    #[serde(deserialize_with = "stored::without_nulls")]
    blue_green: BlueGreenState,
    #[serde(rename = "stableRS", deserialize_with = "stored::without_nulls")]
    stable: String,
    restarted_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "stored::without_nulls")]
    promote_full: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct PauseCondition {
    reason: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    type_: String,
    reason: String,
    message: String,
    last_update_time: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CanaryState {
    current_step_analysis_run_status: Option<Run>,
    current_background_analysis_run_status: Option<Run>,
    weights: Option<Weights>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BlueGreenState {
    active_selector: String,
    pre_promotion_analysis_run_status: Option<Run>,
    post_promotion_analysis_run_status: Option<Run>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Run {
    name: String,
    status: String,
    message: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Weights {
    canary: Destination,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Destination {
    weight: i32,
}

impl Workload for Rollouts {
    fn kind(&self) -> WorkloadKind {
        KIND
    }

    fn observe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<WorkloadState>, Error>> {
        async move {
            let api: Api<Rollout> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            Ok(found.map(|rollout| state(&rollout, &target.container)))
        }
        .boxed()
    }

    fn set_image<'a>(
        &'a self,
        target: &'a Target,
        change: &'a ImageChange,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        async move {
            let past = if change.is_undo { self.revisions(target).await? } else { Vec::new() };
            let template = |object: &Rollout| object.spec.template.clone();
            patch::set_image::<Rollout>(KIND, target, (change, &past), template).await
        }
        .boxed()
    }

    fn operate<'a>(
        &'a self,
        target: &'a Target,
        wanted: &'a Operation,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        operate::operate::<Rollout>(KIND, target, wanted, |object| object.spec.replicas.unwrap_or(1)).boxed()
    }

    fn revisions<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Revision>, Error>> {
        async move {
            let api: Api<Rollout> = patch::api(target);
            let found = api.get_opt(&target.name).await.map_err(|e| patch::failed(KIND, target, e))?;
            let object = found.ok_or_else(|| Error::Missing { kind: KIND, name: target.name.clone() })?;
            let owner = replica_sets::Owner {
                kind: KIND,
                uid: object.uid(),
                selector: object.spec.selector.clone(),
                revision: revision_of(&object),
                annotation: ANNOTATION_ROLLOUT_REVISION,
            };
            replica_sets::revisions(target, owner).await
        }
        .boxed()
    }

    fn ask<'a>(&'a self, target: &'a Target, ask: &'a RolloutAsk) -> BoxFuture<'a, Result<Written, Error>> {
        carry_out(target, ask).boxed()
    }
}

/// Writes what the ask needs, over the version that was read: the object first, since what is left is judged by it.
async fn carry_out(target: &Target, ask: &RolloutAsk) -> Result<Written, Error> {
    let api: Api<Rollout> = patch::api(target);
    let failed = |source: kube::Error| patch::failed(KIND, target, source);
    let found = api.get_opt(&target.name).await.map_err(failed)?;
    let mut object = found.ok_or_else(|| Error::Missing { kind: KIND, name: target.name.clone() })?;
    let writes = argo_rollout::writes(&read(&object), ask);
    let params =
        PatchParams { field_manager: Some(CONTROLLER_FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let over = |mut body: Value, object: &Rollout| {
        body["metadata"]["resourceVersion"] = object.resource_version().into();
        Patch::Merge(body)
    };
    let mut written = Written::Already;
    if let Some(body) = writes.object {
        object = api.patch(&target.name, &params, &over(body, &object)).await.map_err(failed)?;
        written = Written::Now;
    }
    if let Some(body) = writes.status {
        api.patch_status(&target.name, &params, &over(body, &object)).await.map_err(failed)?;
        written = Written::Now;
    }
    Ok(written)
}

/// What only a Rollout has.
fn read(object: &Rollout) -> ArgoRollout {
    let spec = &object.spec;
    let status = object.status.clone().unwrap_or_default();
    let strategy = match (&spec.strategy.canary, &spec.strategy.blue_green) {
        (Some(canary), _) => Some(ArgoStrategy::Canary { is_routed: canary.traffic_routing.is_some() }),
        (None, Some(blue)) => {
            Some(ArgoStrategy::BlueGreen { has_post_promotion: blue.post_promotion_analysis.is_some() })
        }
        (None, None) => None,
    };
    let steps = spec.strategy.canary.as_ref().map_or(&[][..], |canary| &canary.steps);
    let runs = [
        ("step", status.canary.current_step_analysis_run_status),
        ("background", status.canary.current_background_analysis_run_status),
        ("pre-promotion", status.blue_green.pre_promotion_analysis_run_status),
        ("post-promotion", status.blue_green.post_promotion_analysis_run_status),
    ];
    let analyses = runs.into_iter().filter_map(|(role, run)| {
        let Run { name, status: phase, message } = run?;
        Some(RolloutAnalysis { name, role: role.to_owned(), phase, message })
    });
    let conditions = status.conditions.iter().map(|condition| ArgoCondition {
        type_: condition.type_.clone(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    });
    ArgoRollout {
        strategy,
        steps: steps.iter().map(step).collect(),
        step: status.current_step_index,
        is_paused: spec.paused,
        controller_pause: status.controller_pause,
        pauses: status.pause_conditions.into_iter().map(|pause| pause.reason).collect(),
        is_aborted: status.abort,
        promote_full: status.promote_full,
        restarts: spec.restart_at.is_some() && spec.restart_at != status.restarted_at,
        conditions: conditions.collect(),
        stable: status.stable,
        current: status.current_pod_hash,
        active: status.blue_green.active_selector,
        routed: status.canary.weights.map(|weights| weights.canary.weight),
        analyses: analyses.collect(),
        template_from: spec.workload_ref.as_ref().map(|from| format!("{} {}", from.kind, from.name)),
    }
}

/// A step in Argo's words.
fn step(step: &Value) -> ArgoStep {
    let weight = step["setWeight"].as_i64().and_then(|weight| i32::try_from(weight).ok());
    let name = step.as_object().and_then(|fields| fields.keys().next()).map_or("invalid", String::as_str);
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let text = match &step[name] {
        Value::Number(number) => format!("{name}: {number}"),
        Value::Object(fields) if name == "pause" => match fields.get("duration") {
            Some(duration) => format!("pause: {}", plain(duration)),
            None => "pause".to_owned(),
        },
        Value::Object(fields) if name == "setCanaryScale" => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(key, value)| (key, plain(value))).collect();
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("setCanaryScale{{{}}}", fields.join(", "))
        }
        Value::Object(fields) if fields.contains_key("name") => format!("{name}: {}", plain(&fields["name"])),
        _ => name.to_owned(),
    };
    ArgoStep { text: crate::sanitize::line(&text).into_owned(), weight }
}

fn revision_of(object: &Rollout) -> Option<i64> {
    object.annotations().get(ANNOTATION_ROLLOUT_REVISION)?.parse().ok()
}

fn state(object: &Rollout, container: &str) -> WorkloadState {
    let mut state = WorkloadState::new(KIND, object.name_any());
    state.resource_version = object.resource_version().unwrap_or_default();
    state.generation = object.metadata.generation.unwrap_or_default();
    state.revision = revision_of(object);
    let spec = &object.spec;
    state.desired = spec.replicas.unwrap_or(1);
    state.image = patch::image(&spec.template, container);
    state.images = patch::images(&spec.template);
    state.configs = patch::configs(&spec.template);
    state.progress_deadline = TimeDelta::seconds(spec.progress_deadline_seconds.unwrap_or(600));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    if let Some(canary) = &spec.strategy.canary {
        state.max_surge = canary.max_surge.as_ref().map(text);
        state.max_unavailable = canary.max_unavailable.as_ref().map(text);
    }
    if let Some(status) = &object.status {
        // nothing at all is said by a controller that has not looked; what is no number, by one older than generations
        let seen = status.observed_generation.parse().unwrap_or(state.generation);
        state.observed_generation = if status.observed_generation.is_empty() { 0 } else { seen };
        state.replicas = status.replicas;
        state.updated = status.updated_replicas;
        state.ready = status.ready_replicas;
        state.available = status.available_replicas;
        state.progressing = status.conditions.iter().find(|c| c.type_ == "Progressing").map(|condition| {
            Progressing { reason: condition.reason.clone(), updated_at: condition.last_update_time }
        });
    }
    state.argo = Some(Box::new(read(object)));
    state
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::argo_rollout::{ArgoPhase, phase};

    #[test]
    fn null_is_absent_everywhere() {
        let odd = serde_json::json!({
            "metadata": {"name": "a"},
            "spec": {
                "template": {"metadata": {"creationTimestamp": null}, "spec": {"containers": null}}, "selector": null, "paused": null,
                "strategy": {"canary": {"steps": null}},
            },
            "status": {"conditions": null, "pauseConditions": [null], "canary": null, "replicas": null, "stableRS": null},
        });
        let read: Rollout = serde_json::from_value(odd).unwrap();
        assert!(read.status.unwrap().pause_conditions.is_empty());
    }

    fn rollout() -> Rollout {
        serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "api", "generation": 3, "resourceVersion": "9", "annotations": {"rollout.argoproj.io/revision": "4"}},
            "spec": {
                "replicas": 4, "selector": {"matchLabels": {"app": "api"}}, "progressDeadlineSeconds": 30,
                "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", "image": "api:v2"}]}},
                "strategy": {"canary": {"maxSurge": "25%", "steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": "10s"}},
                    {"analysis": {"templates": []}}, {"setCanaryScale": {"matchTrafficWeight": true}}, {"plugin": {"name": "x"}}]}}
            },
            "status": {
                "observedGeneration": "3", "phase": "Paused", "replicas": 4, "updatedReplicas": 1, "readyReplicas": 4, "availableReplicas": 4,
                "currentStepIndex": 1, "currentPodHash": "new", "stableRS": "old", "controllerPause": true,
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-02T03:04:05Z"}],
                "conditions": [{"type": "Progressing", "status": "Unknown", "reason": "RolloutPaused", "message": "", "lastUpdateTime": "2026-01-02T03:04:05Z"}],
                "canary": {"currentStepAnalysisRunStatus": {"name": "api-1", "status": "Running", "message": ""}}
            }
        }))
        .unwrap()
    }

    #[test]
    fn everything_that_decisions_need_is_read() {
        let state = state(&rollout(), "api");
        assert_eq!(state.image.as_deref(), Some("api:v2"));
        assert_eq!((state.generation, state.observed_generation, state.revision), (3, 3, Some(4)));
        assert_eq!((state.desired, state.updated, state.updated_available()), (4, 1, 1));
        let argo = state.argo.as_deref().unwrap();
        assert_eq!(phase(&state, argo), (ArgoPhase::Paused, "CanaryPauseStep".into()));
        let steps: Vec<_> = argo.steps.iter().map(|step| step.text.as_str()).collect();
        let expected = ["setWeight: 25", "pause", "setWeight: 50", "pause: 10s", "analysis"];
        assert_eq!(steps[..5], expected);
        assert_eq!(steps[5..], ["setCanaryScale{matchTrafficWeight: true}", "plugin: x"]);
        assert_eq!((argo.desired_weight(), argo.analyses[0].phase.as_str()), (Some(25), "Running"));
        assert!(argo.is_held() && !argo.is_promoted());
    }

    #[test]
    fn what_no_controller_has_seen_is_not_observed() {
        for (observed, expected) in [(json!(""), 0), (json!("2"), 2), (json!("6f9d"), 3)] {
            let mut value = serde_json::to_value(rollout()).unwrap();
            value["status"]["observedGeneration"] = observed;
            assert_eq!(state(&serde_json::from_value(value).unwrap(), "api").observed_generation, expected);
        }
    }

    #[test]
    fn a_template_of_another_object_is_told() {
        let mut value = serde_json::to_value(rollout()).unwrap();
        value["spec"]["template"] = json!({});
        value["spec"]["workloadRef"] = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"});
        let state = state(&serde_json::from_value(value).unwrap(), "api");
        assert_eq!(state.image, None);
        assert_eq!(state.argo.unwrap().template_from.as_deref(), Some("Deployment api"));
    }
}
