//! The arguments of each command.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::api::strategy::StrategyName;
use crate::api::{Duration, Phase};

/// `demo`.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// What happens: the name of a scenario, or a file [default: planera]
    pub scenario: Option<String>,
    /// How many times as fast as the wall the embedded clock runs [default: the scenario's]
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// Who you are in that world [default: the scenario's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
}

/// `sim`.
#[derive(Args, Clone, Debug)]
pub struct Sim {
    /// What happens: the name of a scenario, or a file [default: planera]
    pub scenario: Option<String>,
    /// Port on 127.0.0.1; Prometheus is at /prometheus of the same port [default: a free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// How many times as fast as the wall the embedded clock runs [default: the scenario's]
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// Whose kubeconfig is printed [default: the scenario's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
}

/// `controller`.
#[derive(Args, Clone, Debug)]
pub struct Controller {
    /// Serve /metrics, /healthz and /readyz here
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Name of this replica, unique among all [default: the pod, else host and process id]
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// Append records to files here before an environment's spec.retention removes them; without it nothing is removed
    #[arg(long, value_name = "DIRECTORY")]
    pub audit_export: Option<PathBuf>,
    /// Let Environments name this server too: HOST or HOST:PORT, an address, a network, or <service://NAMESPACE>[/NAME]; repeatable
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
}

/// How a command that changes something is carried out.
#[derive(Args, Clone, Debug)]
pub struct How {
    /// Ask the server whether it would accept this, and change nothing
    #[arg(long, help_heading = "How")]
    pub dry_run: bool,
    /// The environment's confirmation phrase, where it demands one
    #[arg(long, value_name = "PHRASE", help_heading = "How")]
    pub confirm: Option<String>,
    /// Answer yes where only a yes is asked for on the terminal; never replaces the phrase
    #[arg(short = 'y', long, help_heading = "How")]
    pub yes: bool,
    /// Wait for the end: of the release, or of the controller's judgement of the action
    #[arg(long, help_heading = "How")]
    pub wait: bool,
    /// How long --wait waits
    #[arg(long, value_name = "DURATION", default_value = "30m", help_heading = "How")]
    pub timeout: Duration,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", help_heading = "How")]
    pub output: Format,
    /// A name of this attempt: the same one given again finds the same object instead of making a second
    #[arg(long, value_name = "KEY", help_heading = "How")]
    pub request_id: Option<String>,
}

/// What is said about a new release.
#[derive(Args, Clone, Debug)]
pub struct About {
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where it is tracked; with --emergency: the incident
    #[arg(long, value_name = "ID")]
    pub ticket: Option<String>,
    /// What changes, for the approvers
    #[arg(long, value_name = "TEXT")]
    pub changelog: Option<String>,
    /// A strategy other than the environment's default: rolling, canary or blueGreen
    #[arg(long, value_name = "NAME", value_parser = strategy)]
    pub strategy: Option<StrategyName>,
    /// Break-glass: a reason of ten characters; a deploy or promotion also needs the permission `override` and a ticket
    #[arg(long)]
    pub emergency: bool,
}

/// `deploy`.
#[derive(Args, Clone, Debug)]
pub struct Deploy {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// The version: the tag of every component's image
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
pub struct Promote {
    /// The environment to promote into: its name, or namespace/name
    pub environment: String,
    /// The environment to promote from [default: its spec.promotion.from]
    #[arg(long, value_name = "ENVIRONMENT")]
    pub from: Option<String>,
    /// Only if this is the version that runs there
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
pub struct Rollback {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// The version to go back to [default: the last one known good]
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    /// Only list the versions that ran here, and what going back to one of them means
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
pub struct Act {
    /// A release, or an environment: its name, or namespace/name
    pub target: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `weight`.
#[derive(Args, Clone, Debug)]
pub struct Weight {
    /// A release, or an environment: its name, or namespace/name
    pub target: String,
    /// The weight in per cent, 0 to 100
    #[arg(value_parser = clap::value_parser!(i32).range(0..=100))]
    pub percent: i32,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    /// How it is done.
    pub how: How,
}

/// `history`.
#[derive(Args, Clone, Debug)]
pub struct History {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// Only this component
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// What differs between what is wanted now and this revision
    #[arg(long, value_name = "REVISION")]
    pub diff: Option<i64>,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `status`.
#[derive(Args, Clone, Debug)]
pub struct Status {
    /// Only this environment: its name, or namespace/name
    pub environment: Option<String>,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `queue`.
#[derive(Args, Clone, Debug)]
pub struct Queue {
    /// Also those that have ended, newest first
    #[arg(long)]
    pub all: bool,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `wait`.
#[derive(Args, Clone, Debug)]
pub struct Wait {
    /// A release, or an environment: its name, or namespace/name
    pub target: String,
    /// The phase to wait for [default: the end]
    #[arg(long = "for", value_name = "PHASE", value_parser = phase)]
    pub phase: Option<Phase>,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "30m")]
    pub timeout: Duration,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// `manifests`.
#[derive(Args, Clone, Debug)]
pub struct Manifests {
    /// Which of them
    #[arg(value_enum, default_value_t = ManifestsWhat::All)]
    pub what: ManifestsWhat,
    /// The optional policies besides the necessary ones
    #[arg(long)]
    pub optional: bool,
    /// Image of the controller, by digest: NAME@sha256:DIGEST
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// For rules: only these environments [default: all in sight]
    pub environments: Vec<String>,
    /// For rules: a rule file as Prometheus itself reads it, instead of objects of its operator
    #[arg(long)]
    pub rule_file: bool,
    /// For rules: Environments out of this file of YAML instead of the cluster; repeat it for several
    #[arg(short, long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// Namespace of the controller [default: release-cockpit]
    #[arg(long, value_name = "NAME")]
    pub controller_namespace: Option<String>,
}

/// Parts of the manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ManifestsWhat {
    /// Definitions of the three kinds of object
    Crds,
    /// Roles
    Rbac,
    /// Admission policies
    Policies,
    /// The controller's Deployment
    Controller,
    /// A NetworkPolicy for the controller's connections; not part of all
    Egress,
    /// Alerting rules of environments, for their Prometheus
    Rules,
    /// Everything, in the order in which it is applied
    All,
}

/// Samples of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfigWhat {
    /// release-cockpit.toml with every setting
    Default,
    /// keymap.toml with every command
    Keymap,
}

/// What is printed on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
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

fn phase(text: &str) -> Result<Phase, String> {
    let known = Phase::ALL.iter().find(|phase| phase.as_str().eq_ignore_ascii_case(text));
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
        format!("phases are {}", names.join(", "))
    })
}
