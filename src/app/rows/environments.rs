//! The list of environments.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::api::environment::Component;
use crate::api::strategy::Track;
use crate::api::{Environment, Phase, Release};
use crate::app::rows::queue;
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::health::{Health, Reading};
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::rows::{ActiveRelease, EnvironmentRow, FailedRelease};
use crate::app::state::store::Store;
use crate::app::state::view::Focus;
use crate::app::{alerting, banners, needs, sections, steps};
use crate::domain::known_version::tag;
use crate::domain::outcome;
use crate::domain::pane::{self, ERROR_RATE, LATENCY};
use crate::domain::series::Series;
use crate::domain::workload_row::{WorkloadKey, WorkloadRow};

/// Oldest sample that still counts as the present, in seconds; slower curves may be three steps old.
const FRESH: f64 = 60.0;

/// Every environment that the filter lets through: by section, then development, staging, production; then by application, name and cluster.
pub(in crate::app) fn list(store: &Store) -> Vec<EnvironmentRow> {
    let mut rows: Vec<EnvironmentRow> = store
        .clusters()
        .flat_map(|(id, cluster)| {
            cluster.environments.values().map(move |env| row(store, (id, cluster), env))
        })
        .collect();
    rows.sort_by(|a, b| {
        (a.section, a.tier, &a.application, &a.name, &a.id).cmp(&(
            b.section,
            b.tier,
            &b.application,
            &b.name,
            &b.id,
        ))
    });
    for (index, row) in rows.iter_mut().enumerate() {
        row.number = index + 1;
    }
    name_clusters(store, &mut rows);
    if let Some(filter) = store.ui.filter(Focus::Environments) {
        rows.retain(|row| {
            let mut words: Vec<&str> =
                vec![&row.application, &row.name, row.tier.as_str(), row.health.word()];
            words.extend(row.cluster.as_deref());
            words.extend(row.versions.iter().map(|version| &**version));
            filter.matches(&words)
        });
    }
    rows
}

/// Names the cluster of environments that are called the same in several clusters.
fn name_clusters(store: &Store, rows: &mut [EnvironmentRow]) {
    if store.clusters.len() < 2 {
        return;
    }
    let mut homes: BTreeMap<Box<str>, BTreeSet<ClusterId>> = BTreeMap::new();
    for row in rows.iter() {
        homes.entry(row.name.clone()).or_default().insert(row.id.cluster);
    }
    for row in rows {
        if homes.get(&row.name).is_some_and(|clusters| clusters.len() > 1) {
            row.cluster = store.cluster(row.id.cluster).map(|cluster| cluster.context.clone());
        }
    }
}

/// Renews the numbers of rows that are otherwise still right; tells whether one has changed.
pub(in crate::app) fn renew_readings(store: &mut Store) {
    let mut rows = std::mem::take(&mut store.rows.environments);
    for row in &mut rows {
        if let (Some(cluster), Some(environment)) =
            (store.cluster(row.id.cluster), store.environment(&row.id))
        {
            row.error_rate = reading(cluster, environment, ERROR_RATE, store.now);
            row.latency = reading(cluster, environment, LATENCY, store.now);
            row.health = row.health.in_view_of([row.error_rate, row.latency]);
            row.healthy_for = healthy_since(environment).map(|since| store.now - since);
            row.alerts = alerting::count(cluster, environment);
        }
    }
    store.rows.environments = rows;
}

