//! What going back means, as far as the cluster tells: revisions with their templates, configuration that changed, and owners that
//! will undo it. Only reads; what may not be read is said.

use serde_json::Value;

use super::Cluster;
use super::error::{Error, Kind};
use crate::api::environment::{Component, WorkloadRef};
use crate::api::{Environment, EnvironmentKey, Release};
use crate::domain::config_drift;
use crate::domain::known_version::{KnownVersion, known_versions};
use crate::domain::template_diff::{self, Row};
use crate::domain::way_back::{ComponentBack, WayBack};
use crate::domain::will_it_stick::{Application, Marks, Obstacle, application_name, will_it_stick};
use crate::domain::workload_kind;
use crate::sanitize;
use crate::time::Clock;
use crate::workload::{self, Revision, Target};

/// Where Argo CD's Applications live unless their tracking says otherwise.
const ARGO_CD: &str = "argocd";

impl Cluster {
    /// The revisions of a component that are kept, newest first.
    pub async fn revisions(&self, namespace: &str, component: &Component) -> Result<Vec<Revision>, Error> {
        let target = Target {
            client: self.client(),
            namespace: namespace.to_owned(),
            name: component.workload.name.clone(),
            container: component.container.clone(),
        };
        let adapter = workload::workload(component.workload.kind).map_err(translated)?;
        adapter.revisions(&target).await.map_err(translated)
    }

    /// What going back to that version means, component by component.
    pub async fn way_back(
        &self,
        environment: &Environment,
        releases: &[Release],
        version: &KnownVersion,
    ) -> WayBack {
        let mut components = Vec::new();
        for image in &version.images {
            let Some(component) = environment.spec.component(image.component.as_str()) else { continue };
            components.push(self.component_back(environment, component, &image.image).await);
        }
        let key = environment.key();
        let ours = releases.iter().filter(|release| release.environment_key() == key);
        let now = environment.status.as_ref().map(|status| status.configs.as_slice()).unwrap_or_default();
        let then = config_drift::then(&version.images, ours);
        WayBack {
            version: version.version.clone(),
            components,
            drift: then.map(|then| config_drift::drift(then, now)),
        }
    }

    /// The same as a text, for a version that is named.
    pub async fn way_back_text(&self, key: &EnvironmentKey, version: &str) -> Result<String, Error> {
        let (environments, releases) = tokio::try_join!(self.environments(), self.releases())?;
        let environment = environments.iter().find(|environment| environment.key() == *key);
        let Some(environment) = environment else {
            return Err(Error::new(Kind::EnvironmentNotFound, format!("there is no environment {key}")));
        };
        let seen: Vec<&Release> = releases.iter().collect();
        let known = known_versions(environment, &seen, Clock::system().now());
        let Some(known) = known.iter().find(|known| known.version == version) else {
            return Err(Error::new(Kind::NotFound, format!("{version} never ran in {key}")));
        };
        let text = self.way_back(environment, &releases, known).await.text();
        Ok(sanitize::block(&text).into_owned())
    }

    async fn component_back(
        &self,
        environment: &Environment,
        component: &Component,
        image: &str,
    ) -> ComponentBack {
        let namespace = environment.metadata.namespace.as_deref().unwrap_or_default();
        let (revisions, obstacles) =
            tokio::join!(self.revisions(namespace, component), self.obstacles(namespace, component));
        let mut back = ComponentBack {
            component: component.name.clone(),
            workload: component.workload.clone(),
            revision: None,
            changes: Vec::new(),
            stays: 0,
            obstacles: Vec::new(),
            remark: None,
        };
        match revisions {
            Ok(revisions) => compare(&mut back, component, &revisions, image),
            Err(error) => back.remark = Some(format!("its revisions cannot be read: {error}")),
        }
        match obstacles {
            Ok(obstacles) => back.obstacles = obstacles,
            Err(error) => {
                let remark = format!("who owns it cannot be read: {error}");
                back.remark =
                    Some(back.remark.map_or(remark.clone(), |before| format!("{before}; {remark}")));
            }
        }
        back
    }

    /// A workload in full, as the API server has it.
    pub(super) async fn workload_object(
        &self,
        namespace: &str,
        workload: &WorkloadRef,
    ) -> Result<Value, Error> {
        let row = workload_kind::row(workload.kind);
        self.json(&row.path(namespace, &workload.name), row.plural).await
    }

