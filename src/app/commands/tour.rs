//! `tour`.

use super::prelude::*;
use crate::app::tour;

pub(super) const COMMAND: Command = Command {
    id: "tour",
    title: "tour",
    help: "A tour through the first few keys, which waits for each; :tour off, or esc at home, leaves it",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        match invocation.argument.as_deref().map(str::trim) {
            None | Some("") => tour::begin(store),
            Some("off") => tour::leave(store),
            Some(other) => store
                .say(Level::Warning, format!("tour: `{other}` means nothing: it begins, or `off` leaves it")),
        }
        Vec::new()
    },
};
