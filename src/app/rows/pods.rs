//! The list of pods: keys only, so that ten thousand of them are cheap to sort and to keep.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::api::Environment;
use crate::api::environment::Component;
use crate::api::strategy::Track;
use crate::app::components;
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::located::{ClusterId, EnvironmentId, PodId};
use crate::app::state::pod_sort::PodSort;
use crate::app::state::store::Store;
use crate::app::state::view::Focus;
use crate::domain::pod_row::{PodHealth, PodKey, PodRow};

/// The pods pane's list and its counts.
pub(in crate::app) struct PodList {
    /// Sorted and filtered.
    pub(in crate::app) pods: Vec<PodId>,
    /// Before filtering.
    pub(in crate::app) total: usize,
    /// Of all components, where one is shown alone.
    pub(in crate::app) whole: Option<usize>,
    /// Before filtering.
    pub(in crate::app) failing: usize,
    /// The namespaces that were looked at; absent: all of them.
    pub(in crate::app) scope: Option<BTreeSet<(ClusterId, Box<str>)>>,
}

/// Pods of the environment's components that the screen is about, or of every environment's. Where no environment exists at all,
/// every pod that is known: a cluster without our objects is not a blank screen.
pub(in crate::app) fn list(store: &Store) -> PodList {
    let environments: Vec<EnvironmentId> = if store.ui.all_environments {
        store.rows.environments.iter().map(|row| row.id.clone()).collect()
    } else {
        store.focused_environment().into_iter().collect()
    };
    let mut found: Vec<(ClusterId, &PodRow)> = Vec::new();
    let everything = store.clusters.iter().all(|cluster| cluster.environments.is_empty());
    if everything {
        found.extend(
            store.clusters().flat_map(|(id, cluster)| cluster.pods.rows().values().map(move |pod| (id, pod))),
        );
    }
    let mut scope = BTreeSet::new();
    for id in &environments {
        let (Some(cluster), Some(environment)) = (store.cluster(id.cluster), store.environment(id)) else {
            continue;
        };
        found.extend(pods_of(cluster, environment).map(|pod| (id.cluster, pod)));
        scope.insert((id.cluster, id.key.namespace.clone()));
    }
    let whole = found.len();
    let alone = components::here(store).filter(|_| !store.ui.all_environments);
    if let Some(component) = alone {
        found.retain(|(_, pod)| is_made_by(pod, component));
    }
    let total = found.len();
    let failing = found.iter().filter(|(_, pod)| pod.health == PodHealth::Failing).count();
    if let Some(filter) = store.ui.filter(Focus::Pods) {
        found.retain(|(_, pod)| filter.matches_pod(pod));
    }
    sort(store, &mut found);
    let pods = found.into_iter().map(|(cluster, pod)| PodId::new(cluster, pod.key.clone())).collect();
    PodList { pods, total, whole: alone.map(|_| whole), failing, scope: (!everything).then_some(scope) }
}

/// Pods of an environment's components, by name; also those of second workloads beside them.
pub(in crate::app) fn pods_of<'a>(
    cluster: &'a ClusterState,
    environment: &'a Environment,
) -> impl Iterator<Item = &'a PodRow> {
    let namespace: Box<str> = environment.metadata.namespace.as_deref().unwrap_or_default().into();
    let first = PodKey { namespace: namespace.clone(), name: "".into() };
    cluster
        .pods
        .rows()
        .range((Bound::Included(first), Bound::Unbounded))
        .take_while(move |(key, _)| key.namespace == namespace)
        .map(|(_, pod)| pod)
        .filter(|pod| belongs(pod, environment))
}

/// Those of them that have something to tell about their trouble.
pub(in crate::app) fn ailing_of<'a>(
    cluster: &'a ClusterState,
    environment: &'a Environment,
) -> impl Iterator<Item = &'a PodRow> {
    let namespace = environment.metadata.namespace.as_deref().unwrap_or_default();
    cluster.pods.ailing(namespace).filter(|pod| belongs(pod, environment))
}

