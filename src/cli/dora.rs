//! `dora`: delivery numbers, out of the releases themselves.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{AuditFormat, Dora};
use super::output;
use super::show::{Seen, look};
use super::table::Table;
use crate::api::{EnvironmentKey, Release, Tier};
use crate::config::Settings;
use crate::domain::age::Age;
use crate::domain::delivery::{Delivery, Period, delivery};
use crate::sanitize;
use crate::time::Clock;

const HEADINGS: [&str; 9] = [
    "APPLICATION",
    "DEPLOYMENTS",
    "A DAY",
    "LEAD TIME",
    "DURATION",
    "FAILURE RATE",
    "ROLLBACK RATE",
    "TIME TO RESTORE",
    "NOT RESTORED",
];

/// `dora`.
pub(super) async fn dora(settings: &Settings, wanted: &Dora) -> Result<Exit, CliError> {
    let seen = look(settings).await?;
    let period = Period { until: Clock::system().now(), length: wanted.since.to_delta() };
    let mut found = applications(&seen, period);
    if let Some(name) = &wanted.application {
        let known: Vec<String> = found.keys().map(|name| sanitize::line(name).into_owned()).collect();
        found.retain(|application, _| application == name);
        if found.is_empty() {
            let sentence =
                format!("no application is called {}; there are {}", sanitize::line(name), known.join(", "));
            return Err(CliError::new(Exit::Usage, sentence));
        }
    }
    match wanted.output {
        AuditFormat::Json => {
            let items: Vec<Value> = found
                .iter()
                .map(|(application, numbers)| json!({"application": application, "numbers": numbers}))
                .collect();
            let since = period.until - period.length;
            output::json(&json!({"since": since, "until": period.until, "applications": items}))?;
        }
        AuditFormat::Md => output::text(&markdown(&found, &wanted.since.to_string()))?,
        AuditFormat::Table if found.is_empty() => output::remark("no application is in sight"),
        AuditFormat::Table => {
            let mut table = Table::new(HEADINGS);
            for (application, numbers) in &found {
                let cells = cells(application, numbers);
                table.row(std::array::from_fn::<&str, 9, _>(|at| cells[at].as_str()));
            }
            output::text(&table.to_string())?;
        }
    }
    Ok(Exit::Ok)
}

/// Every application with its numbers, over all clusters.
fn applications(seen: &[Seen], period: Period) -> BTreeMap<String, Delivery> {
    type Lane<'a> = (&'a str, EnvironmentKey);
    let mut all: BTreeMap<&str, Vec<(Lane<'_>, &Release)>> = BTreeMap::new();
    let mut tiers: BTreeMap<Lane<'_>, Tier> = BTreeMap::new();
    for seen in seen {
        for environment in &seen.environments {
            let lane = (seen.context.as_str(), environment.key());
            let releases = all.entry(environment.spec.application.as_str()).or_default();
            let own = seen.releases.iter().filter(|release| release.environment_key() == lane.1);
            releases.extend(own.map(|release| (lane.clone(), release)));
            tiers.insert(lane, environment.spec.tier);
        }
    }
    let is_production = |lane: &Lane<'_>| tiers.get(lane) == Some(&Tier::Production);
    let numbers = |releases: &[(Lane<'_>, &Release)]| delivery(releases, is_production, period);
    all.iter().map(|(application, releases)| ((*application).to_owned(), numbers(releases))).collect()
}

fn cells(application: &str, numbers: &Delivery) -> [String; 9] {
    let span = |seconds: Option<i64>| {
        seconds.map_or_else(|| "-".to_owned(), |seconds| Age::of(TimeDelta::seconds(seconds)).to_string())
    };
    let share =
        |part: Option<f64>| part.map_or_else(|| "-".to_owned(), |part| format!("{:.0}%", part * 100.0));
    [
        application.to_owned(),
        numbers.deployments.to_string(),
        format!("{:.2}", numbers.per_day),
        span(numbers.lead_seconds),
        span(numbers.duration_seconds),
        share(numbers.failure_rate),
        share(numbers.rollback_rate),
        span(numbers.restore_seconds),
        numbers.unrestored.to_string(),
    ]
}

fn markdown(found: &BTreeMap<String, Delivery>, since: &str) -> String {
    let mut text = format!("Delivery to production, the last {since}\n\n| {} |\n", HEADINGS.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(HEADINGS.len()));
    for (application, numbers) in found {
        let cells = cells(application, numbers).map(|cell| super::audit::escaped(&cell));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_line_for_each_application() {
        let numbers = Delivery {
            deployments: 4,
            succeeded: 3,
            failed: 1,
            rollbacks: 1,
            per_day: 0.1,
            lead_seconds: Some(3_700),
            duration_seconds: Some(600),
            failure_rate: Some(0.25),
            rollback_rate: Some(0.25),
            restore_seconds: None,
            unrestored: 0,
        };
        let text = markdown(&BTreeMap::from([("a|b".to_owned(), numbers)]), "30d");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Delivery to production, the last 30d");
        assert_eq!(lines[3], "| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        assert_eq!(lines[4], "| a\\|b | 4 | 0.10 | 61m | 10m | 25% | 25% | - | 0 |");
    }
}
