//! What the terminal knows, as data: objects, rows, views, forms, events and effects.
//!
//! Owns the types and what follows from them alone. Must not know any behaviour of [`crate::app`]: behaviour imports state, never the
//! reverse.

pub(crate) mod alerts;
pub(crate) mod arming;
pub(crate) mod attention;
pub(crate) mod banners;
pub(crate) mod changes;
pub mod cluster_state;
pub(crate) mod command;
pub(crate) mod confirm;
pub(crate) mod cursor;
pub(crate) mod differences;
pub mod effect;
pub mod event;
pub(crate) mod examined;
pub(crate) mod filter;
pub(crate) mod form;
pub(crate) mod handoff;
pub(crate) mod health;
pub(crate) mod inbox;
pub(crate) mod keymap;
pub(crate) mod line_editor;
pub mod located;
pub(crate) mod logs;
pub(crate) mod movement;
pub(crate) mod palette;
pub(crate) mod pattern;
pub(crate) mod pending;
pub(crate) mod place;
pub(crate) mod pod_sort;
pub(crate) mod pods;
pub(crate) mod pointing;
pub mod preferences;
pub(crate) mod rows;
pub(crate) mod saved_state;
pub(crate) mod scope;
pub(crate) mod sections;
pub mod store;
pub(crate) mod target;
pub(crate) mod text_scroll;
pub(crate) mod text_view;
pub(crate) mod toast;
pub(crate) mod tour;
pub(crate) mod ui_state;
pub(crate) mod view;
pub(crate) mod view_row;
pub(crate) mod weight_form;
pub(crate) mod zoom;
