//! `diff`.

use super::prelude::*;
use crate::app::effect::FetchText;
use crate::app::views;

pub(super) const COMMAND: Command = Command {
    id: "diff",
    title: "diff",
    help: "Show what going back to the chosen version changes, what stays, and who will undo it",
    keys: &[KeyChord::char('D')],
    scope: Scope::Rollback,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability,
    run,
};

fn availability(store: &Store, _: &Target) -> Availability {
    match store.ui.view() {
        View::Rollback(view) if view.versions.is_empty() => {
            Availability::Unavailable("no version is known to go back to".to_owned())
        }
        View::Rollback(_) => Availability::Ready,
        _ => Availability::Unavailable("choose a version to go back to first".to_owned()),
    }
}

fn run(store: &mut Store, _: &Invocation) -> Vec<Effect> {
    let View::Rollback(view) = store.ui.view() else { return Vec::new() };
    let Some(known) = view.versions.get(view.cursor.index) else { return Vec::new() };
    let (cluster, environment) = (view.environment.cluster, view.environment.key.clone());
    let version: Box<str> = known.version.as_str().into();
    let title = format!("back to {version} · {}", environment.name);
    views::open_text(store, title, (cluster, FetchText::WayBack { environment, version }))
}
