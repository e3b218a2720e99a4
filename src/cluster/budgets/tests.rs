//! Objects as API servers return them, and which budget is told to hold what.

use serde_json::json;

use super::*;
use crate::domain::disruption_budget::Block;

fn pod(name: &str, node: &str, labels: &Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name.rsplit_once('-').unwrap().0, "controller": true}]},
        "spec": {"nodeName": node, "containers": [{"name": "db", "image": "db:v1"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "db", "ready": true, "state": {"running": {}}}]}})
}

fn told(name: &str, selector: &Value, (needs, healthy, pods): (i32, i32, i32)) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "generation": 1},
        "spec": {"minAvailable": needs, "selector": selector},
        "status": {"observedGeneration": 1, "desiredHealthy": needs, "currentHealthy": healthy, "expectedPods": pods,
            "disruptionsAllowed": (healthy - needs).max(0)}})
}

fn running(pods: &[Value]) -> Vec<Running> {
    let read = pods.iter().map(|pod| serde_json::from_value::<SlimPod>(pod.clone()).unwrap());
    read.filter_map(|pod| Running::of(&pod)).collect()
}

/// Names of the pods that each budget holds back while `node-1` is cordoned.
fn held(budgets: &[Value], pods: &[Value]) -> Vec<(Budget, Vec<String>)> {
    let mut counted: Vec<Counted> = budgets.iter().map(Counted::of).collect();
    let pods = running(pods);
    meet(&mut counted, &pods);
    let leaving = Leaving { nodes: ["node-1".to_owned()].into(), pods: BTreeSet::new() };
    hold(&mut counted, &pods, &leaving);
    let names = |budget: &Budget| budget.held.iter().map(|held| held.pod.to_string()).collect();
    counted.into_iter().map(|Counted { budget, .. }| (budget.clone(), names(&budget))).collect()
}

#[test]
fn a_budget_holds_its_own_pods_on_cordoned_nodes_alone() {
    let (db, web) = (json!({"app": "db"}), json!({"app": "web"}));
    let pods = [pod("db-0", "node-1", &db), pod("db-1", "node-2", &db), pod("web-0", "node-1", &web)];
    let selector = json!({"matchLabels": {"app": "db"}});
    for (what, selector, numbers, expected) in [
        ("all are needed", selector.clone(), (2, 2, 2), vec!["db-0"]),
        ("one may go", selector.clone(), (1, 2, 2), vec![]),
        ("no selector", Value::Null, (2, 2, 2), vec![]),
        ("an empty selector is of every pod", json!({}), (3, 3, 3), vec!["db-0", "web-0"]),
        (
            "an expression",
            json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["db"]}]}),
            (1, 1, 1),
            vec!["web-0"],
        ),
    ] {
        let found = held(&[told("one", &selector, numbers)], &pods);
        assert_eq!(found[0].1, expected, "{what}");
    }
}

#[test]
fn pods_that_go_anyway_are_not_held() {
    let labels = json!({"app": "db"});
    let of = |change: fn(&mut Value)| {
        let mut pod = pod("db-0", "node-1", &labels);
        change(&mut pod);
        held(&[told("one", &json!({"matchLabels": {"app": "db"}}), (1, 1, 1))], &[pod]).remove(0).1
    };
    assert_eq!(of(|_| ()), ["db-0"]);
    assert_eq!(of(|pod| pod["metadata"]["deletionTimestamp"] = "2026-03-01T10:00:00Z".into()), [""; 0]);
    assert_eq!(of(|pod| pod["status"]["phase"] = "Succeeded".into()), [""; 0]);
    assert_eq!(of(|pod| pod["status"]["phase"] = "Pending".into()), [""; 0]);
    assert_eq!(of(|pod| pod["metadata"]["ownerReferences"][0]["kind"] = "DaemonSet".into()), [""; 0]);
}

#[test]
fn two_budgets_of_one_pod_are_told_of_each_other() {
    let pods = [
        pod("db-0", "node-1", &json!({"app": "db", "tier": "data"})),
        pod("web-0", "node-2", &json!({"app": "web"})),
    ];
    let budgets = [
        told("db", &json!({"matchLabels": {"app": "db"}}), (0, 1, 1)),
        told("data", &json!({"matchLabels": {"tier": "data"}}), (0, 1, 1)),
        told("web", &json!({"matchLabels": {"app": "web"}}), (0, 1, 1)),
    ];
    let found = held(&budgets, &pods);
    let rivals = |at: usize| found[at].0.rivals.iter().map(|name| &**name).collect::<Vec<_>>();
    assert_eq!((rivals(0), rivals(1), rivals(2)), (vec!["data"], vec!["db"], vec![]));
    assert_eq!((found[0].1.clone(), found[2].1.len()), (vec!["db-0".to_owned()], 0));
    assert_eq!(&*found[0].0.workloads, ["db".into()]);
}

#[test]
fn what_the_cluster_autoscaler_gave_up_waits_as_well() {
    let pods = running(&[pod("db-0", "node-1", &json!({"app": "db"}))]);
    let mut counted = [Counted::of(&told("one", &json!({"matchLabels": {"app": "db"}}), (1, 1, 1)))];
    assert_eq!(meet(&mut counted, &pods), ["node-1".to_owned()].into(), "the node to be looked at");
    hold(&mut counted, &pods, &Leaving { pods: ["db-0".to_owned()].into(), nodes: BTreeSet::new() });
    assert_eq!(counted[0].budget.held[0].leaves, Leaves::ScaleDown);
    hold(&mut counted, &pods, &Leaving::default());
    assert!(counted[0].budget.held.is_empty());
}

#[test]
fn a_budget_is_read_as_it_was_counted() {
    let mut object = told("one", &json!({}), (2, 2, 2));
    object["spec"] = json!({"maxUnavailable": "0%", "unhealthyPodEvictionPolicy": "AlwaysAllow"});
    object["status"]["conditions"] = json!([{"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": ""}]);
    let budget = Counted::of(&object).budget;
    assert_eq!((&*budget.rule, &*budget.reason), ("maxUnavailable 0%", "InsufficientPods"));
    assert!(budget.lets_unhealthy_go && budget.is_counted && budget.failed.is_none());
    object["status"]["conditions"][0] = json!({"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed",
        "message": "jobs.batch does not\u{1b}[31m implement the scale subresource"});
    let budget = Counted::of(&object).budget;
    assert_eq!(budget.failed.as_deref(), Some("jobs.batch does not implement the scale subresource"));
    assert_eq!(budget.block(), Some(Block::Uncounted));
    object["metadata"]["generation"] = 2.into();
    assert!(!Counted::of(&object).budget.is_counted, "its newest spec was not seen yet");
    let new = json!({"metadata": {"name": "one", "generation": 1}, "spec": {"selector": {}}});
    let budget = Counted::of(&new).budget;
    assert_eq!((&*budget.rule, budget.is_counted, budget.block()), ("minAvailable 1", false, None));
}
