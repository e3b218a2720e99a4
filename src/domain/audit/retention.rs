//! What may go when an environment keeps its records for a limited time: oldest first, in the order of the chain, and never anything that is
//! still needed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Record, verify};
use crate::api::{ActionKind, Environment, Phase, Release, ReleaseAction};
use crate::domain::{freeze, version};

/// The newest releases that are kept whatever their age.
pub const KEPT_RELEASES: usize = 20;
/// The newest releases that succeeded, which are kept as well: they are the ways back.
pub const KEPT_SUCCESSES: usize = 3;
/// Records that are removed at once at most.
const MOST: usize = 100;

/// What retention has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Nothing is old enough, or everything old is needed.
    Nothing,
    /// The chain is broken: nothing may be removed before a person has looked.
    Stopped(String),
    /// Remove these.
    Records {
        /// Uids, in the order of removal.
        uids: Vec<String>,
        /// Place of the last of them.
        removed: i64,
        /// Its hash.
        removed_hash: String,
    },
}

/// What may be removed at this instant: the beginning of the chain, as far as every record of it has ended longer ago than
/// `spec.retention` and is not needed.
#[must_use]
pub fn plan_removal(
    environment: &Environment,
    releases: &[&Release],
    actions: &[&ReleaseAction],
    now: DateTime<Utc>,
) -> Removal {
    let Some(retention) = environment.spec.retention else { return Removal::Nothing };
    let Some(before) = now.checked_sub_signed(retention.to_delta()) else { return Removal::Nothing };
    let needed = needed(environment, releases, actions, before);
    let records: Vec<Record> = releases
        .iter()
        .map(|release| Record::of_release(release))
        .chain(actions.iter().map(|action| Record::of_action(action)))
        .collect();
    let mut places: Vec<&Record> = records.iter().filter(|record| record.seal.is_some()).collect();
    places.sort_by_key(|record| record.seal.as_ref().map(|seal| seal.sequence));
    let gone: Vec<&Record> =
        places.into_iter().take_while(|record| !needed.contains(&record.uid)).take(MOST).collect();
    let Some(seal) = gone.last().and_then(|record| record.seal.as_ref()) else { return Removal::Nothing };
    let head = environment.status.as_ref().and_then(|status| status.chain.clone()).unwrap_or_default();
    // whoever broke the chain must not have the evidence removed for them
    let report = verify(Some(&head), &records);
    if let Some(finding) = report.findings.first() {
        return Removal::Stopped(finding.sentence.clone());
    }
    Removal::Records {
        uids: gone.iter().map(|record| record.uid.clone()).collect(),
        removed: seal.sequence,
        removed_hash: seal.hash.clone(),
    }
}

/// Uids of everything that must stay.
fn needed(
    environment: &Environment,
    releases: &[&Release],
    actions: &[&ReleaseAction],
    before: DateTime<Utc>,
) -> BTreeSet<String> {
    let status = environment.status.as_ref();
    let named: BTreeSet<&str> = status
        .into_iter()
        .flat_map(|status| {
            status.debts.iter().map(|debt| debt.id.as_str()).chain(status.active_release.as_deref())
        })
        .collect();
    // older versions name a record, later ones its uid
    let is_named = |kind: &str, name: &str, uid: Option<&String>| {
        let uid = uid.map(String::as_str).unwrap_or_default();
        named.contains(name)
            || named.iter().any(|id| id.strip_prefix(kind).is_some_and(|id| id.starts_with(uid)))
    };
    let acted = last_acts(actions);
    let mut newest: Vec<&Release> = releases.to_vec();
    newest.sort_by_key(|release| std::cmp::Reverse((release.created_at(), release.metadata.name.clone())));
    let succeeded = newest.iter().filter(|release| release.phase() == Phase::Succeeded).take(KEPT_SUCCESSES);
    let mut kept: BTreeSet<&str> =
        newest.iter().take(KEPT_RELEASES).chain(succeeded).map(|release| name(release)).collect();
    for release in &newest {
        let is_over = release.phase().is_final() && ended_at(release, &acted).is_some_and(|at| at < before);
        if !is_over
            || has_denied(environment, release)
            || is_named("release/", name(release), release.metadata.uid.as_ref())
        {
            kept.insert(name(release));
        }
    }
    // each kept release may refer to another one
    while let Some(referred) = newest
        .iter()
        .filter(|release| kept.contains(name(release)))
        .filter_map(|release| release.status.as_ref()?.superseded_by.as_deref())
        .find(|other| !kept.contains(other) && newest.iter().any(|release| name(release) == *other))
    {
        kept.insert(referred);
    }
    let kept_actions = actions.iter().filter(|action| {
        let status = action.status.clone().unwrap_or_default();
        let is_over = status.result.is_some() && status.at.is_some_and(|at| at < before);
        let of_kept =
            action.spec.release.as_ref().is_some_and(|release| kept.contains(release.name.as_str()));
        let name = action.metadata.name.as_deref().unwrap_or_default();
        !is_over
            || of_kept
            || is_in_force(environment, action)
            || is_named("action/", name, action.metadata.uid.as_ref())
    });
    let uid = |uid: &Option<String>| uid.clone().unwrap_or_default();
    newest
        .iter()
        .filter(|release| kept.contains(name(release)))
        .map(|release| uid(&release.metadata.uid))
        .chain(kept_actions.map(|action| uid(&action.metadata.uid)))
        .collect()
}

/// When each release was last acted on, by its name.
fn last_acts<'a>(actions: &[&'a ReleaseAction]) -> BTreeMap<&'a str, DateTime<Utc>> {
    let mut last = BTreeMap::new();
    for action in actions {
        let at = action.status.as_ref().and_then(|status| status.at).or(action.created_at());
        if let (Some(release), Some(at)) = (&action.spec.release, at) {
            let known = last.entry(release.name.as_str()).or_insert(at);
            *known = at.max(*known);
        }
    }
    last
}

/// When a release ended, or was last acted on.
fn ended_at(release: &Release, acted: &BTreeMap<&str, DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let ended = release.status.as_ref().and_then(|status| status.finished_at).or(release.created_at())?;
    Some(acted.get(name(release)).map_or(ended, |acted| ended.max(*acted)))
}

fn name(release: &Release) -> &str {
    release.metadata.name.as_deref().unwrap_or_default()
}

/// Whether an action set what still holds: it restores an Environment that is created again.
fn is_in_force(environment: &Environment, action: &ReleaseAction) -> bool {
    let Some(status) = &environment.status else { return false };
    let given = action.spec.parameters.as_ref();
    match action.spec.action {
        ActionKind::Freeze => freeze::listed(status)
            .iter()
            .any(|frozen| frozen.by == action.spec.actor && frozen.at == action.created_at()),
        ActionKind::Deny => {
            let digest = given.and_then(|given| given.digest.as_ref());
            status.denied.iter().any(|denied| Some(&denied.digest) == digest)
        }
        _ => false,
    }
}

/// Whether a release has denied an image that is still denied: one that it brought and that failed, or one that it rolled back from.
fn has_denied(environment: &Environment, release: &Release) -> bool {
    let denied = environment.status.iter().flat_map(|status| &status.denied);
    let denied: Vec<&str> = denied.map(|denied| denied.digest.as_str()).collect();
    let brought = release.spec.images.iter().map(|image| image.image.as_str());
    let found = release.status.iter().flat_map(|status| &status.before).map(|record| record.image.as_str());
    brought.chain(found).filter_map(version::digest_of).any(|digest| denied.contains(&digest))
}
