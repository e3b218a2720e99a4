//! What a command is about, and whether it can be done.

use crate::app::state::located::{EnvironmentId, PodId, ReleaseId};

/// What a command is about: what is selected in the focused pane, or what the view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The environment.
    pub environment: Option<EnvironmentId>,
    /// The release that is selected or opened.
    pub release: Option<ReleaseId>,
    /// The pod, where one is selected in the focused pane.
    pub pod: Option<PodId>,
}

/// A command on its way to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// What it is about.
    pub target: Target,
    /// The words after the command in the palette.
    pub argument: Option<String>,
    /// Which of the command's keys was pressed, counted from 0; the third `environment` key means the third environment.
    pub key: Option<usize>,
}

/// Whether a command can be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Ready,
    /// It cannot, for this reason: a few words that fit the status line.
    Unavailable(String),
}

impl Availability {
    /// It can be done.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Why it cannot.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Unavailable(reason) => Some(reason),
        }
    }
}

impl Target {
    /// Ready where there is an environment to be about.
    #[must_use]
    pub fn needs_environment(&self) -> Availability {
        match self.environment {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("no environment is selected".to_owned()),
        }
    }
}
