//! Alerts as they are listed, and what Alertmanagers do with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::environment::AlertmanagerRef;
use crate::api::{EnvironmentKey, Tier};
use crate::app::state::cursor::Cursor;
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::domain::alert_row::{AlertRow, Labels};
use crate::domain::silence::{Handling, Silence};

/// Alerts, opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsView {
    /// Whose.
    pub scope: AlertScope,
    /// The chosen one.
    pub cursor: Cursor<AlertId>,
}

/// Whose alerts are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AlertScope {
    /// Those of every environment, and those that are about no namespace at all.
    #[default]
    Environments,
    /// Those of one environment.
    One(EnvironmentId),
    /// Every one that a Prometheus tells of, also of namespaces that are not ours.
    Everything,
}

impl AlertScope {
    /// How the scope of one environment is written.
    pub(in crate::app) const ONE: &str = "one";

    /// As [`AlertScope::read`] reads it; which environment it is of is written elsewhere.
    pub(in crate::app) const fn written(&self) -> &'static str {
        match self {
            Self::Environments => "all",
            Self::One(_) => Self::ONE,
            Self::Everything => "everything",
        }
    }

    /// What was written so, of that environment.
    pub(in crate::app) fn read(text: &str, environment: Option<EnvironmentId>) -> Self {
        match (text, environment) {
            (Self::ONE, Some(id)) => Self::One(id),
            ("everything", _) => Self::Everything,
            _ => Self::Environments,
        }
    }

    /// As part of a title.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Environments => "all environments".to_owned(),
            Self::One(id) => id.key.name.to_string(),
            Self::Everything => "everything".to_owned(),
        }
    }
}

/// What tells one alert from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertId {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its labels.
    pub labels: Labels,
}

/// One alert of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertLine {
    /// Which.
    pub id: AlertId,
    /// Who tells of it.
    pub told_by: Vec<Box<str>>,
    /// What it says.
    pub alert: Arc<AlertRow>,
    /// The first environment that it belongs to.
    pub environment: Option<EnvironmentId>,
    /// How careful everybody must be there.
    pub tier: Option<Tier>,
    /// Who tells of it does not answer any more: it was true then.
    pub lost: bool,
    /// What an Alertmanager does with it, where one has told.
    pub handled: Option<Handled>,
}

impl AlertLine {
    /// The state in a word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.quiet().unwrap_or(self.alert.state())
    }

    /// Why nobody is told of it, in a word; absent where somebody is.
    #[must_use]
    pub fn quiet(&self) -> Option<&'static str> {
        self.handled.as_ref().and_then(Handled::word)
    }

    /// What tells it from others.
    pub(in crate::app) fn id(&self) -> AlertId {
        self.id.clone()
    }
}

/// An Alertmanager that is meant by a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// How it is reached.
    pub reference: AlertmanagerRef,
    /// How people call it.
    pub name: Box<str>,
}

/// What becomes of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// Silences that keep it quiet.
    pub silences: Vec<Silence>,
    /// Another alert keeps it quiet.
    pub is_inhibited: bool,
    /// Who is told of it.
    pub receivers: Vec<Box<str>>,
}

impl Handled {
    /// The state that takes the place of the alert's own, where nobody is told.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        match (self.silences.is_empty(), self.is_inhibited) {
            (false, _) => Some("silenced"),
            (true, true) => Some("inhibited"),
            (true, false) => None,
        }
    }
}

/// An Alertmanager, and what it said last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managed {
    /// How it is reached.
    pub reference: AlertmanagerRef,
    /// The environments whose alerts it is told of.
    pub environments: BTreeSet<EnvironmentKey>,
    /// What it does with each alert.
    pub handled: Vec<Handling>,
    /// Silences that hold, or will.
    pub silences: Vec<Silence>,
    /// When that was so.
    pub at: Option<DateTime<Utc>>,
    /// Why the newest answer is missing; `None` while all is well.
    pub error: Option<String>,
}
