//! `status` and `queue`: what is there.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::follow::line;
use super::grammar::{Format, Queue, Status};
use super::promise::{self, Promise};
use super::session::{connect, in_sight, where_else};
use super::table::Table;
use super::{causes, choose, output, progress};
use crate::api::{Environment, Release};
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::{ClusterId, ReleaseId};
use crate::app::state::store::Store;
use crate::app::update_all;
use crate::cluster::Cluster;
use crate::config::Settings;
use crate::domain::age::Age;
use crate::domain::outcome;
use crate::sanitize;
use crate::time::Clock;

/// What one cluster holds.
pub(super) struct Seen {
    pub(super) cluster: Cluster,
    pub(super) context: String,
    pub(super) environments: Vec<Environment>,
    pub(super) releases: Vec<Release>,
    /// What the environment that was named promises.
    promise: Option<Promise>,
}

/// `status`.
pub(super) async fn status(settings: &Settings, wanted: &Status) -> Result<Exit, CliError> {
    let mut seen = look(settings).await?;
    if let Some(given) = &wanted.environment {
        let all: Vec<Environment> = seen.iter().flat_map(|seen| seen.environments.clone()).collect();
        let key = choose::environment(&all, given)?.key();
        for seen in &mut seen {
            seen.environments.retain(|environment| environment.key() == key);
            if let [environment] = seen.environments.as_slice() {
                seen.promise = promise::ask(settings, &seen.cluster, environment).await;
            }
        }
    }
    if wanted.output == Format::Json {
        let items: Vec<Value> = seen.iter().flat_map(environments_as_json).collect();
        return output::json(&json!({"environments": items})).map(|()| Exit::Ok);
    }
    let mut table = Table::new(["CLUSTER", "ENVIRONMENT", "TIER", "VERSION", "SINCE", "RELEASE", "FROZEN"]);
    let now = Clock::system().now();
    for seen in &seen {
        for environment in &seen.environments {
            let status = environment.status.clone().unwrap_or_default();
            let since = status.current.iter().filter_map(|current| current.since).max();
            table.row([
                &seen.context,
                &environment.key().to_string(),
                environment.spec.tier.as_str(),
                &versions(environment),
                &since.map_or_else(String::new, |since| Age::between(since, now).to_string()),
                &active(environment, &seen.releases)
                    .or_else(|| failed(environment, &seen.releases))
                    .map_or_else(String::new, line),
                &status
                    .frozen
                    .map_or_else(String::new, |frozen| format!("by {}: {}", frozen.by, frozen.reason)),
            ]);
        }
    }
    if table.is_empty() {
        output::remark("no environments found: create one (release-cockpit help install)");
        return Ok(Exit::Ok);
    }
    let mut text = table.to_string();
    if wanted.environment.is_some() {
        for seen in &seen {
            text.push_str(&details(seen, now).await);
        }
    }
    output::text(&text)?;
    Ok(Exit::Ok)
}

/// `queue`.
pub(super) async fn queue(settings: &Settings, wanted: &Queue) -> Result<Exit, CliError> {
    let mut releases: Vec<(String, Release)> = look(settings)
        .await?
        .into_iter()
        .flat_map(|seen| seen.releases.into_iter().map(move |release| (seen.context.clone(), release)))
        .filter(|(_, release)| wanted.all || !release.phase().is_final())
        .collect();
    releases.sort_by_key(|(_, release)| order(release));
    if wanted.output == Format::Json {
        let items: Vec<Value> = releases
            .iter()
            .map(|(context, release)| json!({"cluster": context, "release": release}))
            .collect();
        return output::json(&json!({"releases": items})).map(|()| Exit::Ok);
    }
    let mut table = Table::new(["CLUSTER", "RELEASE", "VERSION", "KIND", "BY", "AGE", "PHASE"]);
    let now = Clock::system().now();
    for (context, release) in &releases {
        table.row([
            context,
            &release.key().to_string(),
            &release.spec.version,
            &format!("{:?}", release.spec.kind),
            &release.spec.requested_by,
            &release.created_at().map_or_else(String::new, |at| Age::between(at, now).to_string()),
            &line(release),
        ]);
    }
    if table.is_empty() {
        output::remark(if wanted.all {
            "there are no releases in sight"
        } else {
            "no release is under way or waits"
        });
    } else {
        output::text(&table.to_string())?;
    }
    Ok(Exit::Ok)
}

