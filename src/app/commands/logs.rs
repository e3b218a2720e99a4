//! `logs`.

use super::describe;
use super::prelude::*;
use crate::app::log_view::{self, LogSubject};

pub(super) const COMMAND: Command = Command {
    id: "logs",
    title: "logs",
    help: "Follow the log of the selected pod",
    keys: &[KeyChord::char('l')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: Some("logs"),
    confirmation: Confirmation::None,
    availability: describe::needs_pod,
    run: |store, invocation| {
        if let Some(pod) = invocation.target.pod.clone() {
            log_view::open(store, LogSubject::Pod(pod));
        }
        Vec::new()
    },
};
