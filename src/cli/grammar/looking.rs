//! What looks closer: logs, events, and what differs between environments.

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
    /// Only those that may be about this component of it: whatever is not surely another one's
    #[arg(long, value_name = "NAME", requires = "environment")]
    pub component: Option<String>,
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

/// `diff`.
#[derive(Args, Clone, Debug)]
pub struct Diff {
    /// The environment on the left: its name, namespace/name or application/name, each also with @context
    pub left: String,
    /// The environment on the right
    pub right: String,
    /// Only what may be about this component: not the workloads of others, nor what only others take from
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// What is the same as well
    #[arg(short, long)]
    pub all: bool,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// What `diff --help` says besides.
pub(super) const AFTER_DIFF: &str = "\
Read live from both, which may be in different clusters: versions, replicas, requests and limits, variables, ConfigMaps, hosts,
autoscalers, probes, and what the Environments demand. Of Secrets, and of what looks like one, only hashes are compared and shown;
their key is thrown away when the command ends. What may not be read is said, and counts as different.

Signs: ~ differs   - only on the left   + only on the right   ? not known

Exit codes, as those of `kubectl diff`: 0 both are the same, 1 they differ, more than 1 they could not be compared.

Examples:
  release-cockpit diff staging production
  release-cockpit diff staging production --component backend
  release-cockpit diff planera-staging/staging planera-production/production --all -o json
  release-cockpit --context prod-eu --context prod-us diff production@prod-eu production@prod-us";
