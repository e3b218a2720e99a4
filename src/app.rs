//! The terminal's logic: what is known, what is open, what a key means, what IO is wanted.
//!
//! Owns the store and the one function that changes it, [`update()`]. Must not know ratatui, kube or tokio, and reads no clock:
//! a [`state::event::Event`] came from outside, a [`state::effect::Effect`] is IO wanted, both plain data.

mod act;
mod alerting;
pub mod alertmanagers;
pub mod alerts;
mod arguments;
pub mod arming;
mod ask;
pub mod attention;
pub mod banners;
pub mod causes;
pub mod changes;
pub mod command;
mod commands;
mod completion;
pub mod components;
mod describe;
mod dialogs;
pub mod differences;
pub mod driving;
mod environment_act;
pub mod events;
pub mod facts;
#[cfg(test)]
pub(crate) mod fixtures;
mod fold;
pub mod guard;
pub mod handoff;
pub mod help;
pub mod history;
mod home;
pub mod inbox;
mod input;
mod invoke;
pub mod kept;
pub mod keymap;
pub mod log_view;
pub mod matrix;
mod movement;
mod needs;
pub mod number;
pub mod numbers;
pub mod outlook;
mod palette;
pub mod place;
pub mod plain;
pub mod pointing;
pub mod preferences;
pub mod records;
mod refusals;
mod release_view;
mod rollback;
pub mod rows;
pub mod sections;
mod selection;
mod shifting;
mod silences;
mod stale;
pub mod state;
pub mod steps;
pub mod target;
mod texts;
pub mod tour;
pub mod tracks;
mod typing_ahead;
mod update;
mod versions;
mod views;
pub mod why;
pub mod zoom;

#[cfg(test)]
mod tests;

pub use update::{settle, take_in, update, update_all};

use state::view_row::{ViewRow, Views};

/// Every view: one row each, in its own file.
pub static VIEWS: &[&ViewRow] = &[
    &home::VIEW,
    &release_view::VIEW,
    &rollback::VIEW,
    &inbox::VIEW,
    &why::VIEW,
    &changes::VIEW,
    &events::VIEW,
    &alerts::VIEW,
    &differences::VIEW,
    &zoom::VIEW,
    &matrix::VIEW,
    &numbers::VIEW,
    &texts::VIEW,
    &log_view::VIEW,
];

impl Default for Views {
    fn default() -> Self {
        Self(VIEWS)
    }
}
