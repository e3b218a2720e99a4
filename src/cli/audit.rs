//! `audit`: every intent with its author, time, state and outcome; and whether the records are those that were written.
//!
//! `read` brings the records, `print` shows them. What an intent and a breach are is `domain::audit`'s word.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::choose;
use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Audit, AuditFormat};
use super::output;
use super::session::{Session, in_sight};
use crate::api::{ChainHead, EnvironmentKey, Release, ReleaseAction};
use crate::config::Settings;
use crate::domain::audit::{Finding, Intent, Record, Report, intents, verify};
use crate::time::Clock;

mod print;
mod read;

pub(super) use print::escaped;

/// Everything that was read.
#[derive(Debug, Default)]
struct Shelf {
    /// Heads of the environments that exist; an export knows none.
    heads: BTreeMap<EnvironmentKey, ChainHead>,
    releases: Vec<Release>,
    actions: Vec<ReleaseAction>,
    /// Records that were found twice, and not the same.
    contradictions: Vec<(EnvironmentKey, Finding)>,
}

/// The chain of one environment, looked through.
#[derive(Debug)]
struct Chain {
    environment: EnvironmentKey,
    report: Report,
    has_head: bool,
}

/// What is asked for, with names made out.
#[derive(Debug, Default)]
struct Subject {
    environment: Option<EnvironmentKey>,
    release: Option<String>,
}

/// `audit`.
pub(super) async fn audit(settings: &Settings, wanted: &Audit) -> Result<Exit, CliError> {
    let (mut shelf, exported) = (Shelf::default(), read::exports(&wanted.from)?);
    let mut subject = Subject::default();
    if wanted.from.is_empty() || wanted.target.is_some() {
        let targets: Vec<&str> = wanted.target.as_deref().into_iter().collect();
        let session = Session::open(settings, &targets).await?;
        let (environments, seen) = read::cluster(&session).await?;
        shelf = seen;
        if let Some(given) = &wanted.target {
            subject = find(&environments, &shelf, &exported, given)?;
        }
    }
    shelf.add(exported);
    if let Some(key) = &subject.environment {
        shelf.only(key);
    }
    let chains = shelf.chains();
    if wanted.verify {
        print::chains(&chains, wanted.output)?;
        let is_whole = chains.iter().all(|chain| chain.report.is_whole());
        return Ok(if is_whole { Exit::Ok } else { Exit::Tampered });
    }
    let attempts = read::server_logs(&wanted.server_log)?;
    let attempts = attempts.into_iter().filter(|attempt| {
        concerns(attempt, &subject) && in_sight(&settings.namespaces, Some(&attempt.namespace))
    });
    let mut all = shelf.intents(subject.release.as_deref());
    all.extend(attempts);
    let now = Clock::system().now();
    all.retain(|intent| is_asked_for(intent, wanted, now));
    all.sort_by(|a, b| (a.at, a.kind, &a.name).cmp(&(b.at, b.kind, &b.name)));
    for chain in chains.iter().filter(|chain| !chain.report.is_whole()) {
        output::remark(&format!(
            "the chain of records of {} is broken: see audit --verify",
            chain.environment
        ));
    }
    match wanted.output {
        AuditFormat::Json => print::json(&all, &chains)?,
        AuditFormat::Md => print::markdown(&all, &chains)?,
        AuditFormat::Table => print::table(&all, subject.release.is_some())?,
    }
    Ok(Exit::Ok)
}

/// An environment, or else a release; also one that is left in an export only.
fn find(
    environments: &[crate::api::Environment],
    shelf: &Shelf,
    exported: &Shelf,
    given: &str,
) -> Result<Subject, CliError> {
    let missing = match choose::environment(environments, given) {
        Ok(environment) => return Ok(Subject { environment: Some(environment.key()), release: None }),
        Err(error) if error.exit() == Exit::Usage => return Err(error),
        Err(error) => error,
    };
    if let Some(gone) = exported.keys().into_iter().find(|key| key.to_string() == given) {
        return Ok(Subject { environment: Some(gone), release: None });
    }
    let releases: Vec<Release> = shelf.releases.iter().chain(&exported.releases).cloned().collect();
    if releases.is_empty() {
        return Err(missing);
    }
    let any = (|_: &Release| true, "is there");
    let release = choose::release(environments, &releases, given, any)?;
    let name = release.metadata.name.clone();
    Ok(Subject { environment: Some(release.environment_key()), release: name })
}

