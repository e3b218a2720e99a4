//! `reverse`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "reverse",
    title: "reverse",
    help: "Turn the order of the pods round",
    keys: &[KeyChord::char('~')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        store.ui.pods_reversed = !store.ui.pods_reversed;
        store.dirty.pods = true;
        Vec::new()
    },
};
