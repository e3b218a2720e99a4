//! `reload`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "reload",
    title: "reload",
    help: "Read the settings, the key map and the theme again; where there is a mistake, the old ones stay",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |_, _| vec![Effect::Reload],
};
