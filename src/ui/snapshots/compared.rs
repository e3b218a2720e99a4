//! Two environments side by side, in each state.

use crate::app::fixtures::{World, ago, environment_id, snapshot};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::cursor::Cursor;
use crate::app::state::differences::{DifferencesView, Side};
use crate::app::state::event::{Event, Outcome};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::domain::watch_state::WatchState;

/// Staging and production: both on their way where there is nothing, both read where all is live, one of them lost where the world is
/// lost.
pub(super) fn differences(mut store: Store) -> Store {
    let view = DifferencesView {
        left: Side::of(environment_id("staging")),
        right: Side::of(environment_id("production")),
        all: false,
        cursor: Cursor::default(),
    };
    store.ui.views.push(View::Differences(Box::new(view)));
    store.ui.focus = Focus::Differences;
    let mut world = World { store }.settled();
    let feed = world
        .store
        .cluster(ClusterId(0))
        .and_then(|cluster| cluster.feeds.get(&WatchedKind::Environments))
        .cloned();
    let refused = || Outcome::Refused("the API server does not answer: connection refused".to_owned());
    let (left, right) = requests(&world.store);
    match feed {
        Some(WatchState::Missing { .. }) => answer(&mut world, right, refused()),
        _ if world.store.rows.environments.is_empty() => {}
        state => {
            answer(&mut world, left, Outcome::Snapshot(Box::new(snapshot("staging"))));
            answer(&mut world, right, Outcome::Snapshot(Box::new(snapshot("production"))));
            if matches!(state, Some(WatchState::Stale { .. })) {
                lost(&mut world.store);
            }
            world = world.typing("j j j j");
        }
    }
    world.store
}

fn requests(
    store: &Store,
) -> (Option<crate::app::state::effect::RequestId>, Option<crate::app::state::effect::RequestId>) {
    match store.ui.view() {
        View::Differences(view) => (view.left.request, view.right.request),
        _ => (None, None),
    }
}

fn answer(world: &mut World, request: Option<crate::app::state::effect::RequestId>, outcome: Outcome) {
    if let Some(request) = request {
        world.send(Event::RequestDone { request, outcome });
    }
}

/// The right side was read 40 seconds ago, and then no more.
fn lost(store: &mut Store) {
    if let Some(View::Differences(view)) = store.ui.views.last_mut() {
        view.right.at = Some(ago(40));
        view.right.fault = Some("the API server does not answer: connection refused".to_owned());
    }
}
