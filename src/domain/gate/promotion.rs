//! Promotion: what comes here must have succeeded, and soaked healthy, in another environment.

use chrono::{DateTime, Utc};

use super::{Case, Gate};
use crate::api::environment::{Environment, Promotion};
use crate::api::release::{ComponentImage, GateState, Phase};
use crate::domain::rollout::Source;
use crate::domain::version::same_content;

const NAME: &str = "promotion";

pub(super) fn judge(case: &Case<'_>, rule: &Promotion) -> Gate {
    let from = format!("{}/{}", rule.from.namespace, rule.from.name);
    let version = &case.release().spec.version;
    let Some(source) = &case.observed.source else {
        return Gate::no_data(NAME, format!("{from} has not been read yet")).cleared_by("the controller");
    };
    let Some(environment) = &source.environment else {
        return Gate::no_data(NAME, format!("Environment {from} does not exist"))
            .cleared_by(format!("a platform owner creates {from}"));
    };
    if !has_succeeded(case, source) {
        return Gate::wait(NAME, format!("{version} has not succeeded in {from}"))
            .cleared_by(format!("a release of {version} to {from}"));
    }
    let Some(soak) = rule.soak else {
        return Gate::pass(NAME, format!("{version} succeeded in {from}"));
    };
    match healthy_since(&case.release().spec.images, environment) {
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

/// A release with the same images succeeded there and was not undone.
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
