//! What can go wrong in the controller.

use crate::{traffic, workload};

/// A failure of the controller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server could not be asked, or said no.
    #[error("{what}: {}", crate::workload::request_error(source))]
    Kube {
        /// What was attempted.
        what: &'static str,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// A workload could not be read or changed.
    #[error(transparent)]
    Workload(#[from] workload::Error),
    /// A router could not be read or changed.
    #[error(transparent)]
    Traffic(#[from] traffic::Error),
    /// An object changed between the look and the write; nothing was written.
    #[error("{0} changed in between")]
    Changed(&'static str),
    /// An object does not fit its type.
    #[error(
        "{what}: this controller cannot decode it ({reason}). Upgrade the controller or correct the object."
    )]
    Unreadable {
        /// What was attempted.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A status holds parts of a newer version, which a write would remove.
    #[error("{what} is left alone: this controller does not understand {unknown}. Upgrade the controller.")]
    NotUnderstood {
        /// Whose status.
        what: &'static str,
        /// Which parts.
        unknown: String,
    },
    /// Another replica leads, or this one can no longer be sure that it does.
    #[error("this replica does not lead")]
    NotLeading,
    /// Another process of the same identity leads.
    #[error(
        "another replica with --identity {0} is running: it renews the lease. Give each replica an --identity of its own; by default it is the pod's name, else host and process id"
    )]
    Twin(String),
    /// A reconcile did not end within its deadline.
    #[error("it did not end within {} s", .0.as_secs_f64())]
    Late(std::time::Duration),
    /// A reconcile panicked.
    #[error("it failed in the program: {0}")]
    Panicked(String),
    /// The environment's status names another release that executes or is about to start.
    #[error("release {0} has claimed the lane of its environment")]
    LaneClaimed(String),
    /// Another reconcile of the environment has held the lane for too long.
    #[error("another release of the environment is still being reconciled")]
    LaneBusy,
    /// A test stopped it here.
    #[error("killed {0}")]
    Killed(String),
    /// Records could not be exported; nothing was removed.
    #[error("export records to {}: {source}", path.display())]
    Export {
        /// The file.
        path: std::path::PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The address for metrics and probes cannot be used.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What went wrong.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether a later try may succeed without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Changed(_)
            | Self::NotLeading
            | Self::Export { .. }
            | Self::Late(_)
            | Self::LaneBusy
            | Self::LaneClaimed(_) => true,
            Self::Workload(error) => error.is_transient(),
            Self::Traffic(error) => error.is_transient(),
            Self::Kube { source, .. } => workload::refusal::is_transient(source),
            Self::Killed(_)
            | Self::Twin(_)
            | Self::Panicked(_)
            | Self::Listen { .. }
            | Self::Unreadable { .. }
            | Self::NotUnderstood { .. } => false,
        }
    }

    /// Whether looking again at once is all that it takes.
    #[must_use]
    pub fn is_race(&self) -> bool {
        match self {
            Self::Changed(_) | Self::Workload(workload::Error::Changed { .. }) => true,
            Self::Traffic(error) => error.is_race(),
            _ => false,
        }
    }
}

impl Error {
    /// Whether this replica must not do anything more.
    pub(super) const fn ends_work(&self) -> bool {
        matches!(self, Self::NotLeading | Self::Killed(_))
    }

    /// Whether the API server refused, and will refuse again: a 4xx other than a missing login (401), a timeout (408), a lost race (409)
    /// and too many requests (429).
    pub(super) fn is_refused_for_good(&self) -> bool {
        match self {
            Self::Workload(workload::Error::Kube { source, .. }) | Self::Kube { source, .. } => {
                matches!(&**source, kube::Error::Api(_))
                    && !workload::refusal::is_transient(source)
                    && !workload::refusal::is_lost_race(source)
            }
            Self::Workload(workload::Error::Missing { .. } | workload::Error::Unsupported(_)) => true,
            _ => false,
        }
    }
}

/// Tells a lost race from every other failure of a write.
pub(super) fn write_failed(what: &'static str, source: kube::Error) -> Error {
    if workload::refusal::is_lost_race(&source) {
        return Error::Changed(what);
    }
    Error::Kube { what, source: Box::new(source) }
}

/// A failure of a read.
pub(super) fn read_failed(what: &'static str) -> impl FnOnce(kube::Error) -> Error {
    move |source| Error::Kube { what, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_will_refuse_again_is_refused_for_good() {
        for (code, expected) in [
            (400, true),
            (401, false),
            (403, true),
            (404, true),
            (408, false),
            (409, false),
            (422, true),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let reason = if code == 409 { "Conflict" } else { "" }.to_owned();
            let status = kube::core::Status { code, reason, ..kube::core::Status::default() };
            let source = Box::new(kube::Error::Api(Box::new(status)));
            assert_eq!(Error::Kube { what: "write", source }.is_refused_for_good(), expected, "{code}");
        }
        assert!(!Error::Late(std::time::Duration::ZERO).is_refused_for_good());
    }
}
