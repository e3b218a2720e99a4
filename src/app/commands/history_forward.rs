//! `history-forward`.

use super::history_back::available;
use super::prelude::*;
use crate::app::history::{self, Way};

pub(super) const COMMAND: Command = Command {
    id: "history-forward",
    title: "forward",
    help: "Go forward again to the place that was left by going back",
    keys: &[KeyChord::char(']')],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |store, _| available(store, Way::Forward),
    run: |store, _| history::step(store, Way::Forward),
};
