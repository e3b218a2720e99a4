//! One file per command; [`COMMANDS`] is the registry, and its order is the help's.

use crate::app::command::Command;

/// Every command, in the help's order.
pub const COMMANDS: &[&Command] = &[];
