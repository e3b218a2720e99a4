//! `doctor`: what keeps the cockpit from working here, check by check, each with its evidence and what to do.
//!
//! A check is one function and one line in `CHECKS`. Clusters are looked at side by side, the checks of one a few at a time, and each
//! has an end of its own: a cluster that does not answer delays nothing else, and what depends on it is skipped, never passed.

mod examined_context;
mod impersonation;
mod local;
mod metrics;
mod objects;
mod rights;
mod server;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all, ready};
use futures::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::json;

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Doctor, Format, Global};
use super::output;
use super::table::Table;
use crate::config::Settings;
use examined_context::ExaminedContext;

/// Checks of one cluster that run at the same time.
const AT_ONCE: usize = 6;
/// Until when a check has to have ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a check has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// It is as it should be.
    Ok,
    /// It was not looked at, since something else is missing.
    Skipped,
    /// It works, and could be better, or nobody can tell.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// One line of the answer.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    /// What was looked at: an environment, a file; empty for the whole.
    subject: String,
    verdict: Verdict,
    /// What was seen.
    evidence: String,
    /// What helps; empty where nothing is wrong.
    remedy: String,
}

impl Finding {
    fn new(subject: impl Into<String>, verdict: Verdict, evidence: impl Into<String>, remedy: &str) -> Self {
        Self { subject: subject.into(), verdict, evidence: evidence.into(), remedy: remedy.to_owned() }
    }

    fn ok(subject: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Ok, evidence, "")
    }

    fn fail(subject: impl Into<String>, evidence: impl Into<String>, remedy: &str) -> Self {
        Self::new(subject, Verdict::Fail, evidence, remedy)
    }

    fn warn(subject: impl Into<String>, evidence: impl Into<String>, remedy: &str) -> Self {
        Self::new(subject, Verdict::Warn, evidence, remedy)
    }

    fn skipped(evidence: impl Into<String>) -> Self {
        Self::new("", Verdict::Skipped, evidence, "")
    }
}

/// One check of a cluster.
struct Check {
    /// Its name, in kebab-case.
    id: &'static str,
    run: for<'a> fn(&'a ExaminedContext) -> BoxFuture<'a, Vec<Finding>>,
    /// Whether it asks the server: skipped where that does not answer.
    needs_server: bool,
}

/// Every check of a cluster, in the order of the answer.
const CHECKS: &[Check] = &[
    Check {
        id: "kubeconfig",
        run: |examined| ready(server::kubeconfig(examined)).boxed(),
        needs_server: false,
    },
    Check { id: "server", run: |examined| server::reachable(examined).boxed(), needs_server: false },
    Check { id: "definitions", run: |examined| server::definitions(examined).boxed(), needs_server: true },
    Check { id: "permissions", run: |examined| rights::permissions(examined).boxed(), needs_server: true },
    Check { id: "policies", run: |examined| rights::policies(examined).boxed(), needs_server: true },
    Check { id: "controller", run: |examined| rights::controller(examined).boxed(), needs_server: true },
    Check { id: "impersonation", run: |examined| impersonation::look(examined).boxed(), needs_server: true },
    Check { id: "environments", run: |examined| rights::environments(examined).boxed(), needs_server: true },
    Check { id: "prometheus", run: |examined| metrics::prometheus(examined).boxed(), needs_server: true },
    Check { id: "alertmanager", run: |examined| metrics::alertmanager(examined).boxed(), needs_server: true },
    Check { id: "queries", run: |examined| metrics::queries(examined).boxed(), needs_server: true },
    Check { id: "objects", run: |examined| objects::understood(examined).boxed(), needs_server: true },
    Check { id: "promotions", run: |examined| objects::promotions(examined).boxed(), needs_server: true },
    Check { id: "secrets", run: |examined| objects::secrets(examined).boxed(), needs_server: true },
    Check { id: "routers", run: |examined| objects::routers(examined).boxed(), needs_server: true },
    Check { id: "names", run: |examined| objects::names(examined).boxed(), needs_server: true },
    Check { id: "images", run: |examined| objects::images(examined).boxed(), needs_server: true },
];

/// What one check has found in one place.
#[derive(Serialize)]
struct Report {
    check: &'static str,
    /// The context; empty for what concerns this terminal.
    cluster: String,
    #[serde(flatten)]
    finding: Finding,
}

