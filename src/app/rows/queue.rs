//! The release queue: one list over all clusters.

use chrono::{DateTime, Utc};

use crate::api::strategy::StrategyName;
use crate::api::{Environment, Release};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::rows::{QueueGroup, QueueRow};
use crate::app::state::store::Store;
use crate::app::state::view::Focus;
use crate::app::{needs, steps};
use crate::domain::known_version::tag;
use crate::domain::outcome;

/// How many finished releases stay in sight.
const FINISHED: usize = 5;

/// Executing, then waiting (oldest first), then the last that finished (newest first).
pub(in crate::app) fn list(store: &Store) -> Vec<QueueRow> {
    let mut rows: Vec<QueueRow> = store
        .clusters()
        .flat_map(|(id, cluster)| cluster.releases.values().map(move |r| row(store, (id, cluster), r)))
        .collect();
    rows.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id)));
    let shown = rows.iter().take_while(|row| row.group != QueueGroup::Finished).count() + FINISHED;
    match store.ui.filter(Focus::Queue) {
        Some(filter) => rows.retain(|row| {
            let who = &*row.requested_by;
            let phase = row.phase.as_str();
            filter.matches(&[
                &row.application,
                &row.environment.key.name,
                &row.to,
                who,
                phase,
                &row.id.key.name,
            ])
        }),
        None => rows.truncate(shown),
    }
    rows
}

fn order(row: &QueueRow) -> (QueueGroup, i64) {
    let millis = |at: Option<DateTime<Utc>>| at.map_or(i64::MAX, |at| at.timestamp_millis());
    match row.group {
        QueueGroup::Finished => (row.group, row.finished.map_or(0, |at| -at.timestamp_millis())),
        _ => (row.group, millis(row.created)),
    }
}

fn row(store: &Store, (id, cluster): (ClusterId, &ClusterState), release: &Release) -> QueueRow {
    let status = release.status.as_ref();
    let phase = release.phase();
    let key = release.environment_key();
    let environment = cluster.environments.get(&key).map(|environment| &**environment);
    let plan = status.and_then(|status| status.plan.as_ref());
    let release_id = ReleaseId::new(id, release.key());
    let pending = store.pending.iter().rev().find(|pending| pending.release == release_id);
    let strategy = plan
        .map(|plan| plan.strategy)
        .or(release.spec.strategy)
        .or(environment.map(|environment| environment.spec.default_strategy()))
        .unwrap_or_default();
    QueueRow {
        tier: environment.map(|environment| environment.spec.tier),
        application: environment.map_or("", |environment| &environment.spec.application).into(),
        from: from(release, environment).into(),
        to: release.spec.version.as_str().into(),
        strategy,
        phase,
        group: QueueGroup::of(phase),
        steps: steps::done(release),
        weight: weight(release, strategy),
        message: outcome::message(release).into(),
        requested_by: release.spec.requested_by.as_str().into(),
        created: release.created_at(),
        finished: status.and_then(|status| status.finished_at),
        needs_me: needs::needs_me(cluster, release),
        driver: status
            .and_then(|status| status.driver.as_ref())
            .filter(|driver| !driver.by.is_empty() && !phase.is_final())
            .map(|driver| (driver.by.as_str().into(), driver.until)),
        pending: pending.map(|pending| format!("{}…", pending.what).into()),
        environment: EnvironmentId::new(id, key),
        id: release_id,
    }
}

/// Desired weight of the new version; none where pods are replaced in place, since nobody chooses it there.
pub(in crate::app) fn weight(release: &Release, strategy: StrategyName) -> Option<i32> {
    let weight = release.status.as_ref()?.weight.as_ref()?;
    (strategy != StrategyName::Rolling).then_some(weight.desired)
}

/// The version before: as recorded at the start, else what runs now, while it has not started.
fn from<'a>(release: &'a Release, environment: Option<&'a Environment>) -> &'a str {
    let status = release.status.as_ref();
    if let Some(before) = status.and_then(|status| status.before.first()) {
        return tag(&before.image);
    }
    if QueueGroup::of(release.phase()) == QueueGroup::Finished {
        return "";
    }
    let current = environment.and_then(|e| e.status.as_ref()).and_then(|status| status.current.first());
    current.map_or("", |current| &current.version)
}
