//! `history-back`.

use super::prelude::*;
use crate::app::history::{self, Way};

pub(super) const COMMAND: Command = Command {
    id: "history-back",
    title: "where I was",
    help: "Go back to the place that was open before",
    keys: &[KeyChord::char('[')],
    scope: Scope::Everywhere,
    group: Group::Moving,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |store, _| available(store, Way::Back),
    run: |store, _| history::step(store, Way::Back),
};

pub(super) fn available(store: &Store, way: Way) -> Availability {
    if store.history.leads(way) {
        return Availability::Ready;
    }
    Availability::Unavailable("no place in that direction".to_owned())
}
