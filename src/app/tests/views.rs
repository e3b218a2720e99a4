//! A view that only its row knows, in a session that has it besides all others.

use crate::app::fixtures::{World, environment_id, planera};
use crate::app::state::located::EnvironmentId;
use crate::app::state::target::Availability;
use crate::app::state::view::{Focus, Listed, View};
use crate::app::state::view_row::{Enter, PlaceRow, ViewRow, Views};
use crate::app::target::target;
use crate::app::{VIEWS, views};

/// Entries that the list has.
const ENTRIES: usize = 100;

static NOTES: ViewRow = ViewRow {
    name: "notes",
    is: |view| view.is_list("notes"),
    panes: &[Focus::Changes],
    environment: |store| match store.ui.view() {
        View::Listed(list) => Some(list.environment.clone()),
        _ => None,
    },
    go: |store, step, height| {
        if let Some(View::Listed(list)) = store.ui.views.last_mut() {
            list.offset = step.scroll(list.offset, ENTRIES, height);
        }
    },
    click: |store, _, line| {
        if let Some(View::Listed(list)) = store.ui.views.last_mut() {
            list.offset = line;
        }
    },
    enter: Some(Enter {
        availability: |_, _| Availability::Ready,
        run: |store, _| {
            store.say(crate::app::state::toast::Level::Done, "read");
            Vec::new()
        },
    }),
    place: Some(PlaceRow {
        go: |store, arrival| {
            push(store, arrival.environment.clone()?);
            Some(())
        },
        ..PlaceRow::ROW
    }),
    returns_to: Some(Focus::Queue),
    ..ViewRow::ROW
};

fn push(store: &mut crate::app::state::store::Store, environment: EnvironmentId) {
    views::push(store, View::Listed(Listed { name: "notes", environment, offset: 0 }));
}

/// The view of production's notes, opened while staging is selected.
fn opened() -> World {
    let mut world = planera().typing("1");
    let all: Vec<&'static ViewRow> = VIEWS.iter().copied().chain([&NOTES]).collect();
    world.store.views = Views(Box::leak(all.into_boxed_slice()));
    push(&mut world.store, environment_id("production"));
    world.settled()
}

fn offset(world: &World) -> Option<usize> {
    match world.store.ui.view() {
        View::Listed(list) if list.name == "notes" => Some(list.offset),
        _ => None,
    }
}

#[test]
fn every_view_that_there_is_has_one_row() {
    for (nth, row) in VIEWS.iter().enumerate() {
        assert!(!row.name.is_empty() && !row.panes.is_empty(), "{nth}");
        assert_eq!(VIEWS.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
    }
    for keys in ["1", "1 N", "1 M", "1 h", "1 E", "1 a", "1 i", "1 X", "1 z", "1 L", "1 tab d", "2 R"] {
        let world = planera().typing(keys);
        let view = world.store.ui.view();
        assert_eq!(VIEWS.iter().filter(|row| (row.is)(view)).count(), 1, "{keys}: {view:?}");
        assert_eq!(world.store.view_row().first_pane(), world.store.ui.focus, "{keys}");
    }
}

#[test]
fn a_view_is_its_row_and_nothing_else() {
    let world = opened();
    assert_eq!((offset(&world), world.store.ui.focus), (Some(0), Focus::Changes));
    // the screen is about its environment, though another one is selected at home
    assert_eq!(world.store.focused_environment(), Some(environment_id("production")));
    assert_eq!(target(&world.store).environment, Some(environment_id("production")));
    // keys move in it and open what is selected
    let world = world.typing("j j");
    assert_eq!(offset(&world), Some(2));
    let world = world.typing("G g enter");
    assert_eq!(offset(&world), Some(0));
    assert_eq!(world.store.toasts.back().map(|toast| toast.text.as_str()), Some("read"));
    // a bookmark finds it again, and so does the way back
    let world = world.typing("B mine enter esc esc");
    assert_eq!((offset(&world), world.store.ui.focus), (None, Focus::Queue));
    assert_eq!(offset(&world.typing("' mine enter")), Some(0));
    let world = opened().typing("i");
    assert_eq!(offset(&world), None);
    assert_eq!(offset(&world.typing("[")), Some(0));
}

#[test]
fn a_session_without_it_cannot_go_there() {
    let mut world = opened().typing("B mine enter esc");
    world.store.views = Views(VIEWS);
    let world = world.typing("esc 1 ' mine enter");
    let said = world.store.toasts.back().map(|toast| toast.text.clone());
    assert_eq!(said.as_deref(), Some("go: notes of production is gone"));
}
