//! Tables for kubectl: the columns that it prints.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::definitions;
use super::shape::partial;
use crate::sim::kinds::{self, Resource, at, int, list, text};
use crate::sim::store::instant;

/// One column: name, type, priority, and its cell.
struct Column {
    name: String,
    kind: &'static str,
    priority: i64,
    cell: Cell,
}

enum Cell {
    Name,
    Age,
    Fn(fn(&Value) -> Value),
    /// The age of the first of these instants that is there.
    Ago(&'static [&'static [&'static str]]),
    Path {
        path: Vec<String>,
        kind: String,
    },
}

/// The table of some objects.
pub(super) fn of(resource: &Resource, objects: &[&Value], version: &str, now: DateTime<Utc>) -> Value {
    let columns = columns(resource);
    let definitions: Vec<_> = columns
        .iter()
        .map(|column| {
            let format = if matches!(column.cell, Cell::Name) { "name" } else { "" };
            json!({"name": column.name, "type": column.kind, "format": format, "description": "", "priority": column.priority})
        })
        .collect();
    let rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let cells: Vec<_> = columns.iter().map(|column| cell(&column.cell, object, now)).collect();
            json!({"cells": cells, "object": partial(object)})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version},
        "columnDefinitions": definitions, "rows": rows
    })
}

fn cell(cell: &Cell, object: &Value, now: DateTime<Utc>) -> Value {
    match cell {
        Cell::Name => object["metadata"]["name"].clone(),
        Cell::Age => age(instant(object, &["metadata", "creationTimestamp"]), now).into(),
        Cell::Ago(paths) => age(paths.iter().find_map(|path| instant(object, path)), now).into(),
        Cell::Fn(function) => function(object),
        Cell::Path { path, kind } => {
            let found = path.iter().try_fold(object, |value, step| match step.parse::<usize>() {
                Ok(n) => value.get(n),
                Err(_) => value.get(step),
            });
            match (found, kind.as_str()) {
                (None | Some(Value::Null), _) => Value::Null,
                (Some(value), "date") => age(
                    value
                        .as_str()
                        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
                        .map(|at| at.to_utc()),
                    now,
                )
                .into(),
                (Some(value), _) => value.clone(),
            }
        }
    }
}

/// A span as kubectl shows it.
fn age(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(since) = since else { return "<unknown>".to_owned() };
    let seconds = (now - since).num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let pair = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{small}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        _ => pair(days / 365, "y", days % 365, "d"),
    }
}

fn column(name: &str, kind: &'static str, priority: i64, cell: Cell) -> Column {
    Column { name: name.to_owned(), kind, priority, cell }
}

fn shown(name: &str, function: fn(&Value) -> Value) -> Column {
    column(name, "string", 0, Cell::Fn(function))
}

fn wide(name: &str, function: fn(&Value) -> Value) -> Column {
    column(name, "string", 1, Cell::Fn(function))
}

fn number(name: &str, function: fn(&Value) -> Value) -> Column {
    column(name, "integer", 0, Cell::Fn(function))
}

fn columns(resource: &Resource) -> Vec<Column> {
    let name = || column("Name", "string", 0, Cell::Name);
    let age = || column("Age", "string", 0, Cell::Age);
    let mut columns = vec![name()];
    if let Some(definition) = definitions::of(resource) {
        columns.extend(printer_columns(&definition.crd));
        return columns;
    }
    let data = |it: &Value| it["data"].as_object().map_or(0, serde_json::Map::len).into();
    match resource.kind {
        "Pod" | "Deployment" | "ReplicaSet" | "StatefulSet" => {
            columns.extend(workload_columns(resource.kind, age()));
        }
        "Event" => {
            columns = vec![
                column(
                    "Last Seen",
                    "string",
                    0,
                    Cell::Ago(&[&["series", "lastObservedTime"], &["lastTimestamp"], &["eventTime"]]),
                ),
                shown("Type", |it| it["type"].clone()),
                shown("Reason", |it| it["reason"].clone()),
                shown("Object", |it| {
                    let about = &it["involvedObject"];
                    let kind = kinds::text(about, &["kind"]).to_lowercase();
                    format!("{kind}/{}", kinds::text(about, &["name"])).into()
                }),
                shown("Message", |it| it["message"].clone()),
                column("Name", "string", 1, Cell::Name),
            ];
        }
        "Node" => columns.extend([
            shown("Status", |_| "Ready".into()),
            shown("Roles", |_| "<none>".into()),
            age(),
            shown("Version", |it| it["status"]["nodeInfo"]["kubeletVersion"].clone()),
        ]),
        "Namespace" => columns.extend([shown("Status", |it| it["status"]["phase"].clone()), age()]),
        "Service" => columns.extend([
            shown("Type", |it| it["spec"]["type"].clone()),
            shown("Cluster-IP", |it| it["spec"]["clusterIP"].clone()),
            shown("External-IP", |_| "<none>".into()),
            shown("Port(s)", service_ports),
            age(),
        ]),
        "Secret" => columns.extend([shown("Type", |it| it["type"].clone()), number("Data", data), age()]),
        "ConfigMap" => columns.extend([number("Data", data), age()]),
        "Lease" => columns.extend([shown("Holder", |it| it["spec"]["holderIdentity"].clone()), age()]),
        "CustomResourceDefinition" => {
            columns.push(shown("Created At", |it| it["metadata"]["creationTimestamp"].clone()));
        }
        _ => columns.push(age()),
    }
    columns
}

