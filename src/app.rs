//! The terminal's logic: what is known, what is open, what a key means, what IO is wanted.
//!
//! Owns the store and the one function that changes it, [`update()`]. Must not know ratatui, kube or tokio, and reads no clock:
//! a [`state::event::Event`] came from outside, a [`state::effect::Effect`] is IO wanted, both plain data.

mod act;
mod alerting;
pub(crate) mod alertmanagers;
pub(crate) mod alerts;
mod arguments;
pub(crate) mod arming;
mod ask;
pub(crate) mod attention;
pub(crate) mod banners;
pub(crate) mod causes;
pub(crate) mod changes;
pub mod command;
mod commands;
mod completion;
pub(crate) mod components;
mod describe;
mod dialogs;
pub(crate) mod differences;
pub(crate) mod dora;
pub(crate) mod driving;
mod environment_act;
pub(crate) mod events;
pub(crate) mod facts;
#[cfg(test)]
pub(crate) mod fixtures;
mod fold;
pub(crate) mod guard;
pub(crate) mod handoff;
pub(crate) mod help;
mod home;
pub(crate) mod inbox;
mod input;
mod invoke;
pub(crate) mod keymap;
pub(crate) mod log_view;
pub(crate) mod matrix;
mod movement;
pub(crate) mod navigation;
mod needs;
pub(crate) mod outlook;
mod palette;
pub(crate) mod place;
pub(crate) mod plain;
pub(crate) mod pointing;
pub(crate) mod preferences;
pub(crate) mod quantity;
pub(crate) mod records;
mod refusals;
mod release_view;
mod rollback;
pub(crate) mod rows;
pub(crate) mod saved_state;
pub(crate) mod sections;
mod selection;
mod shifting;
mod silences;
mod stale;
pub mod state;
pub(crate) mod steps;
pub(crate) mod target;
mod texts;
pub(crate) mod tour;
pub(crate) mod tracks;
mod typing_ahead;
mod update;
mod versions;
mod views;
pub(crate) mod why;
pub(crate) mod zoom;

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
    &dora::VIEW,
    &texts::VIEW,
    &log_view::VIEW,
];

impl Default for Views {
    fn default() -> Self {
        Self(VIEWS)
    }
}
