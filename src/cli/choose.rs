//! Which environment or release a person means by a few words.

use std::collections::BTreeSet;

use super::error::CliError;
use super::exit::Exit;
use crate::api::{ActionKind, Environment, Release};
use crate::domain::{action_already, action_rule};
use crate::sanitize;

/// Shortest random suffix: the length that `generateName` appends.
const SUFFIX: usize = 5;

/// The environment called `name`, `namespace/name` or `application/name`.
pub(super) fn environment<'a>(all: &'a [Environment], given: &str) -> Result<&'a Environment, CliError> {
    let found: Vec<&Environment> = all.iter().filter(|environment| is_called(environment, given)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] if all.is_empty() => Err(CliError::new(
            Exit::Error,
            "no environments found: create one (release-cockpit help install), or choose another --context or --namespace",
        )),
        [] => {
            let sentence =
                format!("there is no environment {}; there are {}", quote(given), names(all.iter()));
            Err(CliError::new(Exit::Error, sentence))
        }
        several => {
            let sentence = format!("{} could be any of {}", quote(given), names(several.iter().copied()));
            Err(CliError::new(Exit::Usage, sentence))
        }
    }
}

/// Whether one of these environments has a component of that name; else a sentence with the names that there are.
pub(super) fn component(environments: &[&Environment], given: &str) -> Result<(), CliError> {
    let components = environments.iter().flat_map(|environment| &environment.spec.components);
    let known: BTreeSet<&str> = components.map(|component| component.name.as_str()).collect();
    if known.contains(given) {
        return Ok(());
    }
    let known: Vec<&str> = known.into_iter().collect();
    let sentence = format!("there is no component {}; there are {}", quote(given), known.join(", "));
    Err(CliError::new(Exit::Usage, sentence))
}

/// The release called `name` or `namespace/name`, also without its random suffix; else the one release of that environment which `fits`.
pub(super) fn release<'a>(
    environments: &[Environment],
    releases: &'a [Release],
    given: &str,
    (fits, waited_for): (impl Fn(&Release) -> bool, &str),
) -> Result<&'a Release, CliError> {
    let exact = releases.iter().find(|release| {
        release.metadata.name.as_deref() == Some(given) || release.key().to_string() == given
    });
    if let Some(release) = exact {
        return Ok(release);
    }
    let candidates: Vec<&Release> = match environment(environments, given) {
        Ok(environment) => {
            let key = environment.key();
            releases.iter().filter(|release| release.environment_key() == key && fits(release)).collect()
        }
        Err(error) if error.exit() == Exit::Usage => return Err(error),
        Err(_) if into(releases, given).any(&fits) => into(releases, given).filter(|r| fits(r)).collect(),
        Err(_) => {
            let begins = |release: &&Release| {
                release.metadata.name.as_deref().is_some_and(|name| is_without_suffix(name, given))
                    || is_without_suffix(&release.key().to_string(), given)
            };
            let found: Vec<&Release> = releases.iter().filter(begins).collect();
            if found.is_empty() {
                let sentence =
                    format!("there is neither a release nor an environment called {}", quote(given));
                return Err(CliError::new(Exit::Error, sentence));
            }
            found
        }
    };
    match candidates.as_slice() {
        [one] => Ok(one),
        [] => Err(CliError::new(Exit::Error, format!("in {} no release {waited_for}", quote(given)))),
        several => {
            let names: Vec<String> = several.iter().map(|release| release.key().to_string()).collect();
            let sentence = format!("{} could be any of {}", quote(given), names.join(", "));
            Err(CliError::new(Exit::Usage, sentence))
        }
    }
}

/// The release that an action addresses: as [`release`]; of several in an environment the one that executes, while the others wait;
/// or the last one of the environment if the action is already done there.
pub(super) fn addressed<'a>(
    environments: &[Environment],
    releases: &'a [Release],
    given: &str,
    kind: ActionKind,
) -> Result<&'a Release, CliError> {
    release(environments, releases, given, fitting(kind)).or_else(|error| {
        if let Some(executing) = executing(environments, releases, given, kind) {
            return Ok(executing);
        }
        // an ambiguous name stays ambiguous
        let last = last(environments, releases, given).filter(|_| error.exit() != Exit::Usage);
        last.filter(|last| is_done(kind, last)).ok_or(error)
    })
}

