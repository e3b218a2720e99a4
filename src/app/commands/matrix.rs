//! `matrix`.

use super::prelude::*;
use crate::app::matrix;

pub(super) const COMMAND: Command = Command {
    id: "matrix",
    title: "matrix",
    help: "Applications by environments over all clusters: version, health and release; enter opens one",
    keys: &[KeyChord::char('M')],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        matrix::open(store);
        Vec::new()
    },
};
