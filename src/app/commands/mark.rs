//! `mark`.

use super::describe;
use super::prelude::*;
use crate::app::movement::{self, Move};

pub(super) const COMMAND: Command = Command {
    id: "mark",
    title: "mark",
    help: "Mark the selected pod, or take the mark off",
    keys: &[KeyChord::char(' ')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: describe::needs_pod,
    run: |store, invocation| {
        if let Some(pod) = invocation.target.pod.clone()
            && !store.ui.marked.remove(&pod)
        {
            store.ui.marked.insert(pod);
        }
        movement::go(store, Move::Down);
        Vec::new()
    },
};
