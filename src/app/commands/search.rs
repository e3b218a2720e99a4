//! `search`.

use super::prelude::*;
use crate::app::overlays;
use crate::app::ui_state::Purpose;

pub(super) const COMMAND: Command = Command {
    id: "search",
    title: "search",
    help: "Search the text for a regular expression; n and N go on and back",
    keys: &[KeyChord::char('s')],
    scope: Scope::Texts,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        match &invocation.argument {
            Some(text) => overlays::apply_pattern(store, Purpose::Search, text),
            None => overlays::open_pattern(store, Purpose::Search),
        }
        Vec::new()
    },
};
