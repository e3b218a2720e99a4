//! `numbers`.

use super::prelude::*;
use crate::app::numbers;

pub(super) const COMMAND: Command = Command {
    id: "numbers",
    title: "numbers",
    help: "How often, how fast and how safely applications are delivered; again: another period",
    keys: &[KeyChord::char('N')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: Some("numbers"),
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        numbers::open(store);
        Vec::new()
    },
};
