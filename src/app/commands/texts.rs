//! Descriptions, YAML and texts: opening, searching and saving them.

use super::prelude::*;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{FetchText, YamlOf};
use crate::app::state::text_view::TextBody;
use crate::app::state::ui_state::Purpose;
use crate::app::{describe, dialogs, texts, views};

const ROW: Command = Command { scope: Scope::Texts, group: Group::Looking, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "describe",
        title: "describe",
        help: "Describe the selected pod, alert or workloads",
        keys: &[KeyChord::char('d')],
        scope: Scope::Cluster,
        availability: Some(|store, target| {
            if let View::Alerts(_) = store.ui.view() {
                return match store.selected_alert() {
                    Some(_) => Availability::Ready,
                    None => Availability::Unavailable("no alert is selected".to_owned()),
                };
            }
            if target.pod.is_some() || target.environment.is_some() {
                Availability::Ready
            } else {
                Availability::Unavailable("select a pod or an environment first".to_owned())
            }
        }),
        run: describe::open,
        ..ROW
    },
    Command {
        id: "yaml",
        title: "YAML",
        help: "Show the selection as YAML",
        keys: &[KeyChord::char('y')],
        scope: Scope::Cluster,
        availability: Some(needs_environment_or_pod),
        run: yaml,
        ..ROW
    },
    Command {
        id: "managed-fields",
        title: "managed",
        help: "Toggle managed fields",
        keys: &[KeyChord::char('m')],
        availability: Some(|store, _| match store.ui.view() {
            View::Text(view) if view.is_yaml() => Availability::Ready,
            _ => Availability::Unavailable("this is not the YAML of an object".to_owned()),
        }),
        run: |store, _| {
            let request = store.next_request();
            let Some(View::Text(view)) = store.ui.views.last_mut() else { return Vec::new() };
            let Some((cluster, FetchText::Yaml { of, managed_fields })) = view.source.clone() else {
                return Vec::new();
            };
            let what = FetchText::Yaml { of, managed_fields: !managed_fields };
            view.source = Some((cluster, what.clone()));
            (view.request, view.body) = (request, TextBody::Loading);
            vec![Effect::Background(BackgroundEffect::Fetch { cluster, what, request })]
        },
        ..ROW
    },
    Command {
        id: "search",
        title: "search",
        help: "Search for a regular expression",
        keys: &[KeyChord::char('s')],
        run: |store, invocation| {
            match &invocation.argument {
                Some(text) => dialogs::pattern::apply(store, Purpose::Search, text),
                None => dialogs::pattern::open(store, Purpose::Search),
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "next-match",
        title: "next",
        help: "Next match",
        keys: &[KeyChord::char('n')],
        run: |store, _| {
            texts::step(store, true);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "previous-match",
        title: "previous",
        help: "Previous match",
        keys: &[KeyChord::char('N')],
        run: |store, _| {
            texts::step(store, false);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "wrap",
        title: "wrap",
        help: "Toggle line wrap",
        keys: &[KeyChord::char('w')],
        run: |store, _| {
            if let Some(look) = texts::look(store) {
                look.wrap = !look.wrap;
                look.column = 0;
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "save",
        title: "save",
        help: "Save to a new file: :save PATH",
        keys: &[KeyChord::ctrl('s')],
        run: |store, invocation| texts::save(store, invocation.argument.as_deref()),
        ..ROW
    },
    Command {
        id: "left",
        title: "left",
        help: "Scroll back to the start of the lines",
        keys: &[KeyChord::plain(KeyCode::Left)],
        group: Group::Moving,
        run: |store, _| {
            if let Some(look) = texts::look(store) {
                look.aside(false);
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "right",
        title: "right",
        help: "Scroll right",
        keys: &[KeyChord::plain(KeyCode::Right)],
        group: Group::Moving,
        run: |store, _| {
            if let Some(look) = texts::look(store) {
                look.aside(true);
            }
            Vec::new()
        },
        ..ROW
    },
];

fn needs_environment_or_pod(_: &Store, target: &Target) -> Availability {
    if target.pod.is_some() || target.release.is_some() || target.environment.is_some() {
        Availability::Ready
    } else {
        Availability::Unavailable("nothing is selected".to_owned())
    }
}

fn yaml(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Target { environment, release, pod } = invocation.target.clone();
    let (cluster, name, what) = if let Some(pod) = pod {
        (pod.cluster, pod.key.name.clone(), YamlOf::Pod(pod.key))
    } else if let Some(id) = release {
        let (namespace, name) = (id.key.namespace, id.key.name);
        (id.cluster, name.clone(), YamlOf::Ours { plural: "releases", namespace, name })
    } else if let Some(id) = environment {
        let (namespace, name) = (id.key.namespace, id.key.name);
        (id.cluster, name.clone(), YamlOf::Ours { plural: "environments", namespace, name })
    } else {
        return Vec::new();
    };
    let what = FetchText::Yaml { of: what, managed_fields: false };
    views::open_text(store, format!("YAML · {name}"), (cluster, what))
}
