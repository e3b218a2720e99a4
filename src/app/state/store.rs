//! Everything that the terminal knows. One owner, no locks; drawing reads it and changes nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::strategy::Track;
use crate::api::{Environment, Release, ReleaseAction, ReleaseKey, Tier};
use crate::app::state::alerts::AlertLine;
use crate::app::state::arming::{Armed, ArmingPolicy};
use crate::app::state::attention::Attention;
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::effect::RequestId;
use crate::app::state::inbox::InboxRow;
use crate::app::state::keymap::Keymap;
use crate::app::state::located::{ClusterId, EnvironmentId, PodId, ReleaseId};
use crate::app::state::pending::Pending;
use crate::app::state::place::{History, Place};
use crate::app::state::rows::Rows;
use crate::app::state::toast::{Level, Toast};
use crate::app::state::tour::Tour;
use crate::app::state::ui_state::{Overlay, UiState};
use crate::app::state::view::View;
use crate::app::state::view_row::{ViewRow, Views};
use crate::app::state::zoom::ZoomQuery;
use crate::config::Section;
use crate::domain::pod_row::{PodKey, PodRow};
use crate::domain::usage::Usage;

/// Everything that the terminal knows.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// The present instant, as the last event told it.
    pub now: DateTime<Utc>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The clusters of this session; [`ClusterId`] is the index.
    pub clusters: Vec<ClusterState>,
    /// Which key means what.
    pub keymap: Keymap,
    /// Name or path of the theme that is drawn.
    pub theme: Box<str>,
    /// The kinds of views that there are.
    pub views: Views,
    /// What is open, focused, selected and filtered.
    pub ui: UiState,
    /// What the panes list; computed by [`crate::app::update()`].
    pub rows: Rows,
    /// What was asked for and is not yet seen to have happened, oldest first.
    pub pending: Vec<Pending>,
    /// Short messages, newest last.
    pub toasts: VecDeque<Toast>,
    /// Grows whenever something visible has changed: draw when it differs from the drawn one.
    pub revision: u64,
    /// Sections of the list of environments, in their order.
    pub sections: Vec<Section>,
    /// The age from which on data counts as stale; absent: it never does by its age alone.
    pub stale_after: Option<TimeDelta>,
    /// What the settings say of arming.
    pub arming: ArmingPolicy,
    /// The environment that may be changed for a time, though it opens read-only.
    pub armed: Option<Armed>,
    /// Where a person was, and places with a name.
    pub history: History,
    /// How far a person has come in the tour; absent: none is on.
    pub tour: Option<Tour>,
    /// The place of the last session, until it is gone to.
    pub resuming: Option<Place>,
    /// How a person is called, and for what they were called already.
    pub attention: Attention,
    /// When a person last touched a key.
    pub last_key: Option<DateTime<Utc>>,
    /// When dropping typed text began and when it ends; see `typing_ahead`.
    pub(in crate::app) typing_ahead: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// How far back the curves of the panes reach.
    pub range: TimeDelta,
    /// Tells this session's object names from those of others.
    pub session: Box<str>,
    /// When the first environment became known.
    pub(in crate::app) first_seen: Option<DateTime<Utc>>,
    pub(in crate::app) dirty: Dirty,
    /// Namespaces whose pods are listed, pods elsewhere changing nothing visible; absent: all are.
    pub(in crate::app) scope: Option<BTreeSet<(ClusterId, Box<str>)>>,
    /// The environment that the last [`crate::app::state::effect::BackgroundEffect::Focus`] named, and what runs there beside its own workloads.
    pub(in crate::app) focused: (Option<EnvironmentId>, Option<Track>),
    /// Namespaces whose events are followed, by cluster.
    pub(in crate::app) event_scopes: BTreeMap<ClusterId, BTreeSet<Box<str>>>,
    /// Pods whose logs are followed, by the view's request.
    pub(in crate::app) followed: BTreeMap<RequestId, BTreeSet<PodKey>>,
    /// Silences that were asked for and are not answered yet: what was meant.
    pub(in crate::app) silencing: BTreeMap<RequestId, String>,
    /// The pane that the last [`crate::app::state::effect::BackgroundEffect::Zoom`] named.
    pub(in crate::app) zoomed: Option<(ClusterId, ZoomQuery)>,
    /// How far back the listed changes reach.
    pub(in crate::app) reach: TimeDelta,
    pub(in crate::app) last_request: u64,
}

