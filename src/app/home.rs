//! The home screen: environments, metrics, pods and the release queue.

use crate::app::selection::{put, select};
use crate::app::state::effect::Effect;
use crate::app::state::movement::Move;
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Invocation, Target};
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::{Enter, PlaceRow, ViewRow};
use crate::app::{describe, sections, target, views};

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "home",
    is: |view| matches!(view, View::Home),
    panes: &[Focus::Environments, Focus::Pods, Focus::Queue],
    target: aimed,
    go,
    click,
    enter: Some(Enter { availability: can_enter, run: enter }),
    place: Some(PlaceRow::ROW),
    ..ViewRow::ROW
};

/// What is selected in the focused pane.
fn aimed(store: &Store) -> Target {
    let environment = store.focused_environment();
    match store.ui.focus {
        Focus::Queue => {
            let release = store.ui.queue.selected.clone();
            let of_release = release.as_ref().and_then(|id| store.environment_of(id));
            Target { environment: of_release.or(environment), release, pod: None }
        }
        Focus::Pods => Target { environment, release: None, pod: store.ui.pods.selected.clone() },
        _ => Target { environment, ..Target::default() },
    }
}

fn go(store: &mut Store, step: Move, height: usize) {
    let Store { ui, rows, .. } = store;
    match ui.focus {
        Focus::Environments => sections::go(store, step, height),
        Focus::Pods => select(&mut ui.pods, &rows.pods, step, height, Clone::clone),
        Focus::Queue => select(&mut ui.queue, &rows.queue, step, height, |row| row.id.clone()),
        _ => {}
    }
}

fn click(store: &mut Store, pane: Focus, line: usize) {
    let height = store.ui.height(pane);
    let Store { ui, rows, .. } = store;
    match pane {
        Focus::Environments => sections::click(store, line),
        Focus::Pods => put(&mut ui.pods, &rows.pods, line, height, |id| id),
        Focus::Queue => put(&mut ui.queue, &rows.queue, line, height, |row| &row.id),
        _ => {}
    }
}

fn can_enter(store: &Store, target: &Target) -> Availability {
    if store.ui.focus == Focus::Pods {
        return match target.pod {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("select a pod first".to_owned()),
        };
    }
    if sections::hides_selected(store) {
        return Availability::Ready;
    }
    match target::subject(store, target, |release| !release.phase().is_final()) {
        Some(_) => Availability::Ready,
        None => Availability::Unavailable("no release here yet: deploy one".to_owned()),
    }
}

fn enter(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    if sections::hides_selected(store) {
        sections::fold(store, None, false);
    } else if store.ui.focus == Focus::Pods {
        return describe::open(store, invocation);
    } else {
        views::open_subject(store, &invocation.target);
    }
    Vec::new()
}
