//! `bookmark`.

use super::prelude::*;
use crate::app::{history, overlays};

pub(super) const COMMAND: Command = Command {
    id: "bookmark",
    title: "bookmark",
    help: "Give this place a name, which is kept: :bookmark NAME",
    keys: &[KeyChord::char('B')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        match invocation.argument.as_deref() {
            Some(name) => history::bookmark(store, name),
            None => overlays::open_palette_with(store, "bookmark "),
        }
        Vec::new()
    },
};
