//! What the terminal knows, as data: objects, rows, views, forms, events and effects.
//!
//! Owns the types and what follows from them alone. Must not know any behaviour of [`crate::app`]: behaviour imports state, never the
//! reverse.

pub mod alerts;
pub mod arming;
pub mod attention;
pub mod banners;
pub mod changes;
pub mod cluster_state;
pub mod command;
pub mod confirm;
pub mod cursor;
pub mod differences;
pub mod effect;
pub mod event;
pub mod examined;
pub mod filter;
pub mod form;
pub mod handoff;
pub mod health;
pub mod inbox;
pub mod kept;
pub mod keymap;
pub mod line_editor;
pub mod located;
pub mod logs;
pub mod look;
pub mod movement;
pub mod palette;
pub mod pattern;
pub mod pending;
pub mod place;
pub mod pod_sort;
pub mod pods;
pub mod pointing;
pub mod preferences;
pub mod rows;
pub mod scope;
pub mod sections;
pub mod store;
pub mod target;
pub mod text_view;
pub mod toast;
pub mod tour;
pub mod ui_state;
pub mod view;
pub mod view_row;
pub mod weight_form;
pub mod zoom;
