//! The registry of panes, one file and one line in [`PANES`] each.

pub mod alert;
pub mod alerts;
pub mod analysis;
pub mod changes;
pub mod differences;
pub mod environments;
pub mod events;
pub mod gates;
pub mod inbox;
pub mod logs;
pub mod matrix;
pub mod metric;
pub mod metrics;
pub mod numbers;
pub mod objective;
pub mod outlook;
pub mod plan;
pub mod pods;
pub mod queue;
pub mod rollback;
pub mod summary;
pub mod text;
pub mod timeline;
pub mod tracks;
pub mod warnings;
pub mod why;
pub mod zoom;

use crate::ui::pane::Pane;

/// Every pane, in the order of the screens that they appear on. Screens draw from it.
pub static PANES: &[&Pane] = &[
    &environments::PANE,
    &metrics::PANE,
    &pods::PANE,
    &queue::PANE,
    &summary::PANE,
    &plan::PANE,
    &outlook::PANE,
    &tracks::PANE,
    &analysis::PANE,
    &gates::PANE,
    &timeline::PANE,
    &rollback::PANE,
    &inbox::PANE,
    &why::PANE,
    &warnings::PANE,
    &changes::PANE,
    &events::PANE,
    &alerts::PANE,
    &alert::PANE,
    &differences::PANE,
    &zoom::PANE,
    &matrix::PANE,
    &numbers::PANE,
    &text::PANE,
    &logs::PANE,
];
