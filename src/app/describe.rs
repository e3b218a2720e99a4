//! Describing what is selected: a pod, an alert, or the workloads of an environment.

use crate::app::state::effect::{Effect, FetchText};
use crate::app::state::store::Store;
use crate::app::state::target::Invocation;
use crate::app::state::view::View;
use crate::app::{alerts, components, views};
use crate::domain::workload_row::WorkloadKey;

/// Opens the description.
pub(super) fn open(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
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
