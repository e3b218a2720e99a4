//! A server to be checked: people, a namespace of the check's own, and how time passes there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// How long anything may take until it is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everybody.
pub const PEOPLE: [&str; 11] =
    ["admin", "alice", "bob", "bob-admin", "carol", "erin", "oscar", "grace", "frank", "dave", "controller"];

/// The kinds of action that act on an environment.
const ON_ENVIRONMENT: [&str; 9] =
    ["Freeze", "Unfreeze", "Deny", "Allow", "Scale", "Restart", "AbortAll", "Review", "Retire"];

/// A server, seen through the eyes of its people.
///
/// | name | groups | may |
/// | --- | --- | --- |
/// | admin | system:masters | everything |
/// | alice | operators | operate |
/// | bob, bob-admin (one person), carol | operators, team-leads | operate and approve |
/// | erin | team-leads | approve |
/// | oscar | on-call | freeze, scale, roll back |
/// | grace | freezers | freeze, but not roll back |
/// | frank | editors | edit workloads and the labels of the namespace |
/// | dave | viewers | look |
pub struct Backend {
    /// The namespace of this check; nobody else writes there.
    pub namespace: String,
    /// Clients by name.
    pub people: BTreeMap<&'static str, Client>,
    /// Lets a little time pass.
    pub step: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    /// Makes the server forget its past; a version of that past. Nothing where one cannot.
    pub forgotten: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// Keeps the world alive.
    pub _world: Box<dyn std::any::Any + Send + Sync>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub code: u16,
    /// Its `Warning` headers.
    pub warnings: Vec<String>,
    /// The body; null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The object, or a panic that shows the refusal.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.code < 300, "refused: {} {}", self.code, self.body);
        self.body
    }

    /// The sentence of a refusal of this code and reason, which must contain these words.
    #[track_caller]
    pub fn refused(self, code: u16, reason: &str, words: &str) -> Value {
        let message = self.body["message"].as_str().unwrap_or_default();
        assert!(
            self.code == code
                && self.body["code"] == code
                && self.body["reason"] == reason
                && message.contains(words),
            "expected {code} {reason} {words:?}\n  found {} {}",
            self.code,
            self.body
        );
        assert_eq!(
            (&self.body["kind"], &self.body["apiVersion"], &self.body["status"]),
            (&json!("Status"), &json!("v1"), &json!("Failure"))
        );
        self.body
    }
}

