//! `columns`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "columns",
    title: "columns",
    help: "Show other columns of the pods: owner, revision, address, node, digest; or the usual ones",
    keys: &[KeyChord::char('o')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        store.ui.pods_wide = !store.ui.pods_wide;
        Vec::new()
    },
};