fn row(
    store: &Store,
    (id, cluster): (ClusterId, &ClusterState),
    environment: &Environment,
) -> EnvironmentRow {
    let key = environment.key();
    let workloads: Vec<(&Component, &WorkloadRow)> = environment
        .spec
        .components
        .iter()
        .filter_map(|component| workload(cluster, environment, component).map(|row| (component, row)))
        .collect();
    let holder = holder(cluster, environment);
    let active = holder.map(|release| active(id, environment, release));
    let failed = if active.is_none() { failed(cluster, environment) } else { None };
    let reason = holder.filter(|release| release.phase() == Phase::Held).or(failed).map(outcome::message);
    let complete = workloads.len() == environment.spec.components.len() && !workloads.is_empty();
    let frozen = environment.status.as_ref().and_then(|status| status.frozen.as_ref());
    let frozen = frozen.filter(|frozen| frozen.until.is_none_or(|until| until > store.now));
    let error_rate = reading(cluster, environment, ERROR_RATE, store.now);
    let latency = reading(cluster, environment, LATENCY, store.now);
    EnvironmentRow {
        number: 0,
        section: sections::place(store, (id, cluster), environment),
        application: environment.spec.application.as_str().into(),
        name: key.name.clone(),
        cluster: None,
        tier: environment.spec.tier,
        versions: versions(environment, &workloads),
        pods: (!workloads.is_empty()).then(|| {
            let second = workloads.iter().flat_map(|(_, row)| second(cluster, row));
            let all = workloads.iter().map(|(_, row)| *row).chain(second);
            all.fold((0, 0), |(ready, desired), row| (ready + row.ready, desired + row.desired))
        }),
        health: match failed {
            Some(release) if release.phase() == Phase::Errored => Health::Errored,
            _ => health(active.as_ref(), &workloads, complete).in_view_of([error_rate, latency]),
        },
        active,
        failed: failed.map(|release| FailedRelease {
            version: release.spec.version.as_str().into(),
            phase: release.phase(),
        }),
        reason: reason.unwrap_or_default().into(),
        frozen: frozen.map(|frozen| format!("{}: {}", frozen.by, frozen.reason).into()),
        error_rate,
        latency,
        healthy_for: healthy_since(environment).map(|since| store.now - since),
        needs_me: cluster
            .releases
            .values()
            .filter(|release| needs::is_into(release, &key) && needs::needs_me(cluster, release))
            .count(),
        debts: environment.status.as_ref().map_or(0, |status| status.debts.len()),
        unattested: banners::unattested(environment).is_some(),
        alerts: alerting::count(cluster, environment),
        id: EnvironmentId::new(id, key),
    }
}

/// The workload of a component, if it is known.
pub(in crate::app) fn workload<'a>(
    cluster: &'a ClusterState,
    environment: &Environment,
    component: &Component,
) -> Option<&'a WorkloadRow> {
    cluster.workloads.get(&WorkloadKey {
        namespace: environment.metadata.namespace.as_deref().unwrap_or_default().into(),
        kind: component.workload.kind,
        name: component.workload.name.as_str().into(),
    })
}

/// The workloads that a release has brought up beside this one.
fn second<'a>(cluster: &'a ClusterState, own: &'a WorkloadRow) -> impl Iterator<Item = &'a WorkloadRow> + 'a {
    [Track::Canary, Track::Green].into_iter().filter_map(|track| {
        let name = track.workload_name(&own.key.name).into();
        cluster.workloads.get(&WorkloadKey { name, ..own.key.clone() })
    })
}

/// The release that holds the lane.
fn holder<'a>(cluster: &'a ClusterState, environment: &Environment) -> Option<&'a Release> {
    let executing = into(cluster, environment).filter(|release| release.phase().holds_lane());
    executing.max_by_key(|release| release.status.as_ref().and_then(|status| status.started_at))
}

/// The last release, if it failed.
fn failed<'a>(cluster: &'a ClusterState, environment: &Environment) -> Option<&'a Release> {
    outcome::failed(into(cluster, environment))
}

/// The releases into an environment.
fn into<'a>(cluster: &'a ClusterState, environment: &Environment) -> impl Iterator<Item = &'a Release> {
    let key = environment.key();
    let releases = cluster.releases.values().map(|release| &**release);
    releases.filter(move |release| needs::is_into(release, &key))
}

