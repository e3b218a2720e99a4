//! Moving between rows, panes, environments and places.

use super::prelude::*;
use crate::app::selection::jump;
use crate::app::state::cursor::Cursor;
use crate::app::state::movement::Move;
use crate::app::state::place::Direction;
use crate::app::{dialogs, matrix, movement, navigation, palette, sections};
use crate::config::key::Modifiers;

const ROW: Command = Command { group: Group::Moving, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "environment",
        title: "environment",
        help: "Select the nth environment; in the inbox, the nth item",
        keys: &[
            KeyChord::char('1'),
            KeyChord::char('2'),
            KeyChord::char('3'),
            KeyChord::char('4'),
            KeyChord::char('5'),
            KeyChord::char('6'),
            KeyChord::char('7'),
            KeyChord::char('8'),
            KeyChord::char('9'),
        ],
        run: environment,
        ..ROW
    },
    Command {
        id: "all",
        title: "all",
        help: "Toggle pods of all environments",
        keys: &[KeyChord::char('0')],
        scope: Scope::Home,
        run: |store, _| {
            store.ui.all_environments = !store.ui.all_environments;
            store.dirty.pods = true;
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "collapse",
        title: "collapse",
        help: "Collapse the section: :collapse NAME",
        keys: &[KeyChord::plain(KeyCode::Left)],
        scope: Scope::Home,
        availability: Some(needs_sections),
        run: |store, invocation| {
            sections::fold(store, invocation.argument.as_deref().map(str::trim), true);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "expand",
        title: "expand",
        help: "Expand the section: :expand NAME",
        keys: &[KeyChord::plain(KeyCode::Right)],
        scope: Scope::Home,
        availability: Some(needs_sections),
        run: |store, invocation| {
            sections::fold(store, invocation.argument.as_deref().map(str::trim), false);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "up",
        title: "up",
        help: "Move up",
        keys: &[KeyChord::plain(KeyCode::Up), KeyChord::char('k')],
        run: |store, _| {
            movement::go(store, Move::Up);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "down",
        title: "down",
        help: "Move down",
        keys: &[KeyChord::plain(KeyCode::Down), KeyChord::char('j')],
        run: |store, _| {
            movement::go(store, Move::Down);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "page-up",
        title: "page up",
        help: "Page up",
        keys: &[KeyChord::plain(KeyCode::PageUp), KeyChord::ctrl('b')],
        run: |store, _| {
            movement::go(store, Move::PageUp);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "page-down",
        title: "page down",
        help: "Page down",
        keys: &[KeyChord::plain(KeyCode::PageDown), KeyChord::ctrl('f')],
        run: |store, _| {
            movement::go(store, Move::PageDown);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "top",
        title: "top",
        help: "Go to the first row",
        keys: &[KeyChord::char('g'), KeyChord::plain(KeyCode::Home)],
        run: |store, _| {
            movement::go(store, Move::Top);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "bottom",
        title: "bottom",
        help: "Go to the last row",
        keys: &[KeyChord::char('G'), KeyChord::plain(KeyCode::End)],
        run: |store, _| {
            movement::go(store, Move::Bottom);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "next-pane",
        title: "next pane",
        help: "Next pane; in the matrix, next environment",
        keys: &[KeyChord::plain(KeyCode::Tab)],
        run: |store, _| {
            if matches!(store.ui.view(), View::Matrix) {
                matrix::along(store, 1);
            } else {
                store.ui.focus = dialogs::form::cycle(store.view_row().panes, store.ui.focus, 1);
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "previous-pane",
        title: "previous pane",
        help: "Previous pane",
        keys: &[KeyChord::new(KeyCode::Tab, Modifiers::SHIFT)],
        run: |store, _| {
            if matches!(store.ui.view(), View::Matrix) {
                matrix::along(store, -1);
            } else {
                store.ui.focus = dialogs::form::cycle(store.view_row().panes, store.ui.focus, -1);
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "previous-place",
        title: "previous place",
        help: "Go back to the previous place",
        keys: &[KeyChord::char('[')],
        availability: Some(|store, _| can_go(store, Direction::Back)),
        run: |store, _| navigation::step(store, Direction::Back),
        ..ROW
    },
    Command {
        id: "next-place",
        title: "next place",
        help: "Go forward again",
        keys: &[KeyChord::char(']')],
        availability: Some(|store, _| can_go(store, Direction::Forward)),
        run: |store, _| navigation::step(store, Direction::Forward),
        ..ROW
    },
    Command {
        id: "bookmark",
        title: "bookmark",
        help: "Bookmark this place: :bookmark NAME",
        keys: &[KeyChord::char('B')],
        group: Group::Terminal,
        run: |store, invocation| {
            match invocation.argument.as_deref() {
                Some(name) => navigation::bookmark(store, name),
                None => palette::open_with(store, "bookmark "),
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "go",
        title: "go to",
        help: "Go to a bookmark: :go NAME",
        keys: &[KeyChord::char('\'')],
        group: Group::Terminal,
        run: |store, invocation| {
            match invocation.argument.as_deref() {
                Some(name) => navigation::visit(store, name),
                None => palette::open_with(store, "go "),
            }
            Vec::new()
        },
        ..ROW
    },
];

/// By place, or by `name` or `application/name`.
fn environment(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    if let (View::Inbox(_), Some(nth)) = (store.ui.view(), invocation.key) {
        return jump_in_inbox(store, nth);
    }
    let rows = &store.rows.environments;
    let found = match (&invocation.argument, invocation.key) {
        (Some(wanted), _) => rows
            .iter()
            .find(|row| *row.name == **wanted || format!("{}/{}", row.application, row.name) == *wanted),
        (None, Some(nth)) => rows.iter().find(|row| row.number == nth + 1),
        (None, None) => None,
    };
    let Some(id) = found.map(|row| row.id.clone()) else {
        let wanted = invocation.argument.clone().or(invocation.key.map(|nth| (nth + 1).to_string()));
        store.say(Level::Warning, format!("no environment `{}`", wanted.unwrap_or_default()));
        return Vec::new();
    };
    store.ui.all_environments = false;
    store.ui.views.truncate(1);
    if !store.view_row().panes.contains(&store.ui.focus) {
        store.ui.focus = Focus::Environments;
    }
    let height = store.ui.height(Focus::Environments);
    if store.ui.environments.selected.as_ref() != Some(&id) {
        store.ui.pods = Cursor::default();
    }
    jump(&mut store.ui.environments, &store.rows.environments, &id, |row| &row.id, height);
    store.dirty.pods = true;
    Vec::new()
}

fn jump_in_inbox(store: &mut Store, nth: usize) -> Vec<Effect> {
    let height = store.ui.height(Focus::Inbox);
    let Store { ui, rows, .. } = store;
    match (ui.views.last_mut(), rows.inbox.get(nth)) {
        (Some(View::Inbox(view)), Some(row)) => {
            let key = row.key.clone();
            jump(&mut view.cursor, &rows.inbox, &key, |row| &row.key, height);
            store.dirty.cursors = true;
        }
        _ => store.say(Level::Warning, format!("no item {} waits for you", nth + 1)),
    }
    Vec::new()
}

pub(super) fn can_go(store: &Store, way: Direction) -> Availability {
    if store.history.leads(way) {
        return Availability::Ready;
    }
    Availability::Unavailable("no place in that direction".to_owned())
}
