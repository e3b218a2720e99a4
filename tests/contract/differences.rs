//! Two environments of one namespace, read by the client that the cockpit and the command line share.

use release_cockpit::api::EnvironmentKey;
use release_cockpit::cluster::Cluster;
use release_cockpit::domain::difference::{Row, Verdict, compare};
use serde_json::json;

use super::backend::Backend;

/// An environment of one Deployment that takes from a ConfigMap and a Secret, is scaled, and has a host.
async fn side(backend: &Backend, name: &str, (image, level, key): (&str, &str, &str)) {
    let meta = |name: &str| json!({"name": name, "namespace": backend.namespace});
    let mut deployment = backend.deployment(name, 0, image);
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    container["envFrom"] = json!([{"configMapRef": {"name": name}}]);
    container["env"] =
        json!([{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "shared", "key": key}}}]);
    container["resources"] =
        json!({"limits": {"cpu": if name == "one" { "1" } else { "1000m" }, "memory": "64Mi"}});
    container["readinessProbe"] = json!({"httpGet": {"path": "/health", "port": 8080}});
    backend.post("admin", &backend.apps("deployments"), &deployment).await.ok();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name), "data": {"LEVEL": level, "SAME": "1"}});
    backend.post("admin", &backend.core("configmaps"), &map).await.ok();
    let autoscaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta(name), "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": 1,
        "maxReplicas": if name == "one" { 3 } else { 9 },
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]}});
    let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", backend.namespace);
    backend.post("admin", &path, &autoscaler).await.ok();
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(name), "spec": {"rules": [{
        "host": format!("{name}.example.com"), "http": {"paths": [{"path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": name, "port": {"number": 80}}}}]}}]}});
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{}/ingresses", backend.namespace);
    backend.post("admin", &path, &ingress).await.ok();
    let environment = json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment", "metadata": meta(name), "spec": {
        "application": "contract", "tier": "staging", "components": [{"name": "backend", "container": name,
            "workload": {"kind": "Deployment", "name": name}, "image": "ghcr.io/acme/contract-backend"}]}});
    backend.post("admin", &backend.ours("environments"), &environment).await.ok();
}

async fn both(backend: &Backend) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "shared", "namespace": backend.namespace},
        "data": {"one": "aHVudGVyMg==", "two": "aHVudGVyMw=="}});
    backend.post("admin", &backend.core("secrets"), &secret).await.ok();
    side(backend, "one", ("ghcr.io/acme/contract-backend:v1.0.0", "debug", "one")).await;
    side(backend, "two", ("ghcr.io/acme/contract-backend:v2.0.0", "info", "two")).await;
}

/// What differs in the eyes of somebody, as `section: setting = left | right`.
async fn told(backend: &Backend, who: &str) -> Vec<String> {
    let cluster = Cluster::from_client(backend.people[who].clone(), "contract");
    let snapshot = async |name: &str| {
        let key = EnvironmentKey::new(backend.namespace.as_str(), name);
        cluster.snapshot(&key).await.unwrap_or_else(|error| panic!("{who}: {error}"))
    };
    let (one, two) = (snapshot("one").await, snapshot("two").await);
    let line = |row: &Row| {
        let side = |side: &Option<String>| side.clone().unwrap_or_default();
        format!("{}: {} = {} | {}", row.section, row.what, side(&row.left), side(&row.right))
    };
    compare(&one, &two).iter().filter(|row| row.verdict != Verdict::Same).map(line).collect()
}

pub async fn two_environments_are_told_apart(backend: &Backend) {
    both(backend).await;
    let rows = told(backend, "admin").await;
    for wanted in [
        "component backend: workload = Deployment one | Deployment two",
        "component backend: version = v1.0.0 | v2.0.0",
        "ConfigMap one: all of it = 2 settings | ",
        "ConfigMap two: all of it =  | 2 settings",
        "autoscalers: backend pods = 1 to 3 | 1 to 9",
    ] {
        assert!(rows.iter().any(|row| row == wanted), "{wanted:?} in {rows:#?}");
    }
    // both stand in one namespace, so that both have all of its hosts
    assert!(!rows.iter().any(|row| row.starts_with("ingresses: ")), "{rows:#?}");
    let key =
        rows.iter().find(|row| row.starts_with("component backend: env KEY = #")).expect("the variable");
    assert!(!rows.iter().any(|row| row.contains("hunter") || row.contains("aHVudGVy")), "{rows:#?}");
    assert!(
        key.contains("from key one of Secret shared") && key.contains("from key two of Secret shared"),
        "{key}"
    );
    // the server's defaults and another way to write a number are no difference
    for same in ["limits", "Probe", "terminationMessage", "dnsPolicy"] {
        assert!(!rows.iter().any(|row| row.contains(same)), "{same} in {rows:#?}");
    }
}

pub async fn what_a_viewer_may_not_read_is_said(backend: &Backend) {
    both(backend).await;
    let rows = told(backend, "dave").await;
    let denied = format!("not read: needs get on secrets/shared in {}", backend.namespace);
    assert!(rows.contains(&format!("Secret shared: all of it = {denied} | {denied}")), "{rows:#?}");
    for wanted in ["component backend: version = v1.0.0 | v2.0.0", "ConfigMap one: all of it = 2 settings | "]
    {
        assert!(rows.iter().any(|row| row == wanted), "{wanted:?} in {rows:#?}");
    }
}
