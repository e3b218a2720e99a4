//! `history` and `rollback --list`: what ran, and what going back means. Changes nothing.

use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Format, History, Rollback};
use super::output;
use super::release::way_back;
use super::session::Session;
use super::table::Table;
use crate::api::environment::Component;
use crate::config::Settings;
use crate::domain::age::Age;
use crate::domain::known_version::{KnownVersion, digest, known_versions, tag};
use crate::domain::template_diff::{self, Row};
use crate::domain::version_outcome;
use crate::time::Clock;
use crate::workload::Revision;

/// `history`.
pub(super) async fn history(settings: &Settings, wanted: &History) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let namespace = environment.metadata.namespace.clone().unwrap_or_default();
    let is_wanted = |component: &&Component| {
        wanted.component.as_ref().is_none_or(|name| *name == component.name.as_str())
    };
    let mut found = Vec::new();
    for component in environment.spec.components.iter().filter(is_wanted) {
        found.push((component, session.cluster.revisions(&namespace, component).await?));
    }
    if found.is_empty() {
        let sentence = format!("{} has no such component", environment.key());
        return Err(CliError::new(Exit::Usage, sentence));
    }
    match wanted.diff {
        Some(number) => differences(wanted, &found, number),
        None => revisions(wanted, &found),
    }
}

fn revisions(wanted: &History, found: &[(&Component, Vec<Revision>)]) -> Result<Exit, CliError> {
    if wanted.output == Format::Json {
        let items: Vec<Value> = found
            .iter()
            .flat_map(|(component, revisions)| revisions.iter().map(|revision| as_json(component, revision)))
            .collect();
        return output::json(&json!({"revisions": items})).map(|()| Exit::Ok);
    }
    let mut table = Table::new(["COMPONENT", "REVISION", "VERSION", "DIGEST", "AGE", "", "CAUSE"]);
    let now = Clock::system().now();
    for (component, revisions) in found {
        for revision in revisions {
            let image = revision.image.as_deref().unwrap_or_default();
            table.row([
                component.name.as_str(),
                &revision.number.to_string(),
                tag(image),
                digest(image).and_then(|digest| digest.get(..19)).unwrap_or_default(),
                &revision.created.map_or_else(String::new, |at| Age::between(at, now).to_string()),
                if revision.is_current { "wanted now" } else { "" },
                revision.change_cause.as_deref().unwrap_or_default(),
            ]);
        }
    }
    output::text(&table.to_string())?;
    Ok(Exit::Ok)
}

fn as_json(component: &Component, revision: &Revision) -> Value {
    json!({
        "component": component.name, "revision": revision.number, "image": revision.image,
        "digest": revision.image.as_deref().and_then(digest), "created": revision.created,
        "current": revision.is_current, "changeCause": revision.change_cause,
    })
}

fn differences(
    wanted: &History,
    found: &[(&Component, Vec<Revision>)],
    number: i64,
) -> Result<Exit, CliError> {
    let mut differences: Vec<(&Component, Vec<Row>)> = Vec::new();
    for (component, revisions) in found {
        let current = revisions.iter().find(|revision| revision.is_current);
        let then = revisions.iter().find(|revision| revision.number == number);
        let templates =
            current.and_then(|it| it.template.as_ref()).zip(then.and_then(|it| it.template.as_ref()));
        if let Some((current, then)) = templates {
            differences.push((component, template_diff::diff(current, then)));
        }
    }
    if differences.is_empty() {
        return Err(CliError::new(Exit::Error, format!("revision {number} is not kept")));
    }
    if wanted.output == Format::Json {
        let items: Vec<Value> = differences
            .iter()
            .map(
                |(component, rows)| json!({"component": component.name, "revision": number, "changes": rows}),
            )
            .collect();
        return output::json(&json!({"differences": items})).map(|()| Exit::Ok);
    }
    let mut table = Table::new(["COMPONENT", "WHAT", "NOW", "IN THAT REVISION"]);
    for (component, rows) in &differences {
        for row in rows {
            let part = |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
            table.row([component.name.as_str(), &row.what, &part(&row.from), &part(&row.to)]);
        }
    }
    if table.is_empty() {
        output::remark(&format!("the pod templates of revision {number} are what is wanted now"));
    } else {
        output::text(&table.to_string())?;
    }
    Ok(Exit::Ok)
}

/// `rollback --list`.
pub(super) async fn versions(settings: &Settings, wanted: &Rollback) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let releases = session.releases().await?;
    let now = Clock::system().now();
    let known = known_versions(&environment, &releases.iter().collect::<Vec<_>>(), now);
    let chosen = way_back(&environment, &known, wanted.to.as_deref());
    let back = match &chosen {
        Ok(version) => Some(session.cluster.way_back(&environment, &releases, version).await),
        // nothing to go back to is an answer, but not to somebody who names a version
        Err(_) if wanted.to.is_none() => None,
        Err(_) => return chosen.map(|_| Exit::Ok),
    };
    if wanted.how.output == Format::Json {
        let items: Vec<Value> = known.iter().map(version_as_json).collect();
        return output::json(&json!({"versions": items, "wayBack": back})).map(|()| Exit::Ok);
    }
    let good = chosen.ok();
    let mut table = Table::new(["VERSION", "HOW IT FARED", "RAN", "AGE", "BY", "RELEASE", ""]);
    for version in &known {
        let mark = if good == Some(version) { "would be gone back to" } else { "" };
        table.row([
            version.version.as_str(),
            &version_outcome::sentence(version),
            &version.soaked.map_or_else(String::new, |soaked| Age::of(soaked).to_string()),
            &version.at.map_or_else(String::new, |at| Age::between(at, now).to_string()),
            version.requested_by.as_deref().unwrap_or_default(),
            version.release.as_deref().unwrap_or_default(),
            mark,
        ]);
    }
    let text =
        back.map_or_else(String::new, |back| format!("\nGoing back to {}:\n\n{}", back.version, back.text()));
    if table.is_empty() {
        output::remark("no release has changed this environment yet: there is no version to go back to");
    } else {
        output::text(&format!("{table}{}", crate::sanitize::block(&text)))?;
    }
    Ok(Exit::Ok)
}

fn version_as_json(version: &KnownVersion) -> Value {
    json!({
        "version": version.version, "images": version.images, "release": version.release,
        "requestedBy": version.requested_by, "at": version.at, "fared": version_outcome::word(version), "by": version.ending.as_ref().and_then(|ending| ending.by.as_deref()),
        "soakedSeconds": version.soaked.map(|soaked| soaked.num_seconds()), "current": version.current,
        "denied": version.denied, "isWayBack": version.is_way_back(),
    })
}
