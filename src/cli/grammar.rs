//! What may be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

mod audit;
mod doctor;
mod dora;
mod guarding;
mod looking;
mod notify;
mod options;
mod silencing;

pub(crate) use audit::{Audit, AuditFormat};
pub(crate) use doctor::Doctor;
pub(crate) use dora::Dora;
pub(crate) use guarding::{
    Check, Drive, Freeze, HandOver, Inbox, OnDigest, OnEnvironment, Override, ReasonArgs, Replicas, Restart,
    Review, Scale, Why,
};
pub(crate) use looking::{Alerts, Diff, Events, Logs};
pub(crate) use notify::Notify;
pub(crate) use options::{
    About, Act, ConfigWhat, Controller, Demo, Deploy, Format, History, How, Manifests, ManifestsWhat,
    Promote, Queue, Rollback, Sim, Status, Wait, Weight,
};
pub(crate) use silencing::{ExpireSilence, Silence};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed; the message says why
  2  invalid arguments, settings or kubeconfig; nothing was sent
  3  refused by the API server, a policy or the controller
  4  the release failed, was rolled back, rejected, aborted, superseded, or expired
  5  --timeout passed; the release continues
  6  the API server is unreachable or does not answer
  7  records were changed, removed or inserted (audit --verify)";

/// A terminal cockpit for releasing software on Kubernetes.
///
/// Without a command it opens the cockpit on the clusters of your kubeconfig.
#[derive(Parser, Debug)]
#[command(name = "release-cockpit", version, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    /// Options of every command.
    pub global: Global,
    #[command(subcommand)]
    /// What to do; nothing opens the cockpit.
    pub verb: Option<Verb>,
}

