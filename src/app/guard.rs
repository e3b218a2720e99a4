//! Why something may not be done now: no permission, or what it relies on is not in step with the server.

use chrono::{DateTime, Utc};

use crate::api::Verb;
use crate::api::release_action::ActionKind;
use crate::app::arming;
use crate::app::state::cluster_state::{ClusterState, WatchedKind};
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::store::Store;
use crate::domain::action_rule::rule;
use crate::domain::age::Age;
use crate::domain::watch_state::WatchState;

/// The feeds that every intent relies on.
const RELIED_ON: [WatchedKind; 3] = [WatchedKind::Environments, WatchedKind::Releases, WatchedKind::Actions];

/// Why we may not use that verb in that environment; absent when we may.
#[must_use]
pub(crate) fn permission(store: &Store, environment: &EnvironmentId, verb: Verb) -> Option<String> {
    let name = &environment.key.name;
    match store.cluster(environment.cluster)?.permissions.get(&environment.key) {
        Some(allowed) if allowed.contains(&verb) => None,
        Some(_) => Some(format!("needs {verb} on environments/{name}")),
        None => Some(format!("permissions on environments/{name} are not known yet")),
    }
}

/// Why nothing that needs this verb may be sent there now: no permission, data out of step, or an environment that is only looked at.
#[must_use]
pub(crate) fn refusal(store: &Store, environment: &EnvironmentId, verb: Verb) -> Option<String> {
    permission(store, environment, verb)
        .or_else(|| lock(store, environment.cluster))
        .or_else(|| arming::read_only(store, environment))
}

/// Why a stop (pause, abort, reject, freeze, stop, deny or rollback) may not be sent there now. Only a missing permission and a cluster that
/// was never reached keep it: old data and an environment that opens read-only lock what starts something.
#[must_use]
pub(crate) fn refusal_to_stop(store: &Store, environment: &EnvironmentId, verb: Verb) -> Option<String> {
    let Some(cluster) = store.cluster(environment.cluster) else { return Some("no such cluster".to_owned()) };
    if cluster.identity.is_none() {
        return Some(format!("not connected to {} yet", cluster.context));
    }
    // what is not known yet is left to the API server
    permission(store, environment, verb).filter(|_| cluster.permissions.contains_key(&environment.key))
}

/// As [`refusal`] or [`refusal_to_stop`], by what the action does.
#[must_use]
pub(crate) fn refusal_of(
    store: &Store,
    environment: &EnvironmentId,
    (verb, kind): (Verb, ActionKind),
) -> Option<String> {
    if is_stop(kind) { refusal_to_stop(store, environment, verb) } else { refusal(store, environment, verb) }
}

/// Whether an action takes something back or keeps it from going on.
#[must_use]
pub(crate) const fn is_stop(kind: ActionKind) -> bool {
    rule(kind).is_stop()
}

/// What a person must know who stops something on old data; absent while the data is in step.
#[must_use]
pub(crate) fn stop_warning(store: &Store, environment: &EnvironmentId) -> Option<String> {
    lock(store, environment.cluster).map(|lock| format!("{lock}: it is sent all the same"))
}

/// Why nothing may be sent to that cluster now; absent when it may. One dead cluster never locks another.
#[must_use]
pub(crate) fn lock(store: &Store, cluster: ClusterId) -> Option<String> {
    let Some(state) = store.cluster(cluster) else { return Some("no such cluster".to_owned()) };
    if state.identity.is_none() {
        return Some(format!("not connected to {} yet", state.context));
    }
    RELIED_ON.into_iter().find_map(|feed| feed_lock(state.feeds.get(&feed), feed, store.now))
}

/// Who has stopped releases there; absent while they go. Going back is never stopped.
#[must_use]
pub(crate) fn freeze(store: &Store, environment: &EnvironmentId) -> Option<String> {
    let row = store.rows.environments.iter().find(|row| row.id == *environment)?;
    row.frozen.as_ref().map(|frozen| format!("{} is frozen by {frozen}", environment.key.name))
}

fn feed_lock(state: Option<&WatchState>, feed: WatchedKind, now: DateTime<Utc>) -> Option<String> {
    let name = feed.name();
    match state.unwrap_or(&WatchState::Connecting) {
        WatchState::Live { .. } => None,
        WatchState::Connecting => Some(format!("{name} are not loaded yet")),
        WatchState::Stale { since: Some(since), reason, .. } => {
            let age = Age::between(*since, now).seconds();
            Some(format!("data {age} s old: watch of {name} lost ({reason})"))
        }
        WatchState::Stale { since: None, reason, .. } => Some(format!("{name} cannot be read: {reason}")),
        WatchState::Denied { reason } | WatchState::Missing { reason } => Some(reason.clone()),
    }
}

/// For how long no controller has led, in words; absent while one leads.
#[must_use]
pub(crate) fn controller_silence(cluster: &ClusterState, now: DateTime<Utc>) -> Option<String> {
    match cluster.controller.silent_for(now)? {
        None => Some("no controller has ever led here".to_owned()),
        Some(age) => Some(format!("controller silent for {} s", age.seconds())),
    }
}

/// That the controller will be late, if it will: what is sent waits for it.
#[must_use]
pub(crate) fn controller_warning(cluster: &ClusterState, now: DateTime<Utc>) -> Option<String> {
    controller_silence(cluster, now).map(|silence| format!("{silence}: what you send will wait for it"))
}
