//! What is known of one cluster, and how fresh it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::{Environment, EnvironmentKey, Release, ReleaseAction, ReleaseKey, Verb};
use crate::app::state::alerts::Managed;
use crate::app::state::examined::{Examined, Refusal};
use crate::app::state::pods::Pods;
use crate::app::state::zoom::ZoomQuery;
use crate::domain::age::Age;
use crate::domain::alert_history::Episode;
use crate::domain::alert_row::{AlertCount, AlertRow};
use crate::domain::burn_rate::Assessment;
use crate::domain::event_row::{EventKey, EventRow};
use crate::domain::pod_row::PodKey;
use crate::domain::series::Series;
use crate::domain::undecodable::Undecodable;
use crate::domain::usage::Usage;
use crate::domain::watch_state::WatchState;
use crate::domain::workload_row::{WorkloadKey, WorkloadRow};

/// Everything known of one cluster.
#[derive(Clone, Debug, Default)]
pub struct ClusterState {
    /// Name of its context, for people; never a source of the tier.
    pub context: Box<str>,
    /// Version of the API server.
    pub server_version: Box<str>,
    /// Us, as the API server knows us; absent until it has answered.
    pub identity: Option<CurrentUser>,
    /// Freshness of each feed.
    pub feeds: BTreeMap<WatchedKind, WatchState>,
    /// Objects that cannot be decoded, or only in part, by feed.
    pub undecodable: BTreeMap<WatchedKind, Vec<Undecodable>>,
    /// Environments.
    pub environments: BTreeMap<EnvironmentKey, Arc<Environment>>,
    /// Releases.
    pub releases: BTreeMap<ReleaseKey, Arc<Release>>,
    /// Actions.
    pub actions: BTreeMap<ReleaseKey, Arc<ReleaseAction>>,
    /// Pods.
    pub pods: Pods,
    /// What was read about pods that are not well.
    pub examined: BTreeMap<PodKey, Examined>,
    /// What was read about workloads whose pods are refused.
    pub refusals: BTreeMap<WorkloadKey, Refusal>,
    /// Workloads.
    pub workloads: BTreeMap<WorkloadKey, WorkloadRow>,
    /// Events of the namespaces that a view wants them of.
    pub events: BTreeMap<EventKey, EventRow>,
    /// The controller.
    pub controller: ControllerHealth,
    /// What we may do, per environment; absent: not yet answered.
    pub permissions: BTreeMap<EnvironmentKey, BTreeSet<Verb>>,
    /// Which subresources of pods we may create, by namespace; absent: not yet answered.
    pub pod_access: BTreeMap<Box<str>, BTreeSet<&'static str>>,
    /// What pods use, by namespace; absent: not asked yet.
    pub usage: BTreeMap<Box<str>, NamespaceUsage>,
    /// Why kubectl cannot reach this cluster; absent: it can.
    pub no_kubectl: Option<Box<str>>,
    /// Curves: environment and pane's name.
    pub metrics: BTreeMap<(EnvironmentKey, Box<str>), Metric>,
    /// The curves of the zoomed pane.
    pub zoomed: Option<Zoomed>,
    /// How fast error budgets burn.
    pub objectives: BTreeMap<EnvironmentKey, Objective>,
    /// Alerts, by who tells of them.
    pub alerts: BTreeMap<Box<str>, ReportedAlerts>,
    /// Alertmanagers, by name.
    pub alertmanagers: BTreeMap<Box<str>, Managed>,
    /// When those of an environment that was looked at began and ceased to fire.
    pub alert_history: BTreeMap<EnvironmentKey, Vec<Episode>>,
    /// How many of them each environment has.
    pub alert_counts: BTreeMap<EnvironmentKey, AlertCount>,
}

/// The alerts that one Prometheus tells of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportedAlerts {
    /// The last good answer; kept while newer ones fail.
    pub alerts: Vec<Arc<AlertRow>>,
    /// When it came.
    pub at: Option<DateTime<Utc>>,
    /// Why the newest answer is missing; `None` while all is well.
    pub error: Option<String>,
}

/// What the pods of a namespace use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceUsage {
    /// By name; those of the last good answer.
    pub pods: BTreeMap<Box<str>, Usage>,
    /// One sentence why the newest answer is missing.
    pub error: Option<String>,
}

/// The curves of one query of one environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric {
    /// The last good curves; kept while newer answers fail.
    pub series: Vec<Series>,
    /// When they came.
    pub at: Option<DateTime<Utc>>,
    /// Why the newest answer is missing; `None` while all is well.
    pub error: Option<String>,
    /// Why the last good curves are not the whole truth; `None` where they are.
    pub partial: Option<Box<str>>,
}

/// The curves of a zoomed pane.
#[derive(Clone, Debug, PartialEq)]
pub struct Zoomed {
    /// What was asked for.
    pub wish: ZoomQuery,
    /// The range up to now.
    pub present: Metric,
    /// What it is compared with.
    pub baseline: Metric,
}

/// How fast an error budget burns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objective {
    /// The last good answer; kept while newer ones fail.
    pub assessment: Option<Assessment>,
    /// When it came.
    pub at: Option<DateTime<Utc>>,
    /// Why the newest answer is missing; `None` while all is well.
    pub error: Option<String>,
}

/// Who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentUser {
    /// `userInfo.username`.
    pub user: Box<str>,
    /// `userInfo.groups`.
    pub groups: Vec<Box<str>>,
}

/// A stream of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchedKind {
    /// Environments.
    Environments,
    /// Releases.
    Releases,
    /// Actions.
    Actions,
    /// Pods.
    Pods,
    /// Workloads.
    Workloads,
    /// The controller's lease.
    Controller,
    /// Prometheus.
    Metrics,
    /// Events of Kubernetes, of the namespaces that a view wants them of.
    Events,
    /// Prometheus' alerts.
    Alerts,
}

impl WatchedKind {
    /// Every feed.
    pub const ALL: [Self; 9] = [
        Self::Environments,
        Self::Releases,
        Self::Actions,
        Self::Pods,
        Self::Workloads,
        Self::Controller,
        Self::Metrics,
        Self::Events,
        Self::Alerts,
    ];

    /// What it brings, in the plural, for sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Environments => "environments",
            Self::Releases => "releases",
            Self::Actions => "actions",
            Self::Pods => "pods",
            Self::Workloads => "workloads",
            Self::Controller => "controller leases",
            Self::Metrics => "metrics",
            Self::Events => "events",
            Self::Alerts => "alerts",
        }
    }
}

/// The controller's lease, as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControllerHealth {
    /// Identity of the leader; absent: none has ever led.
    pub leader: Option<Box<str>>,
    /// When we saw it renew last, by our clock.
    pub renewed: Option<DateTime<Utc>>,
    /// For how long a renewal holds, in seconds.
    pub duration_seconds: i32,
}

impl ControllerHealth {
    /// Absent while a controller leads; else for how long it has been silent, as far as that is known.
    #[must_use]
    pub fn silent_for(&self, now: DateTime<Utc>) -> Option<Option<Age>> {
        let Some(renewed) = self.renewed else { return Some(None) };
        let age = Age::between(renewed, now);
        (age.seconds() > i64::from(self.duration_seconds)).then_some(Some(age))
    }
}
