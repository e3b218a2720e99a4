//! The registry of commands: one file per family, one row per command.
//!
//! The order of [`FAMILIES`] and of the rows in each is the order of the help, the README and the palette.

mod alerting;
mod guarding;
mod logs;
mod metrics;
mod moving;
mod operating;
mod people;
mod pods;
mod releasing;
mod terminal;
mod texts;
mod views;

use std::sync::LazyLock;

use crate::app::state::command::Command;

const FAMILIES: [&[Command]; 12] = [
    releasing::COMMANDS,
    guarding::COMMANDS,
    operating::COMMANDS,
    people::COMMANDS,
    alerting::COMMANDS,
    views::COMMANDS,
    texts::COMMANDS,
    logs::COMMANDS,
    pods::COMMANDS,
    metrics::COMMANDS,
    moving::COMMANDS,
    terminal::COMMANDS,
];

/// Every command, in the help's order.
pub static COMMANDS: LazyLock<Vec<&'static Command>> =
    LazyLock::new(|| FAMILIES.into_iter().flatten().collect());

/// Names that every family needs.
mod prelude {
    pub(super) use crate::api::Verb;
    pub(super) use crate::app::state::command::Command;
    pub(super) use crate::app::state::effect::Effect;
    pub(super) use crate::app::state::scope::{Group, Scope};
    pub(super) use crate::app::state::store::Store;
    pub(super) use crate::app::state::target::{Availability, Invocation, Target};
    pub(super) use crate::app::state::toast::Level;
    pub(super) use crate::app::state::view::{Focus, View};
    pub(super) use crate::config::key::{KeyChord, KeyCode};
    pub(super) use crate::domain::action_rule::Confirmation;

    /// For commands that fold and unfold.
    pub(super) fn needs_sections(store: &Store, _: &Target) -> Availability {
        if store.sections.is_empty() {
            let why = "there are no sections: [[sections]] in the settings' file makes some";
            return Availability::Unavailable(why.to_owned());
        }
        Availability::Ready
    }

    /// For commands that only need something to be about.
    pub(super) fn needs_environment(_: &Store, target: &Target) -> Availability {
        match target.environment {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("no environment is selected".to_owned()),
        }
    }

    /// Availability of commands that need a selected pod.
    pub(super) fn needs_pod(_: &Store, target: &Target) -> Availability {
        match target.pod {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("select a pod first".to_owned()),
        }
    }
}
