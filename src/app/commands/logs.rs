//! `logs`.

use super::describe;
use super::prelude::*;
use crate::app::effect::FetchText;
use crate::app::views;

pub(super) const COMMAND: Command = Command {
    id: "logs",
    title: "logs",
    help: "Show the last lines of the selected pod's log",
    keys: &[KeyChord::char('l')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: describe::available,
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(pod) = invocation.target.pod.clone() else { return Vec::new() };
    let title = format!("logs · {}", pod.key.name);
    views::open_text(store, title, (pod.cluster, FetchText::PodLog(pod.key)))
}
