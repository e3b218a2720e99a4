//! What is known, in sentences.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::api::Tier;
use crate::app::facts::{percent, seconds};
use crate::app::state::health::Reading;
use crate::app::state::inbox::InboxRow;
use crate::app::state::rows::{EnvironmentRow, QueueGroup, QueueRow};
use crate::app::state::store::Store;
use crate::domain::age::Age;
use crate::domain::watch_state::WatchState;

/// `14:03:22Z` and the sentence.
pub(super) fn stamped(now: DateTime<Utc>, sentence: &str) -> String {
    format!("{}Z {sentence}", now.format("%H:%M:%S"))
}

/// Everything, in the order in which it matters: who and where, what burns, what is asked of us, what is under way.
pub(super) fn state(store: &Store) -> Vec<String> {
    let mut lines = vec![format!("state at {}", store.now.format("%Y-%m-%d %H:%M:%SZ"))];
    for cluster in &store.clusters {
        let who = cluster.identity.as_ref().map_or("not connected yet", |identity| &identity.user);
        lines.push(format!("cluster {}: you are {who}", cluster.context));
    }
    lines.extend(lost(store).into_iter().map(|(_, sentence)| sentence));
    lines.extend(selected(store));
    lines.extend(store.rows.banners.iter().map(|banner| format!("{}: {}", banner.kind.word(), banner.text)));
    lines.push(format!("needs you: {}", counted(store.rows.inbox.len())));
    lines.extend(store.rows.inbox.iter().map(|row| needs(store, row)));
    lines.push(format!("environments: {}", counted(store.rows.environments.len())));
    lines.extend(store.rows.environments.iter().map(|row| {
        let numbers = format!(
            "{}{}",
            number(("error rate", percent), row.error_rate),
            number(("p95", seconds), row.latency)
        );
        environment(store, row, &numbers)
    }));
    let queue: Vec<&QueueRow> =
        store.rows.queue.iter().filter(|row| row.group != QueueGroup::Finished).collect();
    lines.push(format!("releases under way or waiting: {}", counted(queue.len())));
    lines.extend(queue.into_iter().map(|row| release(store, row)));
    lines
}

fn counted(count: usize) -> String {
    if count == 0 { "nothing".to_owned() } else { count.to_string() }
}

/// What is told when it changes, by what it is about. Numbers that move all the time are not among it: what they mean is.
pub(super) fn facts(store: &Store) -> BTreeMap<String, String> {
    let mut facts: BTreeMap<String, String> = lost(store).into_iter().collect();
    if let Some(sentence) = selected(store) {
        facts.insert("selected".to_owned(), sentence);
    }
    for banner in &store.rows.banners {
        let about = format!("banner {:?} {}", banner.kind, banner.text);
        facts.insert(about, format!("{}: {}", banner.kind.word(), banner.text));
    }
    for row in &store.rows.inbox {
        facts.insert(format!("inbox {:?}", row.key), needs(store, row));
    }
    for row in &store.rows.environments {
        facts.insert(format!("environment {:?}", row.id), environment(store, row, ""));
    }
    for row in &store.rows.queue {
        facts.insert(format!("release {:?}", row.id), release(store, row));
    }
    facts
}

/// Feeds that are lost, per cluster.
fn lost(store: &Store) -> Vec<(String, String)> {
    let of_cluster = |cluster: &crate::app::state::cluster_state::ClusterState| {
        let context = cluster.context.clone();
        let feeds = cluster.feeds.iter().filter_map(move |(feed, state)| {
            let reason = match state {
                WatchState::Stale { reason, .. } => format!("lost: {reason}"),
                WatchState::Denied { reason } | WatchState::Missing { reason } => reason.clone(),
                WatchState::Live { .. } | WatchState::Connecting => return None,
            };
            let sentence = format!("cluster {context}: {} {reason}", feed.name());
            Some((format!("feed {context} {feed:?}"), sentence))
        });
        feeds.collect::<Vec<_>>()
    };
    store.clusters.iter().flat_map(of_cluster).collect()
}

