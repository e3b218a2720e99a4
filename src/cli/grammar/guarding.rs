//! The arguments of what stops, guards and takes responsibility.

use clap::{Args, ValueEnum};

use super::options::{at_most, some_time};
use super::{Format, How};
use crate::api::Duration;
use crate::api::environment::InFlight;
use crate::domain::driver;
use crate::domain::gate::force;

/// Why, and how it is done.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReasonArgs {
    /// Reason
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `freeze`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Freeze {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Duration [default: until unfrozen]
    #[arg(long = "for", value_name = "DURATION", value_parser = some_time, allow_hyphen_values = true)]
    pub span: Option<Duration>,
    /// What happens to the release in progress
    #[arg(long, value_enum, default_value_t = Fate::Finish, value_name = "POLICY")]
    pub in_flight: Fate,
    /// Incident that it belongs to
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: ReasonArgs,
}

/// What becomes of a release that executes when its environment is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fate {
    /// Let it finish
    Finish,
    /// Hold it until the freeze ends
    Hold,
    /// Roll it back
    Rollback,
}

impl From<Fate> for InFlight {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Finish => Self::Finish,
            Fate::Hold => Self::Hold,
            Fate::Rollback => Self::RollBack,
        }
    }
}

/// A command on an environment.
#[derive(Args, Clone, Debug)]
pub(crate) struct OnEnvironment {
    /// Environment: name or namespace/name
    pub environment: String,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: ReasonArgs,
}

/// `deny`, `allow`.
#[derive(Args, Clone, Debug)]
pub(crate) struct OnDigest {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Image digest: sha256:…
    pub digest: String,
    /// Duration [default: until allowed; ignored by `allow`]
    #[arg(long = "for", value_name = "DURATION", value_parser = some_time, allow_hyphen_values = true)]
    pub span: Option<Duration>,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: ReasonArgs,
}

/// `scale`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Scale {
    /// Environment: name or namespace/name
    pub environment: String,
    /// The component
    pub component: String,
    /// Number of replicas, or `back` for the previous number
    #[arg(value_parser = replicas)]
    pub replicas: Replicas,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: ReasonArgs,
}

/// How many pods are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replicas {
    /// That many.
    Count(i32),
    /// As many as before.
    Back,
}

fn replicas(text: &str) -> Result<Replicas, String> {
    if text == "back" {
        return Ok(Replicas::Back);
    }
    let count = text.parse().ok().filter(|count| (0..=10_000).contains(count));
    count.map(Replicas::Count).ok_or_else(|| "a number from 0 to 10000, or `back`".to_owned())
}

/// `restart`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Restart {
    /// Environment: name or namespace/name
    pub environment: String,
    /// The component
    pub component: String,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: ReasonArgs,
}

/// `review`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Review {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Release or action that caused the debt [default: the oldest that is not yours]
    pub debt: Option<String>,
    /// What you found
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `override`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Override {
    /// Release, or environment with one waiting: name or namespace/name
    pub target: String,
    /// Gate to override, as `why` names it
    #[arg(long, value_name = "NAME")]
    pub gate: String,
    /// Duration
    #[arg(
        long = "for", visible_alias = "until", value_name = "DURATION", default_value = "30m",
        value_parser = |text: &str| at_most(text, force::LONGEST), allow_hyphen_values = true
    )]
    pub span: Duration,
    /// Incident that it belongs to
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: ReasonArgs,
}

/// `check`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Check {
    /// Release, or environment with one waiting: name or namespace/name
    pub target: String,
    /// Checklist item, or its beginning
    #[arg(long, value_name = "TEXT")]
    pub item: String,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `drive`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Drive {
    /// Release, or environment with one in progress: name or namespace/name
    pub target: String,
    /// Duration
    #[arg(
        long = "for", value_name = "DURATION", default_value = "30m",
        value_parser = |text: &str| at_most(text, driver::LONGEST), allow_hyphen_values = true
    )]
    pub span: Duration,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `hand-over`.
#[derive(Args, Clone, Debug)]
pub(crate) struct HandOver {
    /// Release, or environment with one in progress: name or namespace/name
    pub target: String,
    /// Note for the next driver
    pub note: Option<String>,
    /// User who takes over
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `inbox`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Inbox {
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `why`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Why {
    /// Release or environment: name or namespace/name
    pub target: String,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}
