//! `warnings`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "warnings",
    title: "warnings",
    help: "Among events: list only warnings, or all of them again",
    keys: &[KeyChord::char('W')],
    scope: Scope::Events,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if let Some(View::Events(view)) = store.ui.views.last_mut() {
            view.warnings = !view.warnings;
            view.offset = 0;
            store.dirty.events = true;
        }
        Vec::new()
    },
};
