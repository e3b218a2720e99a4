//! The command line: every verb of the terminal without the terminal, and what only a command line does.
//!
//! Owns arguments, output, exit codes and the wiring of the other rooms. Must not decide anything itself: releases and actions
//! are built by `domain::intent`, judged by the API server and the controller.

mod act;
mod alerts;
mod audit;
mod causes;
mod choose;
mod complete;
mod confirm;
mod controller;
mod demo;
mod diff;
pub(crate) mod doctor;
mod dora;
mod error;
mod events;
pub(crate) mod exit;
mod follow;
mod foresee;
pub(crate) mod grammar;
mod guarding;
mod help;
mod history;
mod inbox;
mod keys;
mod logging;
mod logs;
mod manifests;
mod notify;
mod output;
mod progress;
mod promise;
mod release;
mod rules;
mod session;
mod settings;
mod show;
mod silence;
mod table;
mod terminal;
mod wait;
mod why;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use error::CliError;
use exit::Exit;
use grammar::{Arguments, ManifestsWhat, Verb};
use logging::Otherwise;

pub use keys::{page as key_page, sample as sample_keymap};
pub use manifests::crds;

/// Runs the program with these arguments, the first being its own name, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match command_for(arguments.first()).try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    let ended = Arguments::from_arg_matches(&matches)
        .map_err(|error| CliError::new(Exit::Usage, error.to_string()))
        .and_then(|arguments| dispatch(&arguments));
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "release-cockpit: {error}");
            error.exit().into()
        }
    }
}

/// The command line as clap knows it; under kubectl it is called as kubectl calls it.
fn command_for(called: Option<&OsString>) -> clap::Command {
    let by_kubectl = called
        .map(std::path::Path::new)
        .and_then(|path| path.file_stem())
        .is_some_and(|name| name == "kubectl-cockpit" || name == "kubectl_complete-cockpit");
    let command = Arguments::command();
    if by_kubectl { command.name("kubectl-cockpit").bin_name("kubectl cockpit") } else { command }
}

/// The names of all commands, in the order of the help.
#[must_use]
pub fn verbs() -> Vec<String> {
    Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

fn dispatch(arguments: &Arguments) -> Result<Exit, CliError> {
    match &arguments.verb {
        Some(Verb::Completions { shell }) => complete::completions(*shell),
        Some(Verb::Man) => complete::man(),
        Some(Verb::Help { topic }) => help::help(topic.as_deref()),
        Some(Verb::Manifests(wanted)) if wanted.what == ManifestsWhat::Rules => {
            let settings = settings::load(&arguments.global)?;
            run_to_end(rules::print(&settings, wanted))
        }
        Some(Verb::Manifests(wanted)) => manifests::print(wanted),
        Some(Verb::Config { what }) => settings::print(&arguments.global, what.as_ref()),
        // settings that are wrong are one of its findings
        Some(Verb::Doctor(wanted)) => run_to_end(doctor::doctor(&arguments.global, wanted)),
        verb => {
            let settings = settings::load(&arguments.global)?;
            // these start it themselves
            let has_own_log = matches!(verb, None | Some(Verb::Demo(_) | Verb::Controller(_)));
            let _log = if has_own_log { None } else { logging::start(&settings, Otherwise::Nowhere)? };
            run_to_end(on_cluster(verb.as_ref(), &settings))
        }
    }
}

fn run_to_end(work: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|error| CliError::new(Exit::Error, format!("no threads: {error}")))?;
    let ended = runtime.block_on(work);
    // a reader that waits for a key or a server must not keep the process
    runtime.shutdown_background();
    ended
}