/// The only release of the environment called `given` that executes and that the action fits.
fn executing<'a>(
    environments: &[Environment],
    releases: &'a [Release],
    given: &str,
    kind: ActionKind,
) -> Option<&'a Release> {
    let key = environment(environments, given).ok()?.key();
    let (fits, _) = fitting(kind);
    let mut found = releases
        .iter()
        .filter(|release| release.environment_key() == key && release.phase().holds_lane() && fits(release));
    found.next().filter(|_| found.next().is_none())
}

fn is_done(kind: ActionKind, release: &Release) -> bool {
    let status = release.status.clone().unwrap_or_default();
    action_already::done(kind, &release.spec.version, &status).is_some()
}

/// Whether `given` is `name` without its random suffix. Other prefixes do not match: `staging-v3-1-1` is not `staging-v3-1-10-b81bd5d0`.
fn is_without_suffix(name: &str, given: &str) -> bool {
    let rest = name.strip_prefix(given).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| rest.len() >= SUFFIX && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Releases into the environment `name` or `namespace/name`, even if the Environment was deleted.
fn into<'a>(releases: &'a [Release], given: &str) -> impl Iterator<Item = &'a Release> {
    releases.iter().filter(move |release| {
        release.spec.environment == given || release.environment_key().to_string() == given
    })
}

/// The release in progress in the environment `given`, else the newest one.
pub(super) fn last<'a>(
    environments: &[Environment],
    releases: &'a [Release],
    given: &str,
) -> Option<&'a Release> {
    let key = environment(environments, given).ok().map(Environment::key);
    let meant = |release: &&Release| match &key {
        Some(key) => release.environment_key() == *key,
        None => into(std::slice::from_ref(*release), given).next().is_some(),
    };
    let newest = |release: &&Release| (release.phase().holds_lane(), release.created_at(), release.key());
    releases.iter().filter(meant).max_by_key(newest)
}

/// Whether a release is where that action makes sense, and what one reads when none is.
pub(super) fn fitting(kind: ActionKind) -> (impl Fn(&Release) -> bool, &'static str) {
    let fits = move |release: &Release| {
        let status = release.status.clone().unwrap_or_default();
        !release.phase().is_final() && action_rule::fits(kind, release, &status)
    };
    let words = match kind {
        ActionKind::Approve | ActionKind::Reject => "waits for an approval",
        ActionKind::Check => "waits for its checklist",
        ActionKind::Withdraw | ActionKind::Override => "waits to start",
        ActionKind::SetWeight | ActionKind::Promote | ActionKind::PromoteFull => "is in progress",
        ActionKind::Pause => "is progressing (a paused release is paused already)",
        ActionKind::Resume => "is paused",
        ActionKind::Retry => "is held",
        _ => "is in progress or waits",
    };
    (fits, words)
}

fn is_called(environment: &Environment, given: &str) -> bool {
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    name == given
        || environment.key().to_string() == given
        || given
            .split_once('/')
            .is_some_and(|(before, after)| before == environment.spec.application && after == name)
}

fn names<'a>(environments: impl Iterator<Item = &'a Environment>) -> String {
    let keys: Vec<String> = environments.map(|environment| environment.key().to_string()).collect();
    sanitize::line(&keys.join(", ")).into_owned()
}

