//! The loop of the terminal: input, sources and effects around `app::update` and `ui::render`.
//!
//! Owns the terminal itself, signals, frame pacing, and every task of a session. One task owns the store; everything else sends
//! it events. Must not decide what a key means (`app`) nor how anything looks (`ui`).
//!
//! Start at [`run`]; `session` is the loop, `sources` where events come from, `effects` what leaves.

mod attention;
mod clipboard;
mod diff_writer;
mod effect_runner;
mod effects;
mod files;
mod handoff;
mod input;
mod logs;
mod multiplexer;
mod pace;
mod plain;
pub(crate) mod reader;
mod session;
mod signals;
mod sources;
mod state_file;
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

use crate::app::state::preferences::Preferences;
use crate::cluster::ConnectOptions;
use crate::metrics::Address;
use crate::time::Clock;
use crate::ui::theme::Theme;

pub use reader::Reader;

/// What a session shows, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The clusters: the name that people see, and how to connect.
    pub clusters: Vec<(String, ConnectOptions)>,
    /// Namespaces to look into; empty: all.
    pub namespaces: Vec<String>,
    /// Namespace of the controller's lease.
    pub controller_namespace: String,
    /// Prometheus, where environments do not name theirs.
    pub prometheus: Address,
    /// Alertmanager, where environments do not name theirs.
    pub alertmanager: Address,
    /// How far back curves reach.
    pub range: Duration,
    /// How often curves are asked for, on `clock`.
    pub refresh_metrics: Duration,
    /// Queries that one Prometheus is asked at the same time.
    pub queries_at_once: usize,
    /// How often permissions are asked for, on the wall.
    pub refresh_permissions: Duration,
    /// Clicks select and the wheel scrolls.
    pub mouse: bool,
    /// Styles and glyphs.
    pub theme: Theme,
    /// What a person has chosen and may choose anew while the session runs.
    pub preferences: Preferences,
    /// How that is read again.
    pub reader: Reader,
    /// The file that says that the tour was begun here once; where it is not, the tour begins. Absent: none begins by itself.
    pub toured: Option<PathBuf>,
    /// Where what one session leaves to the next is kept; absent: nowhere.
    pub state: Option<PathBuf>,
    /// The clock of the world that is shown.
    pub clock: Clock,
}

/// Why a session ended other than by wish.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The terminal cannot be used.
    #[error("the terminal cannot be used ({0}): run this in an interactive terminal")]
    Terminal(#[from] std::io::Error),
    /// A task has panicked; the terminal was restored first.
    #[error("a part of the cockpit has failed, and it ended rather than show half of the truth: {0}")]
    Panicked(String),
}

/// Columns and rows of the terminal; nothing where there is none.
#[must_use]
pub fn terminal_size() -> Option<(u16, u16)> {
    crossterm::terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0)
}

/// Runs a session until a person or a signal ends it. The terminal is restored in every case. The first frame is drawn before
/// anything is connected.
pub async fn run(options: Options) -> Result<(), Error> {
    session::run(options).await
}

/// Runs a session in lines, from standard input to standard output, until its input ends or it is told to end.
pub async fn run_plain(options: Options) -> Result<(), Error> {
    plain::run(options).await
}
