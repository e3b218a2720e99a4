//! `suspend`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "suspend",
    title: "suspend",
    help: "Go to the shell; `fg` comes back",
    keys: &[KeyChord::ctrl('z')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |_, _| vec![Effect::Suspend],
};
