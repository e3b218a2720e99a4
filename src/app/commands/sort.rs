//! `sort`.

use super::prelude::*;
use crate::app::ui_state::PodSort;

pub(super) const COMMAND: Command = Command {
    id: "sort",
    title: "sort",
    help: "Order the pods by health, name, age, restarts or version",
    keys: &[KeyChord::char('s')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        let at = PodSort::ALL.iter().position(|sort| *sort == store.ui.pod_sort).unwrap_or_default();
        store.ui.pod_sort = PodSort::ALL[(at + 1) % PodSort::ALL.len()];
        store.dirty.pods = true;
        Vec::new()
    },
};
