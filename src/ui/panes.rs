//! The registry of panes, one file and one line in [`PANES`] each.

pub(crate) mod alert;
pub(crate) mod alerts;
pub(crate) mod analysis;
pub(crate) mod changes;
pub(crate) mod differences;
pub(crate) mod dora;
pub(crate) mod environments;
pub(crate) mod events;
pub(crate) mod gates;
pub(crate) mod inbox;
pub(crate) mod logs;
pub(crate) mod matrix;
pub(crate) mod metric;
pub(crate) mod metrics;
pub(crate) mod objective;
pub(crate) mod outlook;
pub(crate) mod plan;
pub(crate) mod pods;
pub(crate) mod queue;
pub(crate) mod rollback;
pub(crate) mod summary;
pub(crate) mod text;
pub(crate) mod timeline;
pub(crate) mod tracks;
pub(crate) mod warnings;
pub(crate) mod why;
pub(crate) mod zoom;

use crate::ui::pane::Pane;

/// Every pane, in the order of the screens that they appear on. Screens draw from it.
pub(crate) static PANES: &[&Pane] = &[
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
    &dora::PANE,
    &text::PANE,
    &logs::PANE,
];
