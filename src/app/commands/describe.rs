//! `describe`.

use super::prelude::*;
use crate::app::effect::FetchText;
use crate::app::{alerts, components, views};
use crate::domain::workload_row::WorkloadKey;

pub(super) const COMMAND: Command = Command {
    id: "describe",
    title: "describe",
    help: "Describe the selected pod or alert, or the workloads of the environment, with their events",
    keys: &[KeyChord::char('d')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |store, target| {
        if let View::Alerts(_) = store.ui.view() {
            return match alerts::selected(store) {
                Some(_) => Availability::Ready,
                None => Availability::Unavailable("no alert is selected".to_owned()),
            };
        }
        if target.pod.is_some() || target.environment.is_some() {
            Availability::Ready
        } else {
            Availability::Unavailable("select a pod or an environment first".to_owned())
        }
    },
    run,
};

/// For commands that are about a pod.
pub(super) fn needs_pod(_: &Store, target: &Target) -> Availability {
    match target.pod {
        Some(_) => Availability::Ready,
        None => Availability::Unavailable("select a pod first".to_owned()),
    }
}

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    if matches!(store.ui.view(), View::Alerts(_)) {
        alerts::describe(store);
        return Vec::new();
    }
    if let Some(pod) = invocation.target.pod.clone() {
        let title = format!("describe · {}", pod.key.name);
        return views::open_text(store, title, (pod.cluster, FetchText::PodDescribe(pod.key)));
    }
    let Some(id) = invocation.target.environment.clone() else { return Vec::new() };
    let Some(environment) = store.environment(&id) else { return Vec::new() };
    let alone = components::alone(store, &id);
    let title = match alone {
        Some(component) => format!("describe · {} · {}", id.key.name, component.name),
        None => format!("describe · {}", id.key.name),
    };
    let described = environment.spec.components.iter();
    let described = described.filter(|component| alone.is_none_or(|alone| alone.name == component.name));
    let workloads = described.map(|component| WorkloadKey {
        namespace: id.key.namespace.clone(),
        kind: component.workload.kind,
        name: component.workload.name.as_str().into(),
    });
    let what = FetchText::WorkloadsDescribe(workloads.collect());
    views::open_text(store, title, (id.cluster, what))
}