/// `doctor`.
pub(super) async fn doctor(global: &Global, wanted: &Doctor) -> Result<Exit, CliError> {
    let (settings, finding) = local::settings(global);
    let mut reports = vec![reported("settings", "", finding)];
    reports.extend(local::terminal(&settings).into_iter().map(|finding| reported("terminal", "", finding)));
    let patients: Vec<Arc<ExaminedContext>> =
        examined_context::all(&settings).await.into_iter().map(Arc::new).collect();
    let examined = join_all(patients.iter().map(|examined| examine(examined)));
    reports.extend(examined.await.into_iter().flatten());
    let worst = reports.iter().map(|report| report.finding.verdict).max().unwrap_or(Verdict::Ok);
    match wanted.output {
        Format::Json => output::json(&json!({"verdict": worst, "checks": reports}))?,
        Format::Table => output::text(&told(&reports))?,
    }
    Ok(if worst == Verdict::Fail { Exit::Error } else { Exit::Ok })
}

fn reported(check: &'static str, cluster: &str, finding: Finding) -> Report {
    Report { check, cluster: cluster.to_owned(), finding }
}

/// Every check of one cluster, a few at a time, told in the registry's order.
async fn examine(examined: &ExaminedContext) -> Vec<Report> {
    let checks = CHECKS.iter().map(|check| async move {
        let findings = within(PATIENCE, check, examined).await;
        let worst = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
        output::progress(&format!("{} {}: {}", examined.context, check.id, worst.word()));
        findings
            .into_iter()
            .map(move |finding| reported(check.id, &examined.context, finding))
            .collect::<Vec<_>>()
    });
    let reports: Vec<Vec<Report>> = futures::stream::iter(checks).buffered(AT_ONCE).collect().await;
    reports.into_iter().flatten().collect()
}

async fn within(patience: Duration, check: &Check, examined: &ExaminedContext) -> Vec<Finding> {
    let run = async {
        match examined.server().await {
            Err(_) if check.needs_server => vec![Finding::skipped("the API server does not answer")],
            _ => (check.run)(examined).await,
        }
    };
    let late = |_| {
        let evidence = format!("no verdict within {} s", patience.as_secs());
        vec![Finding::warn("", evidence, "look at what it asks: it is slow or silent")]
    };
    tokio::time::timeout(patience, run).await.unwrap_or_else(late)
}

/// A table of everything, then what to do about whatever is not as it should be.
fn told(reports: &[Report]) -> String {
    let mut table = Table::new(["VERDICT", "CHECK", "CLUSTER", "WHERE", "EVIDENCE"]);
    for Report { check, cluster, finding } in reports {
        table.row([finding.verdict.word(), check, cluster, &finding.subject, &finding.evidence]);
    }
    let mut text = table.to_string();
    let mut remedies = Vec::new();
    for Report { check, finding, .. } in reports.iter().filter(|report| !report.finding.remedy.is_empty()) {
        let line = format!("{check}: {}", crate::sanitize::line(&finding.remedy));
        if !remedies.contains(&line) {
            remedies.push(line);
        }
    }
    if !remedies.is_empty() {
        text.push_str("\nWhat to do:\n");
    }
    for remedy in remedies {
        let _ = writeln!(text, "  {remedy}");
    }
    let count = |verdict| reports.iter().filter(|report| report.finding.verdict == verdict).count();
    let _ = writeln!(
        text,
        "\n{} ok, {} to be looked at, {} failed, {} skipped",
        count(Verdict::Ok),
        count(Verdict::Warn),
        count(Verdict::Fail),
        count(Verdict::Skipped)
    );
    text
}

/// The settings, as every check sees them.
/// The Alertmanager of the settings, where environments do not name theirs.
pub(super) fn alertmanager(settings: &Settings) -> crate::metrics::Address {
    crate::metrics::Address {
        url: settings.alertmanager_url.clone(),
        service: settings.alertmanager_service.clone(),
    }
}

pub(super) fn address(settings: &Settings) -> crate::metrics::Address {
    crate::metrics::Address {
        url: settings.prometheus_url.clone(),
        service: settings.prometheus_service.clone(),
    }
}
