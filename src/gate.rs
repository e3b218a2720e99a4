//! Preflight checks and probes: questions to the world, behind one port.
//!
//! Owns how each kind of question is asked. Must not know what an answer means for a release (`domain::gate`, `domain::rollout`).
//! An answer that cannot be had is `NoData` with the reason, never a pass. A new kind is one file and one line in [`GATES`].

use std::sync::Arc;

use futures::future::BoxFuture;
use kube::Client;

use crate::api::Environment;
use crate::api::environment::Preflight;
use crate::api::release::GateState;
use crate::cluster::outbound::Outbound;
use crate::cluster::registry::Registries;
use crate::domain::health::{Answer, Found, Question};
use crate::domain::secret_use::SecretUse;
use crate::metrics::Pool;
use crate::sanitize;
use crate::time::Clock;

mod alerts;
mod github_checks;
mod http;
mod image_exists;
mod image_tag;
mod measure;
mod names;
mod neighbours;
mod revision_history;
mod routing;
mod secret_keys;

/// A verdict that comes with nothing else.
type Verdict = (GateState, String);

/// What an answer consists of before anybody looks at the clock.
pub struct Answered {
    state: GateState,
    detail: String,
    found: Option<Found>,
}

impl From<Verdict> for Answered {
    fn from((state, detail): Verdict) -> Self {
        Self { state, detail, found: None }
    }
}

/// Where questions are asked from.
#[derive(Clone)]
pub struct Scope {
    /// Client of the cluster.
    pub client: Client,
    /// How servers are asked that Environments name.
    pub outbound: Outbound,
    /// Where images are asked for.
    pub registries: Registries,
    /// Every Prometheus that is asked.
    pub prometheus: Arc<Pool>,
    /// Namespace of the release.
    pub namespace: String,
    /// For the time of an answer.
    pub clock: Clock,
}

/// One kind of question.
pub trait Gate: Send + Sync {
    /// Name of the kind, as `status.gates` spells it.
    fn name(&self) -> &'static str;

    /// Asks, if the question is of this kind; nothing otherwise.
    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>>;

    /// How a check uses a Secret whose value is sent elsewhere; `None` for one that sends none, or of another kind.
    fn secret_use(&self, _wanted: &Preflight) -> Option<SecretUse> {
        None
    }
}

/// Every kind of question that can be asked.
pub static GATES: &[&dyn Gate] = &[
    &http::Http,
    &secret_keys::SecretKeysGate,
    &revision_history::RevisionHistoryGate,
    &routing::RoutingGate,
    &names::NamesGate,
    &neighbours::NeighboursGate,
    &image_exists::ImageExistsGate,
    &image_tag::ImageTagGate,
    &github_checks::GithubChecksGate,
    &measure::MeasureGate,
    &alerts::AlertsGate,
];

/// How the gates of an environment use Secrets whose values are sent elsewhere.
pub fn secret_uses(environment: &Environment) -> impl Iterator<Item = SecretUse> + '_ {
    let preflight = environment.spec.gates.iter().flat_map(|gates| &gates.preflight);
    preflight.flat_map(|wanted| GATES.iter().filter_map(move |gate| gate.secret_use(wanted)))
}

/// Asks one question. Texts from outside in the answer are harmless to terminals.
pub async fn ask(scope: &Scope, question: &Question) -> Answer {
    let answered = match GATES.iter().find_map(|gate| gate.ask(scope, question)) {
        Some(answer) => answer.await,
        None => (GateState::NoData, "nobody here can answer this".to_owned()).into(),
    };
    let detail = sanitize::line(&answered.detail);
    Answer { found: answered.found, ..Answer::new(scope.clock.now(), answered.state, detail) }
}

