//! Signals, as things that happen to a session.

use std::io;

use rustix::process::Signal as Job;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// End.
    Quit,
    /// End, as ctrl-c asks while the terminal is not ours.
    Interrupt,
    /// Give the terminal to the shell.
    Stop,
    /// We were stopped and go on.
    Continue,
}

/// Signals that a session reacts to.
pub(super) struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
    stop: Signal,
    cont: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(Job::TSTP.as_raw()))?,
            cont: signal(SignalKind::from_raw(Job::CONT.as_raw()))?,
        })
    }

    /// The next signal; cancel safe.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Quit,
            _ = self.hangup.recv() => Asked::Quit,
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.stop.recv() => Asked::Stop,
            _ = self.cont.recv() => Asked::Continue,
        }
    }
}
