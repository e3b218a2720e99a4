//! The table of kubeconfigs, given to the real kubectl and to us. The server is the simulator behind TLS: what is compared is the clients.

use std::path::{Path, PathBuf};

use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::start;
use release_cockpit::time::Clock;

use crate::contract::kubeconfigs::Bench;

/// The kubectl of the suite; none where the suite is skipped.
fn kubectl() -> Option<PathBuf> {
    std::env::var_os("RELEASE_COCKPIT_TEST_KUBECTL").map(PathBuf::from)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kubectl_accepts_works_here() {
    let Some(kubectl) = kubectl() else {
        return eprintln!("skipped: RELEASE_COCKPIT_TEST_KUBECTL is not set");
    };
    let running = start(Scenario::builtin("quiet").unwrap(), Clock::system()).await.unwrap();
    let bench = Bench::new(running.kube_url.as_str());
    let ours = Path::new(env!("CARGO_BIN_EXE_release-cockpit"));
    tokio::task::spawn_blocking(move || bench.compare(ours, Some(&kubectl))).await.unwrap();
    running.stop().await;
}
