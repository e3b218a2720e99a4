//! The terminal's logic: what is known, what is open, what a key means, what IO is wanted.
//!
//! Owns the store and the one function that changes it. Must not know ratatui, kube or tokio, and reads no clock:
//! an [`event::Event`] came from outside, an [`effect::Effect`] is IO wanted, both plain data.

pub mod cluster_state;
pub mod effect;
pub mod event;
pub mod store;
