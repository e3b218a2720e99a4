//! What of an object is a setting, and what people call it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Fact, Name};
use crate::api::Environment;
use crate::api::config_record::ConfigKind;
use crate::api::environment::Component;
use crate::domain::config_drift::{self, ConfigRef};
use crate::domain::template_diff::compact;
use crate::domain::timeline::cut;
use crate::domain::{usage, version};

/// Characters of a value that are shown.
const SHOWN: usize = 300;

/// Settings in the making.
pub(super) struct Settings<'a> {
    salt: &'a str,
    found: BTreeMap<Name, Fact>,
}

impl<'a> Settings<'a> {
    pub(super) const fn new(salt: &'a str) -> Self {
        Self { salt, found: BTreeMap::new() }
    }

    pub(super) fn into_map(self) -> BTreeMap<Name, Fact> {
        self.found
    }

    /// A setting that is what it shows.
    pub(super) fn put(&mut self, rank: u8, name: impl Into<String>, text: impl Into<String>) {
        let text = text.into();
        self.compared(rank, name, text.clone(), &Value::String(text));
    }

    /// A setting that shows one thing and is compared by another.
    fn compared(&mut self, rank: u8, name: impl Into<String>, text: String, value: &Value) {
        let fact = fact(self.salt, text, value);
        self.found.insert((rank, name.into()), fact);
    }
}

/// A setting that shows this text, and is compared by that value.
pub(super) fn fact(salt: &str, text: String, value: &Value) -> Fact {
    Fact { text: cut(text, SHOWN), hash: config_drift::value_hash(salt, &compact(value)), held: None }
}

/// What the Environment demands and allows, path by path; its components are told by themselves.
pub(super) fn of_environment<'a>(environment: &Environment, salt: &'a str) -> Settings<'a> {
    let mut settings = Settings::new(salt);
    let Ok(Value::Object(mut spec)) = serde_json::to_value(&environment.spec) else { return settings };
    spec.remove("components");
    if let Some(Value::Object(strategy)) = spec.remove("strategy") {
        for (name, inner) in &strategy {
            settings.put(0, "strategy", name.as_str());
            flatten(&mut settings, 0, &format!("strategy.{name}"), inner);
        }
    }
    for (name, value) in &spec {
        let rank = match name.as_str() {
            "application" | "tier" => 1,
            "approval" | "promotion" | "windows" => 2,
            "gates" => 3,
            "metrics" | "analysis" => 4,
            _ => 5,
        };
        flatten(&mut settings, rank, name, value);
    }
    settings
}

/// Every leaf of a value by its path; items of a list by their name where they have one.
fn flatten(settings: &mut Settings<'_>, rank: u8, path: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, inner) in fields {
                flatten(settings, rank, &format!("{path}.{name}"), inner);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (nth, item) in items.iter().enumerate() {
                let name = ["name", "channel"].iter().find_map(|field| item[field].as_str());
                let name = name.map_or_else(|| nth.saturating_add(1).to_string(), str::to_owned);
                flatten(settings, rank, &format!("{path}[{name}]"), item);
            }
        }
        Value::Array(items) => settings.put(rank, path, joined(items)),
        leaf => settings.put(rank, path, compact(leaf)),
    }
}

fn joined(items: &[Value]) -> String {
    items.iter().map(compact).collect::<Vec<_>>().join(", ")
}

/// Workload, replicas and how it is rolled out.
pub(super) fn workload(settings: &mut Settings<'_>, component: &Component, workload: &Value) {
    let reference = &component.workload;
    settings.put(0, "workload", format!("{} {}", reference.kind, reference.name));
    settings.put(9, "wave", component.wave.to_string());
    let spec = &workload["spec"];
    if let Some(replicas) = spec["replicas"].as_i64() {
        settings.put(4, "replicas", replicas.to_string());
    }
    for field in ["strategy", "updateStrategy"] {
        flatten(settings, 8, &format!("rollout.{field}"), &spec[field]);
    }
    for field in ["minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit", "podManagementPolicy"]
    {
        flatten(settings, 8, &format!("rollout.{field}"), &spec[field]);
    }
}