    /// Who will undo a change of that component.
    pub async fn obstacles(&self, namespace: &str, component: &Component) -> Result<Vec<Obstacle>, Error> {
        let workload = &component.workload;
        let object = self.workload_object(namespace, workload).await?;
        let autoscalers = workload::autoscalers(&self.client(), namespace).await;
        let autoscaler = autoscalers.into_iter().find(|(scaled, _)| scaled == workload).map(|(_, name)| name);
        let marks = marks(namespace, &object, autoscaler);
        let application = match application_name(&marks) {
            Some(name) => self.application(&name).await,
            None => None,
        };
        Ok(will_it_stick(workload, &marks, application.as_ref()))
    }

    /// Argo CD's Application of that name, where it may be read.
    async fn application(&self, tracked: &str) -> Option<Application> {
        let (namespace, name) = tracked.split_once('_').unwrap_or((ARGO_CD, tracked));
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{name}");
        let object = self.json(&path, "applications.argoproj.io").await.ok()?;
        let automated = &object["spec"]["syncPolicy"]["automated"];
        let is_automated = automated.is_object() && automated["enabled"] != false;
        let heals_itself = automated["selfHeal"] == true;
        Some(Application { name: name.to_owned(), is_automated, heals_itself })
    }
}

fn compare(back: &mut ComponentBack, component: &Component, revisions: &[Revision], image: &str) {
    let current = revisions.iter().find(|revision| revision.is_current);
    let then = revisions.iter().find(|revision| revision.image.as_deref() == Some(image));
    let templates = current.and_then(|it| it.template.as_ref()).zip(then.and_then(|it| it.template.as_ref()));
    let of_image = format!("{}: image", component.container);
    if let Some((current, template)) = templates {
        back.revision = then.map(|then| then.number);
        back.changes = template_diff::diff(current, template);
        back.stays = back.changes.iter().filter(|row| row.what != of_image).count();
    } else {
        let from = current.and_then(|current| current.image.clone());
        back.changes = vec![Row { what: of_image, from, to: Some(image.to_owned()) }];
        back.remark =
            Some("no revision with this image is kept: what else was different then is not known".to_owned());
    }
}

fn marks(namespace: &str, object: &Value, autoscaler: Option<String>) -> Marks {
    let metadata = &object["metadata"];
    let map = |part: &str| serde_json::from_value(metadata[part].clone()).unwrap_or_default();
    let managers = metadata["managedFields"].as_array().into_iter().flatten();
    Marks {
        namespace: namespace.to_owned(),
        labels: map("labels"),
        annotations: map("annotations"),
        managers: managers.filter_map(|one| one["manager"].as_str().map(ToOwned::to_owned)).collect(),
        autoscaler,
    }
}

fn translated(error: workload::Error) -> Error {
    match error {
        workload::Error::Kube { source, kind, .. } => {
            Error::of(*source, &format!("{kind}s and their revisions"))
        }
        other => Error::new(Kind::NotFound, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_rollback_does_not_put_back_is_counted() {
        let component: Component = serde_json::from_value(json!({
            "name": "backend", "workload": {"kind": "Deployment", "name": "backend"}, "container": "api", "image": "r/api"
        }))
        .unwrap();
        let revision = |number, image: &str, level: &str, is_current| Revision {
            number,
            image: Some(image.into()),
            template: Some(
                json!({"spec": {"containers": [{"name": "api", "image": image, "env": [{"name": "LEVEL", "value": level}]}]}}),
            ),
            is_current,
            ..Revision::default()
        };
        let revisions = [revision(3, "r/api:v2", "debug", true), revision(2, "r/api:v1", "info", false)];
        let compared = |image: &str| {
            let mut back = ComponentBack {
                component: "backend".into(),
                workload: component.workload.clone(),
                revision: None,
                changes: Vec::new(),
                stays: 0,
                obstacles: Vec::new(),
                remark: None,
            };
            compare(&mut back, &component, &revisions, image);
            (back.revision, back.changes.len(), back.stays, back.remark.is_some())
        };
        assert_eq!(compared("r/api:v1"), (Some(2), 2, 1, false));
        assert_eq!(compared("r/api:v0"), (None, 1, 0, true));
    }

    #[test]
    fn marks_are_read_from_any_kind_of_object() {
        let object =
            json!({"metadata": {"labels": {"a": "b"}, "managedFields": [{"manager": "argocd-controller"}]}});
        let marks = marks("shop", &object, None);
        assert_eq!(
            (marks.labels["a"].as_str(), marks.managers.as_slice()),
            ("b", &["argocd-controller".to_owned()][..])
        );
        assert!(marks.annotations.is_empty());
    }
}
