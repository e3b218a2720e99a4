//! The environment's own rules: strategy, components, repositories, version, freeze and deny list, and that the workloads can be
//! released at all. Admission has asked most of this before; it is asked again because policies change and caches lag.

use std::fmt::Write as _;

use super::{Case, Gate, Moment, targets};
use crate::domain::workload_kind;
use chrono::{DateTime, Utc};

use crate::api::environment::{Component, DeniedDigest, Environment, EnvironmentSpec, Frozen};
use crate::api::release::{Phase, ReleaseKind};
use crate::api::strategy::{Step, Strategy, StrategyName};
use crate::domain::health::{Answer, image_version_name};
use crate::domain::rollout_status::WorkloadState;
use crate::domain::{containers, freeze, image_version, known_version, rollback, shared_workload, version};

/// Name of the gate of the environment's own rules.
pub(crate) const POLICY: &str = "policy";
/// Name of the gate that tells of a freeze.
pub(crate) const FROZEN: &str = "frozen";
/// Name of the gate of images that may not come here.
pub(crate) const DENY_LIST: &str = "deny-list";
/// Name of the gate that tells of a downgrade.
pub(crate) const DOWNGRADE: &str = "downgrade";
/// Name of the gate that tells of an earlier rollback of the version.
pub(crate) const ROLLED_BACK: &str = "rolled-back";

/// Rules that no waiting can satisfy, since a release never changes: the phase to end in, and why.
pub(super) fn judge(case: &Case<'_>) -> Result<Gate, (Phase, String)> {
    let spec = &case.environment.spec;
    let release = &case.release().spec;
    strategy(case)?;
    let failed = |why: String| Err((Phase::Failed, why));
    if case.plan.steps.is_empty() || release.images.is_empty() {
        return failed("the release names no image of any component of this environment".into());
    }
    for image in &release.images {
        let Some(component) = spec.component(image.component.as_str()) else {
            return failed(format!("{} has no component {}", release.environment, image.component));
        };
        if !version::is_from(&image.image, &component.image) {
            return failed(format!(
                "{} is not from the repository {} of component {}",
                image.image, component.image, image.component
            ));
        }
        if workload_kind::row(component.workload.kind).has_own_plan
            && case.plan.strategy != StrategyName::Rolling
        {
            return failed(format!(
                "component {} is an Argo Rollout with steps of its own: choose the strategy rolling, which follows them",
                component.name
            ));
        }
    }
    version_pattern(case)?;
    let labels = labels(case)?;
    if release.kind == ReleaseKind::Rollback && case.moment == Moment::Waiting {
        let others = &case.observed.others;
        if !rollback::ran_before(&release.images, others, &release.environment) && !runs_now(case) {
            return failed(format!(
                "{} never ran in {}: a rollback goes to images that did; deploy it instead",
                release.version, release.environment
            ));
        }
    }
    Ok(Gate::pass("policy", format!("{} may come to {}{labels}", release.version, release.environment)))
}

/// Whether the tag of every image is the version. The images of a rollback ran here before, so that a difference is shown and does not
/// block.
fn labels(case: &Case<'_>) -> Result<String, (Phase, String)> {
    let (spec, release) = (&case.environment.spec, &case.release().spec);
    let versions = spec.versions.as_ref();
    if release.kind == ReleaseKind::Rollback {
        let strangers = image_version::strangers(spec, release);
        let images: Vec<_> = strangers.iter().map(|image| image.image.as_str()).collect();
        return Ok(if images.is_empty() { String::new() } else { format!(" as {}", images.join(", ")) });
    }
    for image in &release.images {
        if let Some(why) = image_version::mismatch(versions, &release.version, &image.image) {
            return Err((Phase::Failed, why));
        }
        let needs_digest = versions.is_some_and(|versions| versions.require_digest);
        if needs_digest && version::digest_of(&image.image).is_none() {
            let why = format!("{} has no digest, which {} requires", image.image, release.environment);
            return Err((Phase::Failed, why));
        }
    }
    Ok(String::new())
}

/// Whether everything that the release brings is what runs now.
fn runs_now(case: &Case<'_>) -> bool {
    targets(case).all(|(component, target)| {
        let found = case.observed.workloads.get(component.name.as_str());
        found
            .and_then(|found| found.image.as_deref())
            .is_some_and(|image| version::same_content(image, target))
    })
}

