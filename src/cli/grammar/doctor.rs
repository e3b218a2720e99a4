//! The arguments of `doctor`.

use clap::Args;

use super::Format;

/// `doctor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Doctor {
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}