/// Options of every command. Each overrides a setting.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Global {
    /// Kubeconfig context; repeat for several clusters
    #[arg(long, global = true, value_name = "NAME", help_heading = "Where")]
    pub context: Vec<String>,
    /// Kubeconfig file [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace to look at; repeat for several
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Where")]
    pub namespace: Vec<String>,
    /// Prometheus for environments without one: URL, or namespace/service:port through the API server
    #[arg(long, global = true, value_name = "URL", value_parser = silencing::address, help_heading = "Where")]
    pub prometheus: Option<String>,
    /// Alertmanager for environments without one: URL, or namespace/service:port through the API server
    #[arg(long, global = true, value_name = "URL", value_parser = silencing::address, help_heading = "Where")]
    pub alertmanager: Option<String>,
    /// Settings file [default: ~/.config/release-cockpit/release-cockpit.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// Theme: dark, light, high-contrast, colour-blind, terminal, mono, or a file
    #[arg(long, global = true, value_name = "NAME", help_heading = "Settings")]
    pub theme: Option<String>,
    /// Draw without colours
    #[arg(long, global = true, help_heading = "Settings")]
    pub no_color: bool,
    /// Draw with ASCII characters only
    #[arg(long, global = true, help_heading = "Settings")]
    pub ascii: bool,
    /// Let clicks select and the wheel scroll (the terminal's own selection then needs shift)
    #[arg(long, global = true, help_heading = "Settings")]
    pub mouse: bool,
    /// Print lines instead of drawing a screen; read commands line by line
    #[arg(long, global = true, help_heading = "Settings")]
    pub plain: bool,
    /// Append the log to this file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    pub log_file: Option<PathBuf>,
    /// Log level: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Settings")]
    pub log_level: Option<String>,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Verb {
    /// Open the cockpit on a simulated cluster
    #[command(after_help = "\
Examples:
  release-cockpit demo
  release-cockpit demo --list
  release-cockpit demo --speed 5 --user bob")]
    Demo(Demo),
    /// Run only the simulated cluster and print its kubeconfig
    #[command(after_help = "\
It has no controller: releases stay Pending and actions are not judged. `release-cockpit demo` includes one.

Example:
  release-cockpit sim > kubeconfig &
  kubectl --kubeconfig kubeconfig get releases,pods")]
    Sim(Sim),
    /// Run the controller that executes releases
    #[command(after_help = "Example:\n  release-cockpit controller --listen 127.0.0.1:8080")]
    Controller(Controller),
    /// Deploy a version
    #[command(after_help = "\
Examples:
  release-cockpit deploy staging v1.9.0
  release-cockpit deploy staging v1.9.0 --wait --timeout 20m -o json
  release-cockpit deploy planera-production/production v1.9.0 --reason 'hotfix INC-441' --confirm deploy-to-production")]
    Deploy(Deploy),
    /// Promote from the previous environment
    #[command(after_help = "\
The version comes from the environment that spec.promotion.from names, with its very images: same tags, same digests.

Examples:
  release-cockpit promote production
  release-cockpit promote production --version v1.9.0 --dry-run
  release-cockpit promote production --from planera-staging/staging --wait")]
    Promote(Promote),
    /// Roll back to a previous version
    #[command(after_help = "\
A release in progress is rolled back. Otherwise a new release deploys the last version that succeeded here before the
current one, or the one that --to names.

Examples:
  release-cockpit rollback production --list
  release-cockpit rollback production --reason 'error rate 11 %'
  release-cockpit rollback production --to v1.8.1 --reason 'v1.8.2 loses sessions' --confirm deploy-to-production
  release-cockpit rollback production --emergency --reason 'INC-1: customers cannot pay'")]
    Rollback(Rollback),
    /// Show revisions of the workloads and how one differs from now
    #[command(after_help = "\
Examples:
  release-cockpit history production
  release-cockpit history production --component backend --diff 7 -o json")]
    History(History),
    /// Approve a waiting release
    #[command(after_help = "\
TARGET is a release, or an environment in which one release waits. The slots that your groups may fill are filled.

Examples:
  release-cockpit approve production --confirm deploy-to-production
  release-cockpit approve planera-production/production-v1-9-0-1f2e3d4c --dry-run")]
    Approve(Act),
    /// Reject a waiting release
    #[command(after_help = "Example:\n  release-cockpit reject production --reason 'migration not tested'")]
    Reject(Act),
    /// Pause a rollout
    #[command(after_help = "Example:\n  release-cockpit pause production --reason 'looking at the logs'")]
    Pause(Act),
    /// Resume a paused rollout
    #[command(after_help = "Example:\n  release-cockpit resume production")]
    Resume(Act),
    /// Abort a release and revert its changes
    #[command(after_help = "Example:\n  release-cockpit abort production --reason 'wrong version'")]
    Abort(Act),
    /// Retry a held release from its current step
    #[command(after_help = "Example:\n  release-cockpit retry production")]
    Retry(Act),
    /// Set the canary weight, within the environment's policy
    #[command(after_help = "\
Examples:
  release-cockpit weight production 30 --reason 'the numbers are good'
  release-cockpit weight production 5 --dry-run")]
    Weight(Weight),
    /// Skip to the next step of a canary or blue-green release
    #[command(after_help = "Example:\n  release-cockpit promote-step production --reason 'seen enough'")]
    PromoteStep(Act),
    /// Promote fully (skip remaining steps)
    #[command(after_help = "Example:\n  release-cockpit promote-full production --reason 'hotfix INC-441'")]
    PromoteFull(Act),
    /// Freeze an environment, for a time or until unfrozen
    #[command(after_help = "\
Examples:
  release-cockpit freeze production --for 2h --incident INC-1 --reason 'the database is full'
  release-cockpit freeze production --in-flight hold --reason 'traffic is odd' --confirm deploy-to-production")]
    Freeze(Freeze),
    /// Lift the freeze of an environment
    #[command(after_help = "Example:\n  release-cockpit unfreeze production --reason 'INC-1 is over'")]
    Unfreeze(OnEnvironment),
    /// Emergency stop: abort every release of an environment
    #[command(after_help = "Example:\n  release-cockpit stop production --reason 'INC-1: nothing may move'")]
    Stop(OnEnvironment),
    /// Permit deleting an Environment for one hour; its records stay and restore it
    #[command(after_help = "Example:\n  release-cockpit retire shop/sandbox --reason 'the service is gone'")]
    Retire(OnEnvironment),
    /// Scale a component, or restore its size
    #[command(after_help = "\
Examples:
  release-cockpit scale production worker 0 --reason 'INC-1: it eats the queue'
  release-cockpit scale production worker back")]
    Scale(Scale),
    /// Restart the pods of a component (rolling)
    #[command(after_help = "Example:\n  release-cockpit restart production backend --reason 'stale DNS'")]
    Restart(Restart),
    /// Deny an image digest
    #[command(
        after_help = "Example:\n  release-cockpit deny production sha256:9c1e… --reason 'loses sessions' --for 7d"
    )]
    Deny(OnDigest),
    /// Remove a digest from the deny list
    #[command(
        after_help = "Example:\n  release-cockpit allow production sha256:9c1e… --reason 'it was the network'"
    )]
    Allow(OnDigest),
    /// Override a gate for a time (break-glass)
    #[command(after_help = "\
