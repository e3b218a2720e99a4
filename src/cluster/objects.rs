//! The objects of an environment in words: revisions, autoscalers, disruption budgets, services with their endpoints, ingresses
//! with their certificates.
//!
//! Owns what is asked, and that each part stands for itself: what may not be read, or is not installed, says so in its place and hides
//! nothing else. Must not know screens.

mod certificate;
mod text;

use std::collections::BTreeMap;

use k8s_openapi::api::authorization::v1::ResourceAttributes;
use serde_json::Value;

use super::Cluster;
use super::error::Error;
use super::text::describe::{items, text};
use crate::api::environment::WorkloadKind;
use crate::api::{Environment, EnvironmentKey};
use crate::domain::disruption_budget::Budget;
use crate::domain::workload_kind::{self, Revisions};
use crate::sanitize;
use crate::time::Clock;

/// What one list of a namespace answered.
type Listed = Result<Vec<Value>, Error>;

/// Everything that is told of an environment.
struct Objects {
    workloads: Vec<(WorkloadKind, String)>,
    revisions: Vec<(Revisions, Listed)>,
    autoscalers: Listed,
    budgets: Result<Vec<Budget>, Error>,
    services: Listed,
    slices: Listed,
    ingresses: Listed,
    certificates: BTreeMap<String, String>,
}

impl Cluster {
    /// The objects of an environment; revisions, autoscalers and budgets of one component alone where it is named.
    pub async fn objects_text(
        &self,
        environment: &EnvironmentKey,
        component: Option<&str>,
    ) -> Result<String, Error> {
        let mut object = self.environment(environment).await?;
        let namespace = &*environment.namespace;
        let list = |group: &'static str, plural: &'static str| self.listed(group, namespace, plural);
        let (sets, others, autoscalers, budgets, services, slices, ingresses) = tokio::join!(
            list("apis/apps/v1", "replicasets"),
            list("apis/apps/v1", "controllerrevisions"),
            list("apis/autoscaling/v2", "horizontalpodautoscalers"),
            self.budgets(namespace),
            list("api/v1", "services"),
            list("apis/discovery.k8s.io/v1", "endpointslices"),
            list("apis/networking.k8s.io/v1", "ingresses"),
        );
        if let Some(name) = component {
            object.spec.components.retain(|component| component.name.as_str() == name);
        }
        let workloads = workloads(&object);
        let is_own = |name: &str| {
            let fits = |rest: &str| matches!(rest, "" | "-canary" | "-green");
            workloads.iter().any(|(_, own)| name.strip_prefix(own.as_str()).is_some_and(fits))
        };
        let scales = |one: &Value| component.is_none() || is_own(text(one, "/spec/scaleTargetRef/name"));
        let autoscalers = autoscalers.map(|found| found.into_iter().filter(scales).collect());
        let protects =
            |budget: &Budget| component.is_none() || budget.workloads.iter().any(|name| is_own(name));
        let budgets = budgets.map(|found| found.into_iter().filter(protects).collect());
        let is_kept_by =
            |by: Revisions| workloads.iter().any(|(kind, _)| workload_kind::row(*kind).revisions == by);
        let both = [(Revisions::ReplicaSets, sets), (Revisions::ControllerRevisions, others)];
        let revisions = both.into_iter().filter(|(by, _)| is_kept_by(*by)).collect();
        let certificates = match &ingresses {
            Ok(ingresses) => self.certificates(namespace, ingresses).await,
            Err(_) => BTreeMap::new(),
        };
        let objects =
            Objects { workloads, revisions, autoscalers, budgets, services, slices, ingresses, certificates };
        Ok(sanitize::block(&text::all(&objects)).into_owned())
    }

    pub(super) async fn listed(&self, group: &str, namespace: &str, plural: &str) -> Listed {
        let path = format!("/{group}/namespaces/{namespace}/{plural}?limit=500");
        Ok(items(&self.json(&path, plural).await?, "/items").to_vec())
    }

    /// When the certificates of ingresses end, by the name of their Secret; or why that cannot be told.
    async fn certificates(&self, namespace: &str, ingresses: &[Value]) -> BTreeMap<String, String> {
        let mut told = BTreeMap::new();
        for name in ingresses
            .iter()
            .flat_map(|ingress| items(ingress, "/spec/tls"))
            .map(|tls| text(tls, "/secretName"))
        {
            if !name.is_empty() && !told.contains_key(name) {
                told.insert(name.to_owned(), self.certificate(namespace, name).await);
            }
        }
        told
    }

    /// One sentence about the certificate in a Secret. The Secret is read only where that is allowed, only its public certificate is
    /// looked at, and nothing of it leaves this function but names and dates.
    async fn certificate(&self, namespace: &str, name: &str) -> String {
        let attributes = ResourceAttributes {
            resource: Some("secrets".to_owned()),
            verb: Some("get".to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            ..ResourceAttributes::default()
        };
        match self.review(attributes).await {
            Ok(true) => {}
            Ok(false) => return format!("certificate not read: needs get on secrets/{name}"),
            Err(error) => return format!("certificate not read: {error}"),
        }
        match self.json(&format!("/api/v1/namespaces/{namespace}/secrets/{name}"), "secrets").await {
            Ok(secret) => certificate::sentence(text(&secret, "/data/tls.crt"), Clock::system().now()),
            Err(error) => format!("certificate not read: {error}"),
        }
    }
}

/// The workloads of an environment's components, each with the second one that may stand beside it.
fn workloads(environment: &Environment) -> Vec<(WorkloadKind, String)> {
    let components = environment.spec.components.iter();
    components.map(|component| (component.workload.kind, component.workload.name.clone())).collect()
}
