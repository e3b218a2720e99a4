//! What a release will do: its steps, and a digest over everything that an approver agrees to.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{governing, track};
use crate::api::Duration;
use crate::api::environment::{Environment, EnvironmentSpec, HttpProbe, Probe};
use crate::api::names::ComponentName;
use crate::api::release::{
    BakeStep, PartStep, Plan, PlanStep, Release, ReleaseStatus, RollStep, SmokeStep, TrackStep,
};
use crate::api::strategy::{
    AnalysisStep, BlueGreen, Canary, Pause, Step, Strategy, StrategyName, Track, Weight,
};
use crate::domain::workload_kind;

/// The plan of a release under an environment's present policy. Equal inputs give equal digests, whatever the order of images.
///
/// A strategy whose settings say nothing has no steps: `gate` refuses it.
#[must_use]
pub(crate) fn plan(environment: &Environment, release: &Release) -> Plan {
    let spec = &environment.spec;
    let strategy = release.spec.strategy.unwrap_or_else(|| spec.default_strategy());
    let settings = spec.strategy_of(strategy);
    let waves = waves(spec, release);
    let steps = match &settings {
        _ if waves.is_empty() => Vec::new(),
        Strategy::Rolling(rolling) => {
            let waves = waves.into_iter().flat_map(|wave| {
                let part = rolling.pause_at_percent.and_then(|percent| part(spec, &wave, percent));
                let pause = part.is_some().then_some(PlanStep::Canary(Step::Pause(Pause::default())));
                part.into_iter().chain(pause).chain([wave])
            });
            waves.chain(watch(spec)).collect()
        }
        Strategy::Canary(canary) => canary_steps(spec, canary, waves),
        Strategy::BlueGreen(blue_green) => blue_green_steps(spec, blue_green, waves),
    };
    let policy = governing::hashes(spec);
    let digest = digest(release, &settings, &steps, Some(&policy));
    Plan { strategy, steps, digest, policy, changed: None }
}

/// The plan anew, where `old` is the one that is stored.
///
/// A plan of an older version covers no policy. As long as nothing changes, it keeps its digest, and approvals of it count; the
/// policy as this version first sees it is the one that later changes are compared with.
#[must_use]
pub(crate) fn renewed(environment: &Environment, release: &Release, old: Option<&Plan>) -> Plan {
    let mut plan = plan(environment, release);
    let Some(old) = old else { return plan };
    let is_same_policy = old.policy.is_empty() || old.policy == plan.policy;
    let settings = environment.spec.strategy_of(plan.strategy);
    if is_same_policy && old.digest == digest(release, &settings, &plan.steps, None) {
        plan.digest.clone_from(&old.digest);
    }
    plan.changed = if is_same_policy {
        old.changed.clone()
    } else {
        Some(governing::change(environment, governing::difference(&old.policy, &plan.policy)))
    };
    plan
}

/// A wave after the other.
fn waves(spec: &EnvironmentSpec, release: &Release) -> Vec<PlanStep> {
    let named = |name: &ComponentName| release.spec.images.iter().any(|image| image.component == *name);
    let mut waves: Vec<i32> =
        spec.components.iter().filter(|c| named(&c.name)).map(|component| component.wave).collect();
    waves.sort_unstable();
    waves.dedup();
    waves
        .into_iter()
        .map(|wave| {
            let components = spec.components.iter().filter(|c| c.wave == wave && named(&c.name));
            PlanStep::Roll(RollStep { components: components.map(|c| c.name.clone()).collect(), wave })
        })
        .collect()
}

/// The StatefulSets of a wave, as far as the first pause.
fn part(spec: &EnvironmentSpec, wave: &PlanStep, percent: i32) -> Option<PlanStep> {
    let PlanStep::Roll(roll) = wave else { return None };
    let is_set = |name: &&ComponentName| {
        spec.component(name.as_str())
            .is_some_and(|found| workload_kind::row(found.workload.kind).has_partition)
    };
    let components: Vec<_> = roll.components.iter().filter(is_set).cloned().collect();
    (!components.is_empty()).then_some(PlanStep::Part(PartStep { components, percent }))
}

