//! How records and chains are shown: as a table, as JSON, or as Markdown for a postmortem.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::error::CliError;
use super::super::grammar::AuditFormat;
use super::super::output;
use super::super::table::Table;
use super::Chain;
use crate::domain::audit::Intent;
use crate::sanitize;

/// The intents for people; with `timelines`, what happened to each release below.
pub(super) fn table(intents: &[Intent], timelines: bool) -> Result<(), CliError> {
    if intents.is_empty() {
        output::remark("there are no such records in sight");
        return Ok(());
    }
    let mut table =
        Table::new(["PLACE", "TIME", "WHO", "WHAT", "ON", "EXPECTED", "OUTCOME", "FOUND", "REASON"]);
    for intent in intents {
        table.row([
            &place(intent),
            &time(intent.at),
            &intent.by(),
            &intent.what,
            &intent.on(),
            &seen(intent),
            &outcome(intent),
            &intent.found,
            &why(intent),
        ]);
    }
    let mut text = table.to_string();
    for intent in intents.iter().filter(|intent| timelines && !intent.timeline.is_empty()) {
        let mut table = Table::new(["TIME", "BY", "EVENT", "MESSAGE"]);
        for entry in &intent.timeline {
            table.row([&time(Some(entry.at)), &entry.by, &entry.reason, &entry.message]);
        }
        let _ = write!(text, "\nTimeline of {}\n{table}", sanitize::line(&intent.on()));
    }
    output::text(&text)
}

/// Everything for programs.
pub(super) fn json(intents: &[Intent], chains: &[Chain]) -> Result<(), CliError> {
    output::json(&json!({"intents": intents, "chains": as_values(chains)}))
}

/// A document that can be pasted into a postmortem.
pub(super) fn markdown(intents: &[Intent], chains: &[Chain]) -> Result<(), CliError> {
    let mut text = String::from(
        "| # | Time (UTC) | Who | What | On | Expected | Outcome | Found | Reason |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for intent in intents {
        let cells = [
            place(intent),
            time(intent.at),
            intent.by(),
            intent.what.clone(),
            intent.on(),
            seen(intent),
            outcome(intent),
            intent.found.clone(),
            why(intent),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    for intent in intents.iter().filter(|intent| !intent.timeline.is_empty()) {
        let _ = writeln!(text, "\n**Timeline of {}** ({})\n", escaped(&intent.on()), escaped(&intent.what));
        text.push_str("| Time (UTC) | By | Event | Message |\n| --- | --- | --- | --- |\n");
        for entry in &intent.timeline {
            let cells = [time(Some(entry.at)), entry.by.clone(), entry.reason.clone(), entry.message.clone()];
            let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text.push('\n');
    for chain in chains {
        let _ = writeln!(text, "- {}", escaped(&verdict(chain)));
        for finding in &chain.report.findings {
            let _ = writeln!(text, "  - **{}**", escaped(&finding.sentence));
        }
    }
    output::text(&text)
}

/// The verdict on each chain, with every finding.
pub(super) fn chains(chains: &[Chain], format: AuditFormat) -> Result<(), CliError> {
    if format == AuditFormat::Json {
        return output::json(&json!({"chains": as_values(chains)}));
    }
    let bullet = if format == AuditFormat::Md { "- " } else { "" };
    let mut text = String::new();
    for chain in chains {
        let _ = writeln!(text, "{bullet}{}", sanitize::line(&verdict(chain)));
        for finding in &chain.report.findings {
            let _ = writeln!(text, "  {bullet}{}", sanitize::line(&finding.sentence));
        }
    }
    if chains.is_empty() {
        output::remark("there are no records in sight");
    }
    output::text(&text)
}

/// One sentence: how many records, whether they are whole, and the head.
fn verdict(chain: &Chain) -> String {
    let report = &chain.report;
    let state = match report.findings.len() {
        0 => "whole".to_owned(),
        1 => "BROKEN, 1 finding".to_owned(),
        several => format!("BROKEN, {several} findings"),
    };
    let mut text = format!("{}: {state}; {} records", chain.environment, report.sealed);
    if report.sealed > 0 {
        let _ = write!(text, " at places {} to {}", report.first, report.last.sequence);
    }
    if report.waiting > 0 {
        let _ = write!(text, ", {} more without a place yet", report.waiting);
    }
    if report.behind > 0 {
        let _ = write!(text, ", {} behind the head", report.behind);
    }
    if report.last.removed > 0 {
        let _ = write!(text, "; retention removed those up to place {}", report.last.removed);
    }
    let end = if chain.has_head { "head" } else { "last hash" };
    if !report.last.hash.is_empty() {
        let _ = write!(text, "; {end} {}", report.last.hash);
    }
    text
}

fn as_values(chains: &[Chain]) -> Vec<Value> {
    chains
        .iter()
        .map(|chain| {
            let report = &chain.report;
            let findings: Vec<Value> = report
                .findings
                .iter()
                .map(|finding| {
                    let record = finding.record.as_ref();
                    json!({
                        "kind": record.map(|record| record.kind),
                        "name": record.map(|record| &record.name),
                        "sentence": finding.sentence,
                    })
                })
                .collect();
            json!({
                "namespace": chain.environment.namespace, "environment": chain.environment.name,
                "whole": report.is_whole(), "findings": findings, "records": report.sealed, "waiting": report.waiting,
                "first": report.first, "last": report.last.sequence, "hash": report.last.hash,
                "removed": report.last.removed, "hasHead": chain.has_head,
            })
        })
        .collect()
}

fn place(intent: &Intent) -> String {
    intent.sequence.map_or_else(|| "-".to_owned(), |sequence| sequence.to_string())
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// What the author counted on, and what they saw.
fn seen(intent: &Intent) -> String {
    match (intent.expected.is_empty(), intent.saw.is_empty()) {
        (false, false) => format!("{}; saw {}", intent.expected, intent.saw),
        (true, false) => format!("saw {}", intent.saw),
        _ => intent.expected.clone(),
    }
}

fn outcome(intent: &Intent) -> String {
    match intent.code {
        Some(code) => format!("{} ({code})", intent.outcome),
        None => intent.outcome.clone(),
    }
}

fn why(intent: &Intent) -> String {
    let parts: Vec<&str> = intent.reason.iter().chain(&intent.ticket).map(String::as_str).collect();
    parts.join(" · ")
}

/// One line that Markdown shows as it is.
pub(in crate::cli) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in sanitize::line(text).chars() {
        if matches!(c, '\\' | '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_texts_as_they_are_and_obeys_none() {
        assert_eq!(escaped("a|b `c` <img>\u{1b}[31m\n[x](y)"), "a\\|b \\`c\\` \\<img\\> \\[x\\](y)");
    }
}
