//! `all`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "all",
    title: "all",
    help: "Show the pods of all environments, or of the selected one again",
    keys: &[KeyChord::char('0')],
    scope: Scope::Home,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        store.ui.all_environments = !store.ui.all_environments;
        store.dirty.pods = true;
        Vec::new()
    },
};