/// The environment's steps; all traffic on the canary where a router can send it there; then the components' own workloads follow.
fn canary_steps(spec: &EnvironmentSpec, canary: &Canary, waves: Vec<PlanStep>) -> Vec<PlanStep> {
    let last = canary.steps.iter().rev().find_map(|step| match step {
        Step::SetWeight(weight) => Some(*weight),
        _ => None,
    });
    let Some(last) = last else { return Vec::new() };
    let is_routed = canary.traffic_routing.as_ref().is_some_and(|r| r.router != track::REPLICA_RATIO);
    let implied = (is_routed && last != Weight::FULL).then_some(Step::SetWeight(Weight::FULL));
    let settle = PlanStep::Settle(second(Track::Canary, &waves));
    let steps = canary.steps.iter().cloned().chain(implied).map(PlanStep::Canary);
    steps.chain(waves).chain([settle]).chain(watch(spec)).collect()
}

/// Green at full size, proved without traffic; the switch; blue kept for a time, then brought to the new version as well.
fn blue_green_steps(spec: &EnvironmentSpec, settings: &BlueGreen, waves: Vec<PlanStep>) -> Vec<PlanStep> {
    let green = second(Track::Green, &waves);
    let mut steps = vec![PlanStep::Raise(green.clone())];
    let whole = Strategy::BlueGreen(settings.clone());
    let previewed =
        probes(spec).iter().filter(|probe| previewed(spec, &whole, &probe.http).is_some()).count();
    steps.extend(smoke(previewed));
    if !spec.analysis.is_empty() {
        steps.push(PlanStep::Canary(Step::Analysis(AnalysisStep::default())));
    }
    if settings.pause_before_switch {
        steps.push(PlanStep::Canary(Step::Pause(Pause::default())));
    }
    steps.push(PlanStep::Switch(green.clone()));
    steps.extend(smoke(probes(spec).len()));
    let keep = spec.bake.into_iter().chain(settings.keep_blue).max_by_key(|keep| keep.as_millis());
    steps.extend(lasting(keep).map(PlanStep::Keep));
    steps.extend(waves);
    steps.push(PlanStep::Settle(green));
    steps
}

fn second(track: Track, waves: &[PlanStep]) -> TrackStep {
    let components = waves.iter().flat_map(|step| match step {
        PlanStep::Roll(roll) => roll.components.as_slice(),
        _ => &[],
    });
    TrackStep { track, components: components.cloned().collect() }
}

fn probes(spec: &EnvironmentSpec) -> &[Probe] {
    spec.gates.as_ref().map_or(&[], |gates| gates.smoke.as_slice())
}

fn smoke(probes: usize) -> Option<PlanStep> {
    let count = i32::try_from(probes).unwrap_or(i32::MAX);
    (probes > 0).then_some(PlanStep::Smoke(SmokeStep { probes: count }))
}

fn lasting(duration: Option<Duration>) -> Option<BakeStep> {
    duration.filter(|duration| duration.as_millis() > 0).map(|duration| BakeStep { duration })
}

/// A probe of a component's own Service, asked of the Service that selects green instead. Nothing for any other probe: it would
/// ask what customers see, which is blue before the switch.
#[must_use]
pub(crate) fn previewed(spec: &EnvironmentSpec, settings: &Strategy, probe: &HttpProbe) -> Option<HttpProbe> {
    let rest = probe.url.strip_prefix("service://")?;
    let end = rest.find(':').or_else(|| rest.find('/')).unwrap_or(rest.len());
    let (named, rest) = rest.split_at(end);
    let (namespace, name) = named.rsplit_once('/').map_or(("", named), |(namespace, name)| (namespace, name));
    let component = spec.components.iter().find(|c| c.workload.name == name || c.name.as_str() == name)?;
    let own = Track::Green.workload_name(&component.workload.name);
    let green = track::preview_service(settings, &component.name).unwrap_or(own);
    let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    Some(HttpProbe { url: format!("service://{namespace}{green}{rest}"), ..probe.clone() })
}

/// What follows the change of the last workload.
fn watch(spec: &EnvironmentSpec) -> Vec<PlanStep> {
    let bake = lasting(spec.bake).map(PlanStep::Bake);
    smoke(probes(spec).len()).into_iter().chain(bake).collect()
}

fn digest(
    release: &Release,
    settings: &Strategy,
    steps: &[PlanStep],
    policy: Option<&BTreeMap<String, String>>,
) -> String {
    let mut images: Vec<_> =
        release.spec.images.iter().map(|i| json!([i.component.as_str(), i.image])).collect();
    images.sort_by_key(Value::to_string);
    let mut whole = json!({"images": images, "strategy": settings.name(), "steps": steps});
    // who carries the traffic, and what people may do with it, is agreed to as well
    if settings.name() != StrategyName::Rolling {
        whole["settings"] = json!(settings);
    }
    if let Some(policy) = policy {
        whole["policy"] = json!(policy);
    }
    hash(whole)
}

