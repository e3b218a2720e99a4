//! `back`.

use super::prelude::*;
use crate::app::{overlays, texts, tour, views};

pub(super) const COMMAND: Command = Command {
    id: "back",
    title: "back",
    help: "Close the window or view, clear the filter, drop messages",
    keys: &[KeyChord::plain(KeyCode::Esc)],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run,
};

/// One thing at a time: messages, then what is searched for, then the filter, then the view.
fn run(store: &mut Store, _: &Invocation) -> Vec<Effect> {
    let focus = store.ui.focus;
    if !store.toasts.is_empty() {
        store.toasts.clear();
    } else if texts::search(store).is_some() {
        texts::set_search(store, None);
    } else if texts::filter(store).is_some() {
        texts::set_filter(store, None);
    } else if store.ui.filters.contains_key(&focus) {
        overlays::apply_filter(store, focus, "");
    } else if !store.ui.marked.is_empty() {
        store.ui.marked.clear();
    } else if !views::pop(store) && !tour::awaits(store, "back") {
        tour::leave(store);
    }
    Vec::new()
}
