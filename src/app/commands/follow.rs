//! `follow`.

use super::prelude::*;

pub(super) const COMMAND: Command = Command {
    id: "follow",
    title: "follow",
    help: "Stay at the end of the log while lines come, or stop there",
    keys: &[KeyChord::char('f')],
    scope: Scope::Logs,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        let height = store.ui.height(Pane::Text);
        if let Some(View::Logs(view)) = store.ui.views.last_mut() {
            view.look.offset = view.first(height);
            view.at_end = !view.at_end;
        }
        Vec::new()
    },
};
