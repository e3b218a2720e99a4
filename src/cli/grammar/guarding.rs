//! The arguments of what stops, guards and takes responsibility.

use clap::{Args, ValueEnum};

use super::{Format, How};
use crate::api::Duration;
use crate::api::environment::InFlight;

/// Why, and how it is done.
#[derive(Args, Clone, Debug)]
pub struct Said {
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `freeze`.
#[derive(Args, Clone, Debug)]
pub struct Freeze {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// For how long [default: until somebody lifts it]
    #[arg(long = "for", value_name = "DURATION")]
    pub span: Option<Duration>,
    /// What becomes of the release that executes
    #[arg(long, value_enum, default_value_t = Fate::Finish, value_name = "POLICY")]
    pub in_flight: Fate,
    /// The incident that it belongs to
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: Said,
}

/// What becomes of a release that executes when its environment is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fate {
    /// It may finish
    Finish,
    /// It stops where it is, until the end of the freeze
    Hold,
    /// It is rolled back
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
pub struct OnEnvironment {
    /// The environment: its name, or namespace/name
    pub environment: String,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: Said,
}

/// `deny`, `allow`.
#[derive(Args, Clone, Debug)]
pub struct OnDigest {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// The image's digest: sha256:…
    pub digest: String,
    /// For how long [default: until somebody allows it; means nothing to `allow`]
    #[arg(long = "for", value_name = "DURATION")]
    pub span: Option<Duration>,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: Said,
}

/// `scale`.
#[derive(Args, Clone, Debug)]
pub struct Scale {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// The component
    pub component: String,
    /// How many, or `back`: as many as before the last time
    #[arg(value_parser = replicas)]
    pub replicas: Replicas,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: Said,
}

/// How many pods are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
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
pub struct Restart {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// The component
    pub component: String,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: Said,
}

/// `review`.
#[derive(Args, Clone, Debug)]
pub struct Review {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// The debt: the name of the release or action that caused it [default: the oldest that is not yours]
    pub debt: Option<String>,
    /// What you have found
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `override`.
#[derive(Args, Clone, Debug)]
pub struct Override {
    /// A release, or an environment in which one waits: its name, or namespace/name
    pub target: String,
    /// The gate to pass by force, as `why` calls it
    #[arg(long, value_name = "NAME")]
    pub gate: String,
    /// For how long
    #[arg(long = "for", visible_alias = "until", value_name = "DURATION", default_value = "30m")]
    pub span: Duration,
    /// The incident that it belongs to
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    #[command(flatten)]
    /// Why, and how it is done.
    pub said: Said,
}

/// `check`.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// A release, or an environment in which one waits: its name, or namespace/name
    pub target: String,
    /// The item, in the environment's words; its beginning is enough
    #[arg(long, value_name = "TEXT")]
    pub item: String,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `drive`.
#[derive(Args, Clone, Debug)]
pub struct Drive {
    /// A release, or an environment in which one is under way: its name, or namespace/name
    pub target: String,
    /// For how long
    #[arg(long = "for", value_name = "DURATION", default_value = "30m")]
    pub span: Duration,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `hand-over`.
#[derive(Args, Clone, Debug)]
pub struct HandOver {
    /// A release, or an environment in which one is under way: its name, or namespace/name
    pub target: String,
    /// A note for the next one
    pub note: Option<String>,
    /// Who takes over
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `inbox`.
#[derive(Args, Clone, Debug)]
pub struct Inbox {
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `why`.
#[derive(Args, Clone, Debug)]
pub struct Why {
    /// A release, or an environment: its name, or namespace/name
    pub target: String,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}
