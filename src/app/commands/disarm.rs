//! `disarm`.

use super::prelude::*;
use crate::app::arming;

pub(super) const COMMAND: Command = Command {
    id: "disarm",
    title: "disarm",
    help: "Make the armed environment read-only again",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |store, _| match store.armed {
        Some(_) => Availability::Ready,
        None => Availability::Unavailable("nothing is armed".to_owned()),
    },
    run: |store, _| {
        arming::disarm(store, "as you said");
        Vec::new()
    },
};
