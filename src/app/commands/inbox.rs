//! `inbox`.

use super::prelude::*;
use crate::app::movement;

pub(super) const COMMAND: Command = Command {
    id: "inbox",
    title: "needs you",
    help: "Go to the next release that waits for you",
    keys: &[KeyChord::char('i')],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: available,
    run,
};

fn available(store: &Store, _: &Target) -> Availability {
    if store.rows.needs_me.is_empty() {
        Availability::Unavailable("nothing waits for you".to_owned())
    } else {
        Availability::Ready
    }
}

/// The oldest first; again: the next one.
fn run(store: &mut Store, _: &Invocation) -> Vec<Effect> {
    let waiting = &store.rows.needs_me;
    let selected = store.ui.queue.selected.as_ref();
    let at = selected.and_then(|id| waiting.iter().position(|waits| waits == id));
    let next = at.filter(|_| store.ui.focus == Pane::Queue).map_or(0, |at| (at + 1) % waiting.len().max(1));
    let Some(wanted) = waiting.get(next).cloned() else { return Vec::new() };
    store.ui.views.truncate(1);
    store.ui.focus = Pane::Queue;
    let height = store.ui.height(Pane::Queue);
    movement::jump(&mut store.ui.queue, &store.rows.queue, &wanted, |row| &row.id, height);
    store.dirty.screen = true;
    Vec::new()
}
