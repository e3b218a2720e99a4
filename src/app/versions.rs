//! Versions that were seen somewhere, for completion and promotion.

use crate::api::{Environment, Release};
use crate::app::state::form::Suggestion;
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::store::Store;
use crate::domain::intent::{self, IntentError, Source};
use crate::domain::known_version::tag;

/// How many suggestions are shown at most.
const SHOWN: usize = 8;

/// The environment that versions are promoted from: in the same cluster, else in whichever cluster of the session has it.
pub(super) fn source(store: &Store, environment: &Environment, cluster: ClusterId) -> Option<EnvironmentId> {
    let from = &environment.spec.promotion.as_ref()?.from;
    let key = crate::api::EnvironmentKey::new(from.namespace.as_str(), from.name.as_str());
    let elsewhere = store.clusters().find(|(_, other)| other.environments.contains_key(&key));
    let here = store.cluster(cluster).is_some_and(|state| state.environments.contains_key(&key));
    let cluster = elsewhere.map(|(id, _)| id).filter(|_| !here).unwrap_or(cluster);
    Some(EnvironmentId::new(cluster, key))
}

/// What can be promoted out of that environment.
pub(super) fn promotable(store: &Store, id: &EnvironmentId) -> Result<Source, IntentError> {
    let found = store.cluster(id.cluster).zip(store.environment(id));
    let Some((cluster, environment)) = found else {
        return Err(IntentError::NothingToPromote(id.key.to_string()));
    };
    let releases: Vec<&Release> = cluster.releases.values().map(|release| &**release).collect();
    intent::source_of(environment, &releases)
}

/// Versions seen in any environment of the same application: what runs elsewhere first, then what was released, newest first.
/// Those that begin with what is typed come before those that only contain it.
pub(super) fn suggestions(store: &Store, id: &EnvironmentId, typed: &str) -> Vec<Suggestion> {
    let Some(application) = store.environment(id).map(|environment| &environment.spec.application) else {
        return Vec::new();
    };
    let mut seen: Vec<Suggestion> = Vec::new();
    let mut add = |version: &str, told: String| {
        let known = seen.iter().any(|suggestion| suggestion.version == version);
        if !known && !version.is_empty() && version.contains(typed) && version != typed {
            seen.push(Suggestion { version: version.to_owned(), seen: told });
        }
    };
    let rows = store.rows.environments.iter().filter(|row| *row.application == **application);
    let (here, elsewhere): (Vec<_>, Vec<_>) = rows.partition(|row| row.id == *id);
    for row in elsewhere.iter().chain(&here) {
        for version in &row.versions {
            add(version, format!("runs in {}", row.name));
        }
    }
    let mut releases: Vec<&Release> = store
        .clusters()
        .flat_map(|(_, cluster)| cluster.releases.values().map(move |release| (cluster, release)))
        .filter(|(cluster, release)| {
            let environment = cluster.environments.get(&release.environment_key());
            environment.is_some_and(|environment| environment.spec.application == *application)
        })
        .map(|(_, release)| &**release)
        .collect();
    releases.sort_by_key(|release| std::cmp::Reverse(release.created_at()));
    for release in &releases {
        add(&release.spec.version, format!("released to {}", release.spec.environment));
    }
    for release in releases {
        let before = release.status.as_ref().map(|status| status.before.as_slice()).unwrap_or_default();
        for record in before {
            add(tag(&record.image), format!("ran in {}", release.spec.environment));
        }
    }
    seen.sort_by_key(|suggestion| !suggestion.version.starts_with(typed));
    seen.truncate(SHOWN);
    seen
}
