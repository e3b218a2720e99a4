//! `previous-match`.

use super::prelude::*;
use crate::app::texts;

pub(super) const COMMAND: Command = Command {
    id: "previous-match",
    title: "before",
    help: "Go to the line before that is searched for",
    keys: &[KeyChord::char('N')],
    scope: Scope::Texts,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        texts::step(store, false);
        Vec::new()
    },
};
