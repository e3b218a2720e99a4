//! `open`.

use super::describe;
use super::prelude::*;
use crate::app::{alerts, inbox, matrix, rollback, sections, target, views};

pub(super) const COMMAND: Command = Command {
    id: "open",
    title: "open",
    help: "Open the selected release, pod, version or environment; in the rollback view: go back to it",
    keys: &[KeyChord::plain(KeyCode::Enter)],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: available,
    run: open,
};

fn available(store: &Store, target: &Target) -> Availability {
    match store.ui.view() {
        View::Rollback(view) => rollback::availability(store, view, false),
        View::Home if store.ui.focus == Pane::Pods => describe::needs_pod(store, target),
        View::Home if sections::hides_selected(store) => Availability::Ready,
        View::Home => match target::subject(store, target, |release| !release.phase().is_final()) {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("no release here yet: deploy one".to_owned()),
        },
        View::Inbox(_) if inbox::selected(store).is_some() => Availability::Ready,
        View::Inbox(_) => Availability::Unavailable("nothing waits for you".to_owned()),
        View::Why(_) => Availability::Ready,
        View::Matrix | View::Alerts(_) => needs_environment(store, target),
        View::Release(_)
        | View::Changes(_)
        | View::Events(_)
        | View::Differences(_)
        | View::Zoom(_)
        | View::Numbers(_)
        | View::Text(_)
        | View::Logs(_) => Availability::Unavailable("nothing to open here".to_owned()),
    }
}

fn open(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    match store.ui.view() {
        View::Rollback(_) => return rollback::confirm(store),
        View::Matrix => matrix::enter(store),
        View::Alerts(_) => alerts::enter(store),
        View::Inbox(_) if invocation.target.release.is_none() => return inbox::act(store, ""),
        View::Home if sections::hides_selected(store) => sections::fold(store, None, false),
        View::Home if store.ui.focus == Pane::Pods => return (describe::COMMAND.run)(store, invocation),
        _ => {
            let waiting = |release: &crate::api::Release| !release.phase().is_final();
            if let Some(id) = target::subject(store, &invocation.target, waiting) {
                views::open_release(store, id);
            }
        }
    }
    Vec::new()
}
