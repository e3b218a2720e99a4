//! `sort`.

use super::prelude::*;
use crate::app::ui_state::PodSort;

pub(super) const COMMAND: Command = Command {
    id: "sort",
    title: "sort",
    help: "Order the pods by the next column; `:sort memory` by that one",
    keys: &[KeyChord::char('s')],
    scope: Scope::Home,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let all = PodSort::ALL;
    let next = match invocation.argument.as_deref() {
        Some(word) => all.into_iter().find(|sort| sort.id() == word.trim().to_lowercase()),
        None => all.iter().position(|sort| *sort == store.ui.pod_sort).map(|at| all[(at + 1) % all.len()]),
    };
    if let Some(sort) = next {
        store.ui.pod_sort = sort;
        store.ui.pods_reversed = false;
        store.dirty.pods = true;
    } else {
        let known: Vec<&str> = all.iter().map(|sort| sort.id()).collect();
        store.say(Level::Warning, format!("pods are sorted by {}", known.join(", ")));
    }
    Vec::new()
}
