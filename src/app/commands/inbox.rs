//! `inbox`.

use super::prelude::*;
use crate::app::inbox;

pub(super) const COMMAND: Command = Command {
    id: "inbox",
    title: "inbox",
    help: "Everything that waits for you, everywhere, oldest first; approve does it from there",
    keys: &[KeyChord::char('i')],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: Some("inbox"),
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        inbox::open(store);
        Vec::new()
    },
};
