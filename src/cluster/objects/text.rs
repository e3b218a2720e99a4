//! The objects of an environment as text, section by section.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::text::describe::{items, text};
use super::{Listed, Objects};
use crate::api::environment::WorkloadKind;
use crate::cluster::Error;
use crate::domain::disruption_budget::{Block, Budget};
use crate::domain::workload_kind;

/// Revisions that are told of each workload: as many as a person looks back.
const MOST_REVISIONS: usize = 8;

/// Every section.
pub(super) fn all(objects: &Objects) -> String {
    let mut out = String::new();
    revisions(&mut out, objects);
    section(
        &mut out,
        "Autoscalers",
        &objects.autoscalers,
        "none: the number of pods is fixed",
        |out, found| {
            for one in found {
                autoscaler(out, one);
            }
        },
    );
    section(
        &mut out,
        "Disruption budgets",
        &objects.budgets,
        "none: a drain may take all pods at once",
        |out, found| {
            for one in found {
                budget(out, one);
            }
        },
    );
    section(&mut out, "Services", &objects.services, "none", |out, found| {
        for one in found {
            service(out, one, &objects.slices);
        }
    });
    section(&mut out, "Ingresses", &objects.ingresses, "none", |out, found| {
        for one in found {
            ingress(out, one, objects);
        }
    });
    out
}

fn section<T>(
    out: &mut String,
    title: &str,
    listed: &Result<Vec<T>, Error>,
    empty: &str,
    tell: impl Fn(&mut String, &[T]),
) {
    let _ = writeln!(out, "\n{title}");
    match listed {
        Err(error) => {
            let _ = writeln!(out, "  {error}");
        }
        Ok(found) if found.is_empty() => {
            let _ = writeln!(out, "  {empty}");
        }
        Ok(found) => tell(out, found),
    }
}

