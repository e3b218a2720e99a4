//! `go`.

use super::prelude::*;
use crate::app::{history, overlays};

pub(super) const COMMAND: Command = Command {
    id: "go",
    title: "go to",
    help: "Go to a place that has a name: :go NAME",
    keys: &[KeyChord::char('\'')],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        match invocation.argument.as_deref() {
            Some(name) => history::visit(store, name),
            None => overlays::open_palette_with(store, "go "),
        }
        Vec::new()
    },
};
