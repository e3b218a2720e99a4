//! The world as it is when it starts: everything settled, with a past.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::pod::{Run, conditions, image_id};
use super::replica_set_shape::set_of;
use super::{SCRAPE, Task, World};
use crate::sim::Error;
use crate::sim::apiserver::definitions;
use crate::sim::kinds::{
    self, CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, NODES, PODS, REPLICA_SETS, SECRETS, SERVICES, text,
};
use crate::sim::scenario::Workload;
use crate::sim::store::stamp;

impl World {
    pub(super) fn set_up(&mut self) -> Result<(), Error> {
        self.found_cluster();
        self.install_product()?;
        self.furnish();
        let scenario = self.scenario.clone();
        for workload in &scenario.workloads {
            for copy in 0..workload.copies.max(1) {
                let name = if workload.copies > 1 {
                    format!("{}-{copy}", workload.name)
                } else {
                    workload.name.clone()
                };
                self.deploy_settled(workload, &name);
            }
        }
        for (value, age) in scenario.parsed_objects(self.now)? {
            self.place(value, age);
        }
        for namespace in &scenario.namespaces {
            self.count_budgets(&namespace.name);
        }
        self.store.take_touched();
        self.prefill(scenario.prefill);
        self.after(SCRAPE, Task::Scrape);
        Ok(())
    }

    fn ago(&self, age: Duration) -> DateTime<Utc> {
        TimeDelta::from_std(age).map_or(self.now, |age| self.now - age)
    }