fn quote(given: &str) -> String {
    format!("`{}`", sanitize::line(given))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Phase;
    use crate::api::release::ReleaseStatus;
    use serde_json::json;

    fn an_environment(namespace: &str, name: &str) -> Environment {
        serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"application": "shop", "tier": "staging", "components": []}
        }))
        .unwrap()
    }

    fn a_release(namespace: &str, name: &str, phase: Phase) -> Release {
        let mut release: Release = serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"environment": "production", "version": "v1", "kind": "Deploy", "requestedBy": "a", "images": []}
        }))
        .unwrap();
        release.status = Some(ReleaseStatus { phase, ..ReleaseStatus::default() });
        release
    }

    #[test]
    fn environments_are_found_by_any_of_their_names() {
        let all = [
            an_environment("a", "production"),
            an_environment("b", "production"),
            an_environment("a", "staging"),
        ];
        for (given, expected) in [
            ("staging", Ok("a/staging")),
            ("a/production", Ok("a/production")),
            ("shop/staging", Ok("a/staging")),
            ("production", Err((Exit::Usage, "`production` could be any of a/production, b/production"))),
            (
                "x",
                Err((
                    Exit::Error,
                    "there is no environment `x`; there are a/production, b/production, a/staging",
                )),
            ),
        ] {
            let found = environment(&all, given).map(|found| found.key().to_string());
            let found = found.map_err(|error| (error.exit(), error.to_string()));
            let expected = expected.map(str::to_owned).map_err(|(exit, text)| (exit, text.to_owned()));
            assert_eq!(found, expected, "{given}");
        }
    }

    #[test]
    fn a_release_is_found_by_its_name_its_beginning_or_its_environment() {
        let environments = [an_environment("a", "production")];
        let releases = [
            a_release("a", "production-v1-aaaaa", Phase::Succeeded),
            a_release("a", "production-v2-bbbbb", Phase::Pending),
            a_release("a", "production-v2-ccccc", Phase::Paused),
        ];
        let find = |given: &str, kind| {
            release(&environments, &releases, given, fitting(kind))
                .map(|found| found.metadata.name.clone().unwrap())
                .map_err(|error| error.to_string())
        };
        assert_eq!(find("production", ActionKind::Approve).unwrap(), "production-v2-bbbbb");
        assert_eq!(find("a/production", ActionKind::Resume).unwrap(), "production-v2-ccccc");
        assert_eq!(find("production-v1", ActionKind::Approve).unwrap(), "production-v1-aaaaa");
        assert_eq!(find("a/production-v1-aaaaa", ActionKind::Abort).unwrap(), "production-v1-aaaaa");
        assert_eq!(find("production", ActionKind::Retry).unwrap_err(), "in `production` no release is held");
        for wrong in ["production-v", "production-", "a/production-v2-b", "productio"] {
            assert!(find(wrong, ActionKind::Abort).unwrap_err().contains("neither a release"), "{wrong}");
        }
        assert!(find("production", ActionKind::Abort).unwrap_err().contains("could be any of"));
        assert!(
            find("nope", ActionKind::Abort).unwrap_err().contains("neither a release nor an environment")
        );
    }

    #[test]
    fn an_environment_means_the_release_that_executes_there() {
        let environments = [an_environment("a", "production")];
        let waiting = || a_release("a", "production-v3-ddddd", Phase::Pending);
        let find = |releases: &[Release], kind| {
            addressed(&environments, releases, "production", kind)
                .map(|found| found.metadata.name.clone().unwrap())
                .map_err(|error| error.to_string())
        };
        let one = [waiting(), a_release("a", "production-v2-ccccc", Phase::Progressing), waiting()];
        assert_eq!(find(&one, ActionKind::Abort).unwrap(), "production-v2-ccccc");
        assert!(
            find(&one, ActionKind::Approve).unwrap_err().contains("could be any of"),
            "nobody approves by chance"
        );
        let none = [waiting(), waiting()];
        assert!(find(&none, ActionKind::Abort).unwrap_err().contains("could be any of"));
        let two = [
            a_release("a", "production-v1-aaaaa", Phase::Paused),
            a_release("a", "production-v2-ccccc", Phase::Progressing),
        ];
        assert!(find(&two, ActionKind::Abort).unwrap_err().contains("could be any of"));
    }

    #[test]
    fn an_ambiguous_environment_is_not_the_one_where_it_is_done_already() {
        let both = [an_environment("a", "production"), an_environment("b", "production")];
        let releases = [
            a_release("a", "production-v1-aaaaa", Phase::Progressing),
            a_release("b", "production-v2-bbbbb", Phase::Paused),
        ];
        let pause = |environments, given| {
            addressed(environments, &releases, given, ActionKind::Pause)
                .map(|found| found.key().to_string())
                .map_err(|error| error.exit())
        };
        assert_eq!(pause(&both, "production"), Err(Exit::Usage));
        assert_eq!(pause(&both, "a/production").unwrap(), "a/production-v1-aaaaa");
        assert_eq!(pause(&both, "b/production").unwrap(), "b/production-v2-bbbbb", "paused already");
    }

    #[test]
    fn releases_of_an_environment_that_is_gone_are_still_found_by_it() {
        let releases = [
            a_release("a", "production-v1-aaaaa", Phase::Succeeded),
            a_release("a", "production-v2-bbbbb", Phase::Pending),
        ];
        let find = |given: &str, kind| release(&[], &releases, given, fitting(kind)).map(Release::key);
        for given in ["production", "a/production", "production-v2"] {
            assert_eq!(&*find(given, ActionKind::Abort).unwrap().name, "production-v2-bbbbb", "{given}");
        }
        assert!(find("production", ActionKind::Resume).is_err());
        let last = |given| last(&[], &releases, given).map(|found| found.key().name.to_string());
        assert_eq!(last("production").as_deref(), Some("production-v2-bbbbb"));
        assert_eq!(last("staging"), None);
    }
}