/// What an error of the API server means for a question: not allowed to look is not a failure of what is looked at.
fn unanswered(what: &str, error: &kube::Error) -> Verdict {
    (GateState::NoData, format!("{what} cannot be read: {}", crate::workload::request_error(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::{
        GithubChecks, HttpProbe, ImageExists, PrometheusRef, RevisionHistory, SecretKeys, WorkloadKind,
        WorkloadRef,
    };
    use crate::api::strategy::Track;
    use crate::cluster::registry::Mirrors;
    use crate::domain::health::{Neighbours, PreflightQuestion, Routing};
    use crate::domain::measure::{AlertsQuestion, Measure};

    /// A client that fails every request.
    fn scope() -> Scope {
        let service = tower_test::mock::pair::<
            ::http::Request<kube::client::Body>,
            ::http::Response<kube::client::Body>,
        >();
        // a client needs a provider of TLS, also where nothing is sent over it
        rustls::crypto::ring::default_provider().install_default().ok();
        let (service, handle) = service;
        drop(handle);
        let client = Client::new(service, "planera");
        let cluster = crate::cluster::Cluster::from_client(client.clone(), "test");
        Scope {
            client,
            outbound: Outbound::default(),
            registries: Registries::new(Mirrors::default()),
            prometheus: Arc::new(Pool::new(cluster, Clock::system())),
            namespace: "planera".into(),
            clock: Clock::system(),
        }
    }

    fn measure(service: Option<&str>) -> Measure {
        let prometheus =
            service.map(|service| PrometheusRef { service: Some(service.to_owned()), url: None });
        Measure { prometheus, queries: [("new".to_owned(), "up".to_owned())].into() }
    }

    fn routing() -> Routing {
        Routing {
            component: "backend".into(),
            workload: WorkloadRef { kind: WorkloadKind::Deployment, name: "backend".into() },
            track: Track::Canary,
            routing: None,
            preview_service: None,
            weights: Vec::new(),
        }
    }

    fn preflight(wanted: Preflight) -> Question {
        let images = vec!["127.0.0.1:1/a:b".to_owned()];
        let workloads = vec![WorkloadRef { kind: WorkloadKind::Deployment, name: "backend".into() }];
        Question::Preflight(PreflightQuestion { wanted, images, workloads, revision: "v1".into() })
    }

    fn questions() -> Vec<Question> {
        let http = |url: &str| {
            Question::Http(HttpProbe { url: url.into(), status: None, within: None, body_contains: None })
        };
        vec![
            http("service://backend:80/health"),
            http("https://example.invalid/"),
            http("gopher://x"),
            preflight(Preflight::SecretKeys(SecretKeys { secret: "app".into(), keys: vec!["A".into()] })),
            preflight(Preflight::RevisionHistory(RevisionHistory { at_least: 1 })),
            Question::Routing(routing()),
            Question::Names(routing()),
            Question::Neighbours(Neighbours {
                component: "backend".into(),
                workload: WorkloadRef { kind: WorkloadKind::Deployment, name: "backend".into() },
                track: Track::Canary,
                routing: None,
                policy: crate::api::environment::Neighbours::default(),
            }),
            preflight(Preflight::ImageExists(ImageExists::default())),
            Question::ImageTag {
                image: "127.0.0.1:1/a:b".into(),
                digest: format!("sha256:{}", "a".repeat(64)),
                pull_secret: None,
            },
            preflight(Preflight::GithubChecks(GithubChecks {
                repo: "acme/planera".into(),
                api_url: Some("http://127.0.0.1:1".into()),
                ..GithubChecks::default()
            })),
            Question::Measure(measure(None)),
            Question::Measure(measure(Some("monitoring/prometheus:9090"))),
            Question::Alerts(AlertsQuestion {
                prometheus: None,
                names: vec!["High".into()],
                namespace: "planera".into(),
            }),
        ]
    }

    #[tokio::test]
    async fn each_question_has_one_gate_and_what_cannot_be_asked_never_passes() {
        let scope = scope();
        let mut used = std::collections::BTreeSet::new();
        for question in questions() {
            let gates: Vec<_> = GATES.iter().filter(|gate| gate.ask(&scope, &question).is_some()).collect();
            assert_eq!(gates.len(), 1, "{question:?}");
            used.insert(gates[0].name());
            let answer = ask(&scope, &question).await;
            assert!(answer.state != GateState::Pass, "{question:?}: {answer:?}");
            assert!(!answer.detail.is_empty());
        }
        assert_eq!(used.len(), GATES.len());
    }
}
