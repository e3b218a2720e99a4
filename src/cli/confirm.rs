//! The typed phrase: what an Environment demands before anybody changes it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::How;
use crate::api::{Environment, Tier};
use crate::sanitize;

/// Makes sure that the phrase was given: by `--confirm`, else typed on the terminal. `what` is what is about to be done.
pub(super) fn confirm(environment: &Environment, how: &How, what: &str) -> Result<(), CliError> {
    let Some(phrase) = demanded(environment).filter(|_| !how.dry_run) else { return Ok(()) };
    let name = environment.key().to_string();
    if let Some(given) = &how.confirm {
        return matches(given, phrase, &name);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(CliError::new(
            Exit::Usage,
            format!("{name} asks for its confirmation phrase: add --confirm {}", sanitize::line(phrase)),
        ));
    }
    let mut ask = std::io::stderr();
    write!(ask, "{}\ntype {} to confirm: ", sanitize::line(what), sanitize::line(phrase))?;
    ask.flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    matches(typed.trim_end_matches(['\r', '\n']), phrase, &name)
}

/// The phrase of a production environment.
fn demanded(environment: &Environment) -> Option<&str> {
    let approval =
        environment.spec.approval.as_ref().filter(|_| environment.spec.tier == Tier::Production)?;
    approval.confirm_phrase.as_deref()
}

fn matches(given: &str, phrase: &str, name: &str) -> Result<(), CliError> {
    if given == phrase {
        return Ok(());
    }
    let sentence = format!("that is not the confirmation phrase of {name}; nothing was sent");
    Err(CliError::new(Exit::Usage, sentence))
}
