//! `previous-log`.

use super::prelude::*;
use crate::app::log_view;

pub(super) const COMMAND: Command = Command {
    id: "previous-log",
    title: "previous",
    help: "The log of the container's run before this one, or of the present run again",
    keys: &[KeyChord::char('p')],
    scope: Scope::Logs,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        log_view::again(store, |view| {
            view.what.previous = !view.what.previous;
            view.what.follow = !view.what.previous;
        });
        Vec::new()
    },
};
