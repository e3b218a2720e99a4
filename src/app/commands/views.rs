//! Views that list something: opening them and narrowing what they show.

use super::prelude::*;
use crate::app::state::effect::FetchText;
use crate::app::{
    alerts, causes, changes, components, differences, dora, events, inbox, matrix, records, target, views,
    why,
};

const ROW: Command = Command { scope: Scope::Cluster, group: Group::Looking, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "open",
        title: "open",
        help: "Open the selection; in the rollback view, roll back to it",
        keys: &[KeyChord::plain(KeyCode::Enter)],
        scope: Scope::Everywhere,
        availability: Some(can_open),
        run: open,
        ..ROW
    },
    Command {
        id: "why",
        title: "why",
        help: "Show blocking gates",
        keys: &[KeyChord::char('w')],
        cli: Some("why"),
        availability: Some(|store, target| match target::subject(store, target, |r| !r.phase().is_final()) {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("no release here".to_owned()),
        }),
        run: |store, invocation| match target::subject(store, &invocation.target, |release| {
            !release.phase().is_final()
        }) {
            Some(id) => why::open(store, id),
            None => Vec::new(),
        },
        ..ROW
    },
    Command {
        id: "cause",
        title: "cause",
        help: "Jump to the cause: log, events or failing workload",
        keys: &[KeyChord::char('J')],
        cli: Some("why"),
        availability: Some(|store, target| match causes::place(store, target) {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("no cause of trouble is known here".to_owned()),
        }),
        run: |store, invocation| match causes::place(store, &invocation.target) {
            Some(place) => causes::jump(store, place),
            None => Vec::new(),
        },
        ..ROW
    },
    Command {
        id: "changes",
        title: "changes",
        help: "Show what changed in the last hour",
        keys: &[KeyChord::char('h')],
        availability: Some(needs_environment),
        run: |store, invocation| {
            if let Some(environment) = &invocation.target.environment {
                changes::open(store, environment.clone());
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "alerts",
        title: "alerts",
        help: "Show alerts; again: only those of this environment",
        keys: &[KeyChord::char('a')],
        cli: Some("alerts"),
        run: |store, invocation| {
            alerts::open(store, invocation.argument.as_deref());
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "events",
        title: "events",
        help: "Show Kubernetes events",
        keys: &[KeyChord::char('E')],
        cli: Some("events"),
        availability: Some(needs_environment),
        run: |store, invocation| {
            if let Some(environment) = &invocation.target.environment {
                events::open(store, environment.clone());
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "warnings",
        title: "warnings",
        help: "Toggle warnings only",
        keys: &[KeyChord::char('W')],
        scope: Scope::Events,
        run: |store, _| {
            if let Some(View::Events(view)) = store.ui.views.last_mut() {
                view.warnings = !view.warnings;
                view.offset = 0;
                store.dirty.events = true;
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "diff",
        title: "diff",
        help: "Compare with the previous environment; :diff dev picks one",
        keys: &[KeyChord::char('X')],
        cli: Some("diff"),
        availability: Some(can_differences),
        run: differences,
        ..ROW
    },
    Command {
        id: "identical",
        title: "identical",
        help: "Toggle rows without differences",
        keys: &[KeyChord::char('=')],
        scope: Scope::Differences,
        run: |store, _| {
            if let Some(View::Differences(view)) = store.ui.views.last_mut() {
                view.all = !view.all;
                store.dirty.screen = true;
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "rollback-diff",
        title: "rollback diff",
        help: "Show what the rollback changes",
        keys: &[KeyChord::char('D')],
        scope: Scope::Rollback,
        availability: Some(can_diff),
        run: diff,
        ..ROW
    },
    Command {
        id: "objects",
        title: "objects",
        help: "Show revisions, autoscalers, budgets, endpoints and ingresses",
        keys: &[KeyChord::char('O')],
        availability: Some(needs_environment),
        run: |store, invocation| {
            let Some(id) = invocation.target.environment.clone() else { return Vec::new() };
            let alone =
                components::alone(store, &id).map(|component| Box::<str>::from(component.name.as_str()));
            let title = match &alone {
                Some(component) => format!("objects · {} · {component}", id.key.name),
                None => format!("objects · {}", id.key.name),
            };
            views::open_text(store, title, (id.cluster, FetchText::Objects(id.key, alone)))
        },
        ..ROW
    },
    Command {
        id: "inbox",
        title: "inbox",
        help: "Show what needs you",
        keys: &[KeyChord::char('i')],
        scope: Scope::Everywhere,
        cli: Some("inbox"),
        run: |store, _| {
            inbox::open(store);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "matrix",
        title: "matrix",
        help: "Show applications across environments and clusters",
        keys: &[KeyChord::char('M')],
        scope: Scope::Everywhere,
        run: |store, _| {
            matrix::open(store);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "dora",
        title: "DORA",
        help: "Show DORA metrics; again: another period",
        keys: &[KeyChord::char('N')],
        cli: Some("dora"),
        run: |store, _| {
            dora::open(store);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "audit",
        title: "audit",
        help: "Show the audit log and whether it is intact",
        cli: Some("audit"),
        availability: Some(needs_environment),
        run: |store, invocation| {
            if let Some(environment) = &invocation.target.environment {
                records::open(store, environment);
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "release",
        title: "release",
        help: "Open a release by name",
        scope: Scope::Everywhere,
        run: release_open,
        ..ROW
    },
];

fn can_open(store: &Store, target: &Target) -> Availability {
    match &store.view_row().enter {
        Some(enter) => (enter.availability)(store, target),
        None => Availability::Unavailable("nothing to open here".to_owned()),
    }
}

fn open(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    store.view_row().enter.as_ref().map_or_else(Vec::new, |enter| (enter.run)(store, invocation))
}

fn can_differences(store: &Store, target: &Target) -> Availability {
    let Some(environment) = &target.environment else {
        return Availability::Unavailable("no environment is selected".to_owned());
    };
    if store.rows.environments.iter().any(|row| row.id != *environment) {
        Availability::Ready
    } else {
        Availability::Unavailable("there is only one environment".to_owned())
    }
}

fn differences(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = invocation.target.environment.clone() else { return Vec::new() };
    let words: Vec<&str> = invocation.argument.as_deref().unwrap_or_default().split_whitespace().collect();
    let named = |word: &&str| differences::find(store, word);
    let pair = match words.as_slice() {
        [] if matches!(store.ui.view(), View::Differences(_)) => {
            differences::turn(store);
            return Vec::new();
        }
        [] if differences::candidates(store, &environment).is_empty() => {
            Err("no other environment of this application is in sight: name one, as in :diff staging"
                .to_owned())
        }
        [] => Ok((environment, None)),
        [other] => named(other).map(|other| (environment, Some(other))),
        [left, right] => named(left).and_then(|left| Ok((named(right)?, Some(left)))),
        _ => Err("two environments are compared, not more".to_owned()),
    };
    match pair {
        Ok((right, Some(left))) if left == right => {
            store.say(Level::Warning, format!("diff: both are {}", right.key.name));
        }
        Ok((right, left)) => differences::open(store, right, left),
        Err(reason) => store.say(Level::Warning, format!("diff: {reason}")),
    }
    Vec::new()
}

fn can_diff(store: &Store, _: &Target) -> Availability {
    match store.ui.view() {
        View::Rollback(view) if view.versions.is_empty() => {
            Availability::Unavailable("no version is known to go back to".to_owned())
        }
        View::Rollback(_) => Availability::Ready,
        _ => Availability::Unavailable("choose a version to go back to first".to_owned()),
    }
}

fn diff(store: &mut Store, _: &Invocation) -> Vec<Effect> {
    let View::Rollback(view) = store.ui.view() else { return Vec::new() };
    let Some(known) = view.versions.get(view.cursor.index) else { return Vec::new() };
    let (cluster, environment) = (view.environment.cluster, view.environment.key.clone());
    let version: Box<str> = known.version.as_str().into();
    let title = format!("back to {version} · {}", environment.name);
    views::open_text(store, title, (cluster, FetchText::WayBack { environment, version }))
}

/// The name may be cut short, as long as one release alone begins so.
fn release_open(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let wanted = invocation.argument.as_deref().unwrap_or_default();
    let all = store.clusters().flat_map(|(id, cluster)| {
        cluster.releases.keys().map(move |key| crate::app::state::located::ReleaseId::new(id, key.clone()))
    });
    let mut found: Vec<_> = all.filter(|id| !wanted.is_empty() && id.key.name.starts_with(wanted)).collect();
    if let Some(exact) = found.iter().position(|id| *id.key.name == *wanted) {
        found = vec![found.swap_remove(exact)];
    }
    match found.as_slice() {
        [one] => views::open_release(store, one.clone()),
        [] => store.say(Level::Warning, format!("no release is called `{wanted}`")),
        several => store.say(Level::Warning, format!("{} releases begin with `{wanted}`", several.len())),
    }
    Vec::new()
}
