//! What a pane is, and what it draws from: one pane is one file in `panes/` and one line in [`crate::ui::panes::PANES`], which is what screens draw from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::Tier;
use crate::app::components;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::health::HealthClass;
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::ui::chrome::{Chrome, Freshness};
use crate::ui::format::Short;
use crate::ui::theme::Theme;

/// A part of a screen that draws itself from the store.
pub(crate) struct Pane {
    /// Unique name in kebab-case, used by snapshots.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests name it"))]
    pub id: &'static str,
    /// The focus that lets keys move in it; absent where there is nothing to move in.
    pub focus: Option<Focus>,
    /// The view whose whole screen it is; absent where it shares one with others.
    pub whole: Option<fn(&View) -> bool>,
    /// Rows of its list in that area, in a frame on four sides or not: what paging and scrolling go by.
    pub rows: fn(Rect, &Store, bool) -> u16,
    /// Draws it. One row is its folded form.
    pub draw: fn(&mut Buffer, Rect, &Ctx<'_>),
}

impl Pane {
    /// What a row has unless it says otherwise: no keys move in it, it shares its screen, and it lists as much as its frame leaves.
    pub(crate) const ROW: Self = Self {
        id: "",
        focus: None,
        whole: None,
        rows: |area, _, boxed| framed(area, boxed),
        draw: |_, _, _| (),
    };
}

/// Rows inside of a frame.
const fn framed(area: Rect, boxed: bool) -> u16 {
    area.height.saturating_sub(if boxed { 2 } else { 1 })
}

/// What every pane draws from.
#[derive(Clone, Copy)]
pub(crate) struct Ctx<'a> {
    /// What is known.
    pub store: &'a Store,
    /// How it looks.
    pub theme: &'a Theme,
    /// Panes have frames on four sides.
    pub boxed: bool,
    /// Columns and lines of metric panes, where several stand beside each other.
    pub grid: (u16, u16),
}

impl<'a> Ctx<'a> {
    /// One pane, drawn from that.
    #[must_use]
    pub(crate) const fn new(store: &'a Store, theme: &'a Theme, boxed: bool) -> Self {
        Self { store, theme, boxed, grid: (1, 1) }
    }

    /// Keys move in that pane.
    #[must_use]
    pub(crate) fn focused(&self, pane: Focus) -> bool {
        self.store.ui.overlays.is_empty() && self.store.ui.focus == pane
    }

    /// The frame of a pane whose content has that freshness.
    #[must_use]
    pub(crate) fn chrome(&self, focus: Option<Focus>, freshness: Freshness<'a>) -> Chrome<'a> {
        Chrome {
            theme: self.theme,
            tier: self.store.focused_tier(),
            focused: focus.is_some_and(|focus| self.focused(focus)),
            boxed: self.boxed,
            freshness,
        }
    }

    /// How true the objects of that cluster's feed are.
    #[must_use]
    pub(crate) fn freshness(&self, cluster: ClusterId, feed: WatchedKind) -> Freshness<'a> {
        let state = self.store.cluster(cluster).and_then(|cluster| cluster.feeds.get(&feed));
        Freshness::of(state, self.store.now)
    }

    /// The worst freshness of that feed over all clusters.
    #[must_use]
    pub(crate) fn worst(&self, feed: WatchedKind) -> Freshness<'a> {
        self.store
            .clusters()
            .map(|(id, _)| self.freshness(id, feed))
            .max_by_key(|freshness| severity(*freshness))
            .unwrap_or(Freshness::Connecting)
    }

    /// What stands in the title of a release's pane that leaves out that many components, because another one is shown alone.
    #[must_use]
    pub(crate) fn alone(&self, release: &ReleaseId, left_out: usize) -> Short {
        let dot = self.theme.glyphs.dot;
        match components::of_release(self.store, release).filter(|_| left_out > 0) {
            Some(component) => Short::of(format_args!(" {dot} {} {dot} {left_out} hidden", component.name)),
            None => Short::of(format_args!("")),
        }
    }

    /// The row of the environment that the screen is about.
    #[must_use]
    pub(crate) fn environment(&self) -> Option<&'a EnvironmentRow> {
        let id = self.store.focused_environment()?;
        self.row(&id)
    }

    /// The row of that environment.
    #[must_use]
    pub(crate) fn row(&self, id: &EnvironmentId) -> Option<&'a EnvironmentRow> {
        self.store.rows.environments.iter().find(|row| row.id == *id)
    }

    /// Glyph and style of a class of health.
    #[must_use]
    pub(crate) fn health(&self, class: HealthClass) -> (&'static str, Style) {
        let (theme, glyphs) = (self.theme, self.theme.glyphs);
        match class {
            HealthClass::Good => (glyphs.healthy, theme.healthy),
            HealthClass::Moving => (glyphs.warning, theme.warning),
            HealthClass::Waiting => (glyphs.waiting, theme.warning),
            HealthClass::Bad => (glyphs.failing, theme.failing),
            HealthClass::Unknown => (glyphs.unknown, theme.unknown),
        }
    }

    /// How a row looks as a whole: the pointer before it, and a style over it.
    #[must_use]
    pub(crate) fn selection(&self, selected: bool, pane: Focus) -> (&'static str, Option<Style>) {
        match (selected, self.focused(pane)) {
            (false, _) => (" ", None),
            (true, false) => (self.theme.glyphs.current, None),
            (true, true) => (self.theme.glyphs.current, Some(self.theme.selection)),
        }
    }
}

/// The more, the more it must be said.
fn severity(freshness: Freshness<'_>) -> (u8, i64) {
    match freshness {
        Freshness::Timeless => (0, 0),
        Freshness::Live(age) => (1, age.seconds()),
        Freshness::Connecting => (2, 0),
        Freshness::Missing(_) => (3, 0),
        Freshness::Denied(_) => (4, 0),
        Freshness::Stale { .. } => (5, 0),
    }
}

/// The word of a tier for narrow columns.
#[must_use]
pub(crate) const fn tier_word(tier: Tier) -> &'static str {
    match tier {
        Tier::Production => "PROD",
        Tier::Staging => "stag",
        Tier::Development => "dev",
    }
}
