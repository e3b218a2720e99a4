//! The arguments of what is said to people.

use clap::Args;

use super::Format;

/// `notify`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Notify {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Send a test notification
    #[arg(long, required = true)]
    pub test: bool,
    /// Channel to test, such as slack [default: all]
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}
