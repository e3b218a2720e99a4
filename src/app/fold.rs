//! Folds what one cluster says into the store, and notes which lists that concerns.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::environment::Component;
use crate::api::{Environment, EnvironmentKey};
use crate::app::state::cluster_state::{ClusterState, Metric, Objective, Zoomed};
use crate::app::state::event::MetricsEvent;
use crate::app::state::event::{ClusterEvent, Delta, ZoomPart};
use crate::app::state::located::ClusterId;
use crate::app::state::pod_sort::PodSort;
use crate::app::state::store::{Dirty, Store};
use crate::app::state::view::Focus;
use crate::app::{alerting, arming, causes, refusals, rows};
use crate::domain::component::arrange;
use crate::domain::pod_row::{PodKey, PodRow};
use crate::domain::series::Series;

/// Folds one event in. An event of a cluster that the session does not have is dropped.
pub(in crate::app) fn apply(store: &mut Store, id: ClusterId, event: ClusterEvent) {
    if let ClusterEvent::Watch(feed, state) = &event {
        arming::connection(store, id, *feed, state);
    }
    let Some(cluster) = store.clusters.get_mut(usize::from(id.0)) else { return };
    let dirty = &mut store.dirty;
    match event {
        ClusterEvent::Connected { identity, server_version } => {
            cluster.identity = Some(identity);
            cluster.server_version = server_version;
            dirty.releases = true;
        }
        ClusterEvent::Watch(feed, state) => {
            dirty.screen |= cluster.feeds.get(&feed) != Some(&state);
            cluster.feeds.insert(feed, state);
        }
        ClusterEvent::Undecodable(feed, all) => {
            dirty.releases |= cluster.undecodable.get(&feed) != Some(&all);
            cluster.undecodable.insert(feed, all);
        }
        ClusterEvent::Environments(delta) => {
            dirty.releases |= fold(&mut cluster.environments, delta);
            dirty.pods |= dirty.releases;
        }
        ClusterEvent::Releases(delta) => dirty.releases |= fold(&mut cluster.releases, delta),
        ClusterEvent::Actions(delta) => dirty.actions |= fold(&mut cluster.actions, delta),
        ClusterEvent::Pods(delta) => {
            let key = match &delta {
                Delta::Applied(key, _) | Delta::Deleted(key) => Some(key),
                Delta::Reset(_) => None,
            };
            let listed = match (key, &store.scope) {
                (Some(key), Some(scope)) => scope.iter().any(|(c, ns)| *c == id && *ns == key.namespace),
                _ => true,
            };
            let mut unseen = Dirty::default();
            let listing =
                Listing { order: store.ui.pod_sort, filtered: store.ui.filter(Focus::Pods).is_some() };
            pods(cluster, if listed { dirty } else { &mut unseen }, listing, delta);
        }
        ClusterEvent::Examined(key, evidence) => {
            let changed = causes::examined(cluster, &key, evidence);
            dirty.ailments |= changed;
            dirty.screen |= changed;
        }
        ClusterEvent::WorkloadExamined(key, evidence) => {
            dirty.ailments |= refusals::came(cluster, &key, evidence);
        }
        ClusterEvent::Workloads(delta) => dirty.releases |= fold(&mut cluster.workloads, delta),
        ClusterEvent::Events(delta) => dirty.events |= fold(&mut cluster.events, delta),
        ClusterEvent::Controller(health) => {
            dirty.screen |= cluster.controller != health;
            cluster.controller = health;
        }
        ClusterEvent::Permissions { environment, allowed } => {
            let allowed = allowed.into_iter().collect();
            dirty.releases |= cluster.permissions.get(&environment) != Some(&allowed);
            cluster.permissions.insert(environment, allowed);
        }
        ClusterEvent::PodAccess { namespace, allowed } => {
            dirty.screen |= cluster.pod_access.get(&namespace) != Some(&allowed);
            cluster.pod_access.insert(namespace, allowed);
        }
        ClusterEvent::Metrics(event) => measured(store, id, event),
        ClusterEvent::Alerting(event) => {
            dirty.screen = true;
            alerting::apply(cluster, dirty, event);
        }
    }
}

