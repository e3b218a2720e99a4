//! What is open, focused, selected and filtered. Selection is by identity, so that it survives updates.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::state::confirm::Confirm;
use crate::app::state::cursor::Cursor;
use crate::app::state::filter::Filter;
use crate::app::state::form::Form;
use crate::app::state::handoff::HandOffForm;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::{EnvironmentId, PodId, ReleaseId};
use crate::app::state::palette::Palette;
use crate::app::state::pattern::Pattern;
use crate::app::state::saved_state::KeptComponent;
use crate::app::state::view::{Focus, View};
use crate::app::state::weight_form::WeightForm;
use crate::domain::pane::ERROR_RATE;

pub(crate) use crate::app::state::pod_sort::PodSort;

/// What is open, focused, selected and filtered.
#[derive(Clone, Debug, PartialEq)]
pub struct UiState {
    /// The views, the visible one last. The first is always [`View::Home`]; never empty.
    pub views: Vec<View>,
    /// The pane of the visible view that keys move in.
    pub focus: Focus,
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
    pub filters: BTreeMap<Focus, Filter>,
    /// Windows above the view, the topmost last; the topmost gets the keys.
    pub overlays: Vec<Overlay>,
    /// Rows that each pane showed when it was last drawn, where the loop has told.
    pub heights: BTreeMap<Focus, u16>,
}

impl Default for UiState {
    fn default() -> Self {
        Self {
            views: vec![View::Home],
            focus: Focus::Environments,
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
    pub fn height(&self, pane: Focus) -> usize {
        usize::from(self.heights.get(&pane).copied().unwrap_or(8).max(1))
    }

    /// What is looked for in that pane.
    #[must_use]
    pub fn filter(&self, pane: Focus) -> Option<&Filter> {
        self.filters.get(&pane)
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
        /// How many lines there are.
        lines: usize,
    },
    /// `:` with completion.
    Palette(Palette),
    /// `/`: the filter of a pane while it is being typed; it takes effect at once.
    Filter {
        /// The pane.
        pane: Focus,
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
