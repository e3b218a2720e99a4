//! The help's lines, out of the registry and the key map in force.

use crate::app::command::COMMANDS;
use crate::app::state::command::Command;
use crate::app::state::scope::Group;

/// One line of the help.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HelpLine {
    /// A heading.
    Heading(Group),
    /// A command; its keys are [`crate::app::state::keymap::Keymap::keys`].
    Command(&'static Command),
}

/// Every line of the help, in order.
#[must_use]
pub(crate) fn lines() -> Vec<HelpLine> {
    Group::ALL
        .into_iter()
        .flat_map(|group| {
            let commands = COMMANDS.iter().copied().filter(move |command| command.group == group);
            std::iter::once(HelpLine::Heading(group)).chain(commands.map(HelpLine::Command))
        })
        .collect()
}