fn active(id: ClusterId, environment: &Environment, release: &Release) -> ActiveRelease {
    let status = release.status.as_ref();
    let planned = status.and_then(|status| status.plan.as_ref()).map(|plan| plan.strategy);
    let strategy = planned.or(release.spec.strategy).unwrap_or_else(|| environment.spec.default_strategy());
    ActiveRelease {
        id: ReleaseId::new(id, release.key()),
        version: release.spec.version.as_str().into(),
        phase: release.phase(),
        strategy,
        weight: queue::weight(release, strategy),
        steps: steps::present(release),
    }
}

/// Versions by the workloads themselves where they are known, else as the controller last saw them.
fn versions(environment: &Environment, workloads: &[(&Component, &WorkloadRow)]) -> Vec<Box<str>> {
    let mut versions: Vec<Box<str>> = Vec::new();
    let mut add = |version: &str| {
        if !version.is_empty() && !versions.iter().any(|known| &**known == version) {
            versions.push(version.into());
        }
    };
    for (component, row) in workloads {
        add(row.image(&component.container).map_or("", tag));
    }
    if workloads.is_empty() {
        let current = environment.status.as_ref().map(|status| status.current.as_slice()).unwrap_or_default();
        for current in current {
            add(&current.version);
        }
    }
    versions
}

/// How workloads fare together, given the release that holds the lane.
pub(in crate::app) fn health(
    active: Option<&ActiveRelease>,
    workloads: &[(&Component, &WorkloadRow)],
    complete: bool,
) -> Health {
    use crate::api::strategy::StrategyName::Canary;
    let stuck = workloads.iter().any(|(_, row)| {
        &*row.progress_reason == "ProgressDeadlineExceeded" || row.phase.starts_with("Degraded")
    });
    match active.map(|active| (active.phase, active.strategy)) {
        Some((Phase::RollingBack, _)) => return Health::RollingBack,
        Some((Phase::Held, _)) => return Health::Held,
        _ if stuck => return Health::Degraded,
        Some((Phase::Paused, _)) => return Health::Paused,
        Some((Phase::Verifying, _)) => return Health::Verifying,
        Some((_, Canary)) => return Health::Canary,
        Some(_) => return Health::Progressing,
        None => {}
    }
    if !complete {
        return Health::Unknown;
    }
    let short = workloads.iter().any(|(_, row)| row.ready < row.desired);
    let moving = workloads.iter().any(|(_, row)| !row.observed || row.updated < row.desired);
    if workloads.iter().all(|(_, row)| row.desired == 0) {
        Health::Stopped
    } else if workloads.iter().any(|(_, row)| row.phase.starts_with("Paused")) {
        Health::Paused
    } else if moving {
        Health::Progressing
    } else if short {
        Health::Degraded
    } else {
        Health::Healthy
    }
}

fn healthy_since(environment: &Environment) -> Option<DateTime<Utc>> {
    let current = &environment.status.as_ref()?.current;
    let since: Option<Vec<_>> = current.iter().map(|current| current.healthy_since).collect();
    since?.into_iter().max()
}

/// The newest value of a query, and its limit. No data is never a number.
pub(in crate::app) fn reading(
    cluster: &ClusterState,
    environment: &Environment,
    metric: &str,
    now: DateTime<Utc>,
) -> Reading {
    let limit = pane::limit(&environment.spec, metric);
    let curves = cluster.metrics.get(&(environment.key(), metric.into()));
    let value = curves.and_then(|curves| {
        let p95: BTreeSet<usize> = (0..curves.series.len()).filter(|i| is_p95(&curves.series[*i])).collect();
        let counted = curves.series.iter().enumerate().filter(|(i, _)| p95.is_empty() || p95.contains(i));
        counted
            .filter_map(|(_, series)| series.current(now, FRESH.max(series.step * 3.0)))
            .max_by(f64::total_cmp)
    });
    Reading { value, limit }
}

/// Where a query gives several percentiles, the limit is meant for this one.
fn is_p95(series: &Series) -> bool {
    series.percentile == Some(95)
}
