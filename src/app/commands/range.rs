//! `range`.

use super::prelude::*;
use crate::app::zoom;

pub(super) const COMMAND: Command = Command {
    id: "range",
    title: "range",
    help: "The next longer time of a zoomed pane, from 5 minutes to 7 days; :range 6h",
    keys: &[KeyChord::char('r')],
    scope: Scope::Zoom,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        zoom::range(store, invocation.argument.as_deref());
        Vec::new()
    },
};
