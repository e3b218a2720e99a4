//! `forward`.

use super::prelude::*;
use crate::app::handoff::{self, Wish};

pub(super) const COMMAND: Command = Command {
    id: "forward",
    title: "forward",
    help: "Forward ports of the selected pod to this machine, by kubectl, until ctrl-c",
    keys: &[KeyChord::char('f')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |store, target| handoff::availability(store, target, Wish::Forward),
    run: |store, invocation| match invocation.target.pod.clone() {
        Some(pod) => handoff::open(store, pod, Wish::Forward),
        None => Vec::new(),
    },
};