fn strategy(case: &Case<'_>) -> Result<(), (Phase, String)> {
    let spec = &case.environment.spec;
    let name = case.plan.strategy;
    let allowed = name == spec.default_strategy() || spec.allowed_strategies.contains(&name);
    if !allowed {
        return Err((
            Phase::Failed,
            format!("{} does not allow the strategy {name}", case.release().spec.environment),
        ));
    }
    let settings = spec.strategy_of(name);
    if let Strategy::Canary(canary) = &settings
        && !canary.steps.iter().any(|step| matches!(step, Step::SetWeight(_)))
    {
        let why = format!("{} states no weights for the strategy canary", case.release().spec.environment);
        return Err((Phase::Failed, why));
    }
    if name == StrategyName::Rolling {
        return Ok(());
    }
    // the second workload is a copy of a Deployment
    let is_single = |kind| !workload_kind::row(kind).has_two_tracks;
    let other = targets(case).find(|(component, _)| is_single(component.workload.kind));
    match other {
        Some((component, _)) => Err((
            Phase::Failed,
            format!(
                "component {} is a {}, which cannot be brought up twice: the strategy {name} is for Deployments",
                component.name, component.workload.kind
            ),
        )),
        None => Ok(()),
    }
}

fn version_pattern(case: &Case<'_>) -> Result<(), (Phase, String)> {
    let Some(pattern) = case.environment.spec.versions.as_ref().and_then(|v| v.pattern.as_deref()) else {
        return Ok(());
    };
    let version = &case.release().spec.version;
    match image_version::matches(pattern, version) {
        Ok(true) => Ok(()),
        Ok(false) => Err((Phase::Failed, format!("version {version} does not match {pattern}"))),
        Err(_) => Err((Phase::Errored, format!("versions.pattern {pattern} cannot be read"))),
    }
}

/// Whether every workload exists, has its container, and can be followed.
pub(super) fn workloads(case: &Case<'_>) -> Gate {
    const NAME: &str = "workloads";
    let owner = "whoever owns the workload";
    let shared = shared_workload::told(case.environment);
    if let Some(shared) = shared.filter(|_| case.release().spec.kind != ReleaseKind::Rollback) {
        return Gate::fail(NAME, shared)
            .cleared_by("a platform owner, who takes the workload out of one of the two Environments");
    }
    for (component, _) in targets(case) {
        let workload = &component.workload;
        if let Some(refusal) = case.observed.unreadable.get(component.name.as_str()) {
            return Gate::no_data(NAME, format!("cannot be read: {}", refusal.message))
                .cleared_by("a cluster administrator, who lets the controller read it");
        }
        let Some(state) = case.observed.workloads.get(component.name.as_str()) else {
            return Gate::fail(NAME, format!("{} {} does not exist", workload.kind, workload.name))
                .cleared_by(owner);
        };
        let foreign = state.argo.as_ref().and_then(|argo| argo.template_from.as_ref());
        let problem = if let Some(source) = foreign {
            Some(format!("takes its pods' template from {source}, which is what must be released"))
        } else if state.image.is_none() {
            Some(format!("has no container {}", component.container))
        } else if let Some(missing) = containers::missing(component, state) {
            Some(format!("has no container {missing}, which component {} names", component.name))
        } else if let Some(gate) = left_behind(case, component, state) {
            return gate;
        } else if state.paused {
            let (kind, name) = (workload.kind.as_str().to_ascii_lowercase(), &workload.name);
            let namespace = case.environment.metadata.namespace.as_deref().unwrap_or_default();
            let detail = format!("{} {name} is paused: kubectl rollout resume lets it move", workload.kind);
            return Gate::fail(NAME, detail)
                .cleared_by(owner)
                .command(format!("kubectl -n {namespace} rollout resume {kind}/{name}"));
        } else if let Some(kept) = state.partition.filter(|kept| *kept > 0) {
            return kept_back(case, state, kept);
        } else if state.on_delete {
            Some("has the update strategy OnDelete, whose progress nobody can follow".into())
        } else {
            requirements(&case.environment.spec, state)
        };
        if let Some(problem) = problem {
            return Gate::fail(NAME, format!("{} {} {problem}", workload.kind, workload.name))
                .cleared_by(owner);
        }
    }
    Gate::pass(NAME, "every workload can be released")
}

