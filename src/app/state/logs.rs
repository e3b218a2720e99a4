//! Logs that are followed: whose, which lines, and what has come.

use std::fmt::Write as _;

use crate::app::state::effect::RequestId;
use crate::app::state::located::{ClusterId, EnvironmentId, PodId};
use crate::app::state::pattern::Pattern;
use crate::app::state::text_scroll::TextScroll;
use crate::domain::log::{LogEntry, LogLine, LogRing, LogWhat};

/// Logs that are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct LogView {
    /// Whose.
    pub subject: LogSubject,
    /// Tells the present streams from those that were asked for before something was changed.
    pub request: RequestId,
    /// Which lines.
    pub what: LogWhat,
    /// The view stays at its end while lines come.
    pub at_end: bool,
    /// Stamps are shown.
    pub timestamps: bool,
    /// Containers whose lines come or came, in the order in which they were met.
    pub sources: Vec<LogSource>,
    /// Pods beyond the most that are followed at once.
    pub left_out: usize,
    /// The lines.
    pub ring: LogRing,
    /// Where in them the eye is.
    pub look: TextScroll,
    /// Which of them are shown.
    pub filter: Option<Pattern>,
}

/// Whose logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogSubject {
    /// Of one pod.
    Pod(PodId),
    /// Of all pods of a workload, the second one beside it included.
    Workload {
        /// Where.
        cluster: ClusterId,
        /// Namespace.
        namespace: Box<str>,
        /// Kind of the workload.
        kind: Box<str>,
        /// Name of the first workload.
        name: Box<str>,
    },
    /// Of all pods of an environment's components.
    Environment(EnvironmentId),
}

/// A container whose lines come or came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    /// Its pod.
    pub pod: Box<str>,
    /// Its name; empty for a pod of which nothing is known yet.
    pub container: Box<str>,
    /// What becomes of it.
    pub state: SourceState,
}

/// What becomes of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Its lines come.
    Open,
    /// All its lines are here.
    Ended,
    /// One sentence why no more lines come, or why they come again only later.
    Lost(String),
}

/// What is new of one container's log.
#[derive(Clone, Debug, PartialEq)]
pub enum LogNews {
    /// Its lines come now.
    Opened,
    /// Lines.
    Lines(Vec<LogLine>),
    /// No line will follow.
    Ended,
    /// One sentence why no line comes; it may be opened again.
    Lost(String),
}

impl LogSubject {
    /// Whose, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Pod(id) => id.key.name.to_string(),
            Self::Workload { name, .. } => format!("all pods of {name}"),
            Self::Environment(id) => format!("all pods of {}", id.key.name),
        }
    }

    /// Words that outlive a session.
    #[must_use]
    pub fn written(&self) -> String {
        match self {
            Self::Pod(id) => format!("pod {} {}", id.key.namespace, id.key.name),
            Self::Workload { namespace, kind, name, .. } => format!("{kind} {namespace} {name}"),
            Self::Environment(id) => format!("environment {} {}", id.key.namespace, id.key.name),
        }
    }

    /// The cluster that they run in.
    #[must_use]
    pub const fn cluster(&self) -> ClusterId {
        match self {
            Self::Pod(id) => id.cluster,
            Self::Workload { cluster, .. } => *cluster,
            Self::Environment(id) => id.cluster,
        }
    }
}

impl LogView {
    /// The logs of that, from now on.
    #[must_use]
    pub fn new(subject: LogSubject, request: RequestId) -> Self {
        Self {
            subject,
            request,
            what: LogWhat { follow: true, ..LogWhat::default() },
            at_end: true,
            timestamps: false,
            sources: Vec::new(),
            left_out: 0,
            ring: LogRing::default(),
            look: TextScroll::default(),
            filter: None,
        }
    }

    /// The first line of the page that is shown, of those that the filter lets through.
    #[must_use]
    pub fn first(&self, height: usize) -> usize {
        let last = self.ring.shown_len().saturating_sub(height);
        if self.at_end { last } else { self.look.offset.min(self.ring.shown_len().saturating_sub(1)) }
    }

    /// A line as it is saved and copied.
    #[must_use]
    pub fn written(&self, entry: &LogEntry) -> String {
        let mut out = String::new();
        if self.timestamps
            && let Some(at) = entry.at
        {
            out.push_str(&at.format("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string());
        }
        if self.sources.len() > 1
            && let Some(source) = self.sources.get(usize::from(entry.source))
        {
            let _ = write!(out, "{}/{} ", source.pod, source.container);
        }
        out.push_str(&entry.text);
        out
    }

    /// Every line that is shown, as it is saved and copied.
    #[must_use]
    pub fn text(&self) -> String {
        self.ring.shown().map(|entry| self.written(entry) + "\n").collect()
    }

    /// The place of a container among the sources; a new one is added.
    pub(in crate::app) fn source(&mut self, pod: &str, container: &str) -> u16 {
        let known = self.sources.iter().position(|s| &*s.pod == pod && &*s.container == container);
        let place = known.unwrap_or_else(|| {
            let (pod, container) = (pod.into(), container.into());
            self.sources.push(LogSource { pod, container, state: SourceState::Open });
            self.sources.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }
}
