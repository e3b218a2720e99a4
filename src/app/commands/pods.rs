//! The list of pods: filter, marks, order, columns, shells and ports.

use super::prelude::*;
use crate::app::handoff::{self, Wish};
use crate::app::state::effect::TerminalEffect;
use crate::app::state::movement::Move;
use crate::app::state::pod_sort::PodSort;
use crate::app::state::ui_state::Purpose;
use crate::app::{alerts, components, dialogs, differences, movement, texts};

const ROW: Command = Command { scope: Scope::Home, group: Group::Looking, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "filter",
        title: "filter",
        help: "Filter the focused pane; ! inverts, -l selects by label",
        keys: &[KeyChord::char('/')],
        scope: Scope::Everywhere,
        run: |store, invocation| {
            let is_text = matches!(store.ui.view(), View::Text(_) | View::Logs(_));
            match &invocation.argument {
                Some(text) if is_text => dialogs::pattern::apply(store, Purpose::Filter, text),
                None if is_text => dialogs::pattern::open(store, Purpose::Filter),
                Some(text) => dialogs::filter::apply(store, store.ui.focus, text),
                None => dialogs::filter::open(store),
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "copy",
        title: "copy",
        help: "Copy the selection, the marked rows or the text",
        keys: &[KeyChord::char('c')],
        scope: Scope::Everywhere,
        run: copy,
        ..ROW
    },
    Command {
        id: "mark",
        title: "mark",
        help: "Mark the selected pod",
        keys: &[KeyChord::char(' ')],
        availability: Some(needs_pod),
        run: |store, invocation| {
            if let Some(pod) = invocation.target.pod.clone()
                && !store.ui.marked.remove(&pod)
            {
                store.ui.marked.insert(pod);
            }
            movement::go(store, Move::Down);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "sort",
        title: "sort",
        help: "Sort pods by the next column; :sort memory",
        keys: &[KeyChord::char('s')],
        run: sort,
        ..ROW
    },
    Command {
        id: "reverse",
        title: "reverse",
        help: "Reverse the sort order",
        keys: &[KeyChord::char('~')],
        run: |store, _| {
            store.ui.pods_reversed = !store.ui.pods_reversed;
            store.dirty.pods = true;
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "columns",
        title: "columns",
        help: "Toggle wide columns",
        keys: &[KeyChord::char('o')],
        run: |store, _| {
            store.ui.pods_wide = !store.ui.pods_wide;
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "shell",
        title: "shell",
        help: "Open a shell in the selected pod (kubectl exec)",
        keys: &[KeyChord::char('S')],
        availability: Some(|store, target| handoff::availability(store, target, Wish::Shell)),
        run: |store, invocation| match invocation.target.pod.clone() {
            Some(pod) => handoff::open(store, pod, Wish::Shell),
            None => Vec::new(),
        },
        ..ROW
    },
    Command {
        id: "forward",
        title: "forward",
        help: "Forward ports of the selected pod (kubectl port-forward)",
        keys: &[KeyChord::char('f')],
        availability: Some(|store, target| handoff::availability(store, target, Wish::Forward)),
        run: |store, invocation| match invocation.target.pod.clone() {
            Some(pod) => handoff::open(store, pod, Wish::Forward),
            None => Vec::new(),
        },
        ..ROW
    },
    Command {
        id: "component",
        title: "component",
        help: "Show one component only: :component NAME, :component all",
        keys: &[KeyChord::char('C')],
        scope: Scope::Cluster,
        availability: Some(needs_environment),
        run: |store, invocation| {
            if let Some(environment) = &invocation.target.environment {
                match invocation.argument.as_deref() {
                    Some(wanted) => components::choose(store, environment, wanted),
                    None => components::open(store, environment),
                }
            }
            Vec::new()
        },
        ..ROW
    },
];

fn copy(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
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
    vec![Effect::Terminal(TerminalEffect::Copy(text))]
}

fn sort(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
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
