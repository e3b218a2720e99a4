//! What may be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

mod options;

pub use options::{
    About, Act, ConfigWhat, Controller, Demo, Deploy, Format, How, Manifests, ManifestsWhat, Promote, Queue,
    Rollback, Sim, Status, Wait,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it did not work; the message says why
  2  arguments or settings are wrong; nothing was sent
  3  refused by the API server, a policy or the controller
  4  the release failed, was rolled back, rejected, aborted, superseded, or expired
  5  the time given by --timeout is over; the release goes on
  6  the API server cannot be reached or does not answer";

/// A terminal cockpit for releasing software on Kubernetes.
///
/// Without a command it opens the cockpit on the clusters of your kubeconfig.
#[derive(Parser, Debug)]
#[command(name = "release-cockpit", version, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(flatten)]
    /// Options of every command.
    pub global: Global,
    #[command(subcommand)]
    /// What to do; nothing opens the cockpit.
    pub verb: Option<Verb>,
}

/// Options of every command. Each overrides a setting.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Context of the kubeconfig; repeat it to see several clusters
    #[arg(long, global = true, value_name = "NAME", help_heading = "Where")]
    pub context: Vec<String>,
    /// The kubeconfig [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where")]
    pub kubeconfig: Option<PathBuf>,
    /// Look only into this namespace; repeat it for several
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Where")]
    pub namespace: Vec<String>,
    /// A Prometheus for environments that name none: URL, or namespace/service:port through the API server
    #[arg(long, global = true, value_name = "URL", help_heading = "Where")]
    pub prometheus: Option<String>,
    /// The settings' file [default: ~/.config/release-cockpit/release-cockpit.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// Theme: dark, light, mono, high-contrast, or a file
    #[arg(long, global = true, value_name = "NAME", help_heading = "Settings")]
    pub theme: Option<String>,
    /// Draw without colours
    #[arg(long, global = true, help_heading = "Settings")]
    pub no_color: bool,
    /// Draw with ASCII characters only
    #[arg(long, global = true, help_heading = "Settings")]
    pub ascii: bool,
    /// Append the log to this file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    pub log_file: Option<PathBuf>,
    /// error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Settings")]
    pub log_level: Option<String>,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Open the cockpit on an embedded cluster: nothing to install
    #[command(after_help = "\
Examples:
  release-cockpit demo
  release-cockpit demo --list
  release-cockpit demo --speed 5 --user bob")]
    Demo(Demo),
    /// Run only the embedded cluster, and print a kubeconfig for it
    #[command(after_help = "\
Example:
  release-cockpit sim > kubeconfig &
  kubectl --kubeconfig kubeconfig get releases,pods")]
    Sim(Sim),
    /// Execute releases: runs until it is told to end, with one leader among several
    #[command(after_help = "Example:\n  release-cockpit controller --listen 127.0.0.1:8080")]
    Controller(Controller),
    /// Release a version into an environment
    #[command(after_help = "\
Examples:
  release-cockpit deploy staging v1.9.0
  release-cockpit deploy staging v1.9.0 --wait --timeout 20m -o json
  release-cockpit deploy planera-production/production v1.9.0 --reason 'hotfix INC-441' --confirm deploy-to-production")]
    Deploy(Deploy),
    /// Release what runs in one environment into the next
    #[command(after_help = "\
The version comes from the environment that spec.promotion.from names, with its very images: same tags, same digests.

Examples:
  release-cockpit promote production
  release-cockpit promote production --version v1.9.0 --dry-run
  release-cockpit promote production --from planera-staging/staging --wait")]
    Promote(Promote),
    /// Go back to a version that ran here before
    #[command(after_help = "\
While a release is under way, that release is undone. Otherwise a new release brings back the last version that
succeeded here and is not the one that runs now, or the one that --to names.

Examples:
  release-cockpit rollback production --reason 'error rate 11 %'
  release-cockpit rollback production --to v1.8.1 --reason 'v1.8.2 loses sessions' --confirm deploy-to-production")]
    Rollback(Rollback),
    /// Approve a release that waits for it
    #[command(after_help = "\
TARGET is a release, or an environment in which one release waits. The slots that your groups may fill are filled.

Examples:
  release-cockpit approve production --confirm deploy-to-production
  release-cockpit approve planera-production/production-v1-9-0-1f2e3d4c --dry-run")]
    Approve(Act),
    /// Refuse a release, finally
    #[command(after_help = "Example:\n  release-cockpit reject production --reason 'migration not tested'")]
    Reject(Act),
    /// Stop a release where it is
    #[command(after_help = "Example:\n  release-cockpit pause production --reason 'looking at the logs'")]
    Pause(Act),
    /// Let a paused release go on
    #[command(after_help = "Example:\n  release-cockpit resume production")]
    Resume(Act),
    /// Stop a release and put back what it changed
    #[command(after_help = "Example:\n  release-cockpit abort production --reason 'wrong version'")]
    Abort(Act),
    /// Try a held release again from its present step
    #[command(after_help = "Example:\n  release-cockpit retry production")]
    Retry(Act),
    /// Show environments and what runs in them
    #[command(after_help = "\
Examples:
  release-cockpit status
  release-cockpit status production -o json")]
    Status(Status),
    /// Show the releases that are under way or wait, in their order
    #[command(after_help = "\
Examples:
  release-cockpit queue
  release-cockpit queue --all -n planera-production -o json")]
    Queue(Queue),
    /// Wait until a release has ended, or has reached a phase
    #[command(after_help = "\
Examples:
  release-cockpit wait production --timeout 30m
  release-cockpit wait production-v1-9-0-1f2e3d4c --for Paused")]
    Wait(Wait),
    /// Print what a cluster needs: pipe it to `kubectl apply -f -`
    #[command(after_help = "\
Examples:
  release-cockpit manifests | kubectl apply -f -
  release-cockpit manifests crds | kubectl apply -f -
  release-cockpit manifests policies --optional | kubectl apply -f -
  release-cockpit manifests controller --image registry.example.com/release-cockpit:1.0.0")]
    Manifests(Manifests),
    /// Print the settings in force and where each came from, or a sample file
    #[command(after_help = "\
Examples:
  release-cockpit config
  release-cockpit config default > ~/.config/release-cockpit/release-cockpit.toml
  release-cockpit config keymap > ~/.config/release-cockpit/keymap.toml")]
    Config {
        /// A sample to print instead
        what: Option<ConfigWhat>,
    },
    /// Print completions for a shell
    #[command(after_help = "Example:\n  source <(release-cockpit completions bash)")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  release-cockpit man | man -l -")]
    Man,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_lists_the_exit_codes_that_there_are() {
        for (exit, meaning) in Exit::ALL {
            assert!(EXIT_CODES.contains(&format!("  {}  {meaning}", exit.code())), "{exit:?}");
        }
        assert_eq!(EXIT_CODES.lines().count(), Exit::ALL.len() + 1);
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Arguments::command().get_subcommands() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("release-cockpit "), "{}", command.get_name());
        }
    }
}
