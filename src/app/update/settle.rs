//! Brings lists, selections and open windows up to date with what was folded in, as little of it as possible.

use chrono::TimeDelta;

use crate::app::rows::{environments, inbox, pods, queue};
use crate::app::selection::{follow, rest};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::health::HealthClass;
use crate::app::state::located::EnvironmentId;
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::store::{Dirty, Store};
use crate::app::state::view::Focus;
use crate::app::{
    alerts, attention, banners, causes, changes, components, dialogs, differences, events, log_view,
    refusals, rollback, saved_state, sections, tracks, zoom,
};
use crate::domain::pane;

/// For how long after the first environment is known the rest is still being loaded.
const OPENING: TimeDelta = TimeDelta::seconds(5);

/// Computes what is dirty, and asks for the focused environment's data when the focus has moved.
pub fn settle(store: &mut Store) -> Vec<Effect> {
    let dirty = std::mem::take(&mut store.dirty);
    if dirty == Dirty::default() {
        return Vec::new();
    }
    let judged = (dirty.actions || dirty.releases) && super::outcome::reconcile(store);
    if dirty.releases || judged {
        store.rows.environments = environments::list(store);
        store.rows.queue = queue::list(store);
        store.rows.inbox = inbox::list(store);
    } else if dirty.readings {
        environments::renew_readings(store);
    }
    if dirty.releases {
        components::settle(store);
    }
    saved_state::resume(store);
    select_environment(store);
    store.rows.banners = banners::list(store);
    let focus = store.focused_environment();
    // also what was shown alone until now
    let pods = dirty.pods || store.dirty.pods;
    if pods || focus != store.focused.0 {
        list_pods(store);
    }
    if dirty.releases || focus != store.focused.0 || store.rows.panes.is_empty() {
        let environment = focus.as_ref().and_then(|id| store.environment(id));
        store.rows.panes = pane::list(environment.map(|environment| &environment.spec));
    }
    let reach = zoom::reach(store);
    let happened = dirty.releases || dirty.actions || dirty.alerts || pods || dirty.ailments;
    if happened || focus != store.focused.0 || reach != store.reach {
        store.reach = reach;
        store.rows.changes = focus.as_ref().map(|id| changes::list(store, id, reach)).unwrap_or_default();
    }
    if dirty.events || dirty.releases || dirty.screen {
        events::list(store);
        differences::list(store);
    }
    alerts::list(store);
    if dirty.pods || dirty.ailments || dirty.releases || dirty.readings {
        store.rows.causes = causes::list(store);
    }
    follow_cursors(store);
    rollback::renew(store, dirty.releases);
    crate::app::inbox::renew(store);
    dialogs::renew(store);
    // what settling itself has touched is settled
    store.dirty = Dirty::default();
    store.revision += 1;
    let mut effects = focus_effect(store, focus);
    effects.extend(log_view::settle(store));
    effects.extend(events::settle(store));
    effects.extend(differences::settle(store));
    effects.extend(zoom::effects(store));
    effects.extend(causes::examine(store));
    effects.extend(refusals::examine(store));
    effects.extend(attention::watch(store, dirty.releases || judged));
    effects
}

fn list_pods(store: &mut Store) {
    let list = pods::list(store);
    store.rows.pods = list.pods;
    store.rows.pods_total = list.total;
    store.rows.pods_whole = list.whole;
    store.rows.pods_failing = list.failing;
    store.scope = list.scope;
}

fn focus_effect(store: &mut Store, focus: Option<EnvironmentId>) -> Vec<Effect> {
    let second = focus.as_ref().and_then(|id| tracks::second(store, id));
    let focused = (focus, second);
    if focused == store.focused {
        return Vec::new();
    }
    store.focused.clone_from(&focused);
    let wanted = focused.0.map(|id| {
        Effect::Background(BackgroundEffect::Focus { cluster: id.cluster, environment: id.key, second })
    });
    wanted.into_iter().collect()
}

/// Until a person has touched a key and while everything is being loaded, the environment that most needs attention is selected. Then
/// it stays: nothing may slip under the fingers of somebody who looks.
fn select_environment(store: &mut Store) {
    if store.first_seen.is_none() && !store.rows.environments.is_empty() {
        store.first_seen = Some(store.now);
    }
    let loading = store.first_seen.is_none_or(|at| store.now - at < OPENING) && store.last_key.is_none();
    if !store.ui.environments.held && (loading || store.ui.environments.selected.is_none()) {
        let urgent = store.rows.environments.iter().enumerate().max_by_key(|(i, row)| (urgency(row), *i));
        store.ui.environments.selected = urgent.map(|(_, row)| row.id.clone());
    }
    let height = store.ui.height(Focus::Environments);
    follow(&mut store.ui.environments, &store.rows.environments, |row| &row.id, height);
    store.rows.environment_lines = sections::lines(store);
}

fn urgency(row: &EnvironmentRow) -> (bool, bool, bool, crate::api::Tier) {
    let alarms = row.alerts.is_some_and(|count| count.is_critical);
    let over = row.error_rate.is_over() || row.latency.is_over();
    let burns = row.health.class() == HealthClass::Bad || over || alarms;
    (burns, row.active.is_some(), row.needs_me > 0, row.tier)
}

fn follow_cursors(store: &mut Store) {
    let (pods, queue) = (store.ui.height(Focus::Pods), store.ui.height(Focus::Queue));
    rest(&mut store.ui.pods);
    follow(&mut store.ui.pods, &store.rows.pods, |id| id, pods);
    rest(&mut store.ui.queue);
    follow(&mut store.ui.queue, &store.rows.queue, |row| &row.id, queue);
    if !store.ui.marked.is_empty() {
        let Store { ui, clusters, .. } = store;
        ui.marked.retain(|id| {
            clusters.get(usize::from(id.cluster.0)).is_some_and(|cluster| cluster.pods.get(&id.key).is_some())
        });
    }
}
