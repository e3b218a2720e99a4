//! A person's intent as an object: the only place where Releases and ReleaseActions are built, for keys and command line alike.
//!
//! Every object gets its name here, derived from what is meant and a nonce of the attempt: a request whose answer was lost can
//! be looked up, and sending it again changes nothing.

use chrono::SubsecRound as _;

use crate::api::release::{ComponentImage, ReleaseKind, ReleaseSpec};
use crate::api::release_action::{Evidence, Parameters};
use crate::api::strategy::StrategyName;
use crate::api::{Environment, Phase, Release};
use crate::domain::image_version;
use crate::domain::known_version::{KnownVersion, digest, tag};

use name::{object_name, short_hash};

mod action;
mod environment_action;
mod name;
mod request_id;

use action::check_reason;
pub(crate) use action::{action, slots_for};
pub(crate) use environment_action::{check, environment_action, is_digest};
pub(crate) use request_id::was_made_with;

/// Who acts, as the API server knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Author<'a> {
    /// `userInfo.username`.
    pub user: &'a str,
    /// `userInfo.groups`.
    pub groups: &'a [Box<str>],
}

/// What a person adds to a release besides its version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestDetails {
    /// A strategy other than the environment's default.
    pub strategy: Option<StrategyName>,
    /// Why.
    pub reason: Option<String>,
    /// What changes.
    pub changelog: Option<String>,
    /// Where it is tracked.
    pub ticket: Option<String>,
    /// Break-glass.
    pub emergency: bool,
}

/// What a person means to do to a release.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Act {
    /// With what.
    pub parameters: Option<Parameters>,
    /// Why.
    pub reason: Option<String>,
    /// What the author saw.
    pub evidence: Option<Evidence>,
}

impl Act {
    /// The parameters as they are sent: an end in whole seconds, as every refusal and banner repeats it.
    fn sent_parameters(&self) -> Option<Parameters> {
        let mut parameters = self.parameters.clone()?;
        parameters.until = parameters.until.map(|until| until.trunc_subsecs(0));
        Some(parameters)
    }
}

/// A version and its images, ready to be brought somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The version, as people say it.
    pub version: String,
    /// Its images there.
    pub images: Vec<ComponentImage>,
}

/// Why an intent cannot be put into an object. Each sentence says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntentError {
    /// The version has characters that no image tag has.
    #[error(
        "`{0}` cannot be a version: use letters, digits, `.`, `_`, `+` and `-`, beginning with a letter or digit"
    )]
    NotAVersion(String),
    /// The environment's pattern refuses the version.
    #[error("version {version} does not match {pattern}, which {environment} demands")]
    VersionRefused {
        /// The version.
        version: String,
        /// The environment's pattern.
        pattern: String,
        /// The environment's name.
        environment: String,
    },
    /// The environment takes the commit of its images out of the version.
    #[error(
        "version {version} does not end with a commit, from which {environment} takes the tag of its images"
    )]
    NoCommit {
        /// The version.
        version: String,
        /// The environment's name.
        environment: String,
    },
    /// The strategy is not on the environment's list.
    #[error("{environment} does not allow the strategy {strategy}; its default is {default}")]
    StrategyRefused {
        /// The strategy.
        strategy: StrategyName,
        /// The environment's default.
        default: StrategyName,
        /// The environment's name.
        environment: String,
    },
    /// There is nothing to promote.
    #[error("nothing is known to run in {0}: deploy there first")]
    NothingToPromote(String),
    /// The source runs several versions at once.
    #[error(
        "the components of {environment} run different versions ({versions}): finish the release there first"
    )]
    MixedVersions {
        /// The source.
        environment: String,
        /// The versions found.
        versions: String,
    },
    /// A component exists here but not there.
    #[error("component {component} is not in {environment}, where the version comes from")]
    ComponentMissing {
        /// The component.
        component: String,
        /// The source.
        environment: String,
    },
    /// The controller has not looked at the release yet.
    #[error("release {0} has no plan yet: the controller has not looked at it; is it running?")]
    NoPlan(String),
    /// The environment is gone, or cannot be decoded.
    #[error("environment {0} does not exist, or this version cannot decode it")]
    NoEnvironment(String),
    /// The environment asks nobody.
    #[error("{0} asks for no approval")]
    NoApprovalNeeded(String),
    /// None of the slots is for this person.
    #[error("{user} is in none of the groups that may approve {environment}: {groups}")]
    NoSlot {
        /// The person.
        user: String,
        /// The environment's name.
        environment: String,
        /// The groups of its slots.
        groups: String,
    },
    /// The author asked for this release.
    #[error("{user} asked for release {release}: someone else must approve it")]
    SelfApproval {
        /// The person.
        user: String,
        /// The release's name.
        release: String,
    },
    /// The release has ended.
    #[error("release {release} has ended ({phase}): there is nothing left to {action}")]
    Ended {
        /// The release's name.
        release: String,
        /// Its phase.
        phase: Phase,
        /// What was meant, in lower case.
        action: String,
    },
    /// The action says why, or is not taken.
    #[error("{0} needs a reason of at least {1} characters")]
    ReasonMissing(String, usize),
    /// The action is done with something, which is not given.
    #[error("{action} needs {parameter}")]
    ParameterMissing {
        /// What was meant, in lower case.
        action: String,
        /// What is missing, with its article.
        parameter: &'static str,
    },
    /// What the gate demands is not a matter of consent.
    #[error("gate {0} cannot be passed by force")]
    NeverForced(String),
    /// Break-glass belongs to an incident.
    #[error("an emergency release needs a ticket: the incident that it belongs to")]
    TicketMissing,
}

