//! Why a rollout has failed: looked for only then, since pods and events are many.

use std::collections::BTreeMap;

use super::super::metadata::namespace;
use super::Context;
use crate::cluster::examine::why_stuck;
use crate::domain::known_version::tag;
use crate::domain::rollout::Observed;
use crate::domain::rollout_status::{RolloutStatus, WorkloadState};
use crate::domain::rollout_verdict::rollout_status;

/// One sentence per component whose workload, or the second one beside it, cannot get on or was changed by another hand.
pub(super) async fn of(context: &Context, observed: &Observed) -> BTreeMap<String, String> {
    let mut causes = BTreeMap::new();
    if !observed.release.phase().holds_lane() {
        return causes;
    }
    for (component, workload) in observed.tracks.iter().chain(&observed.workloads) {
        let replaced = replaced(observed, component, workload);
        let is_stuck = matches!(rollout_status(workload), RolloutStatus::Failed(_));
        if causes.contains_key(component) || !(is_stuck || replaced.is_some()) {
            continue;
        }
        let image = workload.image.as_deref().unwrap_or_default();
        let subject = (workload.kind, workload.name.as_str(), tag(image));
        let client = &context.core.client;
        if let Some(cause) = why_stuck(client, namespace(&observed.release), subject, replaced).await {
            causes.insert(component.clone(), cause);
        }
    }
    causes
}

/// The image that the release wants and the one that is there, where this attempt had brought its own already.
fn replaced(observed: &Observed, component: &str, workload: &WorkloadState) -> Option<(String, String)> {
    let status = observed.release.status.as_ref()?;
    let was_written =
        status.components.iter().any(|p| p.component.as_str() == component && p.revision.is_some());
    let image = observed.release.spec.images.iter().find(|image| image.component.as_str() == component)?;
    let present = workload.image.as_ref()?;
    let is_going_back = status.undo.is_some();
    (was_written && !is_going_back && *present != image.image).then(|| (image.image.clone(), present.clone()))
}
