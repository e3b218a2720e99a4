//! `cause`.

use super::prelude::*;
use crate::app::causes;

pub(super) const COMMAND: Command = Command {
    id: "cause",
    title: "cause",
    help: "Jump to the evidence of what is wrong: the log of the crash, the events, the refusing workload",
    keys: &[KeyChord::char('J')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: Some("why"),
    confirmation: Confirmation::None,
    availability: |store, target| match causes::place(store, target) {
        Some(_) => Availability::Ready,
        None => Availability::Unavailable("no cause of trouble is known here".to_owned()),
    },
    run: |store, invocation| match causes::place(store, &invocation.target) {
        Some(place) => causes::jump(store, place),
        None => Vec::new(),
    },
};
