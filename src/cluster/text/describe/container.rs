//! The containers of a pod or of a template: image, state, last end, probes, bounds, environment's names.

use std::fmt::Write as _;

use serde_json::Value;

use super::{items, pairs, text};

fn line(out: &mut String, title: &str, words: &str) {
    if !words.is_empty() {
        let _ = writeln!(out, "  {title:<16} {words}");
    }
}

/// Every container of a pod with what its status says.
pub(super) fn all(out: &mut String, pod: &Value) {
    let statuses: Vec<&Value> =
        ["/status/initContainerStatuses", "/status/containerStatuses", "/status/ephemeralContainerStatuses"]
            .iter()
            .flat_map(|pointer| items(pod, pointer))
            .collect();
    for (kind, pointer) in [
        ("Init container", "/spec/initContainers"),
        ("Container", "/spec/containers"),
        ("Ephemeral container", "/spec/ephemeralContainers"),
    ] {
        for container in items(pod, pointer) {
            let name = text(container, "/name");
            let status = statuses.iter().find(|status| text(status, "/name") == name);
            let sidecar = kind == "Init container" && text(container, "/restartPolicy") == "Always";
            one(out, if sidecar { "Sidecar" } else { kind }, container, status.copied());
        }
    }
}

/// One container; without a status where it is only a template.
pub(super) fn one(out: &mut String, kind: &str, container: &Value, status: Option<&Value>) {
    let _ = writeln!(out, "\n{kind} {}", text(container, "/name"));
    line(out, "image", text(container, "/image"));
    if let Some(status) = status {
        let digest = text(status, "/imageID").rsplit_once('@').map_or("", |(_, digest)| digest);
        line(out, "digest", digest);
        line(out, "state", &state(status.pointer("/state")));
        if status.pointer("/lastState").and_then(Value::as_object).is_some_and(|last| !last.is_empty()) {
            line(out, "last state", &state(status.pointer("/lastState")));
        }
        let ready = status.pointer("/ready").and_then(Value::as_bool).unwrap_or_default();
        let restarts = status.pointer("/restartCount").and_then(Value::as_u64).unwrap_or_default();
        line(out, "ready", &ready.to_string());
        line(out, "restarts", &restarts.to_string());
    }
    for bound in ["requests", "limits"] {
        line(out, bound, &pairs(container, &format!("/resources/{bound}"), " ").join(", "));
    }
    for (title, pointer) in
        [("startup", "/startupProbe"), ("liveness", "/livenessProbe"), ("readiness", "/readinessProbe")]
    {
        line(out, title, &container.pointer(pointer).map(probe).unwrap_or_default());
    }
    let ports: Vec<String> = items(container, "/ports").iter().map(port).collect();
    line(out, "ports", &ports.join(", "));
    let words = |pointer: &str| {
        items(container, pointer).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    line(out, "command", &words("/command"));
    line(out, "arguments", &words("/args"));
    line(out, "environment", &environment(container));
    let mounts: Vec<String> = items(container, "/volumeMounts").iter().map(mount).collect();
    line(out, "mounts", &mounts.join(", "));
}

/// `terminated: exit 137 OOMKilled since … until …` and the like.
fn state(state: Option<&Value>) -> String {
    let Some((name, detail)) = state.and_then(Value::as_object).and_then(|state| state.iter().next()) else {
        return "unknown".to_owned();
    };
    let mut words = name.clone();
    if let Some(code) = detail.pointer("/exitCode").and_then(Value::as_i64) {
        let _ = write!(words, ": exit {code}");
    }
    for pointer in ["/reason", "/message"] {
        let value = text(detail, pointer).trim();
        if !value.is_empty() {
            let _ = write!(words, " {value}");
        }
    }
    if let Some(signal) = detail.pointer("/signal").and_then(Value::as_i64).filter(|signal| *signal != 0) {
        let _ = write!(words, " signal {signal}");
    }
    for (title, pointer) in [("since", "/startedAt"), ("until", "/finishedAt")] {
        let value = text(detail, pointer);
        if !value.is_empty() {
            let _ = write!(words, " {title} {value}");
        }
    }
    words
}

/// `GET :8080/ready every 5s, 3 failures`.
fn probe(probe: &Value) -> String {
    let shown = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) if !value.is_null() => value.to_string(),
        _ => String::new(),
    };
    let mut words = if let Some(get) = probe.pointer("/httpGet") {
        let https = if text(get, "/scheme") == "HTTPS" { "https " } else { "" };
        format!("GET {https}:{}{}", shown(get.pointer("/port")), text(get, "/path"))
    } else if let Some(socket) = probe.pointer("/tcpSocket") {
        format!("connects to :{}", shown(socket.pointer("/port")))
    } else if let Some(grpc) = probe.pointer("/grpc") {
        format!("gRPC :{} {}", shown(grpc.pointer("/port")), text(grpc, "/service")).trim_end().to_owned()
    } else {
        let command: Vec<&str> = items(probe, "/exec/command").iter().filter_map(Value::as_str).collect();
        format!("runs {}", command.join(" "))
    };
    let number = |pointer: &str| probe.pointer(pointer).and_then(Value::as_i64);
    if let Some(delay) = number("/initialDelaySeconds").filter(|delay| *delay > 0) {
        let _ = write!(words, " after {delay}s");
    }
    if let Some(period) = number("/periodSeconds") {
        let _ = write!(words, " every {period}s");
    }
    if let Some(timeout) = number("/timeoutSeconds").filter(|timeout| *timeout > 1) {
        let _ = write!(words, ", within {timeout}s");
    }
    if let Some(failures) = number("/failureThreshold") {
        let _ = write!(words, ", {failures} failures");
    }
    words
}

fn port(port: &Value) -> String {
    let number = port.pointer("/containerPort").and_then(Value::as_i64).unwrap_or_default();
    let protocol = match text(port, "/protocol") {
        "" => "TCP",
        protocol => protocol,
    };
    format!("{} {number}/{protocol}", text(port, "/name")).trim_start().to_owned()
}

/// Names and where their values come from; never a value.
fn environment(container: &Value) -> String {
    let single = items(container, "/env").iter().map(|one| {
        let name = text(one, "/name");
        let from = [("secretKeyRef", "secret"), ("configMapKeyRef", "config map"), ("fieldRef", "field")];
        let source = from.iter().find_map(|(key, word)| {
            let source = one.pointer(&format!("/valueFrom/{key}"))?;
            let of = if *key == "fieldRef" { text(source, "/fieldPath") } else { text(source, "/name") };
            Some(format!("{name} from {word} {of}"))
        });
        source.unwrap_or_else(|| name.to_owned())
    });
    let whole = items(container, "/envFrom").iter().map(|one| {
        let (secret, map) = (text(one, "/secretRef/name"), text(one, "/configMapRef/name"));
        if secret.is_empty() { format!("all of config map {map}") } else { format!("all of secret {secret}") }
    });
    single.chain(whole).collect::<Vec<_>>().join(", ")
}

fn mount(mount: &Value) -> String {
    let read_only = mount.pointer("/readOnly").and_then(Value::as_bool) == Some(true);
    let mode = if read_only { " (read only)" } else { "" };
    format!("{} from {}{mode}", text(mount, "/mountPath"), text(mount, "/name"))
}
