//! `PodDisruptionBudgets`: what they allow, whose pods they are of, and which pods that are to leave they hold back.
//!
//! Owns what is asked. Nodes belong to no namespace and are read one by one, only where that is allowed and a budget lets nothing go; the
//! cluster autoscaler's own words stand in the namespace and tell of pods that it could not evict. Must not judge (`domain`).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Api;
use kube::Resource as _;
use kube::api::ListParams;
use kube::core::{Selector, SelectorExt as _};
use serde_json::Value;

use super::Cluster;
use super::error::Error;
use super::pod_row::{self, SlimPod};
use super::text::describe::{items, text};
use crate::api::Stored;
use crate::domain::disruption_budget::{Budget, Held, Leaves};
use crate::domain::pod_row::{PodHealth, PodRow};
use crate::sanitize;

/// Pods that are looked at.
const MOST_PODS: u32 = 500;
/// Nodes that are looked at: more are not drained at once.
const MOST_NODES: usize = 12;
/// What the cluster autoscaler calls a pod that it could not evict (`core/scaledown/actuation/drain.go`).
const SCALE_DOWN_FAILED: &str = "ScaleDownFailed";

/// A budget with its selector; without one it selects nothing, and an empty one selects every pod.
pub(super) struct Counted {
    selector: Option<Selector>,
    pub(super) budget: Budget,
}

impl Counted {
    /// A budget as the API server has it.
    pub(super) fn of(object: &Value) -> Self {
        let selector: Option<LabelSelector> =
            object.pointer("/spec/selector").and_then(|value| serde_json::from_value(value.clone()).ok());
        Self { selector: selector.and_then(|selector| selector.try_into().ok()), budget: budget(object) }
    }

    fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.matches(labels))
    }
}

/// A pod that runs.
pub(super) struct Running {
    row: PodRow,
    labels: BTreeMap<String, String>,
}

impl Running {
    /// Nothing where the pod has ended, is on its way out or has not begun: those may always go.
    pub(super) fn of(pod: &SlimPod) -> Option<Self> {
        let row = pod_row::row(pod);
        let labels = pod.meta().labels.clone().unwrap_or_default();
        let stays = pod_row::runs(pod) && row.health != PodHealth::Terminating;
        stays.then_some(Self { row, labels })
    }
}

/// Who is to leave.
#[derive(Default)]
pub(super) struct Leaving {
    /// Names of nodes that are cordoned.
    pub(super) nodes: BTreeSet<String>,
    /// Names of pods that the cluster autoscaler could not evict.
    pub(super) pods: BTreeSet<String>,
}

impl Cluster {
    /// Every budget of a namespace.
    pub(super) async fn budgets(&self, namespace: &str) -> Result<Vec<Budget>, Error> {
        let mut counted = self.counted(namespace).await?;
        if counted.is_empty() {
            return Ok(Vec::new());
        }
        let pods = self.running(namespace, &Selector::default()).await.unwrap_or_default();
        self.look(namespace, &mut counted, &pods).await;
        Ok(counted.into_iter().map(|counted| counted.budget).collect())
    }

    /// Budgets that hold back pods with these labels which `is_own` and which are to leave. What may not be read is left out.
    pub(super) async fn holding(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
        is_own: impl Fn(&PodRow) -> bool,
    ) -> Vec<Budget> {
        let mut counted = self.counted(namespace).await.unwrap_or_default();
        counted.retain(|counted| counted.selects(labels));
        let may_hold = counted.len() > 1 || counted.iter().any(|counted| counted.budget.block().is_some());
        let Some(selector) = counted.first().and_then(|first| first.selector.clone()).filter(|_| may_hold)
        else {
            return Vec::new();
        };
        let mut pods = self.running(namespace, &selector).await.unwrap_or_default();
        pods.retain(|pod| is_own(&pod.row));
        self.look(namespace, &mut counted, &pods).await;
        counted.into_iter().map(|counted| counted.budget).filter(|budget| !budget.held.is_empty()).collect()
    }

    async fn counted(&self, namespace: &str) -> Result<Vec<Counted>, Error> {
        let listed = self.listed("apis/policy/v1", namespace, "poddisruptionbudgets").await?;
        Ok(listed.iter().map(Counted::of).collect())
    }

    async fn running(&self, namespace: &str, selector: &Selector) -> Result<Vec<Running>, Error> {
        let api: Api<Stored<SlimPod>> = Api::namespaced(self.client(), namespace);
        let wanted = ListParams::default().labels_from(selector).limit(MOST_PODS);
        let list = self.bounded(api.list(&wanted), "pods").await?;
        let pods = list.items.into_iter().filter_map(|pod| pod.readable().ok());
        Ok(pods.filter_map(|pod| Running::of(&pod)).collect())
    }

    /// Tells each budget which pods are its own, and which of them wait to leave.
    async fn look(&self, namespace: &str, counted: &mut [Counted], pods: &[Running]) {
        let nodes = meet(counted, pods);
        if nodes.is_empty() {
            return;
        }
        let (nodes, pods_given_up) = tokio::join!(self.cordoned(nodes), self.given_up(namespace));
        hold(counted, pods, &Leaving { nodes, pods: pods_given_up.unwrap_or_default() });
    }