/// A release of `version`, its images being each component's repository with the version as tag.
///
/// `nonce` tells two attempts at the same thing apart.
pub(crate) fn deploy(
    environment: &Environment,
    author: Author<'_>,
    version: &str,
    words: &RequestDetails,
    nonce: &str,
) -> Result<Release, IntentError> {
    let versions = environment.spec.versions.as_ref();
    let tag = image_version::tag_of(versions, version).ok_or_else(|| IntentError::NoCommit {
        version: version.chars().take(128).collect(),
        environment: environment.metadata.name.clone().unwrap_or_default(),
    })?;
    let images = environment
        .spec
        .components
        .iter()
        .map(|component| ComponentImage {
            component: component.name.clone(),
            image: format!("{}:{tag}", component.image),
        })
        .collect();
    let source = Source { version: version.to_owned(), images };
    release(environment, ReleaseKind::Deploy, author, (&source, words), nonce)
}

/// A release of what runs in another environment: the same tags and digests, out of this environment's repositories.
pub(crate) fn promote(
    environment: &Environment,
    author: Author<'_>,
    source: &Source,
    words: &RequestDetails,
    nonce: &str,
) -> Result<Release, IntentError> {
    let images: Result<Vec<_>, _> = environment
        .spec
        .components
        .iter()
        .map(|component| {
            let there =
                source.images.iter().find(|image| image.component == component.name).ok_or_else(|| {
                    let environment =
                        environment.spec.promotion.as_ref().map_or("the source", |p| p.from.name.as_str());
                    IntentError::ComponentMissing {
                        component: component.name.to_string(),
                        environment: environment.to_owned(),
                    }
                })?;
            let mut image = component.image.clone();
            let tag = tag(&there.image);
            if !tag.is_empty() {
                image = format!("{image}:{tag}");
            }
            if let Some(digest) = digest(&there.image) {
                image = format!("{image}@{digest}");
            }
            Ok(ComponentImage { component: component.name.clone(), image })
        })
        .collect();
    let source = Source { version: source.version.clone(), images: images? };
    release(environment, ReleaseKind::Promote, author, (&source, words), nonce)
}

/// A release that brings back a version that ran here before. Its reason is mandatory.
pub(crate) fn rollback(
    environment: &Environment,
    author: Author<'_>,
    target: &KnownVersion,
    words: &RequestDetails,
    nonce: &str,
) -> Result<Release, IntentError> {
    if words.reason.as_deref().is_none_or(|reason| reason.trim().chars().count() < 3) {
        return Err(IntentError::ReasonMissing("a rollback".to_owned(), 3));
    }
    let source = Source { version: target.version.clone(), images: target.images.clone() };
    release(environment, ReleaseKind::Rollback, author, (&source, words), nonce)
}

