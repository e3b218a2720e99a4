//! Who leads: one process per lease, only with the right credentials, and each shard for itself.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};

use super::faulty::{Fault, faulty};
use super::*;
use release_cockpit::controller::lease_name;

/// Three seconds of the wall.
const BRIEF: LeaseOptions =
    LeaseOptions { duration: Duration::from_secs(60), renew: Duration::from_secs(10) };

impl Stage {
    fn brief(&self, identity: &str, namespaces: &[&str]) -> ControllerOptions {
        let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        ControllerOptions { lease: BRIEF, namespaces, ..self.options(identity) }
    }

    /// Beside whoever leads already.
    fn beside(
        &self,
        client: Client,
        options: ControllerOptions,
    ) -> JoinHandle<Result<(), controller::Error>> {
        tokio::spawn(controller::run_with(client, options, Faults::default(), self.stop.clone()))
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client("admin"), "release-cockpit")
    }

    async fn until_led(&self, lease: &str, by: &str) {
        let held = |lease: Option<&Lease>| {
            let spec = lease.and_then(|lease| lease.spec.as_ref());
            spec.is_some_and(|spec| spec.holder_identity.as_deref() == Some(by))
        };
        let found = tokio::time::timeout(PATIENCE, await_condition(self.leases(), lease, held)).await;
        found.unwrap_or_else(|_| panic!("{by} never led {lease}")).unwrap();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The answer of a probe once it has that code.
async fn probe(address: SocketAddr, path: &str, code: u16) -> String {
    let asked = async {
        loop {
            if let Ok(answer) = reqwest::get(format!("http://{address}{path}")).await
                && answer.status().as_u16() == code
            {
                return answer.text().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{path} never answered {code}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_replica_of_the_same_identity_is_refused() {
    let stage = Stage::open().await;
    let first = stage.replica(stage.client("controller"), stage.brief("one", &[]), Faults::default());
    stage.until_led("release-cockpit-controller", "one").await;
    let second = stage.beside(stage.client("controller"), stage.brief("one", &[]));
    let ended = tokio::time::timeout(PATIENCE, second).await.expect("it was not refused").unwrap();
    let refusal = ended.unwrap_err().to_string();
    assert!(refusal.contains("--identity one") && refusal.contains("of its own"), "{refusal}");
    let done = stage.when_final(&stage.ask("ci", STAGING, "v1.8.2").await).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    stage.close(first).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_version_of_the_same_identity_is_found_by_its_renewals() {
    let stage = Stage::open().await;
    let first = stage.beside(stage.client("controller"), stage.brief("one", &[]));
    stage.until_led("release-cockpit-controller", "one").await;
    // it renews what it takes for its own, and leaves the annotation of the other process as it is
    let renewed = kube::api::Patch::Merge(json!({"spec": {"renewTime": "2099-01-01T00:00:00.000000Z"}}));
    let params = kube::api::PatchParams::default();
    stage.leases().patch("release-cockpit-controller", &params, &renewed).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, first).await.expect("two lead").unwrap();
    let refusal = ended.unwrap_err().to_string();
    assert!(refusal.contains("--identity one"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_comes_back_after_a_crash_under_its_own_name() {
    let stage = Stage::open().await;
    let first = stage.replica(stage.client("controller"), stage.brief("one", &[]), Faults::default());
    stage.until_led("release-cockpit-controller", "one").await;
    first.abort();
    let _ = first.await;
    let second = stage.beside(stage.client("controller"), stage.brief("one", &[]));
    let done = stage.when_final(&stage.ask("ci", STAGING, "v1.8.2").await).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    stage.close(second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_may_not_write_does_not_lead_and_says_whose_credentials_it_needs() {
    let stage = Stage::open().await;
    // an administrator may do everything but what the policies keep for the controller; alice has no such right at all
    for (user, why) in [("admin", "ControllerOnly"), ("alice", "may not patch releases/status")] {
        let http = free_address();
        let wrong = stage
            .beside(stage.client(user), ControllerOptions { http: Some(http), ..stage.brief(user, &[]) });
        let refusal = probe(http, "/readyz", 503).await;
        let refusal = if refusal.contains("not known yet") {
            tokio::time::sleep(Duration::from_millis(500)).await;
            probe(http, "/readyz", 503).await
        } else {
            refusal
        };
        for part in [user, why, "kubectl create token controller -n release-cockpit"] {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
        assert!(stage.leases().get_opt("release-cockpit-controller").await.unwrap().is_none());
        wrong.abort();
    }
    let wrong = stage.beside(stage.client("admin"), stage.brief("wrong", &[]));
    let right = stage.beside(stage.client("controller"), stage.brief("right", &[]));
    stage.until_led("release-cockpit-controller", "right").await;
    let done = stage.when_final(&stage.ask("ci", STAGING, "v1.8.2").await).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    wrong.abort();
    stage.close(right).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_have_leases_of_their_own_and_do_not_overlap() {
    let stage = Stage::open().await;
    let name =
        |spaces: &[&str]| lease_name(&spaces.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let client = || stage.client("controller");
    let staging = stage.beside(client(), stage.brief("staging", &[STAGING]));
    let production = stage.beside(client(), stage.brief("production", &[PRODUCTION]));
    stage.until_led(&name(&[STAGING]), "staging").await;
    stage.until_led(&name(&[PRODUCTION]), "production").await;
    let done = stage.when_final(&stage.ask("ci", STAGING, "v1.8.2").await).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    let both = stage.beside(client(), stage.brief("both", &[STAGING, PRODUCTION]));
    let all = stage.beside(client(), stage.brief("all", &[]));
    // as long as a lease that nobody renews would hold, and more
    tokio::time::sleep(stage.clock.wall(BRIEF.duration * 2)).await;
    for lease in [name(&[STAGING, PRODUCTION]), name(&[])] {
        assert!(stage.leases().get_opt(&lease).await.unwrap().is_none(), "{lease} was taken");
    }
    all.abort();
    staging.abort();
    production.abort();
    stage.until_led(&name(&[STAGING, PRODUCTION]), "both").await;
    stage.close(both).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconciles_that_hang_are_seen_from_outside() {
    let stage = Stage::open().await;
    let hangs = Arc::new(AtomicBool::new(true));
    let rule = hangs.clone();
    let client = faulty(&stage.client("controller"), move |method, path| {
        let is_lost = rule.load(Ordering::Relaxed) && method == "GET" && path.contains("/deployments/");
        if is_lost { Fault::Hang } else { Fault::Pass }
    });
    let http = free_address();
    let deadlines = Deadlines { reconcile: Duration::from_secs(2), ..Deadlines::default() };
    let options = ControllerOptions { http: Some(http), deadlines, ..stage.options("one") };
    let controller = stage.replica(client, options, Faults::default());
    let asked = stage.ask("ci", STAGING, "v1.8.2").await;
    let why = probe(http, "/healthz", 503).await;
    assert!(why.contains("missed its deadline"), "{why}");
    let metrics = probe(http, "/metrics", 200).await;
    let timeouts = metrics
        .lines()
        .find_map(|line| line.strip_prefix("release_cockpit_controller_reconcile_timeouts_total "));
    assert!(timeouts.unwrap().parse::<u64>().unwrap() >= 3, "{metrics}");
    hangs.store(false, Ordering::Relaxed);
    assert_eq!(stage.when_final(&asked).await.phase(), Phase::Succeeded);
    probe(http, "/healthz", 200).await;
    stage.close(controller).await;
}
