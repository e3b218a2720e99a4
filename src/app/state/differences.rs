//! Two environments that are compared, and what differs between them.

use chrono::{DateTime, Utc};

use crate::app::state::cursor::Cursor;
use crate::app::state::effect::RequestId;
use crate::app::state::located::EnvironmentId;
use crate::domain::difference::{Counts, Row, Section, Snapshot};

/// Two environments that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct DifferencesView {
    /// The one on the left.
    pub left: Side,
    /// The one on the right, which the screen is about.
    pub right: Side,
    /// What is the same is listed as well.
    pub all: bool,
    /// The chosen line.
    pub cursor: Cursor<LineKey>,
}

/// One of two environments.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Which.
    pub environment: EnvironmentId,
    /// What was read last.
    pub snapshot: Option<Box<Snapshot>>,
    /// When that was.
    pub at: Option<DateTime<Utc>>,
    /// One sentence why the newest reading is missing.
    pub fault: Option<String>,
    /// The reading that is on its way.
    pub request: Option<RequestId>,
    /// When it is read again.
    pub(in crate::app) due: Option<DateTime<Utc>>,
}

impl Side {
    /// An environment that was not read yet.
    #[must_use]
    pub const fn of(environment: EnvironmentId) -> Self {
        Self { environment, snapshot: None, at: None, fault: None, request: None, due: None }
    }
}

/// What tells one line from another: its part, and its setting; a part alone is its heading.
pub(crate) type LineKey = (Section, Option<String>);

/// What is listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differences {
    /// Headings and rows, in order.
    pub lines: Vec<Line>,
    /// Of everything, listed or not.
    pub counts: Counts,
    /// How many are not the same and not counted, because they are of other components than the one that is shown alone.
    pub hidden: usize,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What tells it from others.
    pub key: LineKey,
    /// The setting; absent for a heading.
    pub row: Option<Row>,
}
