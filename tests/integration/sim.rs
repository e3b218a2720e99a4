//! The embedded world through its door: the real kube client and the real Prometheus client.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{
    Api, DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::{Client, Config, ResourceExt};
use serde_json::json;

use release_cockpit::api::{Environment, Release};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, StartOptions, start, start_with};
use release_cockpit::time::Clock;

fn clock() -> Clock {
    Clock::manual(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap())
}

async fn quiet(clock: &Clock) -> Running {
    start(Scenario::builtin("quiet").unwrap(), clock.clone()).await.unwrap()
}

fn client(running: &Running, token: &str) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut config = Config::new(running.kube_url.as_str().parse().unwrap());
    config.root_cert = Some(Vec::new());
    config.auth_info.token = Some(token.to_owned().into());
    "quiet".clone_into(&mut config.default_namespace);
    Client::try_from(config).unwrap()
}

/// Moves the world on second by second until something is true; fails after ten minutes of world time.
async fn until<F: Future<Output = bool>>(running: &Running, clock: &Clock, mut what: impl FnMut() -> F) {
    for _ in 0..600 {
        if what().await {
            return;
        }
        clock.advance(Duration::from_secs(1));
        running.tick();
    }
    panic!("it never happened");
}

fn release(version: &str) -> Release {
    serde_json::from_value(json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "metadata": {"name": format!("r-{}", version.replace('.', "-"))},
        "spec": {"environment": "staging", "version": version, "kind": "Deploy", "requestedBy": "alice",
                 "images": [{"component": "backend", "image": format!("ghcr.io/acme/quiet-backend:{version}")}]}
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_image_rolls_through_and_the_old_pods_go() {
    let clock = clock();
    let running = quiet(&clock).await;
    let deployments: Api<Deployment> = Api::default_namespaced(client(&running, "admin"));
    let pods: Api<Pod> = Api::default_namespaced(client(&running, "alice"));
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 2);
    let image = "ghcr.io/acme/quiet-backend:v1.1.0";
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "backend", "image": image}]}}}});
    let changed =
        deployments.patch("backend", &PatchParams::default(), &Patch::Strategic(&patch)).await.unwrap();
    assert_eq!(changed.metadata.generation, Some(3));
    until(&running, &clock, || async {
        let status = deployments.get("backend").await.unwrap().status.unwrap();
        status.observed_generation == Some(3)
            && status.updated_replicas == Some(2)
            && status.replicas == Some(2)
            && status.available_replicas == Some(2)
    })
    .await;
    until(&running, &clock, || async { pods.list(&ListParams::default()).await.unwrap().items.len() == 2 })
        .await;
    let deployment = deployments.get("backend").await.unwrap();
    assert_eq!(deployment.annotations()["deployment.kubernetes.io/revision"], "3");
    let reason = |kind: &str| {
        let conditions = deployment.status.as_ref().unwrap().conditions.clone().unwrap();
        conditions.into_iter().find(|item| item.type_.as_deref() == Some(kind)).unwrap().reason.unwrap()
    };
    assert_eq!(reason("Progressing"), "NewReplicaSetAvailable");
    assert_eq!(reason("Available"), "MinimumReplicasAvailable");
    for pod in pods.list(&ListParams::default()).await.unwrap() {
        assert_eq!(pod.spec.unwrap().containers[0].image.as_deref(), Some(image));
    }
    assert_eq!(running.unknown_requests(), Vec::<String>::new());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_are_created_by_their_author_and_their_status_by_the_controller_only() {
    let clock = clock();
    let running = quiet(&clock).await;
    let alice: Api<Release> = Api::default_namespaced(client(&running, "alice"));
    let controller: Api<Release> = Api::default_namespaced(client(&running, "controller"));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    alice.create(&dry, &release("v1.1.0")).await.unwrap();
    assert!(alice.list(&ListParams::default()).await.unwrap().items.is_empty());
    let created = alice.create(&PostParams::default(), &release("v1.1.0")).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
    let again = alice.create(&PostParams::default(), &release("v1.1.0")).await.unwrap_err();
    assert!(matches!(again, kube::Error::Api(status) if status.is_already_exists()));
    let mut forged = release("v1.2.0");
    forged.spec.requested_by = "bob".to_owned();
    let refused = alice.create(&PostParams::default(), &forged).await.unwrap_err().to_string();
    assert!(
        refused.contains("denied request: IdentityMismatch: spec.requestedBy must be alice, not bob"),
        "{refused}"
    );
    let status = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "status": {"phase": "Pending", "message": "waits"}});
    let apply = PatchParams::apply("ctl").force();
    assert!(
        matches!(alice.patch_status("r-v1-1-0", &apply, &Patch::Apply(&status)).await, Err(kube::Error::Api(status)) if status.is_forbidden())
    );
    let written = controller.patch_status("r-v1-1-0", &apply, &Patch::Apply(&status)).await.unwrap();
    assert_eq!(written.status.unwrap().message, "waits");
    assert_eq!(written.metadata.generation, Some(1));
    let other = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release", "status": {"message": "mine"}});
    let conflict = controller
        .patch_status("r-v1-1-0", &PatchParams::apply("other"), &Patch::Apply(&other))
        .await
        .unwrap_err();
    assert!(matches!(conflict, kube::Error::Api(status) if status.is_conflict()));
    let gone = alice.delete("r-v1-1-0", &DeleteParams::default()).await.unwrap_err();
    assert!(matches!(gone, kube::Error::Api(status) if status.is_forbidden()));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_see_traffic_from_the_first_second() {
    let clock = clock();
    let running = quiet(&clock).await;
    rustls::crypto::ring::default_provider().install_default().ok();
    let http =
        prometheus_http_query::reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let prometheus = prometheus_http_query::Client::from(http, running.prometheus_url.as_str()).unwrap();
    let selector = "namespace=\"quiet\",component=~\"backend\"";
    let rate = format!("sum(rate(http_requests_total{{{selector}}}[1m]))");
    let answer = prometheus.query(rate.as_str()).get().await.unwrap();
    let per_second = answer.data().as_vector().unwrap()[0].sample().value();
    assert!((12.0..30.0).contains(&per_second), "{per_second}");
    let p95 = format!(
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{{selector}}}[1m])))"
    );
    let now = clock.now().timestamp();
    let answer = prometheus.query_range(p95.as_str(), now - 1_800, now, 10.0).get().await.unwrap();
    let series = answer.data().as_matrix().unwrap();
    assert_eq!((series.len(), series[0].samples().len()), (1, 181));
    assert!(series[0].samples().iter().all(|sample| (0.05..0.5).contains(&sample.value())));
    let refused = prometheus.query("holt_winters(up[5m], 1, 2)").get().await.unwrap_err();
    assert!(matches!(refused, prometheus_http_query::Error::Prometheus(_)), "{refused:?}");
    let kube = client(&running, "alice");
    let path =
        "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/query?query=vector(1)";
    let data: serde_json::Value =
        kube.request(http::Request::get(path).body(Vec::new()).unwrap()).await.unwrap();
    assert_eq!(data["data"]["resultType"], "vector");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environments_are_there_and_viewers_may_not_release() {
    let clock = clock();
    let running = quiet(&clock).await;
    let dave = client(&running, "dave");
    let environments: Api<Environment> = Api::default_namespaced(dave.clone());
    assert_eq!(environments.get("staging").await.unwrap().spec.application, "quiet");
    let releases: Api<Release> = Api::default_namespaced(dave);
    let refused = releases.create(&PostParams::default(), &release("v1.1.0")).await.unwrap_err().to_string();
    let words = "releases.release-cockpit.dev is forbidden: User \"dave\" cannot create resource \"releases\" in API group \"release-cockpit.dev\" in the namespace \"quiet\"";
    assert!(refused.contains(words), "{refused}");
    running.stop().await;
}

