//! `compare`.

use super::prelude::*;
use crate::app::zoom;

pub(super) const COMMAND: Command = Command {
    id: "compare",
    title: "compare",
    help: "Compare a zoomed pane with the time before the release, then with yesterday",
    keys: &[KeyChord::char('b')],
    scope: Scope::Zoom,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        zoom::compare(store);
        Vec::new()
    },
};