/// Folds in what was measured of one cluster.
fn measured(store: &mut Store, id: ClusterId, event: MetricsEvent) {
    let Some(cluster) = store.clusters.get_mut(usize::from(id.0)) else { return };
    let dirty = &mut store.dirty;
    dirty.screen = true;
    match event {
        MetricsEvent::Usage { namespace, result } => {
            let usage = cluster.usage.entry(namespace).or_default();
            match result {
                Ok(pods) => (usage.pods, usage.error) = (pods.into_iter().collect(), None),
                Err(reason) => usage.error = Some(reason),
            }
            dirty.pods |= matches!(store.ui.pod_sort, PodSort::Cpu | PodSort::Memory);
        }
        MetricsEvent::Metrics { environment, query, at, result, partial } => {
            let components = components(&cluster.environments, &environment);
            let metric: &mut Metric = cluster.metrics.entry((environment, query)).or_default();
            answered(metric, components, at, (result, partial));
            dirty.readings = true;
        }
        MetricsEvent::Zoomed { wish, part, at, result, partial } => {
            if store.zoomed.as_ref() != Some(&(id, wish.clone())) {
                return;
            }
            let zoomed = cluster.zoomed.take().filter(|zoomed| zoomed.wish == wish);
            let components = components(&cluster.environments, &wish.environment);
            let empty =
                || Zoomed { wish: wish.clone(), present: Metric::default(), baseline: Metric::default() };
            let zoomed = cluster.zoomed.insert(zoomed.unwrap_or_else(empty));
            let metric = match part {
                ZoomPart::Present => &mut zoomed.present,
                ZoomPart::Baseline => &mut zoomed.baseline,
            };
            answered(metric, components, at, (result, partial));
        }
        MetricsEvent::Objective { environment, at, result } => {
            let objective = cluster.objectives.entry(environment).or_default();
            match result {
                Ok(found) => {
                    *objective = Objective { assessment: Some(found), at: Some(at), error: None };
                }
                Err(reason) => objective.error = Some(reason),
            }
        }
    }
}

/// The components of an environment; none where it is not known.
fn components<'a>(
    environments: &'a BTreeMap<EnvironmentKey, Arc<Environment>>,
    key: &EnvironmentKey,
) -> &'a [Component] {
    environments.get(key).map_or(&[], |environment| &environment.spec.components)
}

/// Keeps the curves of an answer, those of one component next to each other; those of the last one where it failed.
fn answered(
    metric: &mut Metric,
    components: &[Component],
    at: DateTime<Utc>,
    (result, partial): (Result<Vec<Series>, String>, Option<Box<str>>),
) {
    match result {
        Ok(mut series) => {
            arrange(components, &mut series);
            *metric = Metric { series, at: Some(at), error: None, partial };
        }
        Err(reason) => metric.error = Some(reason),
    }
}

/// Tells whether anything has changed.
fn fold<K: Ord, V: PartialEq>(all: &mut BTreeMap<K, V>, delta: Delta<K, V>) -> bool {
    match delta {
        Delta::Reset(rows) => {
            let fresh: BTreeMap<K, V> = rows.into_iter().collect();
            let changed = *all != fresh;
            *all = fresh;
            changed
        }
        Delta::Applied(key, value) => match all.get_mut(&key) {
            Some(old) if *old == value => false,
            Some(old) => {
                *old = value;
                true
            }
            None => {
                all.insert(key, value);
                true
            }
        },
        Delta::Deleted(key) => all.remove(&key).is_some(),
    }
}

/// Folds pods in. One that changes without changing its place leaves the sorted list as it is: the common case of a busy cluster.
fn pods(cluster: &mut ClusterState, dirty: &mut Dirty, listing: Listing, delta: Delta<PodKey, PodRow>) {
    let ClusterState { pods, examined, .. } = cluster;
    match delta {
        Delta::Reset(mut rows) => {
            for (_, row) in &mut rows {
                causes::tell(examined, row);
            }
            dirty.pods |= pods.reset(rows);
        }
        Delta::Deleted(key) => dirty.pods |= pods.remove(&key),
        Delta::Applied(key, mut row) => {
            causes::tell(examined, &mut row);
            let old = pods.put(key.clone(), row);
            let (Some(old), Some(new)) = (old, pods.get(&key)) else {
                dirty.pods = true;
                return;
            };
            let is_other = old != *new;
            let counts =
                old.health != new.health || old.owner != new.owner || old.owner_kind != new.owner_kind;
            dirty.pods |=
                counts || rows::pods::moves(listing.order, &old, new) || is_other && listing.filtered;
            dirty.ailments |= old.facts != new.facts
                || old.cause != new.cause
                || (old.restarts, old.last_restart) != (new.restarts, new.last_restart);
            dirty.screen |= is_other;
        }
    }
}

/// How the pods' list is made.
#[derive(Clone, Copy)]
struct Listing {
    order: PodSort,
    filtered: bool,
}