/// Containers of the component's repository that would keep their old image. A rollback or an emergency goes on without them, and
/// says so in its end.
fn left_behind(case: &Case<'_>, component: &Component, state: &WorkloadState) -> Option<Gate> {
    let left: Vec<_> = containers::left_behind(component, state).collect();
    let first = left.first()?;
    if super::waiver(case.release(), case.now).is_some() {
        return None;
    }
    let names: Vec<&str> = left.iter().map(|found| found.name.as_str()).collect();
    let told: Vec<String> = left.iter().map(|found| found.told()).collect();
    let all: Vec<String> =
        component.containers.iter().cloned().chain(names.iter().map(|n| (*n).to_owned())).collect();
    let detail = format!(
        "{} of {} {} would stay at {}: add containers: [{}] to component {}",
        told.join(" and "),
        state.kind,
        state.name,
        version::version_of(&first.image),
        all.join(", "),
        component.name
    );
    let who = format!("a platform owner, who edits spec.components of {}", case.environment.key());
    Some(Gate::fail("workloads", detail).cleared_by(who))
}

/// A StatefulSet that would keep pods at the old version.
fn kept_back(case: &Case<'_>, state: &WorkloadState, partition: i32) -> Gate {
    let kept = partition.min(state.desired);
    let namespace = case.environment.metadata.namespace.as_deref().unwrap_or_default();
    let patch = r#"{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}"#;
    let detail = format!(
        "StatefulSet {} keeps {kept} of its {} pods at the old version (partition {partition}): set the partition to 0",
        state.name, state.desired
    );
    Gate::fail("workloads", detail)
        .cleared_by("whoever owns the workload")
        .command(format!("kubectl -n {namespace} patch statefulset/{} --type merge -p '{patch}'", state.name))
}

fn requirements(spec: &EnvironmentSpec, state: &WorkloadState) -> Option<String> {
    let Some(Strategy::Rolling(rolling)) = &spec.strategy else { return None };
    let wanted = [
        ("maxUnavailable", &rolling.require_max_unavailable, &state.max_unavailable),
        ("maxSurge", &rolling.require_max_surge, &state.max_surge),
    ];
    wanted.into_iter().find_map(|(field, wanted, found)| {
        let wanted = wanted.as_ref()?;
        (found.as_ref() != Some(wanted)).then(|| {
            let found = found.as_deref().unwrap_or("nothing");
            format!("has {field} {found}, while the environment requires {wanted}")
        })
    })
}

/// The freezes that are in force.
pub(super) fn freezes(environment: &Environment, now: DateTime<Utc>) -> Vec<Frozen> {
    environment.status.as_ref().map(|status| freeze::in_force(status, now)).unwrap_or_default()
}

/// Whether releases are stopped here. The detail describes the freeze that lasts longest and names who else froze.
pub(super) fn frozen(case: &Case<'_>) -> Gate {
    const NAME: &str = FROZEN;
    let freezes = freezes(case.environment, case.now);
    let longest = freezes.iter().reduce(
        |one, other| {
            if freeze::is_as_late(one.until, other.until) { one } else { other }
        },
    );
    let Some(frozen) = longest else {
        return Gate::pass(NAME, "not frozen");
    };
    let mut detail = String::from("frozen");
    if !frozen.by.is_empty() {
        let _ = write!(detail, " by {}", frozen.by);
    }
    if let Some(until) = frozen.until {
        let _ = write!(detail, " until {}", until.format("%Y-%m-%d %H:%M:%SZ"));
    }
    let incident = frozen.incident.as_deref().unwrap_or_default();
    match (frozen.reason.as_str(), incident) {
        ("", "") => {}
        (why, "") | ("", why) => {
            let _ = write!(detail, " ({why})");
        }
        (reason, incident) => {
            let _ = write!(detail, " ({incident}: {reason})");
        }
    }
    let mut others: Vec<_> =
        freezes.iter().filter(|other| *other != frozen).map(|other| other.by.as_str()).collect();
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        let _ = write!(detail, "; also frozen by {}", others.join(", "));
    }
    Gate::wait(NAME, detail)
        .cleared_by(case.someone_with("freeze"))
        .clears_at(frozen.until)
        .command(case.on_environment("unfreeze", "--reason '…'"))
}

