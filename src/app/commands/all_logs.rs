//! `all-logs`.

use super::prelude::*;
use crate::app::log_view::{self, LogSubject};

pub(super) const COMMAND: Command = Command {
    id: "all-logs",
    title: "all logs",
    help: "Follow the logs of all pods of the selected pod's component, or of the environment",
    keys: &[KeyChord::char('L')],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: available,
    run,
};

fn available(store: &Store, target: &Target) -> Availability {
    match subject(store, target) {
        Some(_) => Availability::Ready,
        None => Availability::Unavailable("select a pod or an environment first".to_owned()),
    }
}

fn subject(store: &Store, target: &Target) -> Option<LogSubject> {
    let pod = match store.ui.view() {
        View::Text(_) => return None,
        View::Logs(view) => match &view.subject {
            LogSubject::Pod(pod) => Some(pod),
            _ => return None,
        },
        _ => target.pod.as_ref(),
    };
    match pod {
        Some(id) => log_view::workload_of(store, id),
        None => target.environment.as_ref().map(|id| log_view::component_of(store, id)),
    }
}

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(subject) = subject(store, &invocation.target) else { return Vec::new() };
    if matches!(store.ui.view(), View::Logs(_)) {
        log_view::again(store, |view| view.subject = subject);
    } else {
        log_view::open(store, subject);
    }
    Vec::new()
}