/// `sha256:` and the hash of a value, the same for equal values.
#[must_use]
pub(super) fn hash(value: Value) -> String {
    let hash = Sha256::digest(canonical(value).to_string().as_bytes());
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
pub(super) fn canonical(value: Value) -> Value {
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
pub(crate) fn target<'a>(release: &'a Release, component: &ComponentName) -> Option<&'a str> {
    release.spec.images.iter().find(|image| image.component == *component).map(|image| image.image.as_str())
}

/// What people call a step: they count from 1, as every screen does; the API counts from 0.
#[must_use]
pub(crate) const fn number(index: i32) -> i32 {
    index.saturating_add(1)
}

/// The present step of a plan with its index, once there is one.
#[must_use]
pub(crate) fn present(status: &ReleaseStatus) -> Option<(i32, &PlanStep)> {
    let index = status.step.as_ref()?.index;
    let step = status.plan.as_ref()?.steps.get(usize::try_from(index).ok()?)?;
    Some((index, step))
}

/// Where going to the end leads from the present step: all weight on the new version, or the switch; after these, whatever ends
/// waiting. Nothing where no step can be skipped.
#[must_use]
pub(crate) fn full_step(status: &ReleaseStatus) -> Option<usize> {
    let (index, step) = present(status)?;
    let steps = &status.plan.as_ref()?.steps;
    let index = usize::try_from(index).ok()?;
    if matches!(step, PlanStep::Keep(_)) {
        return Some(index.saturating_add(1));
    }
    let ends = |step: &PlanStep| matches!(step, PlanStep::Roll(_) | PlanStep::Switch(_));
    let end = steps.iter().position(ends)?;
    let last = end.checked_sub(1)?;
    let is_full = matches!(steps.get(last), Some(PlanStep::Canary(Step::SetWeight(Weight::FULL))));
    Some(if is_full { last } else { end }).filter(|end| *end > index)
}

