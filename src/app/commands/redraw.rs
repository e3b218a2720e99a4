//! `redraw`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "redraw",
    title: "redraw",
    help: "Draw the whole screen anew",
    keys: &[KeyChord::ctrl('l')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |_, _| vec![Effect::Redraw],
};