impl Backend {
    /// `/api/v1/namespaces/NAMESPACE/…`
    pub fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// The same of group `apps`.
    pub fn apps(&self, rest: &str) -> String {
        format!("/apis/apps/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// The same of the project's own group.
    pub fn ours(&self, rest: &str) -> String {
        format!("/apis/release-cockpit.dev/v1alpha1/namespaces/{}/{rest}", self.namespace)
    }

    /// One request; the body goes out as `content`.
    pub async fn call(
        &self,
        who: &str,
        method: Method,
        path: &str,
        (content, body): (&str, String),
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !body.is_empty() {
            request = request.header("content-type", content);
        }
        let request = request.body(Body::from(body.into_bytes())).expect("a request");
        self.send(who, request).await
    }

    /// Any request.
    pub async fn send(&self, who: &str, request: Request<Body>) -> Answer {
        let client = self.people.get(who).unwrap_or_else(|| panic!("nobody is called {who}"));
        let response = client.send(request).await.expect("an answer");
        let code = response.status().as_u16();
        let warnings = response
            .headers()
            .get_all("warning")
            .iter()
            .filter_map(|w| w.to_str().ok().map(str::to_owned))
            .collect();
        let bytes = response.into_body().collect_bytes().await.expect("a whole answer");
        Answer { code, warnings, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, who: &str, path: &str) -> Answer {
        self.call(who, Method::GET, path, ("", String::new())).await
    }

    pub async fn post(&self, who: &str, path: &str, body: &Value) -> Answer {
        self.call(who, Method::POST, path, ("application/json", body.to_string())).await
    }

    pub async fn put(&self, who: &str, path: &str, body: &Value) -> Answer {
        self.call(who, Method::PUT, path, ("application/json", body.to_string())).await
    }

    /// A patch of the kind `json`, `merge`, `strategic-merge` or `apply`.
    pub async fn patch(&self, who: &str, path: &str, (kind, body): (&str, &Value)) -> Answer {
        let content = match kind {
            "json" => "application/json-patch+json".to_owned(),
            "apply" => "application/apply-patch+yaml".to_owned(),
            kind => format!("application/{kind}-patch+json"),
        };
        self.call(who, Method::PATCH, path, (&content, body.to_string())).await
    }

    pub async fn delete(&self, who: &str, path: &str, options: &Value) -> Answer {
        let body = if options.is_null() { String::new() } else { options.to_string() };
        self.call(who, Method::DELETE, path, ("application/json", body)).await
    }

    /// Waits until the probe finds something.
    pub async fn until<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        mut probe: impl FnMut() -> F,
    ) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "it never happened: {what}");
            (self.step)().await;
        }
    }

    /// Waits until an object is as wanted.
    pub async fn until_is(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let begun = Instant::now();
        loop {
            let found = self.get("admin", path).await;
            if found.code == 200 && wanted(&found.body) {
                return found.body;
            }
            if found.code == 200 {
                last = found.body;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} never was {what}; last {last}");
            (self.step)().await;
        }
    }

    /// The environment `staging` of one component, with an approval by team leads.
    pub async fn environment(&self) -> Value {
        let environment = json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": "staging", "namespace": self.namespace},
            "spec": {
                "application": "contract", "tier": "staging",
                "components": [{"name": "backend", "workload": {"kind": "Deployment", "name": "backend"}, "container": "backend",
                    "image": "ghcr.io/acme/contract-backend"}],
                "allowedStrategies": ["rolling"],
                "versions": {"pattern": r"^v\d+\.\d+\.\d+$"},
                "gates": {"checklist": ["Migrations tested"]},
                "identity": {"people": [{"name": "bob", "accounts": ["bob", "robert"]}], "stripPrefixes": ["oidc:"], "stripSuffixes": ["-admin"]},
                "approval": {"slots": [{"name": "leads", "group": "team-leads"}, {"name": "court", "group": "kings"}]}
            }
        });
        let created = self.post("admin", &self.ours("environments"), &environment).await.ok();
        // policies see an environment through a cache of the server
        self.until("the policies see the environment", || async {
            let path = format!("{}?dryRun=All", self.ours("releases"));
            (self.post("alice", &path, &self.release("probe", "v1.0.0")).await.code == 201).then_some(())
        })
        .await;
        created
    }

    /// A release of `version` that alice asks for.
    pub fn release(&self, name: &str, version: &str) -> Value {
        json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"environment": "staging", "version": version, "kind": "Deploy", "requestedBy": "alice",
                "images": [{"component": "backend", "image": format!("ghcr.io/acme/contract-backend:{version}")}]}
        })
    }

    /// Bob's approval of a release that alice asked for.
    pub fn approval(&self, name: &str, release: &str) -> Value {
        json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "ReleaseAction",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"environment": "staging", "action": "Approve", "actor": "bob",
                "release": {"name": release, "uid": "00000000-0000-4000-8000-000000000000", "requestedBy": "alice"},
                "expected": {"generation": 1, "planDigest": format!("sha256:{}", "a".repeat(64))},
                "slots": [{"name": "leads", "group": "team-leads"}]}
        })
    }

    /// An action of somebody, of a kind that its parameters fit.
    pub fn action(&self, kind: &str, who: &str, parameters: &Value) -> Value {
        let mut action = self.approval("act", "one");
        let spec = action["spec"].as_object_mut().expect("a spec");
        spec.insert("action".into(), kind.into());
        spec.insert("actor".into(), who.into());
        spec.insert("reason".into(), "the check says so".into());
        spec.insert("parameters".into(), parameters.clone());
        spec.remove("slots");
        if ON_ENVIRONMENT.contains(&kind) {
            spec.remove("release");
            spec.remove("expected");
        } else {
            spec["expected"]["step"] = json!(0);
        }
        action
    }

    /// A Deployment with one container of its own name.
    pub fn deployment(&self, name: &str, replicas: i64, image: &str) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace, "labels": {"app": name}},
            "spec": {
                "replicas": replicas, "progressDeadlineSeconds": 600, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": image}]}}
            }
        })
    }
}
