//! What a workload does not tell by itself: why its pods are refused, which a Deployment repeats, and a `StatefulSet` and a `DaemonSet` leave
//! to events; and which disruption budget holds back pods that are to leave. Asked for only while a release waits for it, and not often.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::names::ComponentName;
use crate::api::{Environment, Phase, Release};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::examined::Refusal;
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::domain::diagnosis::WorkloadEvidence;
use crate::domain::workload_kind;
use crate::domain::workload_row::{WorkloadKey, WorkloadRow};

/// For how long what was read is good enough.
const AGAIN: TimeDelta = TimeDelta::seconds(20);
/// Workloads that are asked about within one span of [`AGAIN`].
const MOST: usize = 6;

/// What was read about that workload.
pub(super) fn of<'a>(cluster: &'a ClusterState, key: &WorkloadKey) -> Option<&'a WorkloadEvidence> {
    cluster.refusals.get(key).map(|refusal| &refusal.evidence)
}

/// Takes in what was read; tells whether that is news.
pub(super) fn came(cluster: &mut ClusterState, key: &WorkloadKey, evidence: WorkloadEvidence) -> bool {
    let Some(refusal) = cluster.refusals.get_mut(key).filter(|refusal| refusal.evidence != evidence) else {
        return false;
    };
    refusal.evidence = evidence;
    true
}

/// Forgets workloads that nothing waits for any more, and asks about those that releases of the environment in sight wait for.
pub(super) fn examine(store: &mut Store) -> Vec<Effect> {
    let now = store.now;
    let focused = store.focused_environment();
    let mut effects = Vec::new();
    for (number, cluster) in (0..).zip(&mut store.clusters) {
        let id = ClusterId(number);
        let waited_for: Vec<WorkloadKey> = waited_for(cluster).map(|row| row.key.clone()).collect();
        cluster.refusals.retain(|key, _| waited_for.contains(key));
        let in_sight = focused.as_ref().filter(|environment| environment.cluster == id);
        let Some(environment) = in_sight else { continue };
        for workload in waited_for.into_iter().filter(|key| key.namespace == environment.key.namespace) {
            if effects.len() < MOST && is_due(&cluster.refusals, &workload, now) {
                cluster.refusals.entry(workload.clone()).or_default().asked = now;
                effects.push(Effect::Background(BackgroundEffect::ExamineWorkload { cluster: id, workload }));
            }
        }
    }
    effects
}

fn is_due(known: &BTreeMap<WorkloadKey, Refusal>, key: &WorkloadKey, now: DateTime<Utc>) -> bool {
    known.get(key).is_none_or(|refusal| now - refusal.asked >= AGAIN)
}

/// Workloads that a release changes and that may have more to tell. Drains leave the pods of a `DaemonSet` alone.
fn waited_for(cluster: &ClusterState) -> impl Iterator<Item = &WorkloadRow> {
    let releases = cluster.releases.values().filter(|release| is_stuck(release));
    releases
        .filter_map(|release| Some((cluster.environments.get(&release.environment_key())?, release)))
        .flat_map(|(environment, release)| keys(environment, release))
        .filter_map(|key| cluster.workloads.get(&key))
        .filter(|row| !workload_kind::row(row.key.kind).stays_on_drain || row.ready < row.desired)
}

fn keys(environment: &Environment, release: &Release) -> Vec<WorkloadKey> {
    let namespace = environment.metadata.namespace.as_deref().unwrap_or_default();
    let components = &environment.spec.components;
    let changed = |name: &ComponentName| release.spec.images.iter().any(|image| image.component == *name);
    components
        .iter()
        .filter(|component| changed(&component.name))
        .map(|component| WorkloadKey {
            namespace: namespace.into(),
            kind: component.workload.kind,
            name: component.workload.name.as_str().into(),
        })
        .collect()
}

/// Whether a release may be waiting for something that has a cause.
pub(super) fn is_stuck(release: &Release) -> bool {
    release.phase().holds_lane() && release.phase() != Phase::Verifying
}