/// An attempt whose environment nobody knows may have been on any of its namespace.
fn concerns(attempt: &Intent, subject: &Subject) -> bool {
    let in_place = subject.environment.as_ref().is_none_or(|key| {
        *attempt.namespace == *key.namespace
            && attempt.environment.as_deref().is_none_or(|environment| *environment == *key.name)
    });
    let on_it = subject.release.is_none() || attempt.release == subject.release;
    in_place && on_it
}

fn is_asked_for(intent: &Intent, wanted: &Audit, now: DateTime<Utc>) -> bool {
    let since = wanted.since.map(|moment| moment.instant(now));
    let until = wanted.until.map(|moment| moment.instant(now));
    let in_time = intent
        .at
        .is_none_or(|at| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until));
    let by = |actor: &String| intent.actor == *actor || intent.impersonated_by.as_ref() == Some(actor);
    in_time && wanted.actor.as_ref().is_none_or(by)
}

fn environment_of(action: &ReleaseAction) -> EnvironmentKey {
    let namespace = action.metadata.namespace.as_deref().unwrap_or_default();
    EnvironmentKey::new(namespace, action.spec.environment.as_str())
}

impl Shelf {
    fn keys(&self) -> BTreeSet<EnvironmentKey> {
        let releases = self.releases.iter().map(Release::environment_key);
        let actions = self.actions.iter().map(environment_of);
        self.heads.keys().cloned().chain(releases).chain(actions).collect()
    }

    fn only(&mut self, key: &EnvironmentKey) {
        self.heads.retain(|other, _| other == key);
        self.releases.retain(|release| release.environment_key() == *key);
        self.actions.retain(|action| environment_of(action) == *key);
        self.contradictions.retain(|(other, _)| other == key);
    }

    /// Adds records that are not there yet. One that is there and differs in what is sealed is a finding.
    fn add(&mut self, other: Self) {
        let mut known: BTreeMap<String, Record> = self
            .releases
            .iter()
            .map(Record::of_release)
            .chain(self.actions.iter().map(Record::of_action))
            .map(|record| (record.uid.clone(), record))
            .collect();
        for release in other.releases {
            let record = Record::of_release(&release);
            if self.is_new(&mut known, record, release.environment_key()) {
                self.releases.push(release);
            }
        }
        for action in other.actions {
            let record = Record::of_action(&action);
            if self.is_new(&mut known, record, environment_of(&action)) {
                self.actions.push(action);
            }
        }
        self.contradictions.extend(other.contradictions);
    }

    fn is_new(&mut self, known: &mut BTreeMap<String, Record>, record: Record, key: EnvironmentKey) -> bool {
        match known.get(&record.uid) {
            None => {
                known.insert(record.uid.clone(), record);
                true
            }
            Some(same) if same.canonical() == record.canonical() && same.seal == record.seal => false,
            Some(_) => {
                let sentence = format!("{record} was found twice, with different contents");
                self.contradictions.push((key, Finding { record: Some(record.key()), sentence }));
                false
            }
        }
    }

    fn intents(&self, release: Option<&str>) -> Vec<Intent> {
        let is_it = |name: Option<&str>| release.is_none() || name == release;
        let releases: Vec<&Release> =
            self.releases.iter().filter(|release| is_it(release.metadata.name.as_deref())).collect();
        let actions: Vec<&ReleaseAction> = self
            .actions
            .iter()
            .filter(|action| is_it(action.spec.release.as_ref().map(|release| release.name.as_str())))
            .collect();
        intents(&releases, &actions)
    }

    fn chains(&self) -> Vec<Chain> {
        let chain = |environment: EnvironmentKey| {
            let releases = self.releases.iter().filter(|release| release.environment_key() == environment);
            let actions = self.actions.iter().filter(|action| environment_of(action) == environment);
            let records: Vec<Record> =
                releases.map(Record::of_release).chain(actions.map(Record::of_action)).collect();
            let head = self.heads.get(&environment);
            let mut report = verify(head, &records);
            let contradictions = self.contradictions.iter().filter(|(key, _)| *key == environment);
            report.findings.extend(contradictions.map(|(_, finding)| finding.clone()));
            Chain { environment, report, has_head: head.is_some() }
        };
        self.keys().into_iter().map(chain).collect()
    }
}
