//! What must be typed before something is sent: `y`, or the environment's phrase.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::How;
use crate::api::{Environment, Tier};
use crate::domain::action_rule::{self, Confirmation, Demand};
use crate::sanitize;

/// Makes sure that what the action demands in this environment was given, by a flag or on the terminal. `what` is about to be done.
/// The rules of production apply if the Environment is unknown, for example deleted.
///
/// A yes is asked for on a terminal only: a script that names the action means it. The phrase is never taken for granted.
pub(super) fn confirm(
    environment: Option<&Environment>,
    confirmation: Confirmation,
    how: &How,
    what: &str,
) -> Result<(), CliError> {
    if how.dry_run {
        return Ok(());
    }
    let tier = environment.map_or(Tier::Production, |environment| environment.spec.tier);
    match (confirmation.demand(tier), environment) {
        (Demand::Nothing, _) => Ok(()),
        (Demand::Phrase, Some(environment)) => phrase(environment, how, what),
        (Demand::Button | Demand::Phrase, _) => yes(how, what),
    }
}

fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn yes(how: &How, what: &str) -> Result<(), CliError> {
    if how.yes || how.confirm.is_some() || !has_terminal() {
        return Ok(());
    }
    let typed = ask(&format!("{}? [y/N] ", sanitize::line(what)))?;
    if matches!(typed.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(CliError::new(Exit::Usage, "not confirmed; nothing was sent"))
}

fn phrase(environment: &Environment, how: &How, what: &str) -> Result<(), CliError> {
    let (phrase, name) = (action_rule::phrase(environment), environment.key().to_string());
    if let Some(given) = &how.confirm {
        return matches(given, phrase, &name);
    }
    if !has_terminal() {
        return Err(CliError::new(
            Exit::Usage,
            format!("{name} asks for its confirmation phrase: add --confirm {}", sanitize::line(phrase)),
        ));
    }
    let typed = ask(&format!("{}\ntype {} to confirm: ", sanitize::line(what), sanitize::line(phrase)))?;
    matches(&typed, phrase, &name)
}

fn ask(question: &str) -> Result<String, CliError> {
    let mut terminal = std::io::stderr();
    write!(terminal, "{question}")?;
    terminal.flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    Ok(typed.trim_end_matches(['\r', '\n']).to_owned())
}

fn matches(given: &str, phrase: &str, name: &str) -> Result<(), CliError> {
    if given == phrase {
        return Ok(());
    }
    let sentence = format!("that is not the confirmation phrase of {name}; nothing was sent");
    Err(CliError::new(Exit::Usage, sentence))
}
