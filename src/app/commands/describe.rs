//! `describe`.

use super::prelude::*;
use crate::app::effect::FetchText;
use crate::app::views;

pub(super) const COMMAND: Command = Command {
    id: "describe",
    title: "describe",
    help: "Describe the selected pod with its events",
    keys: &[KeyChord::char('d')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: available,
    run,
};

pub(super) fn available(_: &Store, target: &Target) -> Availability {
    match target.pod {
        Some(_) => Availability::Ready,
        None => Availability::Unavailable("select a pod first".to_owned()),
    }
}

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(pod) = invocation.target.pod.clone() else { return Vec::new() };
    let title = format!("describe · {}", pod.key.name);
    views::open_text(store, title, (pod.cluster, FetchText::PodDescribe(pod.key)))
}
