//! The disruption controller: how many pods of each `PodDisruptionBudget` may be evicted; and the eviction's question to it.
//!
//! Counts as `pkg/controller/disruption/disruption.go` does: of a `minAvailable` in pods the pods themselves, else what their owners want.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::World;
use crate::sim::kinds::{self, BUDGETS, DEPLOYMENTS, PODS, REPLICA_SETS, int, list, text};
use crate::sim::store::{Key, stamp};

/// Why a pod may not be evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Its budget allows no disruption: name, pods needed, pods healthy.
    Spent(String, i64, i64),
    /// It has more than one.
    Twice,
}

impl World {
    pub(super) fn has_budgets(&self, namespace: &str) -> bool {
        self.store.list(BUDGETS, Some(namespace)).next().is_some()
    }

    /// Counts every budget of a namespace anew.
    pub(super) fn count_budgets(&mut self, namespace: &str) {
        let budgets: Vec<_> = self.store.list(BUDGETS, Some(namespace)).cloned().collect();
        for budget in budgets {
            let status = self.counted(&budget.value);
            let key = Key::of(&budget.value);
            self.store.change(BUDGETS, &key, |value| value["status"] = status);
        }
    }

    fn counted(&self, budget: &Value) -> Value {
        let pods: Vec<&Value> = self
            .store
            .list(PODS, Some(text(budget, &["metadata", "namespace"])))
            .map(|pod| &pod.value)
            .filter(|pod| selects(&budget["spec"]["selector"], pod))
            .collect();
        let is_healthy = |pod: &&&Value| {
            let ready = |one: &&Value| text(one, &["type"]) == "Ready" && text(one, &["status"]) == "True";
            !kinds::is_terminating(pod) && list(pod, &["status", "conditions"]).iter().any(|one| ready(&one))
        };
        let healthy = number(pods.iter().filter(is_healthy).count());
        let spec = &budget["spec"];
        let (expected, needs) = match (&spec["maxUnavailable"], &spec["minAvailable"]) {
            (Value::Null, Value::Number(pods_needed)) => {
                (number(pods.len()), pods_needed.as_i64().unwrap_or_default())
            }
            (Value::Null, part) => {
                let wanted = self.wanted(&pods);
                (wanted, if part.is_null() { 1 } else { share(part, wanted) })
            }
            (most, _) => {
                let wanted = self.wanted(&pods);
                (wanted, (wanted - share(most, wanted)).max(0))
            }
        };
        let allowed = if expected > 0 { (healthy - needs).max(0) } else { 0 };
        let generation = int(budget, &["metadata", "generation"]).unwrap_or(1);
        let (is_allowed, reason) =
            if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let before = list(budget, &["status", "conditions"]).first();
        let since = before.filter(|condition| text(condition, &["status"]) == is_allowed);
        let since = since
            .map_or_else(|| stamp(self.now), |condition| text(condition, &["lastTransitionTime"]).to_owned());
        json!({
            "conditions": [{"type": "DisruptionAllowed", "status": is_allowed, "reason": reason, "message": "",
                "observedGeneration": generation, "lastTransitionTime": since}],
            "currentHealthy": healthy, "desiredHealthy": needs, "expectedPods": expected, "disruptionsAllowed": allowed,
            "observedGeneration": generation
        })
    }

    /// How many pods the owners of these want, each of them counted once.
    fn wanted(&self, pods: &[&Value]) -> i64 {
        let mut owners = BTreeMap::new();
        for pod in pods {
            let namespace = text(pod, &["metadata", "namespace"]);
            let set = kinds::owner(pod, "ReplicaSet")
                .and_then(|name| self.store.get(REPLICA_SETS, namespace, name));
            let Some(set) = set else { continue };
            let deployment = kinds::owner(&set.value, "Deployment")
                .and_then(|name| self.store.get(DEPLOYMENTS, namespace, name));
            let owner = deployment.unwrap_or(set);
            owners.insert(owner.uid().to_owned(), int(&owner.value, &["spec", "replicas"]).unwrap_or(1));
        }
        owners.values().sum()
    }

    /// Whether a pod may be evicted; takes it from its budget.
    ///
    /// # Errors
    /// Why it may not.
    pub(crate) fn let_go(&mut self, key: &Key) -> Result<(), Held> {
        let Some(pod) = self.store.get(PODS, &key.namespace, &key.name).cloned() else { return Ok(()) };
        let runs = text(&pod.value, &["status", "phase"]) == "Running" && !kinds::is_terminating(&pod.value);
        let of = |budget: &&std::sync::Arc<_>| {
            let budget: &crate::sim::store::Object = budget;
            selects(&budget.value["spec"]["selector"], &pod.value)
        };
        let budgets: Vec<_> =
            self.store.list(BUDGETS, Some(&key.namespace)).filter(of).filter(|_| runs).cloned().collect();
        match budgets.as_slice() {
            [] => Ok(()),
            [budget] => {
                let count = |field| int(&budget.value, &["status", field]).unwrap_or_default();
                let (allowed, needs, healthy) =
                    (count("disruptionsAllowed"), count("desiredHealthy"), count("currentHealthy"));
                if allowed <= 0 {
                    return Err(Held::Spent(budget.name().to_owned(), needs, healthy));
                }
                let key = Key::of(&budget.value);
                self.store.change(BUDGETS, &key, |value| {
                    value["status"]["disruptionsAllowed"] = (allowed - 1).into();
                });
                Ok(())
            }
            _ => Err(Held::Twice),
        }
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A number of pods, or a part of them, rounded up.
fn share(given: &Value, of: i64) -> i64 {
    let percent =
        given.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    percent.map_or_else(|| given.as_i64().unwrap_or_default(), |percent| (of * percent + 99).div_euclid(100))
}

/// Whether a label selector matches; an absent one matches nothing, an empty one all.
fn selects(selector: &Value, pod: &Value) -> bool {
    let Some(selector) = selector.as_object() else { return false };
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    let is_met = |one: &Value| {
        let value = kinds::label(pod, text(one, &["key"]));
        let is_listed = || list(one, &["values"]).iter().any(|wanted| wanted.as_str() == value);
        match text(one, &["operator"]) {
            "In" => value.is_some() && is_listed(),
            "NotIn" => value.is_none() || !is_listed(),
            "Exists" => value.is_some(),
            _ => value.is_none(),
        }
    };
    labels.into_iter().all(|(key, wanted)| kinds::label(pod, key) == wanted.as_str())
        && expressions.into_iter().all(is_met)
}
