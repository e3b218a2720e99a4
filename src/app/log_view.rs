//! Logs that are looked at while they are written: of one pod, or of several merged by time.
//!
//! Owns what is followed for which view. Must not know how lines are fetched (`tui`, `cluster`).

use std::collections::BTreeSet;

use crate::api::EnvironmentKey;
use crate::app::rows::pods;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::located::{ClusterId, EnvironmentId, PodId};
use crate::app::state::logs::{LogNews, LogSubject, LogView, SourceState};
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::{PlaceRow, ViewRow};
use crate::app::{components, texts};
use crate::domain::log::{LogAsk, LogWhat};
use crate::domain::pod_row::{PodKey, PodRow};

/// Pods that are followed at once at most: each takes a connection.
pub(crate) const MOST_PODS: usize = 40;

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "logs",
    is: |view| matches!(view, View::Logs(_)),
    panes: &[Focus::Text],
    environment: |store| match subject(store)? {
        LogSubject::Environment(id) => Some(id.clone()),
        _ => None,
    },
    go: |store, step, _| texts::scroll(store, step),
    // Logs are opened by a person, each time anew: they are a permission of their own, one stream for each pod that runs then, and what
    // pods print may be for no eyes but those of whoever asks for it.
    place: Some(PlaceRow {
        about: |store| subject(store).map_or_else(String::new, LogSubject::written),
        lasts: false,
        go: |store, arrival| {
            let subject = read(arrival.about, arrival.cluster?, store)?;
            open(store, subject);
            Some(())
        },
        ..PlaceRow::ROW
    }),
    returns_to: Some(Focus::Pods),
    ..ViewRow::ROW
};

fn subject(store: &Store) -> Option<&LogSubject> {
    let View::Logs(view) = store.ui.view() else { return None };
    Some(&view.subject)
}

/// Opens the logs of that on top of the other views.
pub(super) fn open(store: &mut Store, subject: LogSubject) {
    let request = store.next_request();
    super::views::push(store, View::Logs(Box::new(LogView::new(subject, request))));
}

/// All pods of the workload that a pod is of; the environment's own name for it where it belongs to one.
pub(super) fn workload_of(store: &Store, id: &PodId) -> Option<LogSubject> {
    let pod = store.pod(id).filter(|pod| !pod.owner.is_empty())?;
    let components = store
        .cluster(id.cluster)?
        .environments
        .values()
        .filter(|environment| environment.metadata.namespace.as_deref() == Some(&*pod.key.namespace));
    let name = components
        .flat_map(|environment| &environment.spec.components)
        .map(|component| &component.workload)
        .find(|workload| {
            workload.kind.as_str() == &*pod.owner_kind && pods::is_of(&pod.owner, &workload.name)
        })
        .map_or_else(|| pod.owner.clone(), |workload| workload.name.as_str().into());
    let (namespace, kind) = (pod.key.namespace.clone(), pod.owner_kind.clone());
    Some(LogSubject::Workload { cluster: id.cluster, namespace, kind, name })
}

/// All pods of the component that is shown alone in that environment, else of the environment.
pub(super) fn component_of(store: &Store, id: &EnvironmentId) -> LogSubject {
    components::alone(store, id).map_or_else(
        || LogSubject::Environment(id.clone()),
        |component| LogSubject::Workload {
            cluster: id.cluster,
            namespace: id.key.namespace.clone(),
            kind: component.workload.kind.as_str().into(),
            name: component.workload.name.as_str().into(),
        },
    )
}

/// Asks anew after `change`: what was there is forgotten, and older streams end.
pub(super) fn again(store: &mut Store, change: impl FnOnce(&mut LogView)) {
    let request = store.next_request();
    let Some(View::Logs(view)) = store.ui.views.last_mut() else { return };
    change(view);
    view.request = request;
    view.at_end = true;
    view.sources.clear();
    view.ring.clear();
    view.look.offset = 0;
    view.look.found = None;
    store.dirty.screen = true;
}

