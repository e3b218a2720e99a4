//! Logs: opening them, how far back, which containers.

use super::prelude::*;
use crate::api::Duration;
use crate::app::log_view;
use crate::app::state::logs::LogSubject;
use crate::domain::log::LogReach;

const ROW: Command = Command { scope: Scope::Logs, group: Group::Looking, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "logs",
        title: "logs",
        help: "Follow the log of the selected pod",
        keys: &[KeyChord::char('l')],
        scope: Scope::Home,
        cli: Some("logs"),
        availability: Some(needs_pod),
        run: |store, invocation| {
            if let Some(pod) = invocation.target.pod.clone() {
                log_view::open(store, LogSubject::Pod(pod));
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "all-logs",
        title: "all logs",
        help: "Follow the logs of all pods of the component or environment",
        keys: &[KeyChord::char('L')],
        scope: Scope::Everywhere,
        availability: Some(can_all_logs),
        run: all_logs,
        ..ROW
    },
    Command {
        id: "follow",
        title: "follow",
        help: "Toggle follow",
        keys: &[KeyChord::char('f')],
        run: |store, _| {
            let height = store.ui.height(Focus::Text);
            if let Some(View::Logs(view)) = store.ui.views.last_mut() {
                view.look.offset = view.first(height);
                view.at_end = !view.at_end;
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "since",
        title: "since",
        help: "Set how far back the log reaches: :since 2h, :since all",
        keys: &[
            KeyChord::char('0'),
            KeyChord::char('1'),
            KeyChord::char('2'),
            KeyChord::char('3'),
            KeyChord::char('4'),
            KeyChord::char('5'),
            KeyChord::char('6'),
            KeyChord::char('7'),
            KeyChord::char('8'),
        ],
        run: since,
        ..ROW
    },
    Command {
        id: "previous-log",
        title: "previous log",
        help: "Toggle the previous container log",
        keys: &[KeyChord::char('p')],
        run: |store, _| {
            log_view::again(store, |view| {
                view.what.previous = !view.what.previous;
                view.what.follow = !view.what.previous;
            });
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "containers",
        title: "containers",
        help: "Toggle the logs of all containers",
        keys: &[KeyChord::char('a')],
        run: |store, _| {
            log_view::again(store, |view| view.what.all_containers = !view.what.all_containers);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "timestamps",
        title: "timestamps",
        help: "Toggle timestamps",
        keys: &[KeyChord::char('t')],
        run: |store, _| {
            if let Some(View::Logs(view)) = store.ui.views.last_mut() {
                view.timestamps = !view.timestamps;
            }
            Vec::new()
        },
        ..ROW
    },
];

fn can_all_logs(store: &Store, target: &Target) -> Availability {
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

fn all_logs(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(subject) = subject(store, &invocation.target) else { return Vec::new() };
    if matches!(store.ui.view(), View::Logs(_)) {
        log_view::again(store, |view| view.subject = subject);
    } else {
        log_view::open(store, subject);
    }
    Vec::new()
}

fn since(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let reach = match (invocation.argument.as_deref(), invocation.key) {
        (Some("all"), _) => Some(LogReach::All),
        (Some(text), _) => text.parse::<Duration>().ok().and_then(|span| {
            let seconds = u32::try_from(span.to_std().as_secs()).ok()?;
            (seconds > 0).then_some(LogReach::Seconds(seconds))
        }),
        (None, key) => LogReach::CHOICES.get(key.unwrap_or_default()).copied(),
    };
    match reach {
        Some(reach) => log_view::again(store, |view| view.what.reach = reach),
        None => store.say(Level::Warning, "that is no span of time: write 90s, 15m, 2h or all"),
    }
    Vec::new()
}
