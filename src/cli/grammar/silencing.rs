//! The arguments of what keeps alerts quiet, and of addresses by which an Alertmanager is reached.

use clap::Args;

use super::Format;
use super::options::some_time;
use crate::api::Duration;
use crate::domain::silence::Matcher;
use crate::metrics::is_address;

/// Characters that the reason of a silence has at least.
const LEAST: usize = 3;

/// `silence`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Silence {
    /// Environment: name or namespace/name
    pub environment: String,
    /// Alert name: matches its labels except short-lived ones such as pod
    #[arg(required_unless_present = "matchers", conflicts_with = "matchers")]
    pub alert: Option<String>,
    /// Label matcher: name=value, name!=value, name=~regex or name!~regex; repeatable
    #[arg(long = "matcher", value_name = "LABEL=VALUE", value_parser = matcher)]
    pub matchers: Vec<Matcher>,
    /// Duration
    #[arg(long = "for", value_name = "DURATION", value_parser = some_time, allow_hyphen_values = true)]
    pub span: Duration,
    /// Reason
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Show what would be silenced; send nothing
    #[arg(long, help_heading = "How")]
    pub dry_run: bool,
    /// Confirmation phrase of the environment
    #[arg(long, value_name = "PHRASE", help_heading = "How")]
    pub confirm: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", help_heading = "How")]
    pub output: Format,
}

/// `expire-silence`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExpireSilence {
    /// Silence id, as `silence` and `alerts -o json` print it
    #[arg(value_parser = id)]
    pub id: String,
    /// Show what would be expired; send nothing
    #[arg(long, help_heading = "How")]
    pub dry_run: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", help_heading = "How")]
    pub output: Format,
}

fn matcher(text: &str) -> Result<Matcher, String> {
    let wrong = || "a matcher is name=value, name!=value, name=~regex or name!~regex".to_owned();
    Matcher::parse(text).ok_or_else(wrong)
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() < LEAST {
        return Err(format!("the others read it: write {LEAST} characters at least"));
    }
    Ok(text.to_owned())
}

fn id(text: &str) -> Result<String, String> {
    let is_id = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_id { Ok(text.to_owned()) } else { Err("that is not the id of a silence".to_owned()) }
}

/// Of a Prometheus or an Alertmanager.
pub(super) fn address(text: &str) -> Result<String, String> {
    let wrong = || "an address is http://HOST:PORT, https://HOST, or namespace/service:port".to_owned();
    if is_address(text) { Ok(text.to_owned()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_urls_or_services() {
        for (text, expected) in [
            ("http://127.0.0.1:9093", true),
            ("https://alerts.example.com/prefix", true),
            ("monitoring/alertmanager:9093", true),
            ("monitoring/https:alertmanager:web", true),
            ("notaurl", false),
            ("", false),
            ("http://", false),
            ("ftp://alerts.example.com", false),
            ("alertmanager:9093", false),
            ("Monitoring/alertmanager:9093", false),
        ] {
            assert_eq!(address(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_silence_is_made_of_is_read_before_anything_is_asked() {
        assert!(some_time("2h").is_ok() && some_time("0s").is_err() && some_time("soon").is_err());
        assert_eq!(reason("  known "), Ok("known".to_owned()));
        assert!(reason("no").is_err() && reason("    ").is_err());
        assert!(matcher("alertname=~High.*").is_ok() && matcher("high").is_err() && matcher("a=~(").is_err());
        assert!(id("7c0d5f4e-1111").is_ok() && id("../status").is_err() && id("").is_err());
    }
}
