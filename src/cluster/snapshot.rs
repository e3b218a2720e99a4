//! An environment as settings that can be compared with another one's, here or in another cluster.
//!
//! Owns what is read for that, and that each part stands for itself: what may not be read says so and hides nothing else. What a Secret
//! holds is hashed as soon as it is read, under a key that lives as long as this process: nobody can look a hash up elsewhere.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

use serde_json::Value;

use super::Cluster;
use super::error::{Error, Kind};
use super::text::describe::items;
use crate::api::EnvironmentKey;
use crate::api::config_record::ConfigKind;
use crate::domain::config_drift::{self, ConfigRef};
use crate::domain::difference::{Content, Seen, Snapshot, content, snapshot};
use crate::sanitize;

/// The key of every hash of this process, from the randomness that the standard library takes from the operating system.
fn salt() -> &'static str {
    static SALT: OnceLock<String> = OnceLock::new();
    SALT.get_or_init(|| {
        let random = |nth: u8| RandomState::new().hash_one(nth);
        format!("{:016x}{:016x}", random(0), random(1))
    })
}

impl Cluster {
    /// The environment as settings.
    pub async fn snapshot(&self, key: &EnvironmentKey) -> Result<Snapshot, Error> {
        let environment = self.environment(key).await?;
        let namespace = &*key.namespace;
        let workloads = environment.spec.components.iter().map(async |one| {
            let found = self.workload_object(namespace, &one.workload).await;
            found.map_err(|error| format!("not read: {error}"))
        });
        let (workloads, autoscalers, ingresses, routes) = tokio::join!(
            futures::future::join_all(workloads),
            self.all_of("apis/autoscaling/v2", namespace, "horizontalpodautoscalers"),
            self.all_of("apis/networking.k8s.io/v1", namespace, "ingresses"),
            self.all_of("apis/gateway.networking.k8s.io/v1", namespace, "httproutes"),
        );
        let read = workloads.iter().filter_map(|workload| workload.as_ref().ok());
        let references: BTreeSet<ConfigRef> =
            read.flat_map(|workload| config_drift::references(&workload["spec"]["template"])).collect();
        let configs = references.into_iter().map(|reference| self.config(namespace, reference));
        let configs = futures::future::join_all(configs).await;
        let seen = Seen { environment, workloads, autoscalers, ingresses, routes, configs };
        Ok(snapshot(&seen, salt()).through(|text| sanitize::line(text).into_owned()))
    }

    /// Every object of a kind in the namespace; none where the kind is not installed.
    async fn all_of(&self, group: &str, namespace: &str, plural: &str) -> Result<Vec<Value>, String> {
        let path = format!("/{group}/namespaces/{namespace}/{plural}?limit=500");
        match self.json(&path, plural).await {
            Ok(list) => Ok(items(&list, "/items").to_vec()),
            Err(error) if error.kind() == &Kind::NotFound => Ok(Vec::new()),
            Err(error) => Err(format!("not read: {error}")),
        }
    }

    async fn config(&self, namespace: &str, reference: ConfigRef) -> (ConfigRef, Content) {
        let plural = match reference.kind {
            ConfigKind::ConfigMap => "configmaps",
            ConfigKind::Secret => "secrets",
        };
        let path = format!("/api/v1/namespaces/{namespace}/{plural}/{}", reference.name);
        let held = match self.json(&path, plural).await {
            Ok(object) => content(&reference, &object, salt()),
            Err(error) if error.kind() == &Kind::NotFound => Content::Absent,
            Err(error) if error.kind() == &Kind::Denied => {
                Content::Hidden(format!("not read: needs get on {plural}/{} in {namespace}", reference.name))
            }
            Err(error) => Content::Hidden(format!("not read: {error}")),
        };
        (reference, held)
    }
}