/// What runs in an environment and can be promoted from it.
///
/// The name of the version comes from the newest succeeded release whose images these are, else from the tags.
pub(crate) fn source_of(environment: &Environment, releases: &[&Release]) -> Result<Source, IntentError> {
    let key = environment.key();
    let current = environment.status.as_ref().map(|status| status.current.as_slice()).unwrap_or_default();
    let images: Vec<ComponentImage> = current
        .iter()
        .map(|running| {
            let image = match (&running.digest, digest(&running.image)) {
                (Some(known), None) => format!("{}@{known}", running.image),
                _ => running.image.clone(),
            };
            ComponentImage { component: running.component.clone(), image }
        })
        .collect();
    let newest = releases
        .iter()
        .filter(|release| release.environment_key() == key && release.phase() == Phase::Succeeded)
        .max_by_key(|release| release.status.as_ref().and_then(|status| status.finished_at));
    if images.is_empty() {
        return newest
            .map(|release| Source {
                version: release.spec.version.clone(),
                images: release.spec.images.clone(),
            })
            .ok_or_else(|| IntentError::NothingToPromote(key.to_string()));
    }
    let is_there = |release: &&&Release| {
        release.spec.images.iter().all(|wanted| {
            images.iter().any(|running| {
                running.component == wanted.component && tag(&running.image) == tag(&wanted.image)
            })
        })
    };
    if let Some(release) = newest.filter(|release| is_there(release)) {
        return Ok(Source { version: release.spec.version.clone(), images });
    }
    let mut versions: Vec<&str> = current.iter().map(|running| running.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    match versions.as_slice() {
        [one] => Ok(Source { version: (*one).to_owned(), images: images.clone() }),
        several => {
            Err(IntentError::MixedVersions { environment: key.to_string(), versions: several.join(", ") })
        }
    }
}

fn release(
    environment: &Environment,
    kind: ReleaseKind,
    author: Author<'_>,
    (source, words): (&Source, &RequestDetails),
    nonce: &str,
) -> Result<Release, IntentError> {
    let name = environment.metadata.name.clone().unwrap_or_default();
    check_version(environment, &name, &source.version)?;
    if let Some(strategy) = words.strategy
        && !environment.spec.allowed_strategies.contains(&strategy)
        && strategy != environment.spec.default_strategy()
    {
        let default = environment.spec.default_strategy();
        return Err(IntentError::StrategyRefused { strategy, default, environment: name });
    }
    if words.emergency && kind != ReleaseKind::Rollback && words.ticket.is_none() {
        return Err(IntentError::TicketMissing);
    }
    if words.emergency && words.reason.as_deref().is_none_or(|reason| reason.trim().chars().count() < 10) {
        return Err(IntentError::ReasonMissing("an emergency release".to_owned(), 10));
    }
    let key = environment.key();
    let images: Vec<&str> = source.images.iter().map(|image| image.image.as_str()).collect();
    let images = images.join(" ");
    let kind_word = format!("{kind:?}");
    let hash = short_hash(&[&key.to_string(), &kind_word, &source.version, &images, author.user, nonce]);
    let strategy = words.strategy.filter(|strategy| environment.spec.allowed_strategies.contains(strategy));
    let mut release = Release::new(
        &object_name(&name, &source.version, &hash),
        ReleaseSpec {
            environment: name,
            version: source.version.clone(),
            images: source.images.clone(),
            kind,
            strategy,
            requested_by: author.user.to_owned(),
            reason: words.reason.clone(),
            changelog: words.changelog.clone(),
            ticket: words.ticket.clone(),
            emergency: words.emergency.then_some(true),
        },
    );
    release.metadata.namespace.clone_from(&environment.metadata.namespace);
    Ok(release)
}

/// The server judges this too; here it is judged before anybody waits. A pattern that does not compile is left to the server.
fn check_version(environment: &Environment, name: &str, version: &str) -> Result<(), IntentError> {
    let mut chars = version.chars();
    let well_formed = chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && chars.all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
        && version.len() <= 128;
    if !well_formed {
        return Err(IntentError::NotAVersion(version.chars().take(64).collect()));
    }
    let pattern = environment.spec.versions.as_ref().and_then(|versions| versions.pattern.as_deref());
    let refused = pattern.filter(|pattern| matches!(image_version::matches(pattern, version), Ok(false)));
    match refused {
        Some(pattern) => Err(IntentError::VersionRefused {
            version: version.to_owned(),
            pattern: pattern.to_owned(),
            environment: name.to_owned(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ActionKind;
    use crate::api::release::{Plan, ReleaseStatus, StepProgress};
    use chrono::DateTime;

    const NOBODY: &[Box<str>] = &[];

    fn environment() -> Environment {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": "production", "namespace": "shop"},
            "spec": {"application": "shop", "tier": "production",
                "versions": {"pattern": r"^v\d+\.\d+\.\d+$"},
                "approval": {"slots": [{"name": "leads", "group": "team-leads"}, {"name": "any"}]},
                "components": [
                    {"name": "api", "workload": {"kind": "Deployment", "name": "api"}, "container": "api", "image": "prod/api"},
                    {"name": "web", "workload": {"kind": "Deployment", "name": "web"}, "container": "web", "image": "prod/web"}]}
        }))
        .unwrap()
    }

    fn alice() -> Author<'static> {
        Author { user: "alice", groups: NOBODY }
    }

    fn seen() -> Release {
        let mut release = deploy(&environment(), alice(), "v1.2.3", &RequestDetails::default(), "1").unwrap();
        release.metadata.uid = Some("u".repeat(36));
        release.metadata.generation = Some(1);
        release.status = Some(ReleaseStatus {
            plan: Some(Plan { digest: "sha256:plan".into(), ..Plan::default() }),
            step: Some(StepProgress {
                index: 2,
                started_at: DateTime::UNIX_EPOCH,
                until: None,
                paused_for: None,
            }),
            ..ReleaseStatus::default()
        });
        release
    }

    #[test]
    fn a_request_id_is_known_by_the_name_of_its_release() {
        let author = Author { user: "alice", groups: NOBODY };
        let made = |version: &str, id: &str| {
            deploy(&environment(), author, version, &RequestDetails::default(), id).unwrap()
        };
        let release = made("v1.8.2", "ci-7");
        assert!(was_made_with(&release, author, "ci-7"));
        assert!(!was_made_with(&release, author, "ci-8"));
        assert!(!was_made_with(&release, Author { user: "bob", groups: NOBODY }, "ci-7"));
        // registries add digests after the name was given
        let mut pinned = release;
        for image in &mut pinned.spec.images {
            image.image = format!("{}@sha256:{}", image.image, "a".repeat(64));
        }
        assert!(was_made_with(&pinned, author, "ci-7"));
    }

    #[test]
    fn a_deploy_takes_each_repository_with_the_version() {
        let release = deploy(&environment(), alice(), "v1.2.3", &RequestDetails::default(), "1").unwrap();
        let images: Vec<_> = release.spec.images.iter().map(|i| i.image.as_str()).collect();
        assert_eq!(images, ["prod/api:v1.2.3", "prod/web:v1.2.3"]);
        assert_eq!(release.metadata.namespace.as_deref(), Some("shop"));
        assert_eq!((release.spec.kind, release.spec.requested_by.as_str()), (ReleaseKind::Deploy, "alice"));
        assert!(release.metadata.name.unwrap().starts_with("production-v1-2-3-"));
    }

    #[test]
    fn names_are_the_same_for_the_same_attempt_and_different_for_another() {
        let name = |version, nonce| {
            deploy(&environment(), alice(), version, &RequestDetails::default(), nonce)
                .unwrap()
                .metadata
                .name
                .unwrap()
        };
        assert_eq!(name("v1.2.3", "1"), name("v1.2.3", "1"));
        assert_ne!(name("v1.2.3", "1"), name("v1.2.3", "2"));
        assert_ne!(name("v1.2.3", "1"), name("v1.2.4", "1"));
    }

    #[test]
    fn names_stay_names() {
        for (stem, middle) in
            [("a".repeat(63), "v1.2.3+build_7".to_owned()), ("x-".repeat(40), "V".repeat(128))]
        {
            let name = object_name(&stem, &middle, "12345678");
            assert!(name.len() <= 63 && name.ends_with("-12345678"), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
        }
    }

    #[test]
    fn refuses_versions_that_the_server_would_refuse() {
        let refuse =
            |version| deploy(&environment(), alice(), version, &RequestDetails::default(), "1").unwrap_err();
        assert_eq!(refuse("../x"), IntentError::NotAVersion("../x".into()));
        assert!(matches!(refuse("1.2.3"), IntentError::VersionRefused { .. }));
        let words = RequestDetails { strategy: Some(StrategyName::Canary), ..RequestDetails::default() };
        let error = deploy(&environment(), alice(), "v1.2.3", &words, "1").unwrap_err();
        assert!(matches!(error, IntentError::StrategyRefused { .. }), "{error}");
    }

    #[test]
    fn a_promotion_keeps_tag_and_digest_and_changes_the_repository() {
        let digest = format!("sha256:{}", "d".repeat(64));
        let mut staging = environment();
        staging.metadata.name = Some("staging".into());
        let current = |component: &str, digest: Option<&str>| serde_json::json!({"component": component, "version": "v2.0.0", "image": format!("stage/{component}:v2.0.0"), "digest": digest});
        staging.status = Some(
            serde_json::from_value(
                serde_json::json!({"current": [current("api", Some(&digest)), current("web", None)]}),
            )
            .unwrap(),
        );
        let source = source_of(&staging, &[]).unwrap();
        let release = promote(&environment(), alice(), &source, &RequestDetails::default(), "1").unwrap();
        let images: Vec<_> = release.spec.images.iter().map(|i| i.image.clone()).collect();
        assert_eq!(images, [format!("prod/api:v2.0.0@{digest}"), "prod/web:v2.0.0".to_owned()]);
        assert_eq!((release.spec.version.as_str(), release.spec.kind), ("v2.0.0", ReleaseKind::Promote));
    }

    #[test]
    fn nothing_and_a_mixture_cannot_be_promoted() {
        let mut staging = environment();
        assert!(matches!(source_of(&staging, &[]), Err(IntentError::NothingToPromote(_))));
        staging.status = Some(
            serde_json::from_value(serde_json::json!({"current": [
                {"component": "api", "version": "v1", "image": "r/api:v1"},
                {"component": "web", "version": "v2", "image": "r/web:v2"}]}))
            .unwrap(),
        );
        assert!(matches!(source_of(&staging, &[]), Err(IntentError::MixedVersions { .. })));
    }

    #[test]
    fn actions_carry_what_their_author_saw() {
        let groups: Vec<Box<str>> = vec!["team-leads".into()];
        let bob = Author { user: "bob", groups: &groups };
        let build = |kind, reason: Option<&str>| {
            let act = Act { reason: reason.map(str::to_owned), ..Act::default() };
            action(&seen(), Some(&environment()), kind, bob, (&act, "1"))
        };
        let approve = build(ActionKind::Approve, None).unwrap().spec;
        let expected = approve.expected.unwrap();
        assert_eq!((expected.generation, expected.step), (Some(1), None));
        assert_eq!(expected.plan_digest.as_deref(), Some("sha256:plan"));
        let slots: Vec<_> = approve.slots.unwrap().into_iter().map(|s| (s.name, s.group)).collect();
        assert_eq!(slots, [("leads".into(), Some("team-leads".into())), ("any".into(), None)]);
        assert_eq!(approve.release.unwrap().requested_by.as_deref(), Some("alice"));

        let pause = build(ActionKind::Pause, None).unwrap().spec.expected.unwrap();
        assert_eq!((pause.step, pause.plan_digest), (Some(2), None));

        assert!(matches!(build(ActionKind::Abort, None), Err(IntentError::ReasonMissing(..))));
        let abort = build(ActionKind::Abort, Some("bad errors")).unwrap().spec.expected.unwrap();
        assert_eq!((abort.generation, abort.step, abort.plan_digest), (Some(1), None, None));
    }

    #[test]
    fn approvals_that_cannot_count_are_not_built() {
        let groups: Vec<Box<str>> = vec!["interns".into()];
        let approve = |release: &Release, environment: &Environment, user| {
            action(
                release,
                Some(environment),
                ActionKind::Approve,
                Author { user, groups: &groups },
                (&Act::default(), "1"),
            )
            .unwrap_err()
        };
        assert!(matches!(approve(&seen(), &environment(), "alice"), IntentError::SelfApproval { .. }));

        let mut leads_only = environment();
        leads_only.spec.approval.as_mut().unwrap().slots.truncate(1);
        assert!(matches!(approve(&seen(), &leads_only, "bob"), IntentError::NoSlot { .. }));

        let mut open = environment();
        open.spec.approval = None;
        assert!(matches!(approve(&seen(), &open, "bob"), IntentError::NoApprovalNeeded(_)));

        let mut unplanned = seen();
        unplanned.status = None;
        assert!(matches!(approve(&unplanned, &environment(), "bob"), IntentError::NoPlan(_)));

        let mut ended = seen();
        ended.status.as_mut().unwrap().phase = Phase::Rejected;
        assert!(matches!(approve(&ended, &environment(), "bob"), IntentError::Ended { .. }));
    }
}