async fn on_cluster(verb: Option<&Verb>, settings: &crate::config::Settings) -> Result<Exit, CliError> {
    let Some(verb) = verb else { return terminal::open(settings).await };
    match verb {
        Verb::Demo(wanted) => demo::demo(settings, wanted).await,
        Verb::Sim(wanted) => demo::sim(wanted).await,
        Verb::Controller(wanted) => controller::control(settings, wanted).await,
        Verb::Deploy(wanted) => release::deploy(settings, wanted).await,
        Verb::Promote(wanted) => release::promote(settings, wanted).await,
        Verb::Rollback(wanted) if wanted.list => history::versions(settings, wanted).await,
        Verb::Rollback(wanted) => release::rollback(settings, wanted).await,
        Verb::History(wanted) => history::history(settings, wanted).await,
        Verb::Approve(wanted) => act::act(settings, crate::api::ActionKind::Approve, wanted).await,
        Verb::Reject(wanted) => act::act(settings, crate::api::ActionKind::Reject, wanted).await,
        Verb::Pause(wanted) => act::act(settings, crate::api::ActionKind::Pause, wanted).await,
        Verb::Resume(wanted) => act::act(settings, crate::api::ActionKind::Resume, wanted).await,
        Verb::Abort(wanted) => act::act(settings, crate::api::ActionKind::Abort, wanted).await,
        Verb::Retry(wanted) => act::act(settings, crate::api::ActionKind::Retry, wanted).await,
        Verb::Weight(wanted) => act::weight(settings, wanted).await,
        Verb::PromoteStep(wanted) => act::act(settings, crate::api::ActionKind::Promote, wanted).await,
        Verb::PromoteFull(wanted) => act::act(settings, crate::api::ActionKind::PromoteFull, wanted).await,
        Verb::Freeze(wanted) => guarding::freeze(settings, wanted).await,
        Verb::Retire(wanted) => {
            guarding::on_environment(settings, crate::api::ActionKind::Retire, wanted).await
        }
        Verb::Unfreeze(wanted) => {
            guarding::on_environment(settings, crate::api::ActionKind::Unfreeze, wanted).await
        }
        Verb::Stop(wanted) => {
            guarding::on_environment(settings, crate::api::ActionKind::AbortAll, wanted).await
        }
        Verb::Scale(wanted) => guarding::scale(settings, wanted).await,
        Verb::Restart(wanted) => guarding::restart(settings, wanted).await,
        Verb::Deny(wanted) => guarding::on_digest(settings, crate::api::ActionKind::Deny, wanted).await,
        Verb::Allow(wanted) => guarding::on_digest(settings, crate::api::ActionKind::Allow, wanted).await,
        Verb::Review(wanted) => guarding::review(settings, wanted).await,
        Verb::Override(wanted) => guarding::override_gate(settings, wanted).await,
        Verb::Check(wanted) => guarding::check(settings, wanted).await,
        Verb::Withdraw(wanted) => act::act(settings, crate::api::ActionKind::Withdraw, wanted).await,
        Verb::Drive(wanted) => guarding::drive(settings, wanted).await,
        Verb::HandOver(wanted) => guarding::hand_over(settings, wanted).await,
        Verb::Inbox(wanted) => inbox::inbox(settings, wanted).await,
        Verb::Why(wanted) => why::why(settings, wanted).await,
        Verb::Logs(wanted) => logs::logs(settings, wanted).await,
        Verb::Alerts(wanted) => alerts::alerts(settings, wanted).await,
        Verb::Silence(wanted) => silence::silence(settings, wanted).await,
        Verb::ExpireSilence(wanted) => silence::expire(settings, wanted).await,
        Verb::Events(wanted) => events::events(settings, wanted).await,
        Verb::Diff(wanted) => diff::diff(settings, wanted).await,
        Verb::Status(wanted) => show::status(settings, wanted).await,
        Verb::Queue(wanted) => show::queue(settings, wanted).await,
        Verb::Audit(wanted) => audit::audit(settings, wanted).await,
        Verb::Dora(wanted) => dora::dora(settings, wanted).await,
        Verb::Wait(wanted) => wait::wait(settings, wanted).await,
        Verb::Notify(wanted) => notify::test(settings, wanted).await,
        Verb::Completions { .. }
        | Verb::Man
        | Verb::Help { .. }
        | Verb::Manifests(_)
        | Verb::Config { .. }
        | Verb::Doctor(_) => Ok(Exit::Ok),
    }
}
