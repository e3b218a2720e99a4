//! Silences on the embedded world's Alertmanager, by our own client.

use chrono::TimeDelta;
use release_cockpit::cluster::outbound::Outbound;
use release_cockpit::cluster::{Cluster, ConnectOptions, Source};
use release_cockpit::domain::address::Allowed;
use release_cockpit::domain::silence::{Handling, Matcher, NewSilence};
use release_cockpit::metrics::{Alertmanager, Changed, Target};
use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{Running, StartOptions, start_with};
use release_cockpit::time::Clock;
use serde_json::json;

/// A world in which one alert always fires, and its server as its default user sees it.
async fn world() -> (Running, Cluster) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut scenario = Scenario::builtin("planera").unwrap();
    let labels = json!({"severity": "critical", "namespace": "planera-production"});
    scenario.rules =
        serde_json::from_value(json!([{"alert": "Burns", "expr": "vector(1)", "labels": labels}])).unwrap();
    let options = StartOptions { without_script: true, ..StartOptions::default() };
    let running = start_with(scenario, Clock::system(), options).await.unwrap();
    let source = Source::Server(running.kube_url.to_string());
    let cluster = Cluster::connect(&ConnectOptions { source, ..ConnectOptions::default() }).await.unwrap();
    (running, cluster)
}

/// What it does with the alert, once it knows it.
async fn burns(alertmanager: &Alertmanager) -> Handling {
    loop {
        let handled = alertmanager.handled().await.unwrap();
        if let Some(found) =
            handled.into_iter().find(|one| one.labels.get("alertname").is_some_and(|n| &**n == "Burns"))
        {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

fn silence(text: &str, minutes: i64) -> NewSilence {
    let from = Clock::system().now();
    NewSilence {
        matchers: vec![Matcher::parse(text).unwrap()],
        from,
        until: from + TimeDelta::minutes(minutes),
        by: "alice".into(),
        comment: "it is known".into(),
    }
}

/// The cluster of a controller that may ask the loopback.
fn given(cluster: Cluster) -> Cluster {
    cluster.with_outbound(Outbound::new(Allowed::parse(&["127.0.0.1"]).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_made_seen_and_ended() {
    let (running, cluster) = world().await;
    let direct =
        Target::Url(running.alertmanager_url.to_string()).open_alertmanager(&given(cluster.clone())).unwrap();
    assert_eq!(direct.version().await.unwrap(), "0.28.1");
    let before = burns(&direct).await;
    assert!(!before.is_suppressed());
    assert_eq!(before.receivers, ["pagerduty".into()]);

    let Changed::Done(id) = direct.silence(&silence("alertname=~Bur.*", 60)).await else {
        panic!("it is made")
    };
    let during = burns(&direct).await;
    assert_eq!(during.silenced_by, [id.as_str().into()]);
    let kept = direct.silences().await.unwrap();
    assert_eq!(
        (&*kept[0].by, &*kept[0].comment, kept[0].matchers[0].to_string().as_str()),
        ("alice", "it is known", "alertname=~\"Bur.*\"")
    );

    assert_eq!(direct.expire(&id).await, Changed::Done(id.clone()));
    assert!(!burns(&direct).await.is_suppressed());
    assert_eq!(direct.silences().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_one_sentence() {
    let (running, cluster) = world().await;
    let direct =
        Target::Url(running.alertmanager_url.to_string()).open_alertmanager(&given(cluster.clone())).unwrap();
    let refused = |changed: Changed| match changed {
        Changed::Refused(reason) => reason,
        other => panic!("{other:?}"),
    };
    let past = refused(direct.silence(&silence("alertname=Burns", -5)).await);
    assert!(
        past.contains("the Alertmanager refuses it (400)")
            && past.contains("start time must be before end time"),
        "{past}"
    );
    assert!(refused(direct.expire("../status").await).contains("is not the id of a silence"));
    assert!(refused(direct.expire("nothing").await).contains("must be of type uuid"));
    let unknown = refused(direct.expire("7c0d5f4e-1111-4222-8333-444455556666").await);
    assert_eq!(unknown, "the Alertmanager does not know that silence");

    let nobody = Target::Url("http://127.0.0.1:1".into()).open_alertmanager(&given(cluster.clone())).unwrap();
    let down = nobody.handled().await.unwrap_err().to_string();
    assert_eq!(down, "Alertmanager is down: nothing listens at its address (connection refused)");
    assert!(refused(nobody.silence(&silence("a=b", 5)).await).contains("connection refused"));

    let wrong =
        Target::Url(running.prometheus_url.to_string()).open_alertmanager(&given(cluster.clone())).unwrap();
    assert!(wrong.handled().await.unwrap_err().to_string().contains("Alertmanager answers 404"));
}
