//! `environment`.

use super::prelude::*;
use crate::app::movement;
use crate::app::ui_state::Cursor;

pub(super) const COMMAND: Command = Command {
    id: "environment",
    title: "environment",
    help: "Select an environment: the nth key selects the nth one; in the inbox: the nth item",
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
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run,
};

/// By place, or by `name` or `application/name`.
fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
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
    if !Pane::of(store.ui.view()).contains(&store.ui.focus) {
        store.ui.focus = Pane::Environments;
    }
    let height = store.ui.height(Pane::Environments);
    if store.ui.environments.selected.as_ref() != Some(&id) {
        store.ui.pods = Cursor::default();
    }
    movement::jump(&mut store.ui.environments, &store.rows.environments, &id, |row| &row.id, height);
    store.dirty.pods = true;
    Vec::new()
}

fn jump_in_inbox(store: &mut Store, nth: usize) -> Vec<Effect> {
    let height = store.ui.height(Pane::Inbox);
    let Store { ui, rows, .. } = store;
    match (ui.views.last_mut(), rows.inbox.get(nth)) {
        (Some(View::Inbox(view)), Some(row)) => {
            let key = row.key.clone();
            movement::jump(&mut view.cursor, &rows.inbox, &key, |row| &row.key, height);
            store.dirty.cursors = true;
        }
        _ => store.say(Level::Warning, format!("no item {} waits for you", nth + 1)),
    }
    Vec::new()
}
