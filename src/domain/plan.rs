//! What a release will do: its steps, and a digest over everything that an approver agrees to.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::environment::{Environment, EnvironmentSpec};
use crate::api::names::ComponentName;
use crate::api::release::{BakeStep, Plan, PlanStep, Release, RollStep, SmokeStep};
use crate::api::strategy::{Strategy, StrategyName};

/// The plan of a release under an environment's present policy. Equal inputs give equal digests, whatever the order of images.
#[must_use]
pub fn plan(environment: &Environment, release: &Release) -> Plan {
    let strategy = release.spec.strategy.unwrap_or_else(|| environment.spec.default_strategy());
    let steps = match strategy {
        StrategyName::Rolling | StrategyName::BlueGreen => rolling(&environment.spec, release),
        StrategyName::Canary => canary(&environment.spec),
    };
    let digest = digest(release, strategy, &steps);
    Plan { strategy, steps, digest }
}

fn rolling(spec: &EnvironmentSpec, release: &Release) -> Vec<PlanStep> {
    let named = |name: &ComponentName| release.spec.images.iter().any(|image| image.component == *name);
    let mut waves: Vec<i32> =
        spec.components.iter().filter(|c| named(&c.name)).map(|component| component.wave).collect();
    waves.sort_unstable();
    waves.dedup();
    let mut steps: Vec<PlanStep> = waves
        .into_iter()
        .map(|wave| {
            let components = spec.components.iter().filter(|c| c.wave == wave && named(&c.name));
            PlanStep::Roll(RollStep { components: components.map(|c| c.name.clone()).collect(), wave })
        })
        .collect();
    steps.extend(watch(spec));
    steps
}

fn canary(spec: &EnvironmentSpec) -> Vec<PlanStep> {
    let mut steps: Vec<PlanStep> = match &spec.strategy {
        Some(Strategy::Canary(canary)) => canary.steps.iter().cloned().map(PlanStep::Canary).collect(),
        _ => Vec::new(),
    };
    steps.extend(watch(spec));
    steps
}

/// What follows the change of the last workload.
fn watch(spec: &EnvironmentSpec) -> Vec<PlanStep> {
    let probes = spec.gates.as_ref().map_or(0, |gates| gates.smoke.len());
    let smoke = (probes > 0)
        .then(|| PlanStep::Smoke(SmokeStep { probes: i32::try_from(probes).unwrap_or(i32::MAX) }));
    let bake =
        spec.bake.filter(|bake| bake.as_millis() > 0).map(|duration| PlanStep::Bake(BakeStep { duration }));
    smoke.into_iter().chain(bake).collect()
}

fn digest(release: &Release, strategy: StrategyName, steps: &[PlanStep]) -> String {
    let mut images: Vec<_> =
        release.spec.images.iter().map(|i| json!([i.component.as_str(), i.image])).collect();
    images.sort_by_key(Value::to_string);
    let whole = canonical(json!({"images": images, "strategy": strategy, "steps": steps}));
    let hash = Sha256::digest(whole.to_string().as_bytes());
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in hash {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The same value with the keys of every object in order, so that equal values have equal texts.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().map(|(key, value)| (key, canonical(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        other => other,
    }
}

/// The image that a release brings to a component.
#[must_use]
pub fn target<'a>(release: &'a Release, component: &ComponentName) -> Option<&'a str> {
    release.spec.images.iter().find(|image| image.component == *component).map(|image| image.image.as_str())
}

/// The components of a plan in the order in which they are changed.
#[must_use]
pub fn components(plan: &Plan) -> impl DoubleEndedIterator<Item = &ComponentName> {
    plan.steps.iter().flat_map(|step| match step {
        PlanStep::Roll(roll) => roll.components.as_slice(),
        _ => &[],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Duration;
    use crate::domain::fixtures::{environment, release};

    #[test]
    fn waves_come_in_order_then_smoke_then_bake() {
        let mut environment = environment();
        environment.spec.bake = Some(Duration::from_mins(5));
        environment.spec.components.reverse();
        let plan = plan(&environment, &release("v2"));
        let kinds: Vec<_> = plan
            .steps
            .iter()
            .map(|step| match step {
                PlanStep::Roll(roll) => roll.components[0].to_string(),
                PlanStep::Smoke(_) => "smoke".into(),
                PlanStep::Bake(bake) => bake.duration.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(kinds, ["backend", "frontend", "5m"]);
        assert_eq!(plan.digest.len(), 71);
    }

    #[test]
    fn the_digest_changes_with_images_steps_and_strategy_only() {
        let (mut environment, mut release) = (environment(), release("v2"));
        let first = plan(&environment, &release).digest;
        release.spec.images.reverse();
        release.spec.reason = Some("other".into());
        assert_eq!(plan(&environment, &release).digest, first);
        environment.spec.bake = Some(Duration::from_secs(1));
        let second = plan(&environment, &release).digest;
        assert_ne!(second, first);
        release.spec.images[0].image.push('x');
        assert_ne!(plan(&environment, &release).digest, second);
    }

    #[test]
    fn components_that_no_image_is_given_for_stay_out() {
        let mut release = release("v2");
        release.spec.images.retain(|image| image.component.as_str() == "frontend");
        let plan = plan(&environment(), &release);
        assert_eq!(components(&plan).map(ComponentName::as_str).collect::<Vec<_>>(), ["frontend"]);
    }
}