fn int(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

fn shown(number: Option<i64>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

/// ReplicaSets or ControllerRevisions of every workload, the newest first.
fn revisions(out: &mut String, objects: &Objects) {
    out.push_str("Revisions\n");
    for (kind, listed) in &objects.revisions {
        let mine = |(of, _): &&(WorkloadKind, String)| workload_kind::row(*of).revisions == *kind;
        let found = match listed {
            Ok(found) => found,
            Err(error) => {
                let _ = writeln!(out, "  {error}");
                continue;
            }
        };
        for (_, workload) in objects.workloads.iter().filter(mine) {
            let owned = |object: &&Value| {
                items(object, "/metadata/ownerReferences").iter().any(|owner| {
                    let name = text(owner, "/name");
                    name == workload
                        || name
                            .strip_prefix(workload.as_str())
                            .is_some_and(|rest| matches!(rest, "-canary" | "-green"))
                })
            };
            let mut all: Vec<&Value> = found.iter().filter(owned).collect();
            all.sort_by_key(|object| std::cmp::Reverse(revision(object)));
            let _ = writeln!(out, "  {workload}{}", if all.is_empty() { ": none" } else { "" });
            for object in all.iter().take(MOST_REVISIONS) {
                one_revision(out, object);
            }
            if all.len() > MOST_REVISIONS {
                let _ = writeln!(out, "    … {} older", all.len() - MOST_REVISIONS);
            }
        }
    }
}

fn revision(object: &Value) -> i64 {
    let notes = ["deployment.kubernetes.io~1revision", "rollout.argoproj.io~1revision"];
    let known =
        notes.iter().find_map(|note| text(object, &format!("/metadata/annotations/{note}")).parse().ok());
    known.or_else(|| int(object, "/revision")).unwrap_or_default()
}

fn one_revision(out: &mut String, object: &Value) {
    let containers = ["/spec/template/spec/containers", "/data/spec/template/spec/containers"];
    let images: Vec<&str> =
        containers.iter().flat_map(|pointer| items(object, pointer)).map(|one| text(one, "/image")).collect();
    let pods = match int(object, "/spec/replicas") {
        Some(wanted) => {
            format!("{}/{wanted} ready", int(object, "/status/readyReplicas").unwrap_or_default())
        }
        None => String::new(),
    };
    let created = text(object, "/metadata/creationTimestamp");
    let line = format!(
        "    rev {:<4} {:<28} {pods:<12} {created}  {}",
        revision(object),
        text(object, "/metadata/name"),
        images.join(", ")
    );
    let _ = writeln!(out, "{}", line.trim_end());
}

/// `backend: 2 to 10, now 4, wanted 4; cpu 71% of 80%`.
fn autoscaler(out: &mut String, object: &Value) {
    let target = format!(
        "{}/{}",
        text(object, "/spec/scaleTargetRef/kind"),
        text(object, "/spec/scaleTargetRef/name")
    );
    let least = int(object, "/spec/minReplicas").unwrap_or(1);
    let _ = writeln!(
        out,
        "  {} for {target}: {least} to {}, now {}, wanted {}",
        text(object, "/metadata/name"),
        shown(int(object, "/spec/maxReplicas")),
        shown(int(object, "/status/currentReplicas")),
        shown(int(object, "/status/desiredReplicas")),
    );
    let current = items(object, "/status/currentMetrics");
    for metric in items(object, "/spec/metrics") {
        let name = text(metric, "/resource/name");
        let now = current.iter().find(|one| text(one, "/resource/name") == name);
        let now = now.and_then(|one| int(one, "/resource/current/averageUtilization"));
        match int(metric, "/resource/target/averageUtilization") {
            Some(wanted) if !name.is_empty() => {
                let now = now.map_or_else(|| "no value".to_owned(), |now| format!("{now}%"));
                let _ = writeln!(out, "    {name} {now} of {wanted}%");
            }
            _ => {
                let _ = writeln!(out, "    by a metric of kind {}", text(metric, "/type"));
            }
        }
    }
    for condition in items(object, "/status/conditions") {
        let (kind, holds) = (text(condition, "/type"), text(condition, "/status"));
        let notable =
            (kind == "ScalingLimited" && holds == "True") || (kind != "ScalingLimited" && holds == "False");
        if notable {
            let _ = writeln!(out, "    ! {kind} {holds}: {}", text(condition, "/message"));
        }
    }
}

/// `backend: minAvailable 2, needs 2, healthy 3 of 3, 1 may go`; loudly where it stands in the way of every drain, or of one right now.
fn budget(out: &mut String, budget: &Budget) {
    let of = if budget.workloads.is_empty() {
        String::new()
    } else {
        format!(" of {}", budget.workloads.join(", "))
    };
    let _ = writeln!(out, "  {}{of}: {}", budget.name, budget.numbers());
    let Some(block) = budget.block() else {
        if budget.is_counted && budget.pods == 0 {
            out.push_str("    ! it selects no pods\n");
        }
        return;
    };
    match (budget.waits(), block) {
        (Some(waits), _) => {
            let _ = writeln!(out, "    ! {waits}, since {}", budget.sentence(block));
        }
        // as long as pods come and go that is as it should be
        (None, Block::Now) => {}
        (None, _) => {
            let _ = writeln!(out, "    ! {}: no drain gets past it", budget.sentence(block));
        }
    }
}

fn service(out: &mut String, object: &Value, slices: &Listed) {
    let name = text(object, "/metadata/name");
    let ports: Vec<String> = items(object, "/spec/ports")
        .iter()
        .map(|port| format!("{} {}", text(port, "/name"), shown(int(port, "/port"))).trim_start().to_owned())
        .collect();
    let kind = match text(object, "/spec/type") {
        "" => "ClusterIP",
        kind => kind,
    };
    let endpoints = match slices {
        Err(error) => error.to_string(),
        Ok(_) if kind == "ExternalName" => format!("leads to {}", text(object, "/spec/externalName")),
        Ok(slices) => endpoints(slices, name),
    };
    let _ = writeln!(out, "  {name:<28} {kind:<12} {:<24} {endpoints}", ports.join(", "));
}

/// `4 ready` or `3 ready, 1 not ready`; a Service without any says so loudly.
fn endpoints(slices: &[Value], service: &str) -> String {
    let mine = slices
        .iter()
        .filter(|slice| text(slice, "/metadata/labels/kubernetes.io~1service-name") == service)
        .flat_map(|slice| items(slice, "/endpoints"));
    let (mut ready, mut others) = (0, 0);
    for endpoint in mine {
        // Absent means ready, as the API says.
        let is_ready = endpoint.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true);
        if is_ready { ready += 1 } else { others += 1 }
    }
    match (ready, others) {
        (0, 0) => "! no endpoints".to_owned(),
        (0, others) => format!("! none ready of {others} endpoints"),
        (ready, 0) => format!("{ready} endpoints ready"),
        (ready, others) => format!("{ready} endpoints ready, {others} not"),
    }
}

fn ingress(out: &mut String, object: &Value, objects: &Objects) {
    let class = text(object, "/spec/ingressClassName");
    let _ = writeln!(
        out,
        "  {}{}",
        text(object, "/metadata/name"),
        if class.is_empty() { String::new() } else { format!(" ({class})") }
    );
    for rule in items(object, "/spec/rules") {
        let host = match text(rule, "/host") {
            "" => "any host",
            host => host,
        };
        let paths: Vec<String> = items(rule, "/http/paths")
            .iter()
            .map(|path| format!("{} to {}", text(path, "/path"), text(path, "/backend/service/name")))
            .collect();
        let _ = writeln!(out, "    {host}: {}", paths.join(", "));
    }
    let addresses: Vec<&str> = items(object, "/status/loadBalancer/ingress")
        .iter()
        .map(|one| if text(one, "/ip").is_empty() { text(one, "/hostname") } else { text(one, "/ip") })
        .collect();
    if !addresses.is_empty() {
        let _ = writeln!(out, "    address {}", addresses.join(", "));
    }
    if items(object, "/spec/tls").is_empty() {
        out.push_str("    no TLS\n");
    }
    for tls in items(object, "/spec/tls") {
        let secret = text(tls, "/secretName");
        let sentence =
            objects.certificates.get(secret).map_or("certificate of the ingress controller", String::as_str);
        let _ = writeln!(out, "    TLS {secret}: {sentence}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::cluster::Kind;
    use crate::domain::disruption_budget::{Held, Leaves};

    fn set(name: &str, revision: i64, wanted: i64) -> Value {
        json!({"metadata": {"name": name, "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
                "ownerReferences": [{"kind": "Deployment", "name": "backend"}]},
            "spec": {"replicas": wanted, "template": {"spec": {"containers": [{"image": format!("b:v{revision}")}]}}},
            "status": {"readyReplicas": wanted}})
    }

    fn budget(name: &str, (needs, healthy, pods): (i32, i32, i32)) -> Budget {
        Budget {
            name: name.into(),
            rule: format!("minAvailable {needs}").into(),
            needs,
            healthy,
            pods,
            allowed: healthy - needs,
            is_counted: true,
            workloads: Box::new([name.into()]),
            ..Budget::default()
        }
    }

    fn objects() -> Objects {
        let slice = |ready: &[bool]| {
            json!({"metadata": {"labels": {"kubernetes.io/service-name": "backend"}},
            "endpoints": ready.iter().map(|ready| json!({"conditions": {"ready": ready}})).collect::<Vec<_>>()})
        };
        let hpa = json!({"metadata": {"name": "backend"}, "spec": {"minReplicas": 2, "maxReplicas": 10,
                "scaleTargetRef": {"kind": "Deployment", "name": "backend"},
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}]},
            "status": {"currentReplicas": 10, "desiredReplicas": 10,
                "currentMetrics": [{"resource": {"name": "cpu", "current": {"averageUtilization": 131}}}],
                "conditions": [{"type": "ScalingLimited", "status": "True", "message": "the desired count is above the maximum"},
                    {"type": "AbleToScale", "status": "True", "message": "fine"}]}});
        let ingress = json!({"metadata": {"name": "web"}, "spec": {"ingressClassName": "nginx",
            "rules": [{"host": "planera.app", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "backend"}}}]}}],
            "tls": [{"hosts": ["planera.app"], "secretName": "web-tls"}]}});
        Objects {
            workloads: vec![(WorkloadKind::Deployment, "backend".into())],
            revisions: vec![(
                workload_kind::Revisions::ReplicaSets,
                Ok(vec![set("backend-1", 40, 0), set("backend-2", 41, 3)]),
            )],
            autoscalers: Ok(vec![hpa]),
            budgets: Ok(vec![
                budget("backend", (2, 3, 3)),
                budget("all", (2, 2, 2)),
                budget("rolling", (2, 2, 3)),
                Budget {
                    held: Box::new([Held {
                        pod: "db-0".into(),
                        node: "node-1".into(),
                        leaves: Leaves::Cordoned,
                    }]),
                    ..budget("drained", (1, 1, 1))
                },
                budget("nothing", (0, 0, 0)),
            ]),
            services: Ok(vec![
                json!({"metadata": {"name": "backend"}, "spec": {"ports": [{"name": "http", "port": 80}]}}),
                json!({"metadata": {"name": "lost"}, "spec": {"ports": [{"port": 81}]}}),
            ]),
            slices: Ok(vec![slice(&[true, true]), slice(&[false])]),
            ingresses: Ok(vec![ingress]),
            certificates: BTreeMap::from([("web-tls".into(), "certificate for planera.app: valid".into())]),
        }
    }

    #[test]
    fn everything_is_told_in_its_place() {
        let words = all(&objects());
        for part in [
            "  backend\n    rev 41   backend-2",
            "3/3 ready",
            "b:v40",
            "backend for Deployment/backend: 2 to 10, now 10, wanted 10",
            "    cpu 131% of 80%",
            "    ! ScalingLimited True: the desired count is above the maximum",
            "  backend of backend: minAvailable 2, needs 2, healthy 3 of 3, 1 may go\n  all of all:",
            "0 may go\n    ! disruption budget all lets no pod go: it needs all 2 of them healthy: no drain gets past it\n",
            "  rolling of rolling: minAvailable 2, needs 2, healthy 2 of 3, 0 may go\n  drained",
            "    ! node-1 is cordoned, and 1 pod cannot leave it, since disruption budget drained lets no pod go: it needs its only one",
            "    ! it selects no pods",
            "2 endpoints ready, 1 not",
            "! no endpoints",
            "  web (nginx)\n    planera.app: / to backend",
            "    TLS web-tls: certificate for planera.app: valid",
        ] {
            assert!(words.contains(part), "{part} in\n{words}");
        }
        assert!(
            words.find("rev 41").unwrap() < words.find("rev 40").unwrap() && !words.contains("AbleToScale"),
            "{words}"
        );
    }

    #[test]
    fn what_may_not_be_read_hides_nothing_else() {
        let denied = || Err(Error::new(Kind::Denied, "you may not list them"));
        let words = all(&Objects {
            autoscalers: denied(),
            budgets: Err(Error::new(Kind::Denied, "you may not list budgets")),
            slices: denied(),
            ..objects()
        });
        assert!(words.contains("Autoscalers\n  you may not list them"), "{words}");
        assert!(words.contains("Disruption budgets\n  you may not list budgets"), "{words}");
        assert!(
            words.contains(
                "backend                      ClusterIP    http 80                  you may not list them"
            ),
            "{words}"
        );
        assert!(words.contains("  web (nginx)"), "{words}");
        let bare = all(&Objects {
            ingresses: Ok(Vec::new()),
            autoscalers: Ok(Vec::new()),
            budgets: Ok(Vec::new()),
            ..objects()
        });
        assert!(
            bare.contains("Ingresses\n  none")
                && bare.contains("the number of pods is fixed")
                && bare.contains("a drain may take all pods at once"),
            "{bare}"
        );
    }
}