It leaves a debt that somebody else must review before the next normal release.

Example:
  release-cockpit override production --gate windows --incident INC-1 --reason 'customers cannot pay'")]
    Override(Override),
    /// Review a break-glass action of somebody else
    #[command(
        after_help = "Example:\n  release-cockpit review production --reason 'looked at it with bob: it was right'"
    )]
    Review(Review),
    /// Tick a checklist item of a waiting release
    #[command(after_help = "Example:\n  release-cockpit check production --item 'Team notified'")]
    Check(Check),
    /// Withdraw your approval (before the release starts)
    #[command(
        after_help = "Example:\n  release-cockpit withdraw production --reason 'I looked at the wrong numbers'"
    )]
    Withdraw(Act),
    /// Show others that you drive a release, for a time
    #[command(after_help = "Example:\n  release-cockpit drive production --for 1h")]
    Drive(Drive),
    /// Hand over a release that you drive, with a note
    #[command(
        after_help = "Example:\n  release-cockpit hand-over production 'the canary is odd, watch p99' --to bob"
    )]
    HandOver(HandOver),
    /// Show what needs you in all clusters, oldest first
    #[command(after_help = "\
Examples:
  release-cockpit inbox
  release-cockpit --context prod-eu --context prod-us inbox -o json")]
    Inbox(Inbox),
    /// Show blocking gates, with the server's verdict (dry run)
    #[command(after_help = "\
Examples:
  release-cockpit why production
  release-cockpit why production-v1-9-0-1f2e3d4c -o json")]
    Why(Why),
    /// Show logs of an environment's pods, merged by time
    #[command(after_help = "\
Examples:
  release-cockpit logs production
  release-cockpit logs production backend --follow
  release-cockpit logs production --since 15m --grep 'status=5..' --timestamps")]
    Logs(Logs),
    /// Show firing and pending alerts, worst first
    #[command(after_help = "\
An alert belongs to the environments of its label `namespace`, or to those whose spec.metrics.alertLabels it bears. The exit code is
1 where a Prometheus did not tell.

Examples:
  release-cockpit alerts
  release-cockpit alerts production -o json
  release-cockpit --context prod-eu --context prod-us alerts --all")]
    Alerts(Alerts),
    /// Silence alerts of an environment for a time
    #[command(after_help = "\
Its Alertmanager keeps the silence, and you are named as its author. What it matches is printed, and by --dry-run before it is sent.

Examples:
  release-cockpit silence production HighErrorRate --for 2h --reason 'INC-1: we are at it'
  release-cockpit silence staging --matcher alertname=~High.* --matcher component=backend --for 30m --reason 'load test'
  release-cockpit silence production HighErrorRate --for 2h --reason 'INC-1' --confirm deploy-to-production -o json")]
    Silence(Silence),
    /// Expire a silence
    #[command(after_help = "Example:\n  release-cockpit expire-silence 7c0d5f4e-1111-4222-8333-444455556666")]
    ExpireSilence(ExpireSilence),
    /// Show Kubernetes events of an environment, grouped with counts
    #[command(after_help = "Example:\n  release-cockpit events production --warnings")]
    Events(Events),
    /// Compare two environments
    #[command(after_help = looking::AFTER_DIFF)]
    Diff(Diff),
    /// Show environments and their versions
    #[command(after_help = "\
