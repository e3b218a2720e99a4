//! `next-match`.

use super::prelude::*;
use crate::app::texts;

pub(super) const COMMAND: Command = Command {
    id: "next-match",
    title: "next",
    help: "Go to the next line that is searched for",
    keys: &[KeyChord::char('n')],
    scope: Scope::Texts,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        texts::step(store, true);
        Vec::new()
    },
};
