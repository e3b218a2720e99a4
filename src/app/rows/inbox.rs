//! What waits for us: every environment of every cluster in one list, oldest first.

use chrono::{DateTime, Utc};

use crate::api::{Environment, Phase, Release, Verb};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::inbox::{InboxKey, InboxRow};
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::store::Store;
use crate::app::{act, environment_act, needs};
use crate::domain::{intent, outcome};

/// Everything that we can unblock now, oldest first.
pub(in crate::app) fn list(store: &Store) -> Vec<InboxRow> {
    let mut rows = Vec::new();
    for (id, cluster) in store.clusters() {
        for environment in cluster.environments.values() {
            debts(&mut rows, store, &EnvironmentId::new(id, environment.key()), environment);
        }
        for release in cluster.releases.values().filter(|release| !release.phase().is_final()) {
            of_release(&mut rows, (id, cluster), release);
        }
    }
    rows.sort_by(|a, b| (a.since, &a.key).cmp(&(b.since, &b.key)));
    rows
}

fn debts(rows: &mut Vec<InboxRow>, store: &Store, id: &EnvironmentId, environment: &Environment) {
    let cluster = store.cluster(id.cluster);
    if !cluster.is_some_and(|cluster| needs::may(cluster, &id.key, Verb::Approve)) {
        return;
    }
    for debt in environment_act::reviewable(store, id) {
        rows.push(InboxRow {
            key: InboxKey::Review(id.clone(), debt.id.as_str().into()),
            environment: id.clone(),
            tier: environment.spec.tier,
            application: environment.spec.application.as_str().into(),
            version: "".into(),
            missing: format!("review of {}'s {}", debt.by, debt.what).into(),
            open: Vec::new(),
            since: Some(debt.at),
            expires: None,
        });
    }
}

fn of_release(
    rows: &mut Vec<InboxRow>,
    (cluster_id, cluster): (ClusterId, &ClusterState),
    release: &Release,
) {
    let key = release.environment_key();
    let Some(environment) = cluster.environments.get(&key) else { return };
    let id = ReleaseId::new(cluster_id, release.key());
    let status = release.status.as_ref();
    let row = |key: InboxKey, missing: String, since: Option<DateTime<Utc>>, expires| InboxRow {
        key,
        environment: EnvironmentId::new(cluster_id, environment.key()),
        tier: environment.spec.tier,
        application: environment.spec.application.as_str().into(),
        version: release.spec.version.as_str().into(),
        missing: missing.into(),
        open: Vec::new(),
        since,
        expires,
    };
    let created = release.created_at();
    let step = status.and_then(|status| status.step.as_ref()).filter(|_| release.phase() != Phase::Pending);
    let asked = step.map(|step| step.started_at).or(created);
    let limit = environment.spec.approval.as_ref().and_then(|approval| approval.expires_after);
    let approvals = status.map(|status| status.approvals.as_slice()).unwrap_or_default();
    let alive = approvals.iter().map(|approval| approval.at).max().max(created);
    let expires = alive.zip(limit).and_then(|(alive, limit)| alive.checked_add_signed(limit.to_delta()));
    let last = status.and_then(|status| status.timeline.last()).map(|entry| entry.at);
    if needs::needs_my_approval(cluster, environment, release) {
        let missing = approval(cluster, environment, release);
        rows.push(row(InboxKey::Approve(id.clone()), missing, asked, expires.filter(|_| step.is_none())));
    }
    let open = needs::checks_for_me(cluster, environment, release);
    if let Some(next) = open.first() {
        let all = needs::items(environment, release).len();
        let checks = if all == 1 { "check" } else { "checks" };
        let missing = format!("{} of {all} {checks} open, next: {next}", open.len());
        let found = row(InboxKey::Check(id.clone()), missing, asked, expires.filter(|_| step.is_none()));
        rows.push(InboxRow { open: open.into_iter().map(Into::into).collect(), ..found });
    }
    if needs::needs_my_decision(cluster, release) {
        let message = outcome::message(release);
        let (key, missing) = match release.phase() {
            Phase::Held => (InboxKey::Decide(id), format!("held: {message}")),
            _ => (InboxKey::Resume(id), format!("paused: {message}")),
        };
        let paused = status.and_then(|status| status.paused.as_ref()).map(|paused| paused.at);
        rows.push(row(key, missing, paused.or(last).or(created), None));
    }
}

/// `approval 0 of 1 people; open: any`, and the slots that we fill.
fn approval(cluster: &ClusterState, environment: &Environment, release: &Release) -> String {
    let groups = cluster.identity.as_ref().map(|identity| identity.groups.as_slice()).unwrap_or_default();
    let slots: Vec<String> =
        intent::slots_for(environment, groups).into_iter().map(|slot| slot.name).collect();
    let gate = act::gates(release).find(|gate| gate.name == "approval");
    let detail = gate.map_or("", |gate| gate.detail.as_str());
    format!("approval as {}: {detail}", slots.join(", "))
}
