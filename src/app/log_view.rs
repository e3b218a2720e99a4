//! Logs that are looked at while they are written: of one pod, or of several merged by time.
//!
//! Owns what is followed for which view. Must not know how lines are fetched (`tui`, `cluster`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::api::EnvironmentKey;
use crate::app::cluster_state::ClusterId;
use crate::app::components;
use crate::app::effect::{Effect, RequestId};
use crate::app::located::{EnvironmentId, PodId};
use crate::app::look::Look;
use crate::app::pattern::Pattern;
use crate::app::rows::pods;
use crate::app::store::Store;
use crate::app::ui_state::View;
use crate::domain::log::{LogAsk, LogEntry, LogLine, LogRing, LogWhat};
use crate::domain::pod_row::{PodKey, PodRow};

/// Pods that are followed at once at most: each takes a connection.
pub const MOST_PODS: usize = 40;

/// Logs that are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct LogView {
    /// Whose.
    pub subject: LogSubject,
    /// Tells the present streams from those that were asked for before something was changed.
    pub request: RequestId,
    /// Which lines.
    pub what: LogWhat,
    /// The view stays at its end while lines come.
    pub at_end: bool,
    /// Stamps are shown.
    pub timestamps: bool,
    /// Containers whose lines come or came, in the order in which they were met.
    pub sources: Vec<LogSource>,
    /// Pods beyond [`MOST_PODS`].
    pub left_out: usize,
    /// The lines.
    pub ring: LogRing,
    /// Where in them the eye is.
    pub look: Look,
    /// Which of them are shown.
    pub filter: Option<Pattern>,
}

/// Whose logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogSubject {
    /// Of one pod.
    Pod(PodId),
    /// Of all pods of a workload, the second one beside it included.
    Workload {
        /// Where.
        cluster: ClusterId,
        /// Namespace.
        namespace: Box<str>,
        /// Kind of the workload.
        kind: Box<str>,
        /// Name of the first workload.
        name: Box<str>,
    },
    /// Of all pods of an environment's components.
    Environment(EnvironmentId),
}

/// A container whose lines come or came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    /// Its pod.
    pub pod: Box<str>,
    /// Its name; empty for a pod of which nothing is known yet.
    pub container: Box<str>,
    /// What becomes of it.
    pub state: SourceState,
}

/// What becomes of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Its lines come.
    Open,
    /// All its lines are here.
    Ended,
    /// One sentence why no more lines come, or why they come again only later.
    Lost(String),
}

/// What is new of one container's log.
#[derive(Clone, Debug, PartialEq)]
pub enum LogNews {
    /// Its lines come now.
    Opened,
    /// Lines.
    Lines(Vec<LogLine>),
    /// No line will follow.
    Ended,
    /// One sentence why no line comes; it may be opened again.
    Lost(String),
}

