//! What the panes list, as data.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::strategy::StrategyName;
use crate::api::{Phase, Tier};
use crate::app::state::alerts::AlertLine;
use crate::app::state::banners::Banner;
use crate::app::state::changes::Change;
use crate::app::state::differences::Differences;
use crate::app::state::examined::Subject;
use crate::app::state::health::{Health, Reading};
use crate::app::state::inbox::InboxRow;
use crate::app::state::located::{EnvironmentId, PodId, ReleaseId};
use crate::app::state::sections::EnvironmentLine;
use crate::domain::alert_row::AlertCount;
use crate::domain::diagnosis::Case;
use crate::domain::event_row::EventGroup;
use crate::domain::pane::PaneDefinition;

/// The lists of the home screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Environments of all clusters: development, staging, production; then by application and name.
    pub environments: Vec<EnvironmentRow>,
    /// Their lines: headings of sections, where there are any, and the environments of those that are open.
    pub environment_lines: Vec<EnvironmentLine>,
    /// Pods of the selected environment (or of all), sorted and filtered; look rows up with [`crate::app::state::store::Store::pod`].
    pub pods: Vec<PodId>,
    /// How many pods there are before filtering.
    pub pods_total: usize,
    /// How many there are of all components, where one is shown alone.
    pub pods_whole: Option<usize>,
    /// How many of these are failing.
    pub pods_failing: usize,
    /// The queue: executing, then waiting (oldest first), then the last that finished.
    pub queue: Vec<QueueRow>,
    /// What keeps each release that is under way from getting on, where a cause is known.
    pub causes: BTreeMap<ReleaseId, Case<Subject>>,
    /// What waits for something that *we* can do, oldest first.
    pub inbox: Vec<InboxRow>,
    /// What everybody must see, most important first.
    pub banners: Vec<Banner>,
    /// What has changed in the environment that the screen is about, newest first.
    pub changes: Vec<Change>,
    /// Events around that environment, gathered and filtered, newest first, where the view of events is open.
    pub events: Vec<EventGroup>,
    /// How many lines of events there are before filtering.
    pub events_total: usize,
    /// Alerts of the open view, filtered, the worst first.
    pub alerts: Vec<AlertLine>,
    /// How many of them there are before filtering.
    pub alerts_total: usize,
    /// How many more there are of namespaces in which no environment is.
    pub alerts_elsewhere: usize,
    /// How many are of other components than the one that is shown alone.
    pub alerts_hidden: usize,
    /// What differs between two environments, where the view of that is open.
    pub differences: Differences,
    /// Warnings since the opened release began, about what it changes, newest first.
    pub warnings: Vec<EventGroup>,
    /// The metric panes of that environment, in the order in which they are visited.
    pub panes: Vec<PaneDefinition>,
}

/// One environment.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvironmentRow {
    /// Which.
    pub id: EnvironmentId,
    /// Its place among the digit keys, from 1.
    pub number: usize,
    /// The section that it stands in, counted from 0.
    pub section: usize,
    /// Its application.
    pub application: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// The context of its cluster, where another cluster has an environment of the same name.
    pub cluster: Option<Box<str>>,
    /// How careful everybody must be.
    pub tier: Tier,
    /// Versions that run in its components, each once; empty: not known.
    pub versions: Vec<Box<str>>,
    /// Pods that are ready and pods wanted, over all components; absent while no workload is known.
    pub pods: Option<(i32, i32)>,
    /// How it fares.
    pub health: Health,
    /// The release that holds the lane.
    pub active: Option<ActiveRelease>,
    /// The last release, if it failed and none is in progress.
    pub failed: Option<FailedRelease>,
    /// Why the release in progress is held, or why the last one failed; else empty.
    pub reason: Box<str>,
    /// Releases are stopped here; who did it and why.
    pub frozen: Option<Box<str>>,
    /// Error rate as a ratio.
    pub error_rate: Reading,
    /// p95 latency in seconds.
    pub latency: Reading,
    /// For how long every component has been healthy without a break.
    pub healthy_for: Option<TimeDelta>,
    /// Releases here that wait for something that we can do.
    pub needs_me: usize,
    /// What break-glass has left behind here and nobody has reviewed.
    pub debts: usize,
    /// The policies that attest identities are not in force here.
    pub unattested: bool,
    /// Its alerts; absent: not known.
    pub alerts: Option<AlertCount>,
}

/// A last release that ended as errored or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRelease {
    /// Its version.
    pub version: Box<str>,
    /// How it ended.
    pub phase: Phase,
}

/// The release that holds an environment's lane.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveRelease {
    /// Which.
    pub id: ReleaseId,
    /// Its version.
    pub version: Box<str>,
    /// Its phase.
    pub phase: Phase,
    /// Its strategy.
    pub strategy: StrategyName,
    /// Desired weight of the new version in per cent, where its strategy shifts weight.
    pub weight: Option<i32>,
    /// The present step, counted from 1, and steps in all; absent before it has a plan.
    pub steps: Option<(usize, usize)>,
}

/// One release of the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueRow {
    /// Which.
    pub id: ReleaseId,
    /// Its environment.
    pub environment: EnvironmentId,
    /// How careful everybody must be there; absent: that environment is not known.
    pub tier: Option<Tier>,
    /// Its application; empty when its environment is not known.
    pub application: Box<str>,
    /// The version that ran before; empty when not known.
    pub from: Box<str>,
    /// Its version.
    pub to: Box<str>,
    /// Its strategy.
    pub strategy: StrategyName,
    /// Its phase.
    pub phase: Phase,
    /// Where it stands in the queue.
    pub group: QueueGroup,
    /// Steps done and steps in all; absent before it has a plan.
    pub steps: Option<(usize, usize)>,
    /// Desired weight of the new version in per cent, where its strategy shifts weight.
    pub weight: Option<i32>,
    /// What it waits for and who can clear it, in the controller's words.
    pub message: Box<str>,
    /// Who asked for it.
    pub requested_by: Box<str>,
    /// When it was asked for.
    pub created: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished: Option<DateTime<Utc>>,
    /// It waits for something that we can do.
    pub needs_me: bool,
    /// Who drives it, and until when.
    pub driver: Option<(Box<str>, Option<DateTime<Utc>>)>,
    /// What was asked for and is not yet seen to have happened, such as `approve…`.
    pub pending: Option<Box<str>>,
}

/// Where a release stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueGroup {
    /// It holds the lane.
    Executing,
    /// It waits.
    Waiting,
    /// It has ended.
    Finished,
}

impl QueueGroup {
    /// Where a release of that phase stands.
    #[must_use]
    pub const fn of(phase: Phase) -> Self {
        if phase.holds_lane() {
            Self::Executing
        } else if phase.is_final() {
            Self::Finished
        } else {
            Self::Waiting
        }
    }
}
