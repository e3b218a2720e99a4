//! `shell`.

use super::prelude::*;
use crate::app::handoff::{self, Wish};

pub(super) const COMMAND: Command = Command {
    id: "shell",
    title: "shell",
    help: "Open a shell in the selected pod's container, by kubectl; asked for in production",
    keys: &[KeyChord::char('S')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |store, target| handoff::availability(store, target, Wish::Shell),
    run: |store, invocation| match invocation.target.pod.clone() {
        Some(pod) => handoff::open(store, pod, Wish::Shell),
        None => Vec::new(),
    },
};
