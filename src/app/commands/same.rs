//! `same`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "same",
    title: "the same",
    help: "Among differences: list what is the same as well, or only what differs again",
    keys: &[KeyChord::char('=')],
    scope: Scope::Differences,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if let Some(View::Differences(view)) = store.ui.views.last_mut() {
            view.all = !view.all;
            store.dirty.screen = true;
        }
        Vec::new()
    },
};
