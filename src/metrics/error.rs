//! What can go wrong between us and a Prometheus, as one sentence.

use crate::cluster;

/// A failure; its `Display` is one sanitised sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Error {
    kind: Kind,
    sentence: String,
}

/// What a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The address cannot be used.
    Address,
    /// Nothing answers.
    Down,
    /// No answer in time.
    Slow,
    /// Something answers, but not a Prometheus.
    NotPrometheus,
    /// We may not ask.
    Denied,
    /// The query is wrong.
    Query,
    /// The server fails.
    Server,
    /// It answers with a part of the truth.
    Partial,
}

impl Error {
    /// Creates an error; `sentence` states the failure and the remedy.
    pub(crate) fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into() }
    }

    /// As said of something else that is reached as a Prometheus is.
    pub(super) fn of(self, who: &str) -> Self {
        let sentence = self.sentence.replace("Prometheus", who);
        Self { sentence, ..self }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Asking again later may succeed without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Down | Kind::Slow | Kind::Server | Kind::Partial)
    }
}

impl From<cluster::Error> for Error {
    fn from(error: cluster::Error) -> Self {
        let kind = match error.kind() {
            cluster::Kind::Denied | cluster::Kind::Credentials => Kind::Denied,
            cluster::Kind::NoAnswer => Kind::Slow,
            cluster::Kind::NotFound => Kind::Address,
            _ => Kind::Down,
        };
        Self::new(kind, format!("Prometheus through the API server: {error}"))
    }
}