/// The selected environment, on which commands without a name act.
fn selected(store: &Store) -> Option<String> {
    let id = store.focused_environment()?;
    let row = store.rows.environments.iter().find(|row| row.id == id)?;
    let badge = badge(Some(row.tier));
    Some(format!("selected: {badge}{}/{}{}", row.application, row.name, place(store, row.id.cluster)))
}

fn badge(tier: Option<Tier>) -> &'static str {
    if tier == Some(Tier::Production) { "PROD " } else { "" }
}

/// The cluster, where there are several.
fn place(store: &Store, cluster: crate::app::state::located::ClusterId) -> String {
    match store.cluster(cluster) {
        Some(state) if store.clusters.len() > 1 => format!(" on {}", state.context),
        _ => String::new(),
    }
}

fn environment(store: &Store, row: &EnvironmentRow, numbers: &str) -> String {
    let versions: Vec<&str> = row.versions.iter().map(|version| &**version).collect();
    let versions = if versions.is_empty() { "version unknown".to_owned() } else { versions.join(" and ") };
    let pods =
        row.pods.map_or_else(String::new, |(ready, wanted)| format!(", {ready} of {wanted} pods ready"));
    let frozen = row.frozen.as_ref().map_or_else(String::new, |frozen| format!(", frozen by {frozen}"));
    let active = row.active.as_ref().map_or_else(String::new, |active| {
        let weight = active.weight.map_or_else(String::new, |weight| format!(" at {weight}%"));
        format!(", {} {}{weight}", active.version, active.phase)
    });
    let failed = row
        .failed
        .as_ref()
        .map_or_else(String::new, |failed| format!(", last release {} {}", failed.version, failed.phase));
    let reason = if row.reason.is_empty() { String::new() } else { format!(": {}", row.reason) };
    format!(
        "environment {}{}/{}{}: {}, {versions}{pods}{active}{frozen}{failed}{numbers}{reason}",
        badge(Some(row.tier)),
        row.application,
        row.name,
        place(store, row.id.cluster),
        row.health.word()
    )
}

fn number((label, shown): (&str, fn(f64) -> String), reading: Reading) -> String {
    match reading.value {
        Some(value) if reading.is_over() => format!(", {label} {} OVER ITS LIMIT", shown(value)),
        Some(value) => format!(", {label} {}", shown(value)),
        None => format!(", {label} no data"),
    }
}

fn release(store: &Store, row: &QueueRow) -> String {
    let from = if row.from.is_empty() { String::new() } else { format!("{} to ", row.from) };
    let steps = row.steps.map_or_else(String::new, |(done, all)| format!(", step {done} of {all}"));
    let weight = row.weight.map_or_else(String::new, |weight| format!(", weight {weight}%"));
    let message = if row.message.is_empty() { String::new() } else { format!(": {}", row.message) };
    let me = if row.needs_me { ", waits for you" } else { "" };
    format!(
        "release {}{} {from}{} into {}{} by {}: {}{steps}{weight}{me}{message}",
        badge(row.tier),
        row.application,
        row.to,
        row.environment.key.name,
        place(store, row.environment.cluster),
        row.requested_by,
        row.phase
    )
}

fn needs(store: &Store, row: &InboxRow) -> String {
    let since = row.since.map_or_else(String::new, |since| format!(" since {}Z", since.format("%H:%M")));
    let version = if row.version.is_empty() { String::new() } else { format!(" {}", row.version) };
    let expires = row.expires.map_or_else(String::new, |at| {
        format!(", expires in {}", Age::of(at.signed_duration_since(store.now)))
    });
    format!(
        "needs you: {} {}{}{version} in {}{}: {}{since}{expires}",
        row.key.word(),
        badge(Some(row.tier)),
        row.application,
        row.environment.key.name,
        place(store, row.environment.cluster),
        row.missing
    )
}
