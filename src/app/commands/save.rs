//! `save`.

use super::prelude::*;
use crate::app::texts;

pub(super) const COMMAND: Command = Command {
    id: "save",
    title: "save",
    help: "Save the text or log that is shown in a new file; `:save PATH` names it",
    keys: &[KeyChord::ctrl('s')],
    scope: Scope::Texts,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| texts::save(store, invocation.argument.as_deref()),
};
