//! What came from outside: keys, objects, samples, outcomes.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::environment::AlertmanagerRef;
use crate::api::{Environment, EnvironmentKey, Release, ReleaseAction, ReleaseKey, Verb};
use crate::app::state::cluster_state::{ControllerHealth, CurrentUser, WatchedKind};
use crate::app::state::effect::RequestId;
use crate::app::state::located::ClusterId;
use crate::app::state::logs::LogNews;
use crate::app::state::pointing::Pointed;
use crate::app::state::preferences::Preferences;
use crate::app::state::view::Focus;
use crate::app::state::zoom::ZoomQuery;
use crate::config::key::KeyChord;
use crate::domain::alert_history::Episode;
use crate::domain::alert_row::AlertRow;
use crate::domain::burn_rate::Assessment;
use crate::domain::diagnosis::{Evidence, WorkloadEvidence};
use crate::domain::difference::Snapshot;
use crate::domain::event_row::{EventKey, EventRow};
use crate::domain::pod_row::{PodKey, PodRow};
use crate::domain::series::Series;
use crate::domain::silence::{Handling, Silence};
use crate::domain::undecodable::Undecodable;
use crate::domain::usage::Usage;
use crate::domain::watch_state::WatchState;
use crate::domain::workload_row::{WorkloadKey, WorkloadRow};

/// Something that happened outside of the store.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every event is one of a cluster, the largest kind")]
pub enum Event {
    /// A key was pressed. `repeat` tells a held key from a pressed one where the terminal reports it.
    Key {
        /// The key.
        chord: KeyChord,
        /// It is held down.
        repeat: bool,
    },
    /// The mouse did something in a pane.
    Pointer {
        /// Where.
        pane: Focus,
        /// What.
        what: Pointed,
    },
    /// Text was pasted (bracketed paste).
    Paste(String),
    /// The terminal has this size now.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The frame that was just drawn showed this many rows of each pane's list.
    Viewport(Vec<(Focus, u16)>),
    /// Time has passed; sent at least once a second while anything on the screen depends on it.
    Tick(DateTime<Utc>),
    /// Something about one cluster.
    Cluster(ClusterId, ClusterEvent),
    /// A request that an effect asked for has ended.
    RequestDone {
        /// Which one.
        request: RequestId,
        /// How.
        outcome: Outcome,
    },
    /// Kubectl has given the terminal back; one sentence where it went wrong.
    CameBack(Result<(), String>),
    /// Something about the log of one container.
    Log {
        /// The request of the view that asked.
        view: RequestId,
        /// The pod's name.
        pod: Box<str>,
        /// The container's name; empty where it is about the pod.
        container: Box<str>,
        /// What.
        news: LogNews,
    },
    /// Another theme is drawn, or one sentence why it is not.
    Theme(Result<Box<str>, String>),
    /// The settings were read again, with a sentence that says so; or one why they stay as they were.
    Reloaded(Result<(Box<Preferences>, String), String>),
    /// The process was asked to end, or the terminal is gone.
    Quit,
}

/// Something about one cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum ClusterEvent {
    /// Who we are there and what the server is.
    Connected {
        /// Us, as the API server knows us.
        identity: CurrentUser,
        /// `v1.36.2` and the like.
        server_version: Box<str>,
    },
    /// A feed has changed its state.
    Watch(WatchedKind, WatchState),
    /// These are all objects of a feed that cannot be decoded, or only in part.
    Undecodable(WatchedKind, Vec<Undecodable>),
    /// Environments.
    Environments(Delta<EnvironmentKey, Arc<Environment>>),
    /// Releases.
    Releases(Delta<ReleaseKey, Arc<Release>>),
    /// Actions; the key's name is the action's.
    Actions(Delta<ReleaseKey, Arc<ReleaseAction>>),
    /// Pods.
    Pods(Delta<PodKey, PodRow>),
    /// What was read about a pod that is not well.
    Examined(PodKey, Evidence),
    /// What was read about a workload that a release waits for.
    WorkloadExamined(WorkloadKey, WorkloadEvidence),
    /// Workloads.
    Workloads(Delta<WorkloadKey, WorkloadRow>),
    /// Events of Kubernetes.
    Events(Delta<EventKey, EventRow>),
    /// The controller's lease, as last seen.
    Controller(ControllerHealth),
    /// What we may do in an environment, as the server's authorizer answered.
    Permissions {
        /// Where.
        environment: EnvironmentKey,
        /// What.
        allowed: Vec<Verb>,
    },
    /// Which subresources of pods we may create in a namespace, such as `pods/exec`.
    PodAccess {
        /// Where.
        namespace: Box<str>,
        /// What.
        allowed: BTreeSet<&'static str>,
    },
    /// Resource usage, metrics and error budgets.
    Metrics(MetricsEvent),
    /// Alerts and silences.
    Alerting(AlertingEvent),
}