/// How far the releases of these environments are, step by step.
async fn details(seen: &Seen, now: DateTime<Utc>) -> String {
    let mut text = String::new();
    for environment in &seen.environments {
        let Some(release) =
            active(environment, &seen.releases).or_else(|| failed(environment, &seen.releases))
        else {
            continue;
        };
        let _ = writeln!(text, "\nrelease {}: {}", release.key(), sanitize::line(&line(release)));
        if let Some(cause) = cause(seen, environment, release, now).await {
            let _ = writeln!(text, "  CAUSE    {}", sanitize::line(&cause));
        }
        text.push_str(&progress::told(release, Some(environment), now));
    }
    if let Some(promise) = &seen.promise {
        text.push_str(&promise.told());
    }
    text
}

/// What keeps a release that is under way from getting on, and what helps.
async fn cause(
    seen: &Seen,
    environment: &Environment,
    release: &Release,
    now: DateTime<Utc>,
) -> Option<String> {
    if !release.phase().holds_lane() {
        return None;
    }
    let id = ClusterId(0);
    let mut store = Store::new([seen.context.as_str().into()], "cli");
    let environments = Delta::Applied(environment.key(), Arc::new(environment.clone()));
    let releases = Delta::Applied(release.key(), Arc::new(release.clone()));
    let known = [ClusterEvent::Environments(environments), ClusterEvent::Releases(releases)];
    let events = known.into_iter().map(|event| Event::Cluster(id, event));
    // what it would like to fetch is asked for below
    let _ = update_all(&mut store, std::iter::once(Event::Tick(now)).chain(events));
    causes::look_into(&mut store, (id, &seen.cluster), &environment.key()).await;
    let case = store.rows.causes.get(&ReleaseId::new(id, release.key()))?;
    Some(format!("{}; {}", case.sentence(case.subject.name()), case.diagnosis.remedy))
}

/// Everything in sight, cluster by cluster.
pub(super) async fn look(settings: &Settings) -> Result<Vec<Seen>, CliError> {
    let contexts: Vec<Option<&String>> = match settings.contexts.as_slice() {
        [] => vec![None],
        several => several.iter().map(Some).collect(),
    };
    let looks = contexts.into_iter().map(|context| async move {
        let cluster = connect(settings, context).await?;
        let (environments, releases) =
            tokio::try_join!(cluster.environments(), cluster.releases()).map_err(where_else)?;
        output::not_understood(&environments);
        output::not_understood(&releases);
        let visible = |namespace: &Option<String>| in_sight(&settings.namespaces, namespace.as_deref());
        Ok::<_, CliError>(Seen {
            context: cluster.context().to_owned(),
            promise: None,
            environments: environments.into_iter().filter(|e| visible(&e.metadata.namespace)).collect(),
            releases: releases.into_iter().filter(|r| visible(&r.metadata.namespace)).collect(),
            cluster,
        })
    });
    futures::future::try_join_all(looks).await
}

/// Under way first, then what waits, oldest first; then what has ended, newest first.
fn order(release: &Release) -> (u8, i64, String) {
    let created = release.created_at().map_or(0, |at| at.timestamp());
    let name = release.key().to_string();
    match release.phase() {
        phase if phase.holds_lane() => (0, created, name),
        phase if !phase.is_final() => (1, created, name),
        _ => (2, -created, name),
    }
}

fn versions(environment: &Environment) -> String {
    let current = environment.status.as_ref().map(|status| status.current.as_slice()).unwrap_or_default();
    let mut versions: Vec<&str> = current.iter().map(|current| current.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    versions.join(", ")
}

/// The last release, if it failed.
fn failed<'a>(environment: &Environment, releases: &'a [Release]) -> Option<&'a Release> {
    let key = environment.key();
    outcome::failed(releases.iter().filter(|release| release.environment_key() == key))
}

/// The release that holds the lane, else the oldest that waits.
fn active<'a>(environment: &Environment, releases: &'a [Release]) -> Option<&'a Release> {
    let key = environment.key();
    releases
        .iter()
        .filter(|release| release.environment_key() == key && !release.phase().is_final())
        .min_by_key(|release| order(release))
}

fn environments_as_json(seen: &Seen) -> Vec<Value> {
    seen.environments
        .iter()
        .map(|environment| {
            json!({
                "cluster": seen.context,
                "environment": environment,
                "activeRelease": active(environment, &seen.releases),
                "failedRelease": failed(environment, &seen.releases),
                "promise": seen.promise.as_ref().map(Promise::as_json),
            })
        })
        .collect()
}
