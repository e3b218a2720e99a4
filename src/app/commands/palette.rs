//! `palette`.

use super::prelude::*;
use crate::app::overlays;

pub(super) const COMMAND: Command = Command {
    id: "palette",
    title: "command",
    help: "Type a command by name, with completion",
    keys: &[KeyChord::char(':')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        overlays::open_palette(store);
        Vec::new()
    },
};