/// Resource usage, metrics and error budgets.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsEvent {
    /// What the pods of a namespace use, or one sentence why that is not known.
    Usage {
        /// Where.
        namespace: Box<str>,
        /// By name.
        result: Result<Vec<(Box<str>, Usage)>, String>,
    },
    /// Samples of one query of one environment.
    Metrics {
        /// Where.
        environment: EnvironmentKey,
        /// The pane's name, such as `errorRate`.
        query: Box<str>,
        /// When the answer came.
        at: DateTime<Utc>,
        /// Whole curves for the panes' range, or one sentence why there are none.
        result: Result<Vec<Series>, String>,
        /// Why the curves are not the whole truth; nothing where they are.
        partial: Option<Box<str>>,
    },
    /// Samples of the zoomed pane.
    Zoomed {
        /// What was asked; an answer to an older wish is dropped.
        wish: ZoomQuery,
        /// Which part of it.
        part: ZoomPart,
        /// When the answer came.
        at: DateTime<Utc>,
        /// Whole curves for the wished range, or one sentence why there are none.
        result: Result<Vec<Series>, String>,
        /// Why the curves are not the whole truth; nothing where they are.
        partial: Option<Box<str>>,
    },
    /// How fast the error budget of an environment burns.
    Objective {
        /// Where.
        environment: EnvironmentKey,
        /// When the answer came.
        at: DateTime<Utc>,
        /// What the numbers say, or one sentence why there are none.
        result: Result<Assessment, String>,
    },
}

/// Alerts and silences.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertingEvent {
    /// Those that are asked for alerts, and no others any more.
    AlertSources(BTreeSet<Box<str>>),
    /// Every alert that one of them counts as active, or one sentence why that is not known.
    Alerts {
        /// Who.
        source: Box<str>,
        /// When the answer came.
        at: DateTime<Utc>,
        /// What, or why not.
        result: Result<Vec<AlertRow>, String>,
    },
    /// The Alertmanagers that are asked, and no others any more.
    AlertmanagerSources(BTreeSet<Box<str>>),
    /// What one of them does with alerts, and its silences; or one sentence why that is not known.
    Alertmanager {
        /// Its name.
        name: Box<str>,
        /// How it is reached.
        reference: AlertmanagerRef,
        /// The environments whose alerts it is told of.
        environments: BTreeSet<EnvironmentKey>,
        /// When the answer came.
        at: DateTime<Utc>,
        /// What, or why not.
        result: Result<(Vec<Handling>, Vec<Silence>), String>,
    },
    /// When alerts of an environment began and ceased to fire lately.
    AlertHistory {
        /// Where.
        environment: EnvironmentKey,
        /// Each time.
        found: Vec<Episode>,
    },
}

/// A part of what a zoomed pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZoomPart {
    /// The range up to now.
    Present,
    /// What it is compared with.
    Baseline,
}

/// A change of a set of objects.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta<K, V> {
    /// These are all of them.
    Reset(Vec<(K, V)>),
    /// This one is new or changed.
    Applied(K, V),
    /// This one is gone.
    Deleted(K),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The server accepted it; the watch will show what follows.
    Accepted {
        /// Name of the object that was created.
        name: String,
        /// What the person should know of it, such as that a tag could not be resolved.
        remark: Option<String>,
    },
    /// A dry run passed.
    WouldPass,
    /// The server or a policy refused it: `Code: sentence` or RBAC's own words, sanitised.
    Refused(String),
    /// It may or may not have reached the server; the sentence says what to look at.
    Unknown(String),
    /// A text that was asked for.
    Text(String),
    /// An environment as settings that can be compared.
    Snapshot(Box<Snapshot>),
    /// A file was written: this one; or one sentence why not.
    Saved(Result<String, String>),
}
