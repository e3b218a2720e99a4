//! The arguments of `dora`.

use clap::Args;

use super::AuditFormat;
use crate::api::Duration;

/// `dora`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Dora {
    /// Application [default: all]
    pub application: Option<String>,
    /// Period that ends now, such as 7d, 30d or 90d
    #[arg(long, value_name = "SPAN", default_value = "30d")]
    pub since: Duration,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = AuditFormat::Table, value_name = "FORMAT")]
    pub output: AuditFormat,
}