fn workload_columns(kind: &str, age: Column) -> Vec<Column> {
    let ready: fn(&Value) -> Value =
        |it| format!("{}/{}", status(it, "readyReplicas"), spec(it, "replicas")).into();
    let mut columns = match kind {
        "Pod" => {
            return vec![
                shown("Ready", pod_ready),
                shown("Status", |pod| pod_status(pod).into()),
                number("Restarts", pod_restarts),
                age,
                wide("IP", |pod| or_none(text(pod, &["status", "podIP"]))),
                wide("Node", |pod| or_none(text(pod, &["spec", "nodeName"]))),
                wide("Nominated Node", |_| "<none>".into()),
                wide("Readiness Gates", |_| "<none>".into()),
            ];
        }
        "StatefulSet" => return vec![shown("Ready", ready), age],
        "Deployment" => vec![
            shown("Ready", ready),
            number("Up-to-date", |it| status(it, "updatedReplicas").into()),
            number("Available", |it| status(it, "availableReplicas").into()),
        ],
        _ => vec![
            number("Desired", |it| spec(it, "replicas").into()),
            number("Current", |it| status(it, "replicas").into()),
            number("Ready", |it| status(it, "readyReplicas").into()),
        ],
    };
    columns.extend([
        age,
        wide("Containers", |it| containers(it, "name")),
        wide("Images", |it| containers(it, "image")),
        wide("Selector", selector),
    ]);
    columns
}

fn printer_columns(crd: &Value) -> Vec<Column> {
    let all = crd.pointer("/spec/versions/0/additionalPrinterColumns").and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .map(|column| {
            let path = text(column, &["jsonPath"]).replace('[', ".").replace(']', "");
            let kind = text(column, &["type"]).to_owned();
            let type_ = match kind.as_str() {
                "integer" => "integer",
                "number" => "number",
                _ => "string",
            };
            Column {
                name: text(column, &["name"]).to_owned(),
                kind: type_,
                priority: int(column, &["priority"]).unwrap_or(0),
                cell: Cell::Path {
                    path: path.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect(),
                    kind,
                },
            }
        })
        .collect()
}

fn status(object: &Value, field: &str) -> i64 {
    int(object, &["status", field]).unwrap_or(0)
}

fn spec(object: &Value, field: &str) -> i64 {
    int(object, &["spec", field]).unwrap_or(0)
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

fn containers(object: &Value, field: &str) -> Value {
    let parts: Vec<_> = list(object, &["spec", "template", "spec", "containers"])
        .iter()
        .map(|one| text(one, &[field]))
        .collect();
    parts.join(",").into()
}

fn selector(object: &Value) -> Value {
    let labels = at(object, &["spec", "selector", "matchLabels"]).and_then(Value::as_object);
    let parts: Vec<_> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    parts.join(",").into()
}

fn service_ports(service: &Value) -> Value {
    let parts: Vec<_> =
        list(service, &["spec", "ports"]).iter().map(|port| format!("{}/TCP", port["port"])).collect();
    parts.join(",").into()
}

fn pod_ready(pod: &Value) -> Value {
    let statuses = list(pod, &["status", "containerStatuses"]);
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    format!("{ready}/{}", list(pod, &["spec", "containers"]).len()).into()
}

fn pod_restarts(pod: &Value) -> Value {
    let statuses = list(pod, &["status", "containerStatuses"]);
    statuses.iter().filter_map(|status| int(status, &["restartCount"])).sum::<i64>().into()
}

/// The status word of a pod, as kubectl finds it.
fn pod_status(pod: &Value) -> String {
    let mut word = text(pod, &["status", "phase"]).to_owned();
    for status in list(pod, &["status", "containerStatuses"]) {
        for state in ["waiting", "terminated"] {
            let reason = text(status, &["state", state, "reason"]);
            if !reason.is_empty() {
                reason.clone_into(&mut word);
            }
        }
    }
    if kinds::is_terminating(pod) { "Terminating".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kinds::{PODS, RELEASES};

    #[test]
    fn ages_read_as_in_kubectl() {
        let now = DateTime::from_timestamp(100_000_000, 0).unwrap();
        for (seconds, expected) in [
            (5, "5s"),
            (119, "119s"),
            (125, "2m5s"),
            (1_200, "20m"),
            (11_000, "3h3m"),
            (40_000, "11h"),
            (200_000, "2d7h"),
            (900_000, "10d"),
        ] {
            assert_eq!(age(Some(now - chrono::TimeDelta::seconds(seconds)), now), expected);
        }
    }

    #[test]
    fn a_waiting_container_gives_its_reason_as_the_status_of_the_pod() {
        let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{}]}, "status": {"phase": "Pending",
            "containerStatuses": [{"ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
        let table = of(PODS, &[&pod], "1", DateTime::UNIX_EPOCH);
        let cells = table["rows"][0]["cells"].as_array().unwrap();
        assert_eq!(cells[..4], [json!("p"), json!("0/1"), json!("CrashLoopBackOff"), json!(3)]);
    }

    #[test]
    fn the_columns_of_a_release_are_those_of_its_definition() {
        let table = of(RELEASES, &[], "1", DateTime::UNIX_EPOCH);
        let names: Vec<_> = table["columnDefinitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names[0], "Name");
        assert!(names.contains(&"Phase".to_owned()) && names.contains(&"Requested-By".to_owned()));
    }
}
