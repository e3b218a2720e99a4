//! `metric`.

use super::prelude::*;
use crate::app::zoom;

pub(super) const COMMAND: Command = Command {
    id: "metric",
    title: "metric",
    help: "The next metric pane, where not all of them are shown, and where one is zoomed",
    keys: &[KeyChord::char('m')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        zoom::next_pane(store);
        Vec::new()
    },
};
