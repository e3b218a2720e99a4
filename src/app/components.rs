//! Which component of an environment is shown alone, by environment, and which parts of what is known are of it.
//!
//! Owns the choice. Nothing is asked for anew: panes show less of what is there. An environment's row, what it counts and the lists of
//! all environments are of the whole and never narrowed; of a release and of alerts only what surely is another component's and well.

use crate::api::environment::Component;
use crate::app::palette;
use crate::app::rows::environments;
use crate::app::state::alerts::{AlertScope, AlertsView};
use crate::app::state::cursor::Cursor;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::palette::Choice;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::state::view::View;
use crate::domain::alert_row::AlertRow;
use crate::domain::component::{curves_of, may_concern, of_name};
use crate::domain::known_version::tag;
use crate::domain::series::Series;

/// The word for all components together.
pub(crate) const ALL: &str = "all";
/// What stands before a name that is meant as it is, also where it is the word for all.
const NAMED: char = '=';
/// Of whom numbers are that no query tells apart by component.
pub(crate) const UNDIVIDED: &str = "all components";

/// The component that is shown alone in that environment; absent: all are.
#[must_use]
pub(crate) fn alone<'a>(store: &'a Store, id: &EnvironmentId) -> Option<&'a Component> {
    let name = store.ui.alone.get(id)?;
    store.environment(id)?.spec.component(name)
}

/// The component that is shown alone in the environment that the screen is about.
#[must_use]
pub(crate) fn here(store: &Store) -> Option<&Component> {
    alone(store, &store.focused_environment()?)
}

/// Whether an object of that environment is shown, by its name.
pub(super) fn shows(store: &Store, id: &EnvironmentId, name: &str) -> bool {
    let (Some(wanted), Some(environment)) = (alone(store, id), store.environment(id)) else { return true };
    of_name(&environment.spec.components, name).is_some_and(|found| found.name == wanted.name)
}

/// Whether an alert of that environment is shown.
pub(super) fn shows_alert(store: &Store, id: &EnvironmentId, alert: &AlertRow) -> bool {
    let (Some(wanted), Some(environment)) = (alone(store, id), store.environment(id)) else { return true };
    may_concern(&environment.spec.components, wanted, alert)
}

/// The component of which a release's panes tell alone; absent: of all, also where the release does not change that one.
#[must_use]
pub(crate) fn of_release<'a>(store: &'a Store, id: &ReleaseId) -> Option<&'a Component> {
    let wanted = alone(store, &store.environment_of(id)?)?;
    let changes = store.release(id)?.spec.images.iter().any(|image| image.component == wanted.name);
    changes.then_some(wanted)
}

/// The curves of a pane that are shown, and whose they are; absent: everybody's, because all components are shown.
#[must_use]
pub(crate) fn curves<'a>(
    store: &'a Store,
    id: &EnvironmentId,
    series: &'a [Series],
) -> (Option<&'a str>, &'a [Series]) {
    let (Some(wanted), Some(environment)) = (alone(store, id), store.environment(id)) else {
        return (None, series);
    };
    let name = wanted.name.as_str();
    match curves_of(&environment.spec.components, series, name) {
        Some(own) => (Some(name), own),
        // no answer yet is not an answer about all of them
        None if series.is_empty() => (Some(name), series),
        None => (Some(UNDIVIDED), series),
    }
}

/// Opens the list of an environment's components, what is shown now chosen in it.
pub(super) fn open(store: &mut Store, id: &EnvironmentId) {
    let present =
        alone(store, id).map_or_else(|| ALL.to_owned(), |component| written(component.name.as_str()));
    palette::open_choosing(store, "component ", format!("component {present}"));
}