/// Whether the Environment is about to be deleted. Nothing where it is not.
pub(super) fn retired(case: &Case<'_>) -> Option<Gate> {
    let retired = case.environment.status.as_ref()?.retired.as_ref()?;
    (retired.until > case.now).then(|| {
        let until = retired.until.format("%Y-%m-%d %H:%M:%SZ");
        Gate::wait("retired", format!("retired by {} until {until} ({})", retired.by, retired.reason))
            .cleared_by("time")
            .clears_at(retired.until)
    })
}

/// Whether an older version would take the place of a newer one: said, not held against it. Nothing where it would not.
pub(super) fn downgrade(case: &Case<'_>) -> Option<Gate> {
    let release = &case.release().spec;
    if release.kind == ReleaseKind::Rollback {
        return None;
    }
    let newer = targets(case).find_map(|(component, _)| {
        let running = case.observed.workloads.get(component.name.as_str())?.image.as_deref()?;
        let running = version::version_of(running);
        version::is_older(&release.version, running).then_some(running)
    })?;
    Some(Gate::pass(DOWNGRADE, format!("would now downgrade {newer} to {}", release.version)))
}

/// That the version was rolled back here and is not denied, since the environment does not deny such versions: said, not held against it.
/// Nothing where neither is so.
pub(super) fn rolled_back(case: &Case<'_>) -> Option<Gate> {
    let release = &case.release().spec;
    let allows = case.environment.spec.versions.as_ref().is_some_and(|versions| versions.allow_rolled_back);
    if !allows || release.kind == ReleaseKind::Rollback {
        return None;
    }
    let others = case.observed.others.iter().map(|other| &**other);
    let here = others.filter(|other| other.spec.environment == release.environment);
    let by = known_version::rolled_back_by(&release.images, here)?;
    let name = by.metadata.name.as_deref().unwrap_or_default();
    let detail = format!(
        "{} was rolled back here ({name}); versions.allowRolledBack lets it come again",
        release.version
    );
    Some(Gate::pass(ROLLED_BACK, detail))
}

/// Whether an image is on the deny list; a tag cannot be compared with a digest, and thus holds. Nothing where the list is empty.
pub(super) fn deny_list(case: &Case<'_>) -> Option<Gate> {
    const NAME: &str = DENY_LIST;
    let denied: Vec<&DeniedDigest> = case
        .environment
        .status
        .iter()
        .flat_map(|status| &status.denied)
        .filter(|denied| denied.until.is_none_or(|until| until > case.now))
        .collect();
    if denied.is_empty() {
        return None;
    }
    let mut unknown = None;
    for image in &case.release().spec.images {
        match version::digest_of(&image.image) {
            Some(digest) => {
                // an index is denied with what it lists, and what it lists with the index, as far as the registry has told
                let name = image_version_name(image.component.as_str());
                let answer = case.observed.answers.last_since(&name, DateTime::UNIX_EPOCH);
                let index = answer.and_then(Answer::index);
                let is_denied = |denied: &&&DeniedDigest| {
                    denied.digest == digest
                        || index.is_some_and(|index| index.relates(digest, &denied.digest))
                };
                if let Some(entry) = denied.iter().find(is_denied) {
                    let reason =
                        entry.reason.as_deref().map_or(String::new(), |reason| format!(" ({reason})"));
                    let detail = format!("the image of {} is on the deny list{reason}", image.component);
                    let command = case.on_environment("allow", &format!("{} --reason '…'", entry.digest));
                    let gate = Gate::fail(NAME, detail).cleared_by(case.someone_with("freeze"));
                    return Some(gate.clears_at(entry.until).command(command));
                }
            }
            None => unknown = unknown.or(Some(image)),
        }
    }
    Some(match unknown {
        None => Gate::pass(NAME, "no image is denied"),
        Some(image) => Gate::no_data(
            NAME,
            format!(
                "the digest of {} is not known, so that nobody can tell whether it is denied",
                image.image
            ),
        )
        .cleared_by("a release that names its images by digest"),
    })
}
