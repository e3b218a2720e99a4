//! Promotion: what comes here must have succeeded, and soaked healthy, in another environment.

use chrono::{DateTime, Utc};

use super::{Case, Gate};
use crate::api::environment::{Environment, Promotion};
use crate::api::release::{ComponentImage, GateState, Phase, Release};
use crate::domain::age::Age;
use crate::domain::known_version::left_images;
use crate::domain::rollout::Source;
use crate::domain::version::same_content;

const NAME: &str = "promotion";

/// Whether `promotion.from` names the Environment itself.
#[must_use]
pub(crate) fn is_itself(environment: &Environment, rule: &Promotion) -> bool {
    environment.metadata.name.as_deref() == Some(rule.from.name.as_str())
        && environment.metadata.namespace.as_deref() == Some(rule.from.namespace.as_str())
}

pub(super) fn judge(case: &Case<'_>, rule: &Promotion) -> Gate {
    let from = format!("{}/{}", rule.from.namespace, rule.from.name);
    if is_itself(case.environment, rule) {
        return Gate::fail(
            NAME,
            format!("promotion.from is {from} itself: no version can succeed there first"),
        )
        .cleared_by("a platform owner, who corrects promotion.from");
    }
    let version = &case.release().spec.version;
    let Some(source) = &case.observed.source else {
        return Gate::no_data(NAME, format!("{from} has not been read yet")).cleared_by("the controller");
    };
    let Some(environment) = &source.environment else {
        return Gate::no_data(NAME, format!("Environment {from} does not exist"))
            .cleared_by(format!("a platform owner creates {from}"));
    };
    if let Some(verdict) = verdict_against(case, source) {
        return Gate::fail(NAME, format!("{verdict} in {from}"))
            .cleared_by(format!("a release of {version} to {from} that succeeds"));
    }
    if !has_succeeded(case, source) {
        return Gate::wait(NAME, format!("{version} has not succeeded in {from}"))
            .cleared_by(format!("a release of {version} to {from}"));
    }
    let health = healthy_since(&case.release().spec.images, environment);
    let Some(soak) = rule.soak else {
        return match health {
            Health::Unhealthy(component) => {
                Gate::wait(NAME, format!("{component} is not healthy in {from} now"))
                    .cleared_by("a healthy workload there")
            }
            Health::Since(_) | Health::Elsewhere(_) => {
                Gate::pass(NAME, format!("{version} succeeded in {from}"))
            }
        };
    };
    match health {
        Health::Since(since) => match since.checked_add_signed(soak.to_delta()) {
            Some(end) if end <= case.now => {
                Gate::pass(NAME, format!("{version} has been healthy in {from} for {soak} or longer"))
            }
            Some(end) => {
                let until = end.format("%Y-%m-%d %H:%M:%SZ");
                Gate::wait(NAME, format!("{version} soaks in {from} until {until}"))
                    .cleared_by("time")
                    .clears_at(end)
            }
            None => Gate::no_data(NAME, format!("the soak of {soak} never ends"))
                .cleared_by("a platform owner, who shortens promotion.soak"),
        },
        Health::Unhealthy(component) => Gate::wait(
            NAME,
            format!("{component} is not healthy in {from}: the soak begins again when it is"),
        )
        .cleared_by("a healthy workload there"),
        Health::Elsewhere(_) if has_soaked_before(case) => {
            Gate::pass(NAME, format!("{version} soaked in {from}, which has moved on since"))
        }
        Health::Elsewhere(component) => Gate::wait(
            NAME,
            format!("{component} no longer runs {version} in {from}, and had not soaked there"),
        )
        .cleared_by(format!("a release of {version} to {from}")),
    }
}

/// Why the newest decision about these images in the source speaks against them: they were rolled back there, or failed. Nothing
/// where the newest one is a success, or where there is none.
fn verdict_against(case: &Case<'_>, source: &Source) -> Option<String> {
    let mut executed: Vec<&Release> = source.releases.iter().map(|release| &**release).collect();
    executed.retain(|release| started(release).is_some());
    executed.sort_by_key(|release| std::cmp::Reverse(started(release)));
    case.release()
        .spec
        .images
        .iter()
        .find_map(|wanted| executed.iter().find_map(|release| decision(release, wanted, case.now)).flatten())
}

/// What a release of the source decided about an image: `None` nothing, `Some(None)` it is good, else why it is bad.
#[expect(clippy::option_option, reason = "no decision is not the same as a good one")]
fn decision(release: &Release, wanted: &ComponentImage, now: DateTime<Utc>) -> Option<Option<String>> {
    let has = |images: &[ComponentImage]| {
        images
            .iter()
            .any(|image| image.component == wanted.component && same_content(&image.image, &wanted.image))
    };
    let ago =
        |at: Option<DateTime<Utc>>| at.map_or(String::new(), |at| format!(" {} ago", Age::between(at, now)));
    let status = release.status.as_ref()?;
    let version = crate::domain::version::version_of(&wanted.image);
    if !has(&release.spec.images) {
        let is_left = left_images(release).is_some_and(|left| has(&left));
        let reason = release.spec.reason.as_deref().unwrap_or("no reason given");
        let by = &release.spec.requested_by;
        return is_left.then(|| {
            Some(format!("{version} was rolled back{} by {by} ({reason})", ago(status.started_at)))
        });
    }
    match release.phase() {
        Phase::Succeeded => Some(None),
        Phase::RollingBack | Phase::RolledBack | Phase::Failed | Phase::Errored | Phase::Held => {
            let phase = release.phase();
            let why = status.undo.as_ref().map_or(status.message.as_str(), |undo| undo.reason.as_str());
            Some(Some(format!("{version} is {phase}{} ({why})", ago(status.finished_at))))
        }
        _ => None,
    }
}

fn started(release: &Release) -> Option<DateTime<Utc>> {
    release.status.as_ref().and_then(|status| status.started_at)
}

/// A release with the same images succeeded there.
fn has_succeeded(case: &Case<'_>, source: &Source) -> bool {
    let images = &case.release().spec.images;
    images.iter().all(|wanted| {
        source.releases.iter().any(|release| {
            release.phase() == Phase::Succeeded
                && release.spec.images.iter().any(|image| {
                    image.component == wanted.component && same_content(&image.image, &wanted.image)
                })
        })
    })
}

/// The verdict of an earlier look, kept in the release's own status. A gate that was waived or passed by force has proved nothing.
fn has_soaked_before(case: &Case<'_>) -> bool {
    let was_spared = case.release().spec.emergency == Some(true)
        || case.status.overrides.iter().any(|forced| forced.gate == NAME);
    !was_spared && case.status.gates.iter().any(|gate| gate.name == NAME && gate.state == GateState::Pass)
}

enum Health {
    Since(DateTime<Utc>),
    Unhealthy(String),
    Elsewhere(String),
}

fn healthy_since(images: &[ComponentImage], environment: &Environment) -> Health {
    let current = environment.status.as_ref().map_or(&[][..], |status| status.current.as_slice());
    let mut latest = DateTime::<Utc>::MIN_UTC;
    for wanted in images {
        let name = wanted.component.to_string();
        let running = current.iter().find(|current| current.component == wanted.component);
        match running {
            Some(running) if same_content(&running.image, &wanted.image) => match running.healthy_since {
                Some(since) => latest = latest.max(since),
                None => return Health::Unhealthy(name),
            },
            _ => return Health::Elsewhere(name),
        }
    }
    Health::Since(latest)
}