/// One thing of a pod template by its name, what may be seen of it, and its value. Labels and annotations are not settings: tools write
/// stamps and checksums there.
pub(super) fn thing<'c>(
    settings: &mut Settings<'_>,
    component: &Component,
    (what, text, value): (&str, &str, &Value),
    held: impl Fn(&ConfigRef, &str) -> Option<&'c Fact>,
) {
    if what.starts_with("labels: ") || what.starts_with("annotations: ") {
        return;
    }
    let main = what.strip_prefix(component.container.as_str()).and_then(|rest| rest.strip_prefix(": "));
    let name = main.unwrap_or(what);
    let kind = what.split_once(": ").map_or(what, |(_, kind)| kind);
    if main == Some("image") {
        return image(settings, &compact(value));
    }
    if kind.starts_with("env ") {
        return variable(settings, name, (text, value), held);
    }
    if kind.starts_with("requests ") || kind.starts_with("limits ") {
        // `1` and `1000m` are the same
        let amount = usage::quantity(text).map_or_else(|| value.clone(), |amount| amount.to_string().into());
        return settings.compared(5, name, text.to_owned(), &amount);
    }
    if kind.ends_with("Probe") {
        return settings.compared(7, name, probe(value), value);
    }
    settings.compared(9, name, text.to_owned(), value);
}

fn image(settings: &mut Settings<'_>, image: &str) {
    let parts = version::parse(image);
    settings.put(1, "image", parts.repository);
    settings.put(2, "version", version::version_of(image));
    if let Some(digest) = parts.digest {
        settings.put(3, "digest", digest);
    }
}

/// A variable: what it is, or what the key holds that it comes from. Of a Secret's key only the hash is known here.
fn variable<'c>(
    settings: &mut Settings<'_>,
    name: &str,
    (text, value): (&str, &Value),
    held: impl Fn(&ConfigRef, &str) -> Option<&'c Fact>,
) {
    let sources = [("secretKeyRef", ConfigKind::Secret), ("configMapKeyRef", ConfigKind::ConfigMap)];
    let from = sources.into_iter().find_map(|(field, kind)| {
        let part = |part: &str| value["valueFrom"][field][part].as_str();
        Some((ConfigRef { kind, name: part("name")?.to_owned() }, part("key")?))
    });
    let mut fact = fact(settings.salt, text.to_owned(), value.get("value").unwrap_or(value));
    if let Some(held) = from.and_then(|(reference, key)| held(&reference, key)) {
        fact.held = Some(held.hash.clone());
        fact.text = if held.text.is_empty() {
            format!("#{} from {text}", held.hash.get(..super::DIGITS).unwrap_or_default())
        } else {
            format!("{} from {text}", held.text)
        };
    }
    settings.found.insert((6, name.to_owned()), fact);
}

/// A probe in words.
fn probe(value: &Value) -> String {
    let what = if value["httpGet"].is_object() {
        let get = &value["httpGet"];
        let scheme = if get["scheme"] == "HTTPS" { "https" } else { "http" };
        format!("{scheme} :{}{}", compact(&get["port"]), compact(&get["path"]))
    } else if value["tcpSocket"].is_object() {
        format!("tcp :{}", compact(&value["tcpSocket"]["port"]))
    } else if value["grpc"].is_object() {
        format!("grpc :{}", compact(&value["grpc"]["port"]))
    } else {
        let command = value["exec"]["command"].as_array().map(Vec::as_slice).unwrap_or_default();
        format!("exec {}", joined(command).replace(", ", " "))
    };
    let number = |field: &str, default: i64| value[field].as_i64().unwrap_or(default);
    let delay = number("initialDelaySeconds", 0);
    let after = if delay == 0 { String::new() } else { format!(" after {delay}s") };
    format!(
        "{what}{after} every {}s, timeout {}s, fails {}x",
        number("periodSeconds", 10),
        number("timeoutSeconds", 1),
        number("failureThreshold", 3)
    )
}

