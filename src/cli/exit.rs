//! How the program ends. Scripts rely on these numbers.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// It did not work.
    Error,
    /// Invalid arguments, settings or kubeconfig.
    Usage,
    /// The server, a policy or the controller said no.
    Refused,
    /// The release failed, was undone, rejected, superseded, or expired.
    ReleaseFailed,
    /// The time given by `--timeout` is over.
    TimedOut,
    /// The API server cannot be reached, or does not answer.
    Unreachable,
    /// The chain of records is broken.
    Tampered,
}

impl Exit {
    /// Every ending with its meaning, in the order of its number.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Ok, "done"),
        (Self::Error, "failed; the message says why"),
        (Self::Usage, "invalid arguments, settings or kubeconfig; nothing was sent"),
        (Self::Refused, "refused by the API server, a policy or the controller"),
        (
            Self::ReleaseFailed,
            "the release failed, was rolled back, rejected, aborted, superseded, or expired",
        ),
        (Self::TimedOut, "--timeout passed; the release continues"),
        (Self::Unreachable, "the API server is unreachable or does not answer"),
        (Self::Tampered, "records were changed, removed or inserted (audit --verify)"),
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::ReleaseFailed => 4,
            Self::TimedOut => 5,
            Self::Unreachable => 6,
            Self::Tampered => 7,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