/// `SIM_PORT=8001 SIM_SCENARIO=planera cargo test --test integration serve_by_hand -- --ignored`, then `kubectl -s …`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "serves until it is killed"]
async fn serve_by_hand() {
    let name = std::env::var("SIM_SCENARIO").unwrap_or_else(|_| "planera".to_owned());
    let port = std::env::var("SIM_PORT").ok().map(|port| port.parse().unwrap());
    let options = StartOptions { port, ..StartOptions::default() };
    let running = start_with(Scenario::builtin(&name).unwrap(), Clock::system(), options).await.unwrap();
    println!("{}", running.kube_url);
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_tells_changes_in_order_and_an_old_one_is_gone() {
    let clock = clock();
    let running = quiet(&clock).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&running, "admin"));
    let version = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let parameters = WatchParams::default().labels("app=x");
    let mut watch = maps.watch(&parameters, &version).await.unwrap().boxed();
    let map = |labels: serde_json::Value| -> ConfigMap {
        serde_json::from_value(json!({"metadata": {"name": "m", "labels": labels}})).unwrap()
    };
    maps.create(&PostParams::default(), &map(json!({}))).await.unwrap();
    let relabel = |value: serde_json::Value| Patch::Merge(json!({"metadata": {"labels": {"app": value}}}));
    for value in [json!("x"), json!("y")] {
        maps.patch("m", &PatchParams::default(), &relabel(value)).await.unwrap();
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        match watch.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(_) => seen.push("added"),
            WatchEvent::Deleted(_) => seen.push("deleted"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, ["added", "deleted"], "coming into the selector and leaving it");
    running.compact();
    maps.delete("m", &DeleteParams::default()).await.unwrap();
    let mut late = maps.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    assert!(
        matches!(late.try_next().await.unwrap().unwrap(), WatchEvent::Error(status) if status.code == 410)
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_read_that_allows_any_state_sees_an_old_one() {
    let clock = clock();
    let running = quiet(&clock).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&running, "admin"));
    let number = |map: &ConfigMap| map.data.as_ref().unwrap()["n"].parse::<u32>().unwrap();
    let write = |n: u32| json!({"metadata": {"name": "m"}, "data": {"n": n.to_string()}});
    maps.create(&PostParams::default(), &serde_json::from_value(write(0)).unwrap()).await.unwrap();
    running.lag_caches(5);
    let any = ListParams::default().match_any();
    let (mut got, mut listed) = (Vec::new(), Vec::new());
    for n in 1..40 {
        maps.patch("m", &PatchParams::default(), &Patch::Merge(write(n))).await.unwrap();
        assert_eq!(number(&maps.get("m").await.unwrap()), n);
        let all = maps.list(&ListParams::default()).await.unwrap().items;
        assert_eq!(all.iter().filter(|map| map.name_any() == "m").map(number).collect::<Vec<_>>(), [n]);
        let old = maps.get_with("m", &GetParams::any()).await;
        got.extend(old.ok().map(|map| n - number(&map)));
        let old = maps.list(&any).await.unwrap();
        let version: u64 = old.metadata.resource_version.unwrap().parse().unwrap();
        for map in old.items.iter().filter(|map| map.name_any() == "m") {
            assert!(map.resource_version().unwrap().parse::<u64>().unwrap() <= version);
            listed.push(n - number(map));
        }
    }
    for ages in [got, listed] {
        assert!(
            ages.contains(&0) && ages.iter().any(|age| *age > 1) && ages.iter().all(|age| *age <= 5),
            "{ages:?}"
        );
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_of_a_lease_cannot_both_win() {
    let clock = clock();
    let running = quiet(&clock).await;
    let leases: Api<Lease> = Api::namespaced(client(&running, "controller"), "release-cockpit");
    let lease: Lease =
        serde_json::from_value(json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}})).unwrap();
    let first = leases.create(&PostParams::default(), &lease).await.unwrap();
    let mut second = first.clone();
    second.spec.as_mut().unwrap().holder_identity = Some("b".to_owned());
    leases.replace("l", &PostParams::default(), &second).await.unwrap();
    let late = leases.replace("l", &PostParams::default(), &second).await.unwrap_err();
    assert!(matches!(late, kube::Error::Api(status) if status.is_conflict()));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_may_ask_what_they_may_do() {
    let clock = clock();
    let running = quiet(&clock).await;
    for (user, verb, expected) in [
        ("alice", "approve", true),
        ("alice", "override", false),
        ("dave", "deploy", false),
        ("admin", "override", true),
    ] {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client(&running, user));
        let review: SelfSubjectAccessReview = serde_json::from_value(json!({"spec": {"resourceAttributes": {
            "verb": verb, "group": "release-cockpit.dev", "resource": "environments", "name": "staging", "namespace": "quiet"
        }}}))
        .unwrap();
        let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
        assert_eq!(answer.status.unwrap().allowed, expected, "{user} {verb}");
    }
    assert_eq!(running.unknown_requests(), Vec::<String>::new());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_crashes_exceeds_its_deadline_and_undo_heals_it() {
    let clock = clock();
    let running = start(Scenario::builtin("crash").unwrap(), clock.clone()).await.unwrap();
    let admin = client(&running, "admin");
    let deployments: Api<Deployment> = Api::namespaced(admin.clone(), "planera-staging");
    let pods: Api<Pod> = Api::namespaced(admin, "planera-staging");
    let image = |version: &str| {
        let image = format!("ghcr.io/acme/planera-backend:{version}");
        Patch::Strategic(
            json!({"spec": {"template": {"spec": {"containers": [{"name": "backend", "image": image}]}}}}),
        )
    };
    let reason = || async {
        let conditions = deployments.get("backend").await.unwrap().status.unwrap().conditions.unwrap();
        conditions
            .into_iter()
            .find(|item| item.type_.as_deref() == Some("Progressing"))
            .unwrap()
            .reason
            .unwrap()
    };
    deployments.patch("backend", &PatchParams::default(), &image("v1.9.0")).await.unwrap();
    until(&running, &clock, || async { reason().await == "ProgressDeadlineExceeded" }).await;
    let crashed = pods.list(&ListParams::default()).await.unwrap().items.into_iter().find_map(|pod| {
        let status = pod.status?.container_statuses?.into_iter().next()?;
        (status.restart_count > 0).then_some(status)
    });
    let crashed = crashed.expect("a pod that has crashed");
    assert_eq!(crashed.last_state.unwrap().terminated.unwrap().reason.as_deref(), Some("OOMKilled"));
    assert_eq!(deployments.get("backend").await.unwrap().status.unwrap().available_replicas, Some(3));
    deployments.patch("backend", &PatchParams::default(), &image("v1.8.1")).await.unwrap();
    until(&running, &clock, || async { reason().await == "NewReplicaSetAvailable" }).await;
    assert_eq!(
        deployments.get("backend").await.unwrap().annotations()["deployment.kubernetes.io/revision"],
        "5"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_is_played_by_other_people() {
    let clock = clock();
    let running = start(Scenario::builtin("planera").unwrap(), clock.clone()).await.unwrap();
    let releases: Api<Release> = Api::all(client(&running, "alice"));
    let version = releases.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut watch = releases.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    clock.advance(Duration::from_secs(11));
    let mut seen = Vec::new();
    while seen.len() < 2 {
        if let WatchEvent::Added(release) = watch.try_next().await.unwrap().unwrap() {
            seen.push((
                release.namespace().unwrap(),
                release.spec.version.clone(),
                release.spec.requested_by.clone(),
            ));
        }
    }
    let expected = [("planera-staging", "v1.8.2", "ci"), ("planera-production", "v1.8.2", "bob")];
    assert_eq!(
        seen,
        expected.map(|(space, version, by)| (space.to_owned(), version.to_owned(), by.to_owned()))
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_is_the_same_world() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let clock = clock();
        let running = quiet(&clock).await;
        clock.advance(Duration::from_secs(60));
        running.tick();
        let kube = client(&running, "alice");
        let pods = Api::<Pod>::default_namespaced(kube.clone()).list(&ListParams::default()).await.unwrap();
        let names: Vec<_> = pods.items.iter().map(|pod| (pod.name_any(), pod.uid())).collect();
        let path = "/prometheus/api/v1/query?query=sum(http_requests_total)";
        let data: serde_json::Value =
            kube.request(http::Request::get(path).body(Vec::new()).unwrap()).await.unwrap();
        seen.push((names, data));
        running.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
}

#[path = "../contract/alerts.rs"]
mod alerts;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_told_as_prometheus_tells_it() {
    let mut scenario = Scenario::builtin("quiet").unwrap();
    let rule = serde_json::json!([{
        "alert": alerts::ALERT, "expr": alerts::EXPR, "for": format!("{}s", alerts::PENDING_SECS),
        "labels": {"severity": "page"}, "annotations": {"summary": "value is {{ $value }}"},
    }]);
    scenario.rules = serde_json::from_value(rule).unwrap();
    // what has always been true would fire before anybody looks
    scenario.prefill = std::time::Duration::ZERO;
    let clock = Clock::scaled(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(), 5.0);
    let running = start_with(scenario, clock, StartOptions::default()).await.unwrap();
    alerts::follow(running.prometheus_url.as_str().trim_end_matches('/')).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_followed_until_its_pod_is_gone() {
    use release_cockpit::cluster::Cluster;
    use release_cockpit::cluster::logs::{Fate, LogSource};
    use release_cockpit::domain::log::{LogReach, LogWhat};
    use release_cockpit::domain::pod_row::PodKey;
    let clock = clock();
    let running = quiet(&clock).await;
    let cluster = Cluster::from_client(client(&running, "alice"), "quiet");
    let pods: Api<Pod> = Api::default_namespaced(client(&running, "admin"));
    let name = pods.list(&ListParams::default()).await.unwrap().items[0].name_any();
    let pod = PodKey { namespace: "quiet".into(), name: name.as_str().into() };
    let containers = cluster.log_containers(&pod, true).await.unwrap();
    assert_eq!(containers, ["backend".into()]);
    let what = LogWhat { follow: true, reach: LogReach::Tail, ..LogWhat::default() };
    let source = LogSource { pod: pod.clone(), container: "backend".into(), what, after: None };
    let mut log = cluster.open_log(&source).await.unwrap();
    let mut first = log.next_lines().await.unwrap();
    // as many pieces as the connection makes of it
    while first.len() <= 100 {
        first.extend(log.next_lines().await.unwrap());
    }
    let newest = first.last().unwrap().at.unwrap();
    assert!(first.len() > 20 && first.iter().all(|line| line.at.is_some()), "{first:?}");
    // what is written while one looks comes by itself, and nothing twice
    clock.advance(Duration::from_secs(10));
    let more = log.next_lines().await.unwrap();
    assert!(more.iter().all(|line| line.at.unwrap() > newest), "{newest} {more:?}");
    // after a lost connection one goes on behind the last line
    let last = more.last().unwrap().at.unwrap();
    let mut again = cluster.open_log(&LogSource { after: Some(last), ..source.clone() }).await.unwrap();
    clock.advance(Duration::from_secs(5));
    let rest = again.next_lines().await.unwrap();
    assert!(rest.iter().all(|line| line.at.unwrap().timestamp() >= last.timestamp()), "{rest:?}");
    let short = LogSource { what: LogWhat { reach: LogReach::Seconds(3), ..what }, ..source.clone() };
    let mut short = cluster.open_log(&short).await.unwrap();
    assert!(short.next_lines().await.unwrap().len() < 10);
    let previous = LogSource { what: LogWhat { previous: true, follow: false, ..what }, ..source };
    let error = cluster.open_log(&previous).await.unwrap_err().to_string();
    assert!(error.contains("previous terminated container"), "{error}");
    // the stream ends with the pod
    assert_eq!(cluster.log_fate(&pod, "backend").await, Fate::GoesOn);
    pods.delete(&name, &DeleteParams::default().grace_period(0)).await.unwrap();
    while !log.next_lines().await.unwrap().is_empty() {}
    assert_eq!(cluster.log_fate(&pod, "backend").await, Fate::Over);
    let dave = Cluster::from_client(client(&running, "nobody"), "quiet");
    assert_eq!(dave.log_fate(&pod, "backend").await, Fate::GoesOn, "an unknown token is no refusal");
    assert_eq!(running.unknown_requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_tell_what_they_use() {
    use release_cockpit::cluster::Cluster;
    let clock = clock();
    let running = quiet(&clock).await;
    let cluster = Cluster::from_client(client(&running, "alice"), "quiet");
    until(&running, &clock, || async { !cluster.pod_usage("quiet").await.unwrap().is_empty() }).await;
    clock.advance(Duration::from_secs(40));
    running.tick();
    let usage = cluster.pod_usage("quiet").await.unwrap();
    assert_eq!(usage.len(), 2, "{usage:?}");
    assert!(
        usage.iter().all(|(name, used)| name.starts_with("backend-") && used.memory > 100 << 20),
        "{usage:?}"
    );
    assert!(usage.iter().any(|(_, used)| used.cpu > 0), "{usage:?}");
    assert!(cluster.pod_usage("elsewhere").await.unwrap().is_empty());
    assert_eq!(running.unknown_requests(), Vec::<String>::new());
    let stranger = Cluster::from_client(client(&running, "ci"), "quiet");
    assert!(stranger.pod_access("quiet", &["pods/exec"]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_drain_is_told_by_objects_and_why() {
    use release_cockpit::api::EnvironmentKey;
    use release_cockpit::api::environment::WorkloadKind;
    use release_cockpit::cluster::Cluster;
    let clock = clock();
    let running = quiet(&clock).await;
    let (admin, cluster) =
        (client(&running, "admin"), Cluster::from_client(client(&running, "alice"), "quiet"));
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(admin.clone(), "quiet");
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "all"},
        "spec": {"minAvailable": 2, "selector": {}}});
    let budget: PodDisruptionBudget = serde_json::from_value(budget).unwrap();
    budgets.create(&PostParams::default(), &budget).await.unwrap();
    until(&running, &clock, || async {
        budgets.get("all").await.unwrap().status.is_some_and(|status| status.current_healthy == Some(2))
    })
    .await;
    let environment = EnvironmentKey::new("quiet", "staging");
    let words = async || Box::pin(cluster.objects_text(&environment, None)).await.unwrap();
    let held = async || {
        let row = cluster.workload_row("quiet", WorkloadKind::Deployment, "backend").await.unwrap().unwrap();
        row.facts.budgets.iter().map(|budget| budget.held.len()).collect::<Vec<_>>()
    };
    let told = words().await;
    let numbers = "  all of backend: minAvailable 2, needs 2, healthy 2 of 2, 0 may go\n    ! disruption budget all lets no pod go: \
                   it needs all 2 of them healthy: no drain gets past it\n";
    assert!(told.contains(numbers), "{told}");
    assert_eq!(held().await, [0; 0], "nobody is to leave");
    // somebody begins to drain every node
    let nodes: Api<Node> = Api::all(admin.clone());
    for node in nodes.list(&ListParams::default()).await.unwrap() {
        let cordon = Patch::Merge(json!({"spec": {"unschedulable": true}}));
        nodes.patch(&node.name_any(), &PatchParams::default(), &cordon).await.unwrap();
    }
    let told = words().await;
    assert!(told.contains("cordoned, and 2 pods cannot leave"), "{told}");
    assert_eq!(held().await, [2]);
    assert_eq!(running.unknown_requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_objects_of_an_environment_are_told() {
    use release_cockpit::api::EnvironmentKey;
    use release_cockpit::cluster::Cluster;
    let clock = clock();
    let running = quiet(&clock).await;
    let cluster = Cluster::from_client(client(&running, "alice"), "quiet");
    let environment = EnvironmentKey::new("quiet", "staging");
    let words = Box::pin(cluster.objects_text(&environment, None)).await.unwrap();
    for part in
        ["Revisions\n  backend\n    rev", "Autoscalers\n  none", "endpoints ready", "Ingresses\n  none"]
    {
        assert!(words.contains(part), "{part} in\n{words}");
    }
    assert_eq!(running.unknown_requests(), Vec::<String>::new());
}
