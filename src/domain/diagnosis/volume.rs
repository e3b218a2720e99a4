//! A volume is not attached or not mounted.
//!
//! Events `FailedMount` and `FailedAttachVolume`: `pkg/kubelet/volumemanager/volume_manager.go`,
//! `pkg/volume/util/operationexecutor/operation_generator.go`, `pkg/controller/volume/attachdetach/reconciler`.

use super::facts::Facts;
use super::words::{between, joined};
use super::{Cause, Found, Jump};

const REASONS: [&str; 3] = ["FailedAttachVolume", "FailedMount", "FailedMapVolume"];

pub(super) const CAUSE: Cause = Cause { id: "volume-not-mounted", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    // a pod that runs has its volumes: the warning is an old one
    let waits = facts.waits(&["ContainerCreating", "PodInitializing"]).is_some();
    let warning = facts.warned(&REASONS).next().filter(|_| waits)?;
    let message = &*warning.message;
    let volume = between(message, "for volume \"", "\"")
        .or_else(|| between(message, "unmounted volumes=[", "]"))
        .unwrap_or("of the pod");
    let (why, remedy) = if message.contains("Multi-Attach") {
        (
            "still attached to another node",
            "end the pod that holds it, or use a volume that several nodes may mount",
        )
    } else if message.contains("timed out") || message.contains("deadline exceeded") {
        ("not mounted in time", "look at the storage driver's pods and at the PersistentVolumeClaim")
    } else if &*warning.reason == "FailedAttachVolume" {
        ("cannot be attached to the node", "look at the PersistentVolume and at the storage driver's pods")
    } else {
        ("cannot be mounted", "look at the PersistentVolumeClaim and at the storage driver's pods")
    };
    Some(Found {
        sentence: format!("volume {volume} is {why}")
            .replace("is cannot", "cannot")
            .replace("is not mounted", "was not mounted"),
        evidence: joined(&warning.reason, message),
        remedy: remedy.to_owned(),
        jump: Some(Jump::Describe),
    })
}
