//! `quit`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "quit",
    title: "quit",
    help: "Leave; releases go on without the terminal",
    keys: &[KeyChord::char('q'), KeyChord::ctrl('c')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |_, _| vec![Effect::Quit],
};