Examples:
  release-cockpit status
  release-cockpit status production -o json")]
    Status(Status),
    /// Show the release queue
    #[command(after_help = "\
Examples:
  release-cockpit queue
  release-cockpit queue --all -n planera-production -o json")]
    Queue(Queue),
    /// Show DORA metrics of applications
    #[command(after_help = "\
Counted from the releases themselves, in the terms of DORA: deployments and how many succeed a day; lead time from when a
version was first asked for, anywhere, to when it succeeded in production; duration; the share of deployments that failed,
were held or were undone; how often production went back; and the time from a failure to the next good version. Times are
medians.

Examples:
  release-cockpit dora
  release-cockpit dora planera --since 90d -o md
  release-cockpit --context prod-eu --context prod-us dora -o json")]
    #[command(alias = "numbers")]
    Dora(Dora),
    /// Wait until a release ends or reaches a phase
    #[command(after_help = "\
Examples:
  release-cockpit wait production --timeout 30m
  release-cockpit wait production-v1-9-0-1f2e3d4c --for Paused")]
    Wait(Wait),
    /// Show the audit log; verify that no record was changed
    #[command(after_help = audit::AFTER_HELP)]
    Audit(Audit),
    /// Send a test notification to an environment's channels
    #[command(after_help = "\
Each channel of spec.notify is told, from here, that this is a test. It needs `get` on the Secrets that they name. The exit code is 1
where one of them was not told.

Examples:
  release-cockpit notify --test production
  release-cockpit notify --test production --channel slack -o json")]
    Notify(Notify),
    /// Check kubeconfig, permissions, controller and Prometheus; show how to fix problems
    #[command(after_help = "\
Each check has a verdict (ok, warn, fail, skipped), its evidence and a remedy. The exit code is 0 where nothing failed, and 1 where
something did. Nothing is changed. For the embedded world: release-cockpit sim > kubeconfig &

Examples:
  release-cockpit doctor
  release-cockpit --context prod-eu --context prod-us doctor
  release-cockpit --kubeconfig kubeconfig doctor -o json")]
    Doctor(Doctor),
    /// Print manifests for `kubectl apply -f -`
    #[command(after_help = "\
Examples:
  release-cockpit manifests | kubectl apply -f -
  release-cockpit manifests crds | kubectl apply -f -
  release-cockpit manifests policies --optional | kubectl apply -f -
  release-cockpit manifests rules | kubectl apply -f -
  release-cockpit manifests rules production --rule-file > rules.yaml
  release-cockpit manifests controller --image registry.example.com/release-cockpit:1.0.0")]
    Manifests(Manifests),
    /// Print settings and their origin, or a sample file
    #[command(after_help = "\
Examples:
  release-cockpit config
  release-cockpit config default > ~/.config/release-cockpit/release-cockpit.toml
  release-cockpit config keymap > ~/.config/release-cockpit/keymap.toml")]
    Config {
        /// A sample to print instead
        what: Option<ConfigWhat>,
    },
    /// Print shell completions
    #[command(after_help = "Example:\n  source <(release-cockpit completions bash)")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  release-cockpit man | man -l -")]
    Man,
    /// Show help about a command or a topic
    #[command(after_help = "Examples:\n  release-cockpit help keys\n  release-cockpit help deploy")]
    Help {
        /// A command, or a topic: keys, install, commands, metrics, analyses, integrations, records, settings
        topic: Option<String>,
    },
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

    /// Gates name the command that clears them: it must be one.
    #[test]
    fn what_gates_tell_people_to_type_is_understood() {
        for line in [
            "release-cockpit approve planera/planera-2",
            "release-cockpit check planera/planera-2 --item Team",
            "release-cockpit override planera/planera-2 --gate windows --until 1h --incident INC-1 --reason because",
            "release-cockpit review planera/production planera-1 --reason because",
            "release-cockpit unfreeze planera/production --reason because",
            "release-cockpit allow planera/production sha256:01 --reason because",
            "release-cockpit retry planera/planera-2",
            "release-cockpit resume planera/planera-2",
        ] {
            let parsed = Arguments::command().try_get_matches_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
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
