//! The arguments of `audit`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use crate::api::Duration;

/// What `audit --help` says at its end.
pub(super) const AFTER_HELP: &str = "\
Every release and every action is a record that nobody but the controller can delete: who (as the API server knows
them), when, on which state, and what became of it, also where the controller refused. Each record carries the hash of
the one before it in its environment. What admission or RBAC refused never became a record: it stands in the API
server's audit log only, so hand that log over with --server-log to see those attempts too.

--verify recomputes every hash from the first record to the head and ends with 7 when a record was changed, removed or
inserted. It prints the head: kept elsewhere, it also shows that nobody wrote the whole chain anew.

Examples:
  release-cockpit audit production --since 24h
  release-cockpit audit production-v1-9-0-1f2e3d4c -o md > postmortem.md
  release-cockpit audit --actor bob@example.com --since 2026-11-01T00:00:00Z -o json
  release-cockpit audit --server-log /var/log/kubernetes/audit.log --since 7d
  release-cockpit audit --verify
  release-cockpit audit --verify --from export/shop_production_2026-10.jsonl
  release-cockpit audit production --verify --from export/shop_production_2026-10.jsonl";

/// `audit`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Audit {
    /// Environment or release: name or namespace/name
    pub target: Option<String>,
    /// Records since: a duration such as 24h, or a time such as 2026-11-21T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub since: Option<Moment>,
    /// Records before that time
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub until: Option<Moment>,
    /// Records of this user
    #[arg(long, value_name = "USER")]
    pub actor: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = AuditFormat::Table, value_name = "FORMAT")]
    pub output: AuditFormat,
    /// Verify the chain of records; exits with 7 if it is broken
    #[arg(long)]
    pub verify: bool,
    /// API server audit log (JSON lines): adds requests that admission or RBAC refused
    #[arg(long, value_name = "FILE")]
    pub server_log: Vec<PathBuf>,
    /// Export of removed records: instead of a cluster, or with a target in addition to it
    #[arg(long, value_name = "FILE")]
    pub from: Vec<PathBuf>,
}

/// What `audit` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// Text
    #[default]
    Table,
    /// JSON
    Json,
    /// Markdown, for a postmortem
    Md,
}

/// An instant, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long ago.
    Ago(Duration),
    /// Then.
    At(DateTime<Utc>),
}

impl Moment {
    /// The instant, seen from this one.
    #[must_use]
    pub(crate) fn instant(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Ago(span) => now.checked_sub_signed(span.to_delta()).unwrap_or(DateTime::<Utc>::MIN_UTC),
            Self::At(at) => at,
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(span) = text.parse::<Duration>() {
        return Ok(Moment::Ago(span));
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Ok(Moment::At(at.with_timezone(&Utc))),
        Err(_) => Err("a duration such as 24h, or an instant such as 2026-11-21T09:00:00Z".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spans_or_instants() {
        let now = DateTime::from_timestamp(100_000, 0).unwrap();
        for (text, secs) in
            [("1h", 96_400), ("1970-01-02T00:00:00Z", 86_400), ("1970-01-02T01:00:00+01:00", 86_400)]
        {
            assert_eq!(moment(text).unwrap().instant(now).timestamp(), secs, "{text}");
        }
        assert!(moment("yesterday").unwrap_err().contains("24h"));
        // the longest span is ten years
        let longest = Moment::Ago(Duration::from_millis(u64::MAX)).instant(now);
        assert_eq!(longest, now - chrono::TimeDelta::days(3_650));
    }
}
