//! The terminal's logic: what is known, what is open, what a key means, what IO is wanted.
//!
//! Owns the store and the one function that changes it, [`update()`]. Must not know ratatui, kube or tokio, and reads no clock:
//! an [`event::Event`] came from outside, an [`effect::Effect`] is IO wanted, both plain data.

pub mod cluster_state;
pub mod command;
mod commands;
pub mod confirm;
pub mod effect;
pub mod event;
pub mod filter;
pub mod form;
pub mod keymap;
pub mod line_editor;
pub mod located;
pub mod palette;
pub mod pending;
pub mod rows;
pub mod store;
pub mod text_view;
pub mod toast;
pub mod ui_state;
mod update;

pub use update::{update, update_all};
