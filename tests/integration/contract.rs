//! The contract, against the embedded world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::{Client, Config};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server;
use release_cockpit::time::Clock;

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
    { name = "frank", groups = ["editors"] },
    { name = "dave", groups = ["viewers"] },
    { name = "system:serviceaccount:release-cockpit:controller", token = "controller" },
]
bindings = [
    { role = "viewer", groups = ["viewers"], namespaces = ["contract"] },
    { role = "operator", groups = ["operators"], namespaces = ["contract"] },
    { role = "approver", groups = ["team-leads"], namespaces = ["contract"] },
    { role = "oncall", groups = ["on-call"], namespaces = ["contract"] },
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
    suite::run_all(4, &DEVIATIONS, |_| backend()).await;
}

async fn backend() -> Backend {
    let clock = Clock::manual(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let scenario = Scenario::from_toml(SCENARIO, "contract.toml").unwrap();
    let running = Arc::new(server::start(scenario, clock.clone()).await.unwrap());
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
