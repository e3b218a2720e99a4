//! `completions` and `man`: what the grammar says of itself.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::error::CliError;
use super::exit::Exit;
use super::grammar::Arguments;
use super::output;

/// `completions`.
pub(super) fn completions(shell: Shell) -> Result<Exit, CliError> {
    let mut rendered = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "release-cockpit", &mut rendered);
    output::text(&String::from_utf8_lossy(&rendered)).map(|()| Exit::Ok)
}

/// `man`.
pub(super) fn man() -> Result<Exit, CliError> {
    let mut rendered = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut rendered)?;
    output::text(&String::from_utf8_lossy(&rendered)).map(|()| Exit::Ok)
}
