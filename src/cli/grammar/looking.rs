//! What looks closer: logs, events, and what differs between environments.

use clap::Args;

use super::Format;
use crate::api::Duration;

/// `logs`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Logs {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Component whose pods are shown [default: all]
    pub component: Option<String>,
    /// Follow the logs
    #[arg(short, long)]
    pub follow: bool,
    /// Previous container's logs
    #[arg(short, long, conflicts_with = "follow")]
    pub previous: bool,
    /// How far back, such as 15m or 2h [default: last 1000 lines per container]
    #[arg(long, value_name = "SPAN")]
    pub since: Option<Duration>,
    /// All containers instead of the main one
    #[arg(short, long)]
    pub all_containers: bool,
    /// Show timestamps
    #[arg(short, long)]
    pub timestamps: bool,
    /// Show lines that match this regular expression; a leading ! inverts
    #[arg(short, long, value_name = "REGEX")]
    pub grep: Option<String>,
}

/// `alerts`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Alerts {
    /// Environment: name or namespace/name [default: all]
    pub environment: Option<String>,
    /// Component: alerts that may be about it [default: all]
    #[arg(long, value_name = "NAME", requires = "environment")]
    pub component: Option<String>,
    /// Include namespaces without an environment
    #[arg(long, conflicts_with = "environment")]
    pub all: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `events`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Events {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Show warnings only
    #[arg(short, long)]
    pub warnings: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `diff`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Diff {
    /// First environment: name, namespace/name or application/name, each also with @context
    pub left: String,
    /// Second environment
    pub right: String,
    /// Component to compare [default: all]
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// Show equal values too
    #[arg(short, long)]
    pub all: bool,
    /// Output format
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