    /// Those of the nodes that are cordoned; none where nodes may not be read.
    async fn cordoned(&self, nodes: BTreeSet<String>) -> BTreeSet<String> {
        let attributes = ResourceAttributes {
            resource: Some("nodes".to_owned()),
            verb: Some("get".to_owned()),
            ..ResourceAttributes::default()
        };
        if !self.review(attributes).await.unwrap_or_default() {
            return BTreeSet::new();
        }
        let asked = nodes.into_iter().take(MOST_NODES).map(async |name| {
            let node = self.json(&format!("/api/v1/nodes/{name}"), "nodes").await.ok()?;
            is_cordoned(&node).then_some(name)
        });
        futures::future::join_all(asked).await.into_iter().flatten().collect()
    }

    /// Pods that the cluster autoscaler could not evict of late.
    async fn given_up(&self, namespace: &str) -> Result<BTreeSet<String>, Error> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/events?limit=200&fieldSelector=involvedObject.kind%3DPod%2Creason%3D{SCALE_DOWN_FAILED}"
        );
        let events = self.json(&path, "events").await?;
        Ok(items(&events, "/items")
            .iter()
            .map(|event| text(event, "/involvedObject/name").to_owned())
            .collect())
    }
}

/// Whether nothing new is put on a node, as `kubectl cordon` and `kubectl drain` write it.
pub(super) fn is_cordoned(node: &Value) -> bool {
    node.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or_default()
}

/// Tells each budget whose pods it selects, and which other budgets select them as well. Returns the nodes of the pods that it would not
/// let go.
pub(super) fn meet(counted: &mut [Counted], pods: &[Running]) -> BTreeSet<String> {
    let names: Vec<Box<str>> = counted.iter().map(|counted| counted.budget.name.clone()).collect();
    let mut owners = vec![BTreeSet::<Box<str>>::new(); counted.len()];
    let mut rivals = vec![BTreeSet::<Box<str>>::new(); counted.len()];
    for pod in pods {
        let of: Vec<usize> = (0..counted.len()).filter(|at| counted[*at].selects(&pod.labels)).collect();
        for at in &of {
            owners[*at].insert(pod.row.owner.clone());
            rivals[*at].extend(of.iter().filter(|other| *other != at).map(|other| names[*other].clone()));
        }
    }
    for (counted, (owners, rivals)) in counted.iter_mut().zip(owners.into_iter().zip(rivals)) {
        counted.budget.workloads = owners.into_iter().filter(|owner| !owner.is_empty()).collect();
        counted.budget.rivals = rivals.into_iter().collect();
    }
    let held = pods.iter().filter(|pod| counted.iter().any(|counted| holds(counted, pod)));
    held.map(|pod| pod.row.node.to_string()).filter(|node| !node.is_empty()).collect()
}

/// Tells each budget which pods wait to leave.
pub(super) fn hold(counted: &mut [Counted], pods: &[Running], leaving: &Leaving) {
    let leaves = |pod: &Running| {
        if leaving.nodes.contains(&*pod.row.node) {
            return Some(Leaves::Cordoned);
        }
        leaving.pods.contains(&*pod.row.key.name).then_some(Leaves::ScaleDown)
    };
    for counted in counted {
        let held = pods.iter().filter(|pod| holds(counted, pod)).filter_map(|pod| {
            let PodRow { key, node, .. } = &pod.row;
            Some(Held { pod: key.name.clone(), node: node.clone(), leaves: leaves(pod)? })
        });
        counted.budget.held = held.collect();
    }
}

/// A pod of a `DaemonSet` stays on its node, and no drain waits for it.
fn holds(counted: &Counted, pod: &Running) -> bool {
    *pod.row.owner_kind != *"DaemonSet"
        && counted.selects(&pod.labels)
        && counted.budget.holds(pod.row.health == PodHealth::Ready)
}

fn budget(object: &Value) -> Budget {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let count = |field: &str| i32::try_from(number(&format!("/status/{field}"))).unwrap_or(i32::MAX);
    let allowed =
        items(object, "/status/conditions").iter().find(|one| text(one, "/type") == "DisruptionAllowed");
    let said = |pointer: &str| line(allowed.map_or("", |condition| text(condition, pointer)));
    Budget {
        name: line(text(object, "/metadata/name")),
        rule: rule(object),
        needs: count("desiredHealthy"),
        healthy: count("currentHealthy"),
        pods: count("expectedPods"),
        allowed: count("disruptionsAllowed"),
        is_counted: object.get("status").is_some_and(|status| status.get("disruptionsAllowed").is_some())
            && number("/status/observedGeneration") >= number("/metadata/generation"),
        reason: said("/reason"),
        failed: (*said("/reason") == *"SyncFailed").then(|| said("/message")),
        lets_unhealthy_go: text(object, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow",
        ..Budget::default()
    }
}

/// `minAvailable 2`; without either, the API server demands `minAvailable 1`.
fn rule(object: &Value) -> Box<str> {
    for field in ["maxUnavailable", "minAvailable"] {
        let told = match object.pointer(&format!("/spec/{field}")) {
            Some(Value::String(part)) => part.clone(),
            Some(number) => number.to_string(),
            None => continue,
        };
        return line(&format!("{field} {told}"));
    }
    "minAvailable 1".into()
}

fn line(text: &str) -> Box<str> {
    sanitize::line(text).into()
}

#[cfg(test)]
mod tests;
