//! The panes, one file each.

pub mod alert;
pub mod alerts;
pub mod analysis;
pub mod changes;
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
