//! The views and their panes, as data.

use crate::app::state::alerts::AlertsView;
use crate::app::state::cursor::Cursor;
use crate::app::state::differences::DifferencesView;
use crate::app::state::effect::RequestId;
use crate::app::state::form::ImageChange;
use crate::app::state::inbox::InboxKey;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::logs::LogView;
use crate::app::state::text_view::TextView;
use crate::app::state::zoom::ZoomView;
use crate::domain::known_version::KnownVersion;

/// A screen.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// Environments, metrics, pods and the queue.
    Home,
    /// One release: plan, gates, timeline.
    Release(ReleaseView),
    /// Versions to go back to; it only looks.
    Rollback(RollbackView),
    /// Everything that waits for us, everywhere.
    Inbox(InboxView),
    /// Why a release does not go on.
    Why(WhyView),
    /// A list about an environment that is only scrolled; which, its row says.
    Listed(Listed),
    /// Events of Kubernetes around an environment.
    Events(EventsView),
    /// Alerts of Prometheus, the worst first.
    Alerts(AlertsView),
    /// Two environments, compared.
    Differences(Box<DifferencesView>),
    /// One metric pane alone.
    Zoom(ZoomView),
    /// Applications by environments, over all clusters.
    Matrix,
    /// Delivery numbers of every application.
    Dora(DoraView),
    /// YAML, description, difference.
    Text(TextView),
    /// Logs, followed.
    Logs(Box<LogView>),
}

/// One release, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseView {
    /// Which.
    pub id: ReleaseId,
    /// Entries of the timeline that are scrolled past, from the newest.
    pub timeline_offset: usize,
    /// Gates that are scrolled past.
    pub gates_offset: usize,
    /// Steps that are scrolled past; absent: the plan follows the present step.
    pub plan_offset: Option<usize>,
}

/// Everything that waits for us, everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxView {
    /// The chosen item.
    pub cursor: Cursor<InboxKey>,
}

/// A list about an environment that is only scrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name of its row.
    pub name: &'static str,
    /// Where.
    pub environment: EnvironmentId,
    /// Entries scrolled past.
    pub offset: usize,
}

/// Events of Kubernetes around an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsView {
    /// Where.
    pub environment: EnvironmentId,
    /// Only warnings are listed.
    pub warnings: bool,
    /// Lines scrolled past, from the newest.
    pub offset: usize,
}

/// Why a release does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyView {
    /// Which.
    pub id: ReleaseId,
    /// Why we could not clear it, as far as this terminal can tell; absent when we could.
    pub ours: Option<String>,
    /// What the API server says itself.
    pub server: ServerWord,
    /// Lines scrolled past.
    pub offset: usize,
}

/// The API server's verdict on a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerWord {
    /// Asked; the answer is on its way.
    Asked {
        /// What it was asked about.
        what: &'static str,
        /// The question.
        request: RequestId,
    },
    /// It would accept this.
    Accepts(&'static str),
    /// It would refuse this.
    Refuses {
        /// What it was asked about.
        what: &'static str,
        /// Its sentence, word by word.
        reason: String,
    },
    /// One sentence why it was not asked, or has not answered.
    NotAsked(String),
}

/// Versions that an environment can go back to.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackView {
    /// Where.
    pub environment: EnvironmentId,
    /// Every version that the environment has seen, newest first; renewed while the view is open.
    pub versions: Vec<KnownVersion>,
    /// Place in `versions` of the last version known to be good.
    pub last_known_good: Option<usize>,
    /// The rollback that somebody else began, in one sentence.
    pub already: Option<String>,
    /// What going back to the chosen version changes, per component.
    pub preview: Vec<ImageChange>,
    /// The chosen version.
    pub cursor: Cursor<RollbackChoice>,
}

/// What tells one version that an environment has seen from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollbackChoice {
    /// The version.
    pub version: Box<str>,
    /// The release that brought it; absent when it was there before the first release.
    pub release: Option<Box<str>>,
}

impl RollbackChoice {
    /// What tells this version from others.
    #[must_use]
    pub fn of(known: &KnownVersion) -> Self {
        Self { version: known.version.as_str().into(), release: known.release.as_deref().map(Into::into) }
    }
}

/// A part of a view that keys move in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Focus {
    /// Home: environments.
    Environments,
    /// Home: pods.
    Pods,
    /// Home: the release queue.
    Queue,
    /// Release: the plan's steps.
    Plan,
    /// Release: what it waits for.
    Gates,
    /// Release: what happened.
    Timeline,
    /// Rollback: versions to go back to.
    Candidates,
    /// Inbox: what waits for us.
    Inbox,
    /// Why: gates and the server's word.
    Why,
    /// Changes: their list.
    Changes,
    /// Events: their list.
    Events,
    /// Alerts: their list.
    Alerts,
    /// Differences: their list.
    Differences,
    /// Zoom: the curves.
    Zoom,
    /// Matrix: its cells.
    Matrix,
    /// Numbers: their list.
    Dora,
    /// Text and logs: their lines.
    Text,
    /// The help window.
    Help,
}

/// Delivery numbers of every application, as they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoraView {
    /// Days of the period, which ends now.
    pub days: u16,
    /// Lines scrolled past.
    pub offset: usize,
}

impl View {
    /// It is the list of that name.
    #[must_use]
    pub fn is_list(&self, name: &str) -> bool {
        matches!(self, Self::Listed(list) if list.name == name)
    }
}
