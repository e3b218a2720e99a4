//! The arguments of each command.

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, ValueEnum};

use crate::api::strategy::StrategyName;
use crate::api::{Duration, Phase};
use crate::domain::age::Age;

/// `demo`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Demo {
    /// Scenario: a name or a file [default: planera]
    pub scenario: Option<String>,
    /// Speed of the simulator's clock [default: the scenario's]
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// User of the session [default: the scenario's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
}

/// `sim`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Sim {
    /// Scenario: a name or a file [default: planera]
    pub scenario: Option<String>,
    /// Port on 127.0.0.1; Prometheus is at /prometheus of the same port [default: a free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Speed of the simulator's clock [default: the scenario's]
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// User of the printed kubeconfig [default: the scenario's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
}

/// `controller`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Controller {
    /// Address of /metrics, /healthz and /readyz
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Unique name of this replica [default: the pod, else host and process id]
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Directory to which records are exported before spec.retention removes them; without it none are removed
    #[arg(long, value_name = "DIRECTORY")]
    pub audit_export: Option<PathBuf>,
    /// Server that Environments may name: HOST or HOST:PORT, an address, a network, or <service://NAMESPACE>[/NAME]; repeatable
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
}

/// How a command that changes something is carried out.
#[derive(Args, Clone, Debug)]
pub(crate) struct How {
    /// Ask the server for its verdict; change nothing
    #[arg(long, help_heading = "How")]
    pub dry_run: bool,
    /// Confirmation phrase of the environment
    #[arg(long, value_name = "PHRASE", help_heading = "How")]
    pub confirm: Option<String>,
    /// Answer yes; never replaces the phrase
    #[arg(short = 'y', long, help_heading = "How")]
    pub yes: bool,
    /// Wait until the release ends or the action is judged
    #[arg(long, help_heading = "How")]
    pub wait: bool,
    /// Timeout of --wait
    #[arg(long, value_name = "DURATION", default_value = "30m", help_heading = "How")]
    pub timeout: Duration,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", help_heading = "How")]
    pub output: Format,
    /// Idempotency key: the same key finds the same object again
    #[arg(long, value_name = "KEY", help_heading = "How")]
    pub request_id: Option<String>,
}

/// What is said about a new release.
#[derive(Args, Clone, Debug)]
pub(crate) struct About {
    /// Reason
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Ticket; with --emergency: the incident
    #[arg(long, value_name = "ID")]
    pub ticket: Option<String>,
    /// Change description for approvers
    #[arg(long, value_name = "TEXT")]
    pub changelog: Option<String>,
    /// Strategy: rolling, canary or blueGreen [default: the environment's]
    #[arg(long, value_name = "NAME", value_parser = strategy)]
    pub strategy: Option<StrategyName>,
    /// Break-glass: a reason of ten characters; a deploy or promotion also needs the permission `override` and a ticket
    #[arg(long)]
    pub emergency: bool,
}

/// `deploy`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Deploy {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Version: the tag of every component's image
    pub version: String,
    #[command(flatten)]
    /// What is said about it.
    pub about: About,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `promote`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Promote {
    /// Target environment: name or namespace/name
    pub environment: String,
    /// Source environment [default: spec.promotion.from]
    #[arg(long, value_name = "ENVIRONMENT")]
    pub from: Option<String>,
    /// Expected version in the source environment
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    #[command(flatten)]
    /// What is said about it.
    pub about: About,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `rollback`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rollback {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Version to roll back to [default: the last known good]
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    /// List previous versions and what a rollback to each would change
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    /// What is said about it.
    pub about: About,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// A command on a release.
#[derive(Args, Clone, Debug)]
pub(crate) struct Act {
    /// Release or environment: name or namespace/name
    pub target: String,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `weight`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Weight {
    /// Release or environment: name or namespace/name
    pub target: String,
    /// Weight in percent, 0 to 100
    #[arg(value_parser = percent, allow_hyphen_values = true)]
    pub percent: i32,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `history`.
#[derive(Args, Clone, Debug)]
pub(crate) struct History {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Component [default: all]
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// Revision to compare with the current spec
    #[arg(long, value_name = "REVISION")]
    pub diff: Option<i64>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `status`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Status {
    /// Environment: name or namespace/name [default: all]
    pub environment: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `queue`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Queue {
    /// Include finished releases, newest first
    #[arg(long)]
    pub all: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `wait`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Wait {
    /// Release or environment: name or namespace/name
    pub target: String,
    /// Phase to wait for [default: any final phase]
    #[arg(long = "for", value_name = "PHASE", value_parser = phase)]
    pub phase: Option<Phase>,
    /// Timeout
    #[arg(long, value_name = "DURATION", default_value = "30m")]
    pub timeout: Duration,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `manifests`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Manifests {
    /// Part to print
    #[arg(value_enum, default_value_t = ManifestsWhat::All)]
    pub what: ManifestsWhat,
    /// Include the optional policies
    #[arg(long)]
    pub optional: bool,
    /// Controller image, by digest: NAME@sha256:DIGEST
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// For rules: environments [default: all]
    pub environments: Vec<String>,
    /// For rules: print a rule file of Prometheus instead of its operator's objects
    #[arg(long)]
    pub rule_file: bool,
    /// For rules: read Environments from this YAML file; repeatable
    #[arg(short, long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// Namespace of the controller [default: release-cockpit]
    #[arg(long, value_name = "NAME")]
    pub controller_namespace: Option<String>,
}

/// Parts of the manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ManifestsWhat {
    /// CustomResourceDefinitions
    Crds,
    /// Roles
    Rbac,
    /// Admission policies
    Policies,
    /// The controller's Deployment
    Controller,
    /// NetworkPolicy for the controller's egress (not part of all)
    Egress,
    /// Alerting rules for Prometheus
    Rules,
    /// Everything, in the order of application
    All,
}

/// Samples of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigWhat {
    /// release-cockpit.toml with every setting
    Default,
    /// keymap.toml with every command
    Keymap,
}

/// What is printed on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text
    #[default]
    Table,
    /// JSON
    Json,
}

fn speed(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| (0.1..=1_000.0).contains(factor));
    factor.ok_or_else(|| "a number from 0.1 to 1000".to_owned())
}

fn strategy(text: &str) -> Result<StrategyName, String> {
    let known = StrategyName::ALL.iter().find(|strategy| strategy.as_str().eq_ignore_ascii_case(text));
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = StrategyName::ALL.iter().map(|strategy| strategy.as_str()).collect();
        format!("strategies are {}", names.join(", "))
    })
}

/// A duration that is not zero.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    let span: Duration =
        text.parse().map_err(|error: crate::api::duration::ParseDurationError| error.to_string())?;
    if span == Duration::ZERO {
        Err(format!("`{text}` is zero; write a duration such as 30m"))
    } else {
        Ok(span)
    }
}

/// A duration that is not zero, and not longer than the API server accepts.
pub(super) fn at_most(text: &str, longest: TimeDelta) -> Result<Duration, String> {
    let span = some_time(text)?;
    if span.to_delta() <= longest {
        return Ok(span);
    }
    Err(format!("`{text}` is too long: at most {}", Age::of(longest)))
}

fn percent(text: &str) -> Result<i32, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let known = number.parse().ok().filter(|percent| (0..=100).contains(percent));
    known.ok_or_else(|| "write a whole number from 0 to 100".to_owned())
}

fn phase(text: &str) -> Result<Phase, String> {
    let known = Phase::ALL.iter().find(|phase| phase.as_str().eq_ignore_ascii_case(text));
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
        format!("phases are {}", names.join(", "))
    })
}
