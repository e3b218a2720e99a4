//! Where a command means something, and which part of the help it belongs to.

use crate::app::state::view::View;

/// Where a command means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In every view.
    Everywhere,
    /// Where an environment or a release is in sight: every view but texts.
    Cluster,
    /// On the home screen.
    Home,
    /// Among the versions to go back to.
    Rollback,
    /// Among events.
    Events,
    /// Among alerts.
    Alerts,
    /// Among differences of two environments.
    Differences,
    /// In texts and logs.
    Texts,
    /// In logs.
    Logs,
    /// Where one metric pane stands alone.
    Zoom,
}

impl Scope {
    /// Whether that view is inside.
    #[must_use]
    pub const fn covers(self, view: &View) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Cluster => !matches!(view, View::Text(_) | View::Logs(_)),
            Self::Home => matches!(view, View::Home),
            Self::Rollback => matches!(view, View::Rollback(_)),
            Self::Events => matches!(view, View::Events(_)),
            Self::Alerts => matches!(view, View::Alerts(_)),
            Self::Differences => matches!(view, View::Differences(_)),
            Self::Zoom => matches!(view, View::Zoom(_)),
            Self::Texts => matches!(view, View::Text(_) | View::Logs(_)),
            Self::Logs => matches!(view, View::Logs(_)),
        }
    }

    /// Where it applies, for whoever tries it elsewhere.
    pub(in crate::app) const fn words(self) -> &'static str {
        match self {
            Self::Everywhere => "not available here",
            Self::Cluster => "close the text first",
            Self::Home => "only on the home screen",
            Self::Rollback => "only in the rollback view",
            Self::Events => "only among events",
            Self::Alerts => "only among alerts",
            Self::Differences => "only among differences",
            Self::Texts => "only in texts and logs",
            Self::Logs => "only in logs",
            Self::Zoom => "only in a zoomed chart",
        }
    }

    /// How many views it covers, roughly: of two commands that share a key, the one with the narrower scope is meant where both mean
    /// something.
    #[must_use]
    pub const fn breadth(self) -> u8 {
        match self {
            Self::Everywhere => 3,
            Self::Cluster => 2,
            Self::Texts => 1,
            Self::Home
            | Self::Rollback
            | Self::Events
            | Self::Alerts
            | Self::Differences
            | Self::Zoom
            | Self::Logs => 0,
        }
    }

    /// Whether there is a view in which both mean something.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        let in_texts = |scope| matches!(scope, Self::Texts | Self::Logs);
        if self == Self::Everywhere || other == Self::Everywhere {
            return true;
        }
        if in_texts(self) || in_texts(other) {
            return in_texts(self) && in_texts(other);
        }
        self == other || self == Self::Cluster || other == Self::Cluster
    }
}

/// A part of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What changes something in a cluster.
    Releasing,
    /// What stops, guards and takes responsibility.
    Guarding,
    /// What looks closer.
    Looking,
    /// What moves.
    Moving,
    /// What concerns the terminal itself.
    Terminal,
}

impl Group {
    /// Every group in the help's order.
    pub const ALL: [Self; 5] = [Self::Releasing, Self::Guarding, Self::Looking, Self::Moving, Self::Terminal];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Releasing => "Releasing",
            Self::Guarding => "Guarding",
            Self::Looking => "Looking",
            Self::Moving => "Moving",
            Self::Terminal => "Terminal",
        }
    }
}
