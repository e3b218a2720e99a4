//! What looks closer: logs and events.

use clap::Args;

use super::Format;
use crate::api::Duration;

/// `logs`.
#[derive(Args, Clone, Debug)]
pub struct Logs {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// Only the pods of this component
    pub component: Option<String>,
    /// Go on as long as lines are written
    #[arg(short, long)]
    pub follow: bool,
    /// Of the run before the present one
    #[arg(short, long, conflicts_with = "follow")]
    pub previous: bool,
    /// How far back, such as 15m or 2h [default: the last 1000 lines of each container]
    #[arg(long, value_name = "SPAN")]
    pub since: Option<Duration>,
    /// Of all containers instead of the main one
    #[arg(short, long)]
    pub all_containers: bool,
    /// When each line was written
    #[arg(short, long)]
    pub timestamps: bool,
    /// Only lines that match this regular expression; ! before it inverts
    #[arg(short, long, value_name = "REGEX")]
    pub grep: Option<String>,
}

/// `alerts`.
#[derive(Args, Clone, Debug)]
pub struct Alerts {
    /// Only this environment: its name, or namespace/name
    pub environment: Option<String>,
    /// Also those of namespaces in which no environment is
    #[arg(long, conflicts_with = "environment")]
    pub all: bool,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `events`.
#[derive(Args, Clone, Debug)]
pub struct Events {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// Only warnings
    #[arg(short, long)]
    pub warnings: bool,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}