/// The components of a plan in the order in which they are changed.
#[must_use]
pub(crate) fn components(plan: &Plan) -> impl DoubleEndedIterator<Item = &ComponentName> {
    plan.steps.iter().flat_map(|step| match step {
        PlanStep::Roll(roll) => roll.components.as_slice(),
        _ => &[],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::strategy::TrafficRouting;
    use crate::domain::fixtures::{environment, release};

    fn words(plan: &Plan) -> String {
        let word = |step: &PlanStep| match step {
            PlanStep::Roll(roll) => roll.components[0].to_string(),
            PlanStep::Part(part) => format!("{}% of {}", part.percent, part.components[0]),
            PlanStep::Smoke(smoke) => format!("smoke {}", smoke.probes),
            PlanStep::Bake(_) => "bake".into(),
            PlanStep::Keep(keep) => format!("keep {}", keep.duration),
            PlanStep::Raise(_) => "raise".into(),
            PlanStep::Switch(_) => "switch".into(),
            PlanStep::Settle(step) => {
                assert_eq!(step.components.len(), 2);
                "settle".into()
            }
            PlanStep::Canary(Step::SetWeight(weight)) => weight.percent().to_string(),
            PlanStep::Canary(Step::Pause(_)) => "pause".into(),
            PlanStep::Canary(other) => format!("{other:?}"),
        };
        plan.steps.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn waves_come_in_order_then_smoke_then_bake() {
        let mut environment = environment();
        environment.spec.bake = Some(Duration::from_mins(5));
        environment.spec.components.reverse();
        let plan = plan(&environment, &release("v2"));
        assert_eq!(words(&plan), "backend frontend bake");
        assert_eq!(plan.digest.len(), 71);
    }

    #[test]
    fn approving_covers_the_policy_and_an_older_plan_keeps_its_digest_until_something_changes() {
        let (mut environment, release) = (environment(), release("v2"));
        let first = plan(&environment, &release);
        environment.spec.on_failure = crate::api::environment::OnFailure::Hold;
        let second = renewed(&environment, &release, Some(&first));
        assert_ne!(second.digest, first.digest);
        assert_eq!(second.changed.as_ref().unwrap().sections, ["onFailure"]);
        assert_eq!(renewed(&environment, &release, Some(&second)), second, "told again, it is no news");
        environment.spec.contacts.insert("on-call".into(), "#ops".into());
        assert_eq!(renewed(&environment, &release, Some(&second)), second, "contacts follow at once");

        let settings = environment.spec.strategy_of(second.strategy);
        let old = Plan {
            digest: digest(&release, &settings, &second.steps, None),
            policy: BTreeMap::new(),
            ..second.clone()
        };
        let kept = renewed(&environment, &release, Some(&old));
        assert_eq!((kept.digest.as_str(), kept.policy.len()), (old.digest.as_str(), second.policy.len()));
        let again = renewed(&environment, &release, Some(&kept));
        assert_eq!(again.digest, old.digest);
        environment.spec.components[0].workload.name = "other".into();
        let moved = renewed(&environment, &release, Some(&again));
        assert_ne!(moved.digest, old.digest);
        assert_eq!(moved.changed.unwrap().sections, ["components"]);
    }

    #[test]
    fn the_digest_changes_with_images_steps_strategy_and_policy_only() {
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
    fn a_canary_ends_with_all_traffic_where_a_router_can_send_it_then_rolls_and_settles() {
        let weight = |percent| Step::SetWeight(Weight::new(percent).unwrap());
        let router = |name: &str| {
            Some(TrafficRouting { router: name.into(), config: std::collections::BTreeMap::new() })
        };
        for (steps, routing, expected) in [
            (vec![weight(20)], None, "20 backend frontend settle bake"),
            (vec![weight(20)], router("replica-ratio"), "20 backend frontend settle bake"),
            (vec![weight(20)], router("gateway-api"), "20 100 backend frontend settle bake"),
            (vec![weight(20), weight(100)], router("istio"), "20 100 backend frontend settle bake"),
            (Vec::new(), router("istio"), ""),
        ] {
            let mut environment = environment();
            environment.spec.bake = Some(Duration::from_mins(5));
            let canary = Canary { traffic_routing: routing, steps, ..Canary::default() };
            environment.spec.strategy = Some(Strategy::Canary(canary));
            assert_eq!(words(&plan(&environment, &release("v2"))), expected);
        }
    }

    #[test]
    fn green_is_proved_before_the_switch_and_blue_is_kept_after_it() {
        let mut environment = environment();
        environment.spec.allowed_strategies = vec![StrategyName::BlueGreen];
        environment.spec.bake = Some(Duration::from_mins(5));
        let mut release = release("v2");
        release.spec.strategy = Some(StrategyName::BlueGreen);
        assert_eq!(words(&plan(&environment, &release)), "raise switch keep 5m backend frontend settle");
        let probe = |url: &str| Probe {
            http: HttpProbe { url: url.into(), status: None, within: None, body_contains: None },
            deadline: None,
        };
        let smoke = vec![probe("service://planera/backend:80/x"), probe("https://app.planera.app/")];
        environment.spec.gates = Some(crate::api::environment::Gates { smoke, ..Default::default() });
        environment.spec.strategies = Some(crate::api::strategy::StrategySettings {
            blue_green: Some(BlueGreen {
                pause_before_switch: true,
                keep_blue: Some(Duration::from_mins(30)),
                preview_service: Some("{{component}}-preview".into()),
                ..BlueGreen::default()
            }),
            ..Default::default()
        });
        let expected = "raise smoke 1 pause switch smoke 2 keep 30m backend frontend settle";
        assert_eq!(words(&plan(&environment, &release)), expected);
        let settings = environment.spec.strategy_of(StrategyName::BlueGreen);
        let asked =
            |url: &str| previewed(&environment.spec, &settings, &probe(url).http).map(|probe| probe.url);
        for (url, expected) in [
            ("service://planera/backend:80/x", Some("service://planera/backend-preview:80/x")),
            ("service://frontend:80/", Some("service://frontend-preview:80/")),
            ("service://database:80/", None),
            ("https://backend/", None),
        ] {
            assert_eq!(asked(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn who_carries_the_traffic_is_part_of_what_is_agreed_to() {
        let mut environment = environment();
        let mut digests = Vec::new();
        for max_step in [None, Weight::new(10), Weight::new(20)] {
            let steps = vec![Step::SetWeight(Weight::FULL)];
            environment.spec.strategy =
                Some(Strategy::Canary(Canary { steps, max_step, ..Canary::default() }));
            digests.push(plan(&environment, &release("v2")).digest);
        }
        digests.dedup();
        assert_eq!(digests.len(), 3);
    }

    #[test]
    fn components_that_no_image_is_given_for_stay_out() {
        let mut release = release("v2");
        release.spec.images.retain(|image| image.component.as_str() == "frontend");
        let plan = plan(&environment(), &release);
        assert_eq!(components(&plan).map(ComponentName::as_str).collect::<Vec<_>>(), ["frontend"]);
    }
}
