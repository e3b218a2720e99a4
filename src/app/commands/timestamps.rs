//! `timestamps`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "timestamps",
    title: "stamps",
    help: "Show when each line of the log was written, or not",
    keys: &[KeyChord::char('t')],
    scope: Scope::Logs,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        if let Some(View::Logs(view)) = store.ui.views.last_mut() {
            view.timestamps = !view.timestamps;
        }
        Vec::new()
    },
};
