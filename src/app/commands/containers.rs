//! `containers`.

use super::prelude::*;
use crate::app::log_view;

pub(super) const COMMAND: Command = Command {
    id: "containers",
    title: "containers",
    help: "The log of all containers of the pods, or of the main one again",
    keys: &[KeyChord::char('a')],
    scope: Scope::Logs,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        log_view::again(store, |view| view.what.all_containers = !view.what.all_containers);
        Vec::new()
    },
};
