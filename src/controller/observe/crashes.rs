//! Why the pods of a canary or green workload are gone: crashed containers are the version's fault, evicted pods are not.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;
use kube::api::ListParams;

use super::super::requests::api;
use super::Context;
use crate::api::labels::LABEL_OWN_TRACK;
use crate::api::strategy::Track;

/// One sentence about the first crashed container among the pods of a workload; nothing where none has crashed, or none can be read.
pub(super) async fn of(context: &Context, namespace: &str, workload: &str, track: Track) -> Option<String> {
    let params = ListParams::default().labels(&format!("{LABEL_OWN_TRACK}={track}"));
    let pods = api::<Pod>(context, namespace).list(&params).await.ok()?;
    let is_its = |pod: &&Pod| pod.name_any().strip_prefix(workload).is_some_and(|rest| rest.starts_with('-'));
    pods.items.iter().filter(is_its).find_map(why)
}

fn why(pod: &Pod) -> Option<String> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let status = pod.status.as_ref()?;
    let mut all = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    all.find_map(crash).map(|(container, how)| format!("container {container} of {} {how}", pod.name_any()))
}

/// A container that ended by itself and was started again in its place. A node that went away says `Unknown`.
fn crash(status: &ContainerStatus) -> Option<(&str, String)> {
    let ended = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    let ended = ended.or_else(|| status.state.as_ref().and_then(|state| state.terminated.as_ref()));
    let waits = status.state.as_ref().and_then(|state| state.waiting.as_ref()?.reason.as_deref());
    if waits == Some("CrashLoopBackOff") {
        return Some((&status.name, "is in CrashLoopBackOff".to_owned()));
    }
    let ended = ended.filter(|_| status.restart_count > 0)?;
    let reason = ended.reason.as_deref().unwrap_or("Error");
    let is_crash = ended.exit_code != 0 && reason != "Unknown" && reason != "ContainerStatusUnknown";
    is_crash.then(|| (status.name.as_str(), format!("crashed: {reason}, exit code {}", ended.exit_code)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(container: &Value) -> Pod {
        serde_json::from_value(
            json!({"metadata": {"name": "web-canary-1-x"}, "status": {"containerStatuses": [container]}}),
        )
        .unwrap()
    }

    #[test]
    fn a_crash_is_told_from_an_eviction() {
        let container = |restarts: i32, state: Value, last: Value| {
            json!({"name": "web", "image": "", "imageID": "", "ready": false, "restartCount": restarts,
                "state": state, "lastState": last})
        };
        let ended = |code: i32, reason: &str| json!({"terminated": {"exitCode": code, "reason": reason}});
        for (status, expected) in [
            (container(0, json!({"waiting": {"reason": "ContainerCreating"}}), json!({})), None),
            (container(0, json!({"running": {}}), json!({})), None),
            (container(0, ended(143, "Error"), json!({})), None),
            (container(1, json!({"running": {}}), ended(255, "Unknown")), None),
            (container(1, json!({"running": {}}), ended(0, "Completed")), None),
            (
                container(1, json!({"running": {}}), ended(137, "OOMKilled")),
                Some("container web of web-canary-1-x crashed: OOMKilled, exit code 137"),
            ),
            (
                container(4, json!({"waiting": {"reason": "CrashLoopBackOff"}}), ended(1, "Error")),
                Some("container web of web-canary-1-x is in CrashLoopBackOff"),
            ),
        ] {
            assert_eq!(why(&pod(&status)).as_deref(), expected, "{status}");
        }
    }
}
