//! Why releases do not get on, by the very rules of the terminal: pods and workloads are read, the sick ones looked at closer.

use crate::api::EnvironmentKey;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::{update, update_all};
use crate::cluster::Cluster;

/// Brings what keeps that environment's releases from getting on into the store. What may not be read is left out: the command's own
/// answer does not depend on it.
pub(super) async fn look_into(store: &mut Store, (id, cluster): (ClusterId, &Cluster), key: &EnvironmentKey) {
    let located = crate::app::state::located::EnvironmentId::new(id, key.clone());
    let Some(environment) = store.environment(&located).cloned() else { return };
    let mut events = Vec::new();
    for component in &environment.spec.components {
        let workload = &component.workload;
        if let Ok(Some(row)) = cluster.workload_row(&key.namespace, workload.kind, &workload.name).await {
            events.push(ClusterEvent::Workloads(Delta::Applied(row.key.clone(), row)));
        }
    }
    if let Ok(pods) = cluster.pod_rows(&key.namespace).await {
        events.extend(pods.into_iter().map(|pod| ClusterEvent::Pods(Delta::Applied(pod.key.clone(), pod))));
    }
    // held, or what is most urgent of all would be looked at instead
    (store.ui.environments.selected, store.ui.environments.held) = (Some(located), true);
    let wanted = update_all(store, events.into_iter().map(|event| Event::Cluster(id, event)));
    for effect in wanted {
        let Effect::Background(BackgroundEffect::Examine { pod, crashed, .. }) = effect else { continue };
        let evidence = cluster.examine(&pod, crashed).await;
        // a second look is for those who stay
        let _ = update(store, Event::Cluster(id, ClusterEvent::Examined(pod, evidence)));
    }
}