/// Takes in what is new of a container's log. News of views that are gone, or that ask for something else by now, are dropped.
pub(super) fn came(store: &mut Store, request: RequestId, (pod, container): (&str, &str), news: LogNews) {
    let asked = store.ui.views.iter_mut().find_map(|view| match view {
        View::Logs(view) if view.request == request => Some(view),
        _ => None,
    });
    let Some(view) = asked else { return };
    let source = view.source(pod, container);
    let state = match news {
        LogNews::Opened => Some(SourceState::Open),
        LogNews::Ended => Some(SourceState::Ended),
        LogNews::Lost(reason) => Some(SourceState::Lost(reason)),
        LogNews::Lines(lines) => {
            for line in lines {
                let shown = view.filter.as_ref().is_none_or(|filter| filter.matches(&line.text));
                let gone = view.ring.push(source, line, shown);
                view.look.lost(gone);
            }
            None
        }
    };
    if let (Some(state), Some(source)) = (state, view.sources.get_mut(usize::from(source))) {
        source.state = state;
    }
    store.dirty.screen = true;
}

/// Begins to follow what views want to see, also of pods that are new, and ends what no view wants any more.
pub(super) fn settle(store: &mut Store) -> Vec<Effect> {
    let mut wanted: Vec<(RequestId, ClusterId, LogWhat, Vec<PodKey>)> = Vec::new();
    for view in &store.ui.views {
        if let View::Logs(view) = view {
            wanted.push((view.request, view.subject.cluster(), view.what, pods_of(&view.subject, store)));
        }
    }
    if wanted.is_empty() && store.followed.is_empty() {
        return Vec::new();
    }
    let mut effects = Vec::new();
    store.followed.retain(|request, _| {
        let stays = wanted.iter().any(|(wanted, ..)| wanted == request);
        if !stays {
            effects.push(Effect::Background(BackgroundEffect::EndLogs(*request)));
        }
        stays
    });
    for (view, cluster, what, pods) in wanted {
        let followed: &mut BTreeSet<PodKey> = store.followed.entry(view).or_default();
        followed.retain(|pod| pods.contains(pod));
        let mut left_out = 0;
        for pod in pods {
            if followed.contains(&pod) {
                continue;
            }
            if followed.len() >= MOST_PODS {
                left_out += 1;
                continue;
            }
            followed.insert(pod.clone());
            effects.push(Effect::Background(BackgroundEffect::FollowLog {
                cluster,
                ask: LogAsk { pod, what },
                view,
            }));
        }
        for open in &mut store.ui.views {
            if let View::Logs(open) = open
                && open.request == view
            {
                open.left_out = left_out;
            }
        }
    }
    effects
}

/// The subject that [`LogSubject::written`] wrote; nothing where it is gone.
#[must_use]
pub(super) fn read(text: &str, cluster: ClusterId, store: &Store) -> Option<LogSubject> {
    let [kind, namespace, name] = *text.split(' ').collect::<Vec<_>>().as_slice() else { return None };
    match kind {
        "pod" => {
            let id = PodId::new(cluster, PodKey { namespace: namespace.into(), name: name.into() });
            store.pod(&id).map(|_| LogSubject::Pod(id))
        }
        "environment" => {
            let id = EnvironmentId::new(cluster, EnvironmentKey::new(namespace, name));
            store.environment(&id).map(|_| LogSubject::Environment(id))
        }
        kind => Some(LogSubject::Workload {
            cluster,
            namespace: namespace.into(),
            kind: kind.into(),
            name: name.into(),
        }),
    }
}

/// Its pods as they are now, by name. The one pod is asked for also where it is gone: the server says so.
fn pods_of(subject: &LogSubject, store: &Store) -> Vec<PodKey> {
    let keys = |found: &mut dyn Iterator<Item = &PodRow>| found.map(|pod| pod.key.clone()).collect();
    let Some(cluster) = store.cluster(subject.cluster()) else { return Vec::new() };
    match subject {
        LogSubject::Pod(id) => vec![id.key.clone()],
        LogSubject::Workload { namespace, kind, name, .. } => {
            keys(&mut cluster.pods.rows().values().filter(|pod| {
                pod.key.namespace == *namespace && pod.owner_kind == *kind && pods::is_of(&pod.owner, name)
            }))
        }
        LogSubject::Environment(id) => match store.environment(id) {
            Some(environment) => keys(&mut pods::pods_of(cluster, environment)),
            None => Vec::new(),
        },
    }
}