/// The autoscaler of a component, if it has one.
pub(super) fn autoscaler(settings: &mut Settings<'_>, component: &Component, all: &[Value]) {
    let scales = |one: &&Value| {
        let target = &one["spec"]["scaleTargetRef"];
        target["kind"] == component.workload.kind.as_str()
            && target["name"] == component.workload.name.as_str()
    };
    let Some(autoscaler) = all.iter().find(scales) else { return };
    let (spec, name) = (&autoscaler["spec"], &component.name);
    let least = spec["minReplicas"].as_i64().unwrap_or(1);
    settings.put(0, format!("{name} pods"), format!("{least} to {}", compact(&spec["maxReplicas"])));
    for metric in spec["metrics"].as_array().into_iter().flatten() {
        let kind = compact(&metric["type"]);
        let field = format!(
            "{}{}",
            kind.get(..1).unwrap_or_default().to_lowercase(),
            kind.get(1..).unwrap_or_default()
        );
        let inner = &metric[&field];
        let of = inner["name"].as_str().or_else(|| inner["metric"]["name"].as_str()).unwrap_or(&field);
        let target = &inner["target"];
        let wanted = match target["averageUtilization"].as_i64() {
            Some(percent) => format!("{percent}% of requests"),
            None => ["averageValue", "value"].iter().map(|field| compact(&target[field])).collect(),
        };
        settings.put(1, format!("{name} {of}"), wanted);
    }
    flatten(settings, 2, &format!("{name} behavior"), &spec["behavior"]);
}

/// Hosts, paths and class of an Ingress.
pub(super) fn ingress(settings: &mut Settings<'_>, object: &Value) {
    let name = compact(&object["metadata"]["name"]);
    let spec = &object["spec"];
    let rules = || spec["rules"].as_array().into_iter().flatten();
    let hosts: Vec<Value> = rules().map(|rule| rule["host"].clone()).filter(Value::is_string).collect();
    let hosts = if hosts.is_empty() { "any host".to_owned() } else { joined(&hosts) };
    settings.put(0, format!("{name} hosts"), hosts);
    for path in rules().flat_map(|rule| rule["http"]["paths"].as_array().into_iter().flatten()) {
        let service = &path["backend"]["service"];
        let port =
            ["number", "name"].iter().map(|field| compact(&service["port"][field])).collect::<String>();
        let target = format!("{}:{port}", compact(&service["name"]));
        let path = path["path"].as_str().unwrap_or("/");
        settings.put(1, format!("{name} {path}"), target);
    }
    if let Some(class) = spec["ingressClassName"].as_str() {
        settings.put(2, format!("{name} class"), class);
    }
    let tls: Vec<Value> =
        spec["tls"].as_array().into_iter().flatten().map(|tls| tls["secretName"].clone()).collect();
    let tls = if tls.is_empty() { "none".to_owned() } else { joined(&tls) };
    settings.put(2, format!("{name} certificates"), tls);
}

/// Hosts and targets of an `HTTPRoute`.
pub(super) fn route(settings: &mut Settings<'_>, object: &Value) {
    let name = compact(&object["metadata"]["name"]);
    let spec = &object["spec"];
    let hosts = spec["hostnames"].as_array().map(Vec::as_slice).unwrap_or_default();
    let hosts = if hosts.is_empty() { "any host".to_owned() } else { joined(hosts) };
    settings.put(0, format!("{name} hosts"), hosts);
    for (nth, rule) in spec["rules"].as_array().into_iter().flatten().enumerate() {
        let nth = nth.saturating_add(1);
        let paths: Vec<Value> = rule["matches"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["path"]["value"].clone())
            .filter(Value::is_string)
            .collect();
        let paths = if paths.is_empty() { "/".to_owned() } else { joined(&paths) };
        let targets: Vec<String> = rule["backendRefs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|target| format!("{}:{}", compact(&target["name"]), compact(&target["port"])))
            .collect();
        settings.put(1, format!("{name} rule {nth}"), format!("{paths} to {}", targets.join(", ")));
    }
}