/// Shows the component of that name alone, or all of them.
pub(super) fn choose(store: &mut Store, id: &EnvironmentId, wanted: &str) {
    let Some(environment) = store.environment(id) else { return };
    let wanted = wanted.trim();
    let names = || environment.spec.components.iter().map(|component| component.name.as_str());
    let name = wanted.strip_prefix(NAMED).unwrap_or(wanted);
    let text = if wanted == ALL {
        store.ui.alone.remove(id);
        format!("all components of {} are shown", id.key.name)
    } else if let Some(name) = names().find(|known| *known == name) {
        let text = format!("only {name} of {} is shown; its row tells of all components", id.key.name);
        let name = name.into();
        store.ui.alone.insert(id.clone(), name);
        text
    } else {
        let known: Vec<String> = std::iter::once(ALL.to_owned()).chain(names().map(written)).collect();
        let (place, known) = (&id.key.name, known.join(", "));
        let text = format!("component: there is no `{wanted}` in {place}; there are {known}");
        store.say(Level::Warning, text);
        return;
    };
    store.say(Level::Done, text);
    store.ui.all_environments = false;
    store.ui.pods = Cursor::default();
    if let Some(View::Alerts(view)) = store.ui.views.last_mut() {
        *view = AlertsView { scope: AlertScope::One(id.clone()), ..AlertsView::default() };
    }
    changed(store);
}

/// A component's name as a person types it.
fn written(name: &str) -> String {
    if name == ALL { format!("{NAMED}{name}") } else { name.to_owned() }
}

/// What is shown where a person was before: that component alone, or all where it has no name or is gone.
pub(super) fn restore(store: &mut Store, id: &EnvironmentId, name: &str) {
    let known = store.environment(id).is_some_and(|environment| environment.spec.component(name).is_some());
    if known {
        store.ui.alone.insert(id.clone(), name.into());
    } else {
        store.ui.alone.remove(id);
    }
    changed(store);
}

/// Shows all components again where the one that was shown alone is gone, and says so.
pub(super) fn settle(store: &mut Store) {
    let is_gone = |id: &EnvironmentId, name: &str| {
        store.environment(id).is_some_and(|environment| environment.spec.component(name).is_none())
    };
    let gone = store.ui.alone.iter().filter(|(id, name)| is_gone(id, name));
    let gone: Vec<(EnvironmentId, Box<str>)> = gone.map(|(id, name)| (id.clone(), name.clone())).collect();
    for (id, name) in gone {
        store.ui.alone.remove(&id);
        let text = format!("{name} is no component of {} any more: all are shown", id.key.name);
        store.say(Level::Warning, text);
        store.dirty.pods = true;
    }
}

/// What lists components is computed anew, and shown from its beginning.
fn changed(store: &mut Store) {
    for view in &mut store.ui.views {
        match view {
            View::Events(view) => view.offset = 0,
            View::Listed(list) => list.offset = 0,
            View::Differences(view) => view.cursor = Cursor::default(),
            View::Release(view) => view.plan_offset = None,
            _ => {}
        }
    }
    store.dirty.pods = true;
    store.dirty.alerts = true;
    store.dirty.events = true;
    store.dirty.screen = true;
}

/// All components and each of them, as completions of the command: its version, how it fares, its pods.
pub(super) fn choices(store: &Store, id: &EnvironmentId) -> Vec<Choice> {
    let Some(environment) = store.environment(id) else { return Vec::new() };
    let choice = |name: &str, help: String| Choice {
        completion: format!("component {name}"),
        help,
        unavailable: None,
    };
    let all = choice(ALL, format!("every component of {}", id.key.name));
    let each = environment.spec.components.iter();
    let each = each.map(|component| choice(&written(component.name.as_str()), told(store, id, component)));
    std::iter::once(all).chain(each).collect()
}

/// `v1.8.1 healthy 3/3 pods`.
fn told(store: &Store, id: &EnvironmentId, component: &Component) -> String {
    let workload = store
        .cluster(id.cluster)
        .zip(store.environment(id))
        .and_then(|(cluster, environment)| environments::workload(cluster, environment, component));
    let Some(row) = workload else {
        return format!("its {} {} is not known", component.workload.kind, component.workload.name);
    };
    let health = environments::health(None, &[(component, row)], true).word();
    let version = row.image(&component.container).map_or("no version", tag);
    format!("{version} {health} {}/{} pods", row.ready, row.desired)
}
