//! The arguments of what is said to people.

use clap::Args;

use super::Format;

/// `notify`.
#[derive(Args, Clone, Debug)]
pub struct Notify {
    /// The environment: its name, or namespace/name
    pub environment: String,
    /// Say that nothing has happened, and that this is a test
    #[arg(long, required = true)]
    pub test: bool,
    /// Only this channel, such as slack
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}