impl LogSubject {
    /// Whose, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Pod(id) => id.key.name.to_string(),
            Self::Workload { name, .. } => format!("all pods of {name}"),
            Self::Environment(id) => format!("all pods of {}", id.key.name),
        }
    }

    /// As [`LogSubject::read`] reads it: words that outlive a session.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Self::Pod(id) => format!("pod {} {}", id.key.namespace, id.key.name),
            Self::Workload { namespace, kind, name, .. } => format!("{kind} {namespace} {name}"),
            Self::Environment(id) => format!("environment {} {}", id.key.namespace, id.key.name),
        }
    }

    /// What was written so; nothing where it is gone.
    #[must_use]
    pub fn read(text: &str, cluster: ClusterId, store: &Store) -> Option<Self> {
        let [kind, namespace, name] = *text.split(' ').collect::<Vec<_>>().as_slice() else { return None };
        match kind {
            "pod" => {
                let id = PodId::new(cluster, PodKey { namespace: namespace.into(), name: name.into() });
                store.pod(&id).map(|_| Self::Pod(id))
            }
            "environment" => {
                let id = EnvironmentId::new(cluster, EnvironmentKey::new(namespace, name));
                store.environment(&id).map(|_| Self::Environment(id))
            }
            kind => Some(Self::Workload {
                cluster,
                namespace: namespace.into(),
                kind: kind.into(),
                name: name.into(),
            }),
        }
    }

    /// The cluster that they run in.
    #[must_use]
    pub const fn cluster(&self) -> ClusterId {
        match self {
            Self::Pod(id) => id.cluster,
            Self::Workload { cluster, .. } => *cluster,
            Self::Environment(id) => id.cluster,
        }
    }

    /// Its pods as they are now, by name. The one pod is asked for also where it is gone: the server says so.
    fn pods(&self, store: &Store) -> Vec<PodKey> {
        let keys = |found: &mut dyn Iterator<Item = &PodRow>| found.map(|pod| pod.key.clone()).collect();
        let Some(cluster) = store.cluster(self.cluster()) else { return Vec::new() };
        match self {
            Self::Pod(id) => vec![id.key.clone()],
            Self::Workload { namespace, kind, name, .. } => {
                keys(&mut cluster.pods.rows().values().filter(|pod| {
                    pod.key.namespace == *namespace
                        && pod.owner_kind == *kind
                        && pods::is_of(&pod.owner, name)
                }))
            }
            Self::Environment(id) => match store.environment(id) {
                Some(environment) => keys(&mut pods::pods_of(cluster, environment)),
                None => Vec::new(),
            },
        }
    }
}

impl LogView {
    /// The logs of that, from now on.
    #[must_use]
    pub fn new(subject: LogSubject, request: RequestId) -> Self {
        Self {
            subject,
            request,
            what: LogWhat { follow: true, ..LogWhat::default() },
            at_end: true,
            timestamps: false,
            sources: Vec::new(),
            left_out: 0,
            ring: LogRing::default(),
            look: Look::default(),
            filter: None,
        }
    }

    /// The first line of the page that is shown, of those that the filter lets through.
    #[must_use]
    pub fn first(&self, height: usize) -> usize {
        let last = self.ring.shown_len().saturating_sub(height);
        if self.at_end { last } else { self.look.offset.min(self.ring.shown_len().saturating_sub(1)) }
    }

    /// A line as it is saved and copied.
    #[must_use]
    pub fn written(&self, entry: &LogEntry) -> String {
        let mut out = String::new();
        if self.timestamps
            && let Some(at) = entry.at
        {
            out.push_str(&at.format("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string());
        }
        if self.sources.len() > 1
            && let Some(source) = self.sources.get(usize::from(entry.source))
        {
            let _ = write!(out, "{}/{} ", source.pod, source.container);
        }
        out.push_str(&entry.text);
        out
    }

    /// Every line that is shown, as it is saved and copied.
    #[must_use]
    pub fn text(&self) -> String {
        self.ring.shown().map(|entry| self.written(entry) + "\n").collect()
    }

    fn source(&mut self, pod: &str, container: &str) -> u16 {
        let known = self.sources.iter().position(|s| &*s.pod == pod && &*s.container == container);
        let place = known.unwrap_or_else(|| {
            let (pod, container) = (pod.into(), container.into());
            self.sources.push(LogSource { pod, container, state: SourceState::Open });
            self.sources.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }
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
            wanted.push((view.request, view.subject.cluster(), view.what, view.subject.pods(store)));
        }
    }
    if wanted.is_empty() && store.followed.is_empty() {
        return Vec::new();
    }
    let mut effects = Vec::new();
    store.followed.retain(|request, _| {
        let stays = wanted.iter().any(|(wanted, ..)| wanted == request);
        if !stays {
            effects.push(Effect::EndLogs(*request));
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
            effects.push(Effect::FollowLog { cluster, ask: LogAsk { pod, what }, view });
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
