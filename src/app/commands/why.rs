//! `why`.

use super::prelude::*;
use crate::app::{target, why};

pub(super) const COMMAND: Command = Command {
    id: "why",
    title: "why",
    help: "Why a release does not go on: each gate, who can clear it, when, and the server's own word",
    keys: &[KeyChord::char('w')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: Some("why"),
    confirmation: Confirmation::None,
    availability: |store, target| match target::subject(store, target, |r| !r.phase().is_final()) {
        Some(_) => Availability::Ready,
        None => Availability::Unavailable("no release here".to_owned()),
    },
    run: |store, invocation| match target::subject(store, &invocation.target, |release| {
        !release.phase().is_final()
    }) {
        Some(id) => why::open(store, id),
        None => Vec::new(),
    },
};
