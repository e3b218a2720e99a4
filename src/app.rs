//! The terminal's logic: what is known, what is open, what a key means, what IO is wanted.
//!
//! Owns the store and the one function that changes it, [`update()`]. Must not know ratatui, kube or tokio, and reads no clock:
//! an [`event::Event`] came from outside, an [`effect::Effect`] is IO wanted, both plain data.

mod act;
pub mod alertmanagers;
pub mod alerts;
mod arguments;
pub mod arming;
mod ask;
pub mod attention;
pub mod banners;
pub mod causes;
pub mod changes;
pub mod cluster_state;
pub mod command;
mod commands;
pub mod components;
pub mod confirm;
pub mod differences;
pub mod driving;
pub mod effect;
mod environment_act;
pub mod event;
pub mod events;
pub mod facts;
pub mod filter;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod form;
pub mod guard;
pub mod handoff;
pub mod help;
pub mod history;
pub mod inbox;
pub mod kept;
pub mod keymap;
pub mod line_editor;
pub mod located;
pub mod log_view;
pub mod look;
pub mod matrix;
mod movement;
mod needs;
pub mod number;
pub mod numbers;
pub mod outlook;
mod overlays;
pub mod palette;
pub mod pattern;
pub mod pending;
pub mod place;
pub mod plain;
mod pod_sort;
pub mod pods;
pub mod pointing;
pub mod preferences;
pub mod records;
mod refusals;
mod rollback;
pub mod rows;
pub mod sections;
mod shifting;
mod stale;
pub mod steps;
pub mod store;
pub mod target;
pub mod text_view;
mod texts;
pub mod toast;
pub mod tour;
pub mod tracks;
pub mod ui_state;
mod update;
mod versions;
mod views;
pub mod weight_form;
pub mod why;
pub mod zoom;

#[cfg(test)]
mod tests;

pub use update::{settle, take_in, update, update_all};