    fn found_cluster(&mut self) {
        let scenario = self.scenario.clone();
        let long_ago = self.now - TimeDelta::days(90);
        let mut names: Vec<(String, Value)> =
            ["default", "kube-system", "kube-public", crate::api::labels::CONTROLLER_NAMESPACE]
                .iter()
                .map(|name| ((*name).to_owned(), json!({})))
                .collect();
        names.extend(scenario.namespaces.iter().map(|one| (one.name.clone(), json!(one.labels))));
        for (name, mut labels) in names {
            if self.store.get(NAMESPACES, "", &name).is_some() {
                continue;
            }
            labels["kubernetes.io/metadata.name"] = name.clone().into();
            let namespace = json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}
            });
            self.store.create(NAMESPACES, namespace, long_ago);
        }
        for n in 1..=scenario.nodes {
            let node = json!({
                "apiVersion": "v1", "kind": "Node",
                "metadata": {"name": format!("node-{n}"), "labels": {
                    "kubernetes.io/hostname": format!("node-{n}"), "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64"
                }},
                "spec": {"podCIDR": format!("10.244.{n}.0/24")},
                "status": {
                    "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
                    "allocatable": {"cpu": "8", "memory": "31Gi", "pods": "110"},
                    "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                        "message": "kubelet is posting ready status", "lastTransitionTime": stamp(long_ago),
                        "lastHeartbeatTime": stamp(self.now)}],
                    "addresses": [{"type": "InternalIP", "address": format!("10.0.0.{n}")}],
                    "nodeInfo": {"kubeletVersion": "v1.36.2", "osImage": "simulated", "architecture": "amd64",
                        "containerRuntimeVersion": "simulated://1", "kernelVersion": "6", "operatingSystem": "linux"}
                }
            });
            self.store.create(NODES, node, long_ago);
        }
    }

    fn furnish(&mut self) {
        let scenario = self.scenario.clone();
        let some_days_ago = self.now - TimeDelta::days(20);
        for service in &scenario.services {
            let component = service.component.as_deref().unwrap_or(&service.name);
            let mut selector = json!({"app.kubernetes.io/component": component});
            // one workload is found by its name too, so that a second one beside it can be told apart
            let behind = |one: &&Workload| {
                one.namespace == service.namespace
                    && one.component.as_deref().unwrap_or(&one.name) == component
            };
            if let [workload] = scenario.workloads.iter().filter(behind).collect::<Vec<_>>().as_slice()
                && workload.copies <= 1
            {
                selector["app.kubernetes.io/name"] = workload.name.clone().into();
            }
            let value = json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": service.name, "namespace": service.namespace},
                "spec": {
                    "type": "ClusterIP", "clusterIP": "10.96.0.10", "selector": selector,
                    "ports": [{"name": "http", "port": service.port, "targetPort": service.port, "protocol": "TCP"}]
                },
                "status": {"loadBalancer": {}}
            });
            self.store.create(SERVICES, value, some_days_ago);
        }
        for secret in &scenario.secrets {
            let mut data: serde_json::Map<String, Value> =
                secret.keys.iter().map(|key| (key.clone(), "c2ltdWxhdGVk".into())).collect();
            data.extend(secret.data.iter().map(|(key, value)| (key.clone(), STANDARD.encode(value).into())));
            let value = json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"name": secret.name, "namespace": secret.namespace}, "data": data
            });
            self.store.create(SECRETS, value, some_days_ago);
        }
        for map in &scenario.config_maps {
            let value = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": map.name, "namespace": map.namespace}, "data": map.data
            });
            self.store.create(CONFIG_MAPS, value, some_days_ago);
        }
    }

    /// A Deployment that was rolled out long ago, with its older ReplicaSets and its pods.
    fn deploy_settled(&mut self, workload: &Workload, name: &str) {
        let past: Vec<(String, DateTime<Utc>)> = workload
            .history
            .iter()
            .map(|past| (past.version.clone(), self.ago(past.age)))
            .chain([(workload.version.clone(), self.ago(workload.age))])
            .collect();
        let Some((_, born)) = past.first().cloned() else { return };
        let last = past.len();
        let mut value = deployment_value(workload, name, &workload.version);
        value["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": last.to_string()});
        value["metadata"]["generation"] = last.into();
        let deployment = self.store.create(DEPLOYMENTS, value, born);
        for (n, (version, at)) in past.into_iter().enumerate() {
            let current = n + 1 == last;
            let mut shape = deployment.value.clone();
            shape["spec"]["template"] =
                deployment_value(workload, name, &version)["spec"]["template"].clone();
            let replicas = if current { workload.replicas } else { 0 };
            let revision = i64::try_from(n + 1).unwrap_or(1);
            let set = self.store.create(REPLICA_SETS, set_of(&shape, revision, replicas), at);
            if current {
                for _ in 0..replicas {
                    self.place_ready_pod(&set.value, at);
                }
                let key = crate::sim::store::Key::of(&set.value);
                if let Some(set) = self.store.get(REPLICA_SETS, &key.namespace, &key.name).cloned() {
                    self.write_set_status(&set);
                }
                self.finish_deployment(&deployment.value, workload.replicas, set.name(), at);
            }
        }
    }

    fn finish_deployment(&mut self, deployment: &Value, replicas: i64, set: &str, at: DateTime<Utc>) {
        let at = stamp(at);
        let mut status = json!({
            "observedGeneration": deployment["metadata"]["generation"],
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                 "message": "Deployment has minimum availability.", "lastUpdateTime": at, "lastTransitionTime": at},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
                 "message": format!("ReplicaSet \"{set}\" has successfully progressed."), "lastUpdateTime": at,
                 "lastTransitionTime": at}
            ]
        });
        if replicas > 0 {
            for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
                status[field] = replicas.into();
            }
        }
        let key = crate::sim::store::Key::of(deployment);
        self.store.change(DEPLOYMENTS, &key, |value| value["status"] = status);
    }

    fn place_ready_pod(&mut self, set: &Value, born: DateTime<Utc>) {
        let (namespace, owner) = (text(set, &["metadata", "namespace"]), text(set, &["metadata", "name"]));
        let name = self.free_pod_name(namespace, owner);
        let seed = self.seed.child("pod").child(text(set, &["metadata", "namespace"])).child(&name);
        let template = &set["spec"]["template"];
        let at = stamp(born);
        let nodes = self.scenario.nodes.max(1);
        let node = 1 + (seed.child("node").unit() * f64::from(nodes)) as u32;
        let octet = |name: &str| 1 + (seed.child(name).unit() * 250.0) as u32;
        let ip = format!("10.244.{}.{}", octet("a"), octet("b"));
        let statuses: Vec<_> = kinds::list(template, &["spec", "containers"])
            .iter()
            .map(|container| {
                json!({
                    "name": container["name"], "image": container["image"], "imageID": image_id(text(container, &["image"])), "ready": true,
                    "started": true, "restartCount": 0, "state": {"running": {"startedAt": at}}, "lastState": {}
                })
            })
            .collect();
        let mut spec = template["spec"].clone();
        spec["nodeName"] = format!("node-{}", node.min(nodes)).into();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "generateName": format!("{}-", text(set, &["metadata", "name"])),
                "namespace": set["metadata"]["namespace"], "labels": template["metadata"]["labels"],
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set["metadata"]["name"],
                    "uid": set["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true
                }]
            },
            "spec": spec,
            "status": {
                "phase": "Running", "qosClass": "Burstable", "startTime": at, "hostIP": "10.0.0.1", "podIP": ip,
                "podIPs": [{"ip": ip}], "conditions": conditions(&at, true), "containerStatuses": statuses
            }
        });
        let pod = self.store.create(PODS, pod, born);
        let behaviour = self.scenario.behaviour(super::pod::version_of(&pod.value));
        let mut run = Run::new(&pod.value, behaviour, seed);
        run.ready_since = Some(born);
        self.runs.insert(pod.uid().to_owned(), run);
    }

    /// Puts an object of the scenario where it belongs.
    fn place(&mut self, mut value: Value, age: f64) {
        let Some(resource) = kinds::by_kind(text(&value, &["apiVersion"]), text(&value, &["kind"])) else {
            return;
        };
        let born = self.now - TimeDelta::milliseconds((age * 1000.0) as i64);
        if definitions::decode(resource, &mut value, false).is_ok() {
            crate::sim::apiserver::native::default(resource, &mut value);
            self.store.create(resource, value, born);
        }
    }

    /// Lets traffic run before the world starts, so that there is something to see.
    fn prefill(&mut self, span: Duration) {
        let mut at = self.ago(span);
        while at <= self.now {
            self.scrape(at);
            at += SCRAPE;
        }
    }
}

