//! What is open, focused, selected and filtered. Selection is by identity, so that it survives updates.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::alerts::AlertsView;
use crate::app::confirm::Confirm;
use crate::app::differences::DifferencesView;
use crate::app::effect::RequestId;
use crate::app::filter::Filter;
use crate::app::form::{Form, ImageChange};
use crate::app::handoff::HandOffForm;
use crate::app::kept::KeptComponent;
use crate::app::line_editor::LineEditor;
use crate::app::located::{EnvironmentId, PodId, ReleaseId};
use crate::app::log_view::LogView;
use crate::app::numbers::NumbersView;
use crate::app::palette::Palette;
use crate::app::pattern::Pattern;
pub use crate::app::pod_sort::PodSort;
use crate::app::rows::InboxKey;
use crate::app::text_view::TextView;
use crate::app::weight_form::WeightForm;
use crate::app::zoom::ZoomView;
use crate::domain::known_version::KnownVersion;
use crate::domain::pane::ERROR_RATE;

/// What is open, focused, selected and filtered.
#[derive(Clone, Debug, PartialEq)]
pub struct UiState {
    /// The views, the visible one last. The first is always [`View::Home`]; never empty.
    pub views: Vec<View>,
    /// The pane of the visible view that keys move in.
    pub focus: Pane,
    /// The environments pane.
    pub environments: Cursor<EnvironmentId>,
    /// Sections of environments that a person has folded or unfolded, by name, whatever the settings say.
    pub folded: BTreeMap<String, bool>,
    /// The component that is shown alone, by environment; absent: all are.
    pub alone: BTreeMap<EnvironmentId, Box<str>>,
    /// Components that other sessions have shown alone in contexts that this one has not: kept for the next one there.
    pub alone_elsewhere: Vec<KeptComponent>,
    /// Pods of all environments are shown instead of the selected one's.
    pub all_environments: bool,
    /// The pods pane.
    pub pods: Cursor<PodId>,
    /// How pods are ordered.
    pub pod_sort: PodSort,
    /// In the opposite order.
    pub pods_reversed: bool,
    /// Other columns than the usual ones are shown: owner, revision, address, node, digest.
    pub pods_wide: bool,
    /// Pods that are marked.
    pub marked: BTreeSet<PodId>,
    /// The queue pane.
    pub queue: Cursor<ReleaseId>,
    /// Name of the metric pane that is meant: the one that is shown where there is room for one only, and that is zoomed.
    pub metric: Box<str>,
    /// What is being looked for, per pane; absent: everything is shown.
    pub filters: BTreeMap<Pane, Filter>,
    /// Windows above the view, the topmost last; the topmost gets the keys.
    pub overlays: Vec<Overlay>,
    /// Rows that each pane showed when it was last drawn, where the loop has told.
    pub heights: BTreeMap<Pane, u16>,
}

impl Default for UiState {
    fn default() -> Self {
        Self {
            views: vec![View::Home],
            focus: Pane::Environments,
            environments: Cursor::default(),
            folded: BTreeMap::new(),
            alone: BTreeMap::new(),
            alone_elsewhere: Vec::new(),
            all_environments: false,
            pods: Cursor::default(),
            pod_sort: PodSort::default(),
            pods_reversed: false,
            pods_wide: false,
            marked: BTreeSet::new(),
            queue: Cursor::default(),
            metric: ERROR_RATE.into(),
            filters: BTreeMap::new(),
            overlays: Vec::new(),
            heights: BTreeMap::new(),
        }
    }
}

impl UiState {
    /// The visible view.
    #[must_use]
    pub fn view(&self) -> &View {
        self.views.last().unwrap_or(&View::Home)
    }

    /// The topmost window, which gets the keys.
    #[must_use]
    pub fn overlay(&self) -> Option<&Overlay> {
        self.overlays.last()
    }

    /// Rows that a pane shows; a guess where it was not drawn yet.
    #[must_use]
    pub fn height(&self, pane: Pane) -> usize {
        usize::from(self.heights.get(&pane).copied().unwrap_or(8).max(1))
    }

    /// What is looked for in that pane.
    #[must_use]
    pub fn filter(&self, pane: Pane) -> Option<&Filter> {
        self.filters.get(&pane)
    }
}

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
    /// What has changed in an environment lately.
    Changes(ChangesView),
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
    Numbers(NumbersView),
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

/// What has changed in an environment lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesView {
    /// Where.
    pub environment: EnvironmentId,
    /// Entries scrolled past, from the newest.
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

/// The API server's own word, asked by a dry run.
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
pub enum Pane {
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
    Numbers,
    /// Text and logs: their lines.
    Text,
    /// The help window.
    Help,
}

impl Pane {
    /// The panes of a view in the order in which `tab` visits them.
    #[must_use]
    pub const fn of(view: &View) -> &'static [Self] {
        match view {
            View::Home => &[Self::Environments, Self::Pods, Self::Queue],
            View::Release(_) => &[Self::Plan, Self::Gates, Self::Timeline],
            View::Rollback(_) => &[Self::Candidates],
            View::Inbox(_) => &[Self::Inbox],
            View::Why(_) => &[Self::Why],
            View::Changes(_) => &[Self::Changes],
            View::Events(_) => &[Self::Events],
            View::Alerts(_) => &[Self::Alerts],
            View::Differences(_) => &[Self::Differences],
            View::Matrix => &[Self::Matrix],
            View::Numbers(_) => &[Self::Numbers],
            View::Zoom(_) => &[Self::Zoom],
            View::Text(_) | View::Logs(_) => &[Self::Text],
        }
    }
}

/// A selection by identity, and where it stood, so that its neighbour is selected when it goes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    /// What is selected.
    pub selected: Option<K>,
    /// Its row.
    pub index: usize,
    /// Rows that are scrolled past.
    pub offset: usize,
    /// A person has put it there. Until then it stays on the first row, or on the environment that most needed attention at first.
    pub held: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { selected: None, index: 0, offset: 0, held: false }
    }
}

/// A regular expression while it is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternLine {
    /// What it is for.
    pub purpose: Purpose,
    /// The text.
    pub editor: LineEditor,
    /// What was there before, for `esc`.
    pub before: Option<Pattern>,
    /// What is wrong with it, as it stands now.
    pub fault: Option<String>,
}

/// What a regular expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To leave lines out.
    Filter,
    /// To go from one line to the next.
    Search,
}

/// A window above the view.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// Every key and what it does.
    Help {
        /// Lines scrolled past.
        offset: usize,
    },
    /// `:` with completion.
    Palette(Palette),
    /// `/`: the filter of a pane while it is being typed; it takes effect at once.
    Filter {
        /// The pane.
        pane: Pane,
        /// The text.
        editor: LineEditor,
        /// What was there before, for `esc`.
        before: Option<Filter>,
    },
    /// A regular expression of a text or a log while it is being typed; it takes effect at once.
    Pattern(PatternLine),
    /// Deploy or promote.
    Form(Box<Form>),
    /// Shift the weight.
    Weight(Box<WeightForm>),
    /// Leave for kubectl.
    HandOff(Box<HandOffForm>),
    /// Are you sure?
    Confirm(Box<Confirm>),
    /// Something that must be read.
    Message {
        /// What it is about.
        title: String,
        /// Whole sentences.
        text: String,
    },
}