fn belongs(pod: &PodRow, environment: &Environment) -> bool {
    environment.spec.components.iter().any(|component| is_made_by(pod, component))
}

/// Whether a pod is of a component's workload, or of the second one beside it.
fn is_made_by(pod: &PodRow, component: &Component) -> bool {
    is_of(&pod.owner, &component.workload.name) && component.workload.kind.as_str() == &*pod.owner_kind
}

/// Whether a workload is a component's own, or the second one beside it.
pub(in crate::app) fn is_of(owner: &str, workload: &str) -> bool {
    let Some(rest) = owner.strip_prefix(workload) else { return false };
    rest.is_empty()
        || rest
            .strip_prefix('-')
            .is_some_and(|track| [Track::Canary, Track::Green].iter().any(|known| known.as_str() == track))
}

/// Whether a pod that was `old` and is `new` may stand elsewhere in that order.
pub(in crate::app) fn moves(order: PodSort, old: &PodRow, new: &PodRow) -> bool {
    match order {
        PodSort::Health => old.health != new.health,
        // used is not the pod's to say
        PodSort::Name | PodSort::Cpu | PodSort::Memory => false,
        PodSort::Age => old.created != new.created,
        PodSort::Restarts => old.restarts != new.restarts,
        PodSort::Ready => (old.ready, old.total) != (new.ready, new.total),
        PodSort::Version => old.version != new.version,
        PodSort::Status => old.status != new.status,
        PodSort::Track => old.track != new.track,
        PodSort::Owner => old.owner != new.owner,
        PodSort::Revision => old.template_hash != new.template_hash,
        PodSort::Node => old.node != new.node,
        PodSort::Ip => old.ip != new.ip,
        PodSort::Digest => old.digest != new.digest,
    }
}

/// They come in by name, and every sort is stable.
fn sort(store: &Store, pods: &mut [(ClusterId, &PodRow)]) {
    use std::cmp::Reverse;
    let used = |(cluster, pod): &(ClusterId, &PodRow)| store.usage(*cluster, pod).unwrap_or_default();
    match store.ui.pod_sort {
        PodSort::Health => pods.sort_by_key(|(_, pod)| pod.health),
        PodSort::Name => pods.sort_by(|a, b| a.1.key.name.cmp(&b.1.key.name)),
        PodSort::Age => pods.sort_by_key(|(_, pod)| Reverse(pod.created)),
        PodSort::Restarts => pods.sort_by_key(|(_, pod)| Reverse(pod.restarts)),
        PodSort::Cpu => pods.sort_by_cached_key(|pod| Reverse(used(pod).cpu)),
        PodSort::Memory => pods.sort_by_cached_key(|pod| Reverse(used(pod).memory)),
        PodSort::Ready => pods.sort_by_key(|(_, pod)| (pod.ready >= pod.total, pod.ready)),
        PodSort::Version => pods.sort_by(|a, b| a.1.version.cmp(&b.1.version)),
        PodSort::Status => pods.sort_by(|a, b| a.1.status.cmp(&b.1.status)),
        PodSort::Track => pods.sort_by(|a, b| a.1.track.cmp(&b.1.track)),
        PodSort::Owner => pods.sort_by(|a, b| a.1.owner.cmp(&b.1.owner)),
        PodSort::Revision => pods.sort_by(|a, b| a.1.template_hash.cmp(&b.1.template_hash)),
        PodSort::Node => pods.sort_by(|a, b| a.1.node.cmp(&b.1.node)),
        PodSort::Ip => pods.sort_by_cached_key(|(_, pod)| pod.ip.parse::<std::net::IpAddr>().ok()),
        PodSort::Digest => pods.sort_by(|a, b| a.1.digest.cmp(&b.1.digest)),
    }
    if store.ui.pods_reversed {
        pods.reverse();
    }
}