/// What must be computed anew before the next frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Dirty {
    /// Environments, queue, and whatever shows releases.
    pub releases: bool,
    /// Whether actions were judged.
    pub actions: bool,
    /// The pods' order or membership.
    pub pods: bool,
    /// What is wrong with pods: restarts and causes.
    pub ailments: bool,
    /// Error rates and latencies of the environments.
    pub readings: bool,
    /// Events of Kubernetes.
    pub events: bool,
    /// Alerts of Prometheus.
    pub alerts: bool,
    /// Selections and scrolling.
    pub cursors: bool,
    /// Anything else that is visible.
    pub screen: bool,
}

impl Store {
    /// Nothing has been taken in that the lists do not show.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.dirty == Dirty::default()
    }

    /// The store of a session over these contexts. `session` tells its object names from other sessions' names.
    #[must_use]
    pub fn new(contexts: impl IntoIterator<Item = Box<str>>, session: &str) -> Self {
        let clusters =
            contexts.into_iter().map(|context| ClusterState { context, ..ClusterState::default() }).collect();
        let range = TimeDelta::minutes(30);
        Self { clusters, session: session.into(), size: (80, 24), range, ..Self::default() }
    }

    /// That cluster, if the session has it.
    #[must_use]
    pub fn cluster(&self, id: ClusterId) -> Option<&ClusterState> {
        self.clusters.get(usize::from(id.0))
    }

    /// Every cluster with its id.
    pub fn clusters(&self) -> impl Iterator<Item = (ClusterId, &ClusterState)> {
        (0_u16..).map(ClusterId).zip(&self.clusters)
    }

    /// That environment.
    #[must_use]
    pub fn environment(&self, id: &EnvironmentId) -> Option<&Arc<Environment>> {
        self.cluster(id.cluster)?.environments.get(&id.key)
    }

    /// That release.
    #[must_use]
    pub fn release(&self, id: &ReleaseId) -> Option<&Arc<Release>> {
        self.cluster(id.cluster)?.releases.get(&id.key)
    }

    /// That action.
    #[must_use]
    pub fn action(&self, cluster: ClusterId, key: &ReleaseKey) -> Option<&Arc<ReleaseAction>> {
        self.cluster(cluster)?.actions.get(key)
    }

    /// That pod.
    #[must_use]
    pub fn pod(&self, id: &PodId) -> Option<&PodRow> {
        self.cluster(id.cluster)?.pods.get(&id.key)
    }

    /// What a pod uses, where that is known.
    #[must_use]
    pub fn usage(&self, cluster: ClusterId, pod: &PodRow) -> Option<Usage> {
        self.cluster(cluster)?.usage.get(&pod.key.namespace)?.pods.get(&pod.key.name).copied()
    }

    /// The environment that a release is for.
    #[must_use]
    pub fn environment_of(&self, id: &ReleaseId) -> Option<EnvironmentId> {
        self.release(id).map(|release| EnvironmentId::new(id.cluster, release.environment_key()))
    }

    /// The environment that the screen is about: the opened release's, else the selected one.
    #[must_use]
    pub fn focused_environment(&self) -> Option<EnvironmentId> {
        (self.view_row().environment)(self).or_else(|| self.ui.environments.selected.clone())
    }

    /// The row of the visible view.
    #[must_use]
    pub fn view_row(&self) -> &'static ViewRow {
        self.views.of(self.ui.view())
    }

    /// The chosen alert, while the list of alerts is open.
    #[must_use]
    pub fn selected_alert(&self) -> Option<&AlertLine> {
        let View::Alerts(view) = self.ui.view() else { return None };
        let id = view.cursor.selected.as_ref()?;
        self.rows.alerts.iter().find(|line| line.id == *id)
    }

    /// The chosen item, while the inbox is open.
    #[must_use]
    pub fn selected_item(&self) -> Option<&InboxRow> {
        let View::Inbox(view) = self.ui.view() else { return None };
        let key = view.cursor.selected.as_ref()?;
        self.rows.inbox.iter().find(|row| row.key == *key)
    }

    /// How careful everybody must be where the screen is; told by the Environment object alone.
    #[must_use]
    pub fn focused_tier(&self) -> Option<Tier> {
        let id = self.focused_environment()?;
        self.environment(&id).map(|environment| environment.spec.tier)
    }

    /// Puts a short message on the status line; at most eight are kept.
    pub(in crate::app) fn say(&mut self, level: Level, text: impl Into<String>) {
        let text = text.into();
        self.toasts.retain(|toast| toast.text != text);
        self.toasts.push_back(Toast { level, text, at: self.now });
        if self.toasts.len() > 8 {
            self.toasts.pop_front();
        }
        self.dirty.screen = true;
    }

    /// Shows something that must be read.
    pub(in crate::app) fn tell(&mut self, title: impl Into<String>, text: impl Into<String>) {
        self.ui.overlays.push(Overlay::Message { title: title.into(), text: text.into() });
        self.dirty.screen = true;
    }

    pub(in crate::app) fn next_request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }
}