/// The Deployment of a workload at a version.
fn deployment_value(workload: &Workload, name: &str, version: &str) -> Value {
    let component = workload.component.as_deref().unwrap_or(name);
    let mut labels = json!(workload.labels);
    labels["app.kubernetes.io/name"] = name.into();
    labels["app.kubernetes.io/component"] = component.into();
    let bound = |text: &Option<String>| match text {
        Some(text) => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        None => json!("25%"),
    };
    let mut value = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": workload.namespace, "labels": labels},
        "spec": {
            "replicas": workload.replicas,
            "progressDeadlineSeconds": workload.progress_deadline_seconds,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {
                "maxSurge": bound(&workload.max_surge), "maxUnavailable": bound(&workload.max_unavailable)
            }},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container_value(workload, name, version)]}
            }
        }
    });
    crate::sim::apiserver::native::default(DEPLOYMENTS, &mut value);
    value
}

fn container_value(workload: &Workload, name: &str, version: &str) -> Value {
    let mut container = json!({
        "name": workload.container.as_deref().unwrap_or(name),
        "image": format!("{}:{version}", workload.image),
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    });
    let literal = workload.env.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let secret = workload.secret_env.iter().filter_map(|(name, key)| {
        let (secret, key) = key.split_once('/')?;
        Some(json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}))
    });
    let env: Vec<_> = literal.chain(secret).collect();
    if !env.is_empty() {
        container["env"] = env.into();
    }
    if !workload.env_from.is_empty() {
        let maps = workload.env_from.iter().map(|name| json!({"configMapRef": {"name": name}}));
        container["envFrom"] = maps.collect();
    }
    if !workload.resources.is_empty() {
        container["resources"] = json!(workload.resources);
    }
    if let Some(path) = &workload.probe {
        let get = json!({"path": path, "port": 8080, "scheme": "HTTP"});
        container["readinessProbe"] = json!({"httpGet": get, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3});
    }
    container
}
