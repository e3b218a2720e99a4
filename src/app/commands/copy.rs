//! `copy`.

use super::prelude::*;
use crate::app::{alerts, differences, texts};

pub(super) const COMMAND: Command = Command {
    id: "copy",
    title: "copy",
    help: "Copy the selected name or row, the marked ones, or the text that is shown",
    keys: &[KeyChord::char('c')],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let target = &invocation.target;
    let text = if let Some((_, text)) = texts::whole(store) {
        text.trim_end_matches('\n').to_owned()
    } else if let Some(row) = differences::chosen(store).or_else(|| alerts::chosen(store)) {
        row
    } else if target.pod.is_some() && !store.ui.marked.is_empty() {
        let names: Vec<&str> = store.ui.marked.iter().map(|id| &*id.key.name).collect();
        names.join("\n")
    } else if let Some(pod) = &target.pod {
        pod.key.name.to_string()
    } else if let Some(release) = &target.release {
        release.key.name.to_string()
    } else if let Some(environment) = &target.environment {
        environment.key.to_string()
    } else {
        return Vec::new();
    };
    let lines = text.lines().count();
    store
        .say(Level::Info, if lines > 1 { format!("copied {lines} lines") } else { format!("copied {text}") });
    vec![Effect::Copy(text)]
}
