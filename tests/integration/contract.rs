//! The contract, against the embedded world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::{Client, Config};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{self, Running};
use release_cockpit::time::Clock;
use serde::Deserialize as _;
use serde_json::Value;

#[path = "../contract/contract.rs"]
mod suite;

use suite::Backend;
pub use suite::kubeconfigs;

/// Checks that the embedded world does not stand yet; each must still fail, so that none stays here for nothing.
const DEVIATIONS: [&str; 0] = [];

const SCENARIO: &str = r#"
name = "contract"
prefill = "0s"
users = [
    { name = "admin", groups = ["system:masters"] },
    { name = "alice", groups = ["operators"] },
    { name = "bob", groups = ["operators", "team-leads"] },
    { name = "bob-admin", groups = ["operators", "team-leads"] },
    { name = "carol", groups = ["operators", "team-leads"] },
    { name = "erin", groups = ["team-leads"] },
    { name = "oscar", groups = ["on-call"] },
    { name = "grace", groups = ["freezers"] },
    { name = "frank", groups = ["editors"] },
    { name = "dave", groups = ["viewers"] },
    { name = "system:serviceaccount:release-cockpit:controller", token = "controller" },
]
bindings = [
    { role = "viewer", groups = ["viewers"], namespaces = ["contract"] },
    { role = "operator", groups = ["operators"], namespaces = ["contract"] },
    { role = "approver", groups = ["team-leads"], namespaces = ["contract"] },
    { role = "oncall", groups = ["on-call"], namespaces = ["contract"] },
    { role = "freezer", groups = ["freezers"], namespaces = ["contract"] },
    { role = "editor", groups = ["editors"], namespaces = ["contract"] },
    { role = "controller", users = ["system:serviceaccount:release-cockpit:controller"] },
]
namespaces = [{ name = "contract" }]

[versions."v2-crash"]
fault = "crash"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_world_keeps_the_contract() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let worlds: Worlds = Arc::default();
    suite::run_all(4, &DEVIATIONS, |_| backend(worlds.clone())).await;
    if std::env::var_os("RELEASE_COCKPIT_TEST_CHECK").is_none() {
        every_expression_of_the_policies_has_decided(&worlds.lock().unwrap());
    }
}

/// Every world that a check has run in.
type Worlds = Arc<Mutex<Vec<Arc<Running>>>>;

/// The policies that the product ships.
const POLICIES: [&str; 2] = [
    include_str!("../../assets/manifests/policies.yaml"),
    include_str!("../../assets/manifests/policies-optional.yaml"),
];

/// Needs an action that an older schema has admitted; `sim::apiserver::policy` tests it on one.
const OF_OLD_RECORDS: [&str; 1] = ["release-cockpit-records: spec.variables[1].expression"];

/// No validation of the shipped policies is one that nothing would miss: each has refused a request of some check, and every other
/// expression has had a value.
fn every_expression_of_the_policies_has_decided(worlds: &[Arc<Running>]) {
    let (mut refused, mut evaluated) = (BTreeSet::new(), BTreeSet::new());
    for one in worlds.iter().flat_map(|world| world.evaluated()) {
        let key = (one.policy, one.expression);
        if one.outcomes.has_refused() {
            refused.insert(key.clone());
        }
        if one.outcomes.has_succeeded() {
            evaluated.insert(key);
        }
    }
    let shipped = POLICIES.iter().flat_map(|file| serde_saphyr::from_multiple::<Value>(file).unwrap());
    let mut idle = Vec::new();
    for policy in shipped.filter(|object| object["kind"].as_str().unwrap().ends_with("AdmissionPolicy")) {
        let name = String::deserialize(&policy["metadata"]["name"]).unwrap();
        let has =
            |seen: &BTreeSet<(String, String)>, text: &str| seen.contains(&(name.clone(), text.to_owned()));
        for (path, text) in expressions("spec", &policy["spec"]) {
            let is_validation = path.starts_with("spec.validations") && path.ends_with(".expression");
            if !has(if is_validation { &refused } else { &evaluated }, &text) {
                idle.push(format!("{name}: {path}"));
            }
        }
    }
    idle.retain(|place| !OF_OLD_RECORDS.contains(&place.as_str()));
    assert!(idle.is_empty(), "no check makes these decide:\n{}", idle.join("\n"));
}

/// Every expression below a value, with its path.
fn expressions(path: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(field, value)| match value.as_str() {
                Some(text) if field.to_ascii_lowercase().ends_with("expression") => {
                    vec![(format!("{path}.{field}"), text.to_owned())]
                }
                _ => expressions(&format!("{path}.{field}"), value),
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(n, item)| expressions(&format!("{path}[{n}]"), item))
            .collect(),
        _ => Vec::new(),
    }
}

async fn backend(worlds: Worlds) -> Backend {
    let clock = Clock::manual(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let scenario = Scenario::from_toml(SCENARIO, "contract.toml").unwrap();
    let running = Arc::new(server::start(scenario, clock.clone()).await.unwrap());
    worlds.lock().unwrap().push(running.clone());
    let mut people = BTreeMap::new();
    for name in suite::PEOPLE {
        let mut config = Config::new(running.kube_url.as_str().parse().unwrap());
        config.root_cert = Some(Vec::new());
        config.default_retry = false;
        config.auth_info.token = Some(name.to_owned().into());
        people.insert(name, Client::try_from(config).unwrap());
    }
    let (stepping, forgetting) = (running.clone(), running.clone());
    Backend {
        namespace: "contract".to_owned(),
        people,
        step: Box::new(move || {
            clock.advance(Duration::from_millis(500));
            stepping.tick();
            Box::pin(tokio::time::sleep(Duration::from_millis(2)))
        }),
        forgotten: Box::new(move || {
            forgetting.compact();
            Some("1".to_owned())
        }),
        _world: Box::new(running),
    }
}
