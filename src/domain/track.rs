//! Second workloads: which track a strategy brings up, who carries its traffic, and under which name it is reached before that.
//!
//! Must not know how a workload or a router is changed (`workload`, `traffic`).

use super::health::Routing;
use crate::api::environment::Component;
use crate::api::names::ComponentName;
use crate::api::strategy::{Strategy, StrategyName, Track, TrafficRouting};

/// The router that shifts nothing: replicas carry the weight, as they do where no router is named.
pub(crate) const REPLICA_RATIO: &str = "replica-ratio";
/// The router of a switch where the environment names none.
pub(crate) const SERVICE_SELECTOR: &str = "service-selector";
/// What stands for the component's name in a router's settings.
const COMPONENT: &str = "{{component}}";

/// The second workload that a strategy brings up; nothing where it replaces pods in place.
#[must_use]
pub(crate) const fn of(strategy: StrategyName) -> Option<Track> {
    match strategy {
        StrategyName::Rolling => None,
        StrategyName::Canary => Some(Track::Canary),
        StrategyName::BlueGreen => Some(Track::Green),
    }
}

/// The router that carries a component's traffic, with the component's name in its settings; nothing where replicas carry the
/// weight. A switch always has one, since green pods must get no traffic before it.
#[must_use]
pub(crate) fn routing(settings: &Strategy, component: &ComponentName) -> Option<TrafficRouting> {
    let named = match settings {
        Strategy::Rolling(_) => None,
        Strategy::Canary(canary) => canary.traffic_routing.as_ref(),
        Strategy::BlueGreen(blue_green) => blue_green.traffic_routing.as_ref(),
    };
    let named = named.filter(|routing| routing.router != REPLICA_RATIO);
    if named.is_none() && matches!(settings, Strategy::BlueGreen(_)) {
        return Some(TrafficRouting { router: SERVICE_SELECTOR.to_owned(), config: [].into() });
    }
    let named = named?;
    let config = named.config.iter();
    Some(TrafficRouting {
        router: named.router.clone(),
        config: config.map(|(key, value)| (key.clone(), filled(value, component))).collect(),
    })
}

/// The Service by which green is reached before the switch, where the environment names one.
#[must_use]
pub(crate) fn preview_service(settings: &Strategy, component: &ComponentName) -> Option<String> {
    match settings {
        Strategy::BlueGreen(blue_green) => {
            blue_green.preview_service.as_deref().map(|name| filled(name, component))
        }
        _ => None,
    }
}

fn filled(text: &str, component: &ComponentName) -> String {
    text.replace(COMPONENT, component.as_str())
}

/// The second workload of a component, as questions about it name it; no shares are stated.
#[must_use]
pub(crate) fn second_of(component: &Component, settings: &Strategy, track: Track) -> Routing {
    Routing {
        component: component.name.to_string(),
        workload: component.workload.clone(),
        track,
        routing: routing(settings, &component.name),
        preview_service: preview_service(settings, &component.name),
        weights: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::strategy::{BlueGreen, Canary, Rolling};

    fn named(router: &str) -> TrafficRouting {
        let config = [("httpRoute".to_owned(), "{{component}}-route".to_owned())];
        TrafficRouting { router: router.into(), config: config.into() }
    }

    #[test]
    fn a_router_is_told_the_component() {
        let canary = |routing| Strategy::Canary(Canary { traffic_routing: routing, ..Canary::default() });
        let blue_green =
            |routing| Strategy::BlueGreen(BlueGreen { traffic_routing: routing, ..BlueGreen::default() });
        for (settings, router) in [
            (Strategy::Rolling(Rolling::default()), None),
            (canary(None), None),
            (canary(Some(named(REPLICA_RATIO))), None),
            (canary(Some(named("gateway-api"))), Some("gateway-api")),
            (blue_green(None), Some(SERVICE_SELECTOR)),
            (blue_green(Some(named(REPLICA_RATIO))), Some(SERVICE_SELECTOR)),
            (blue_green(Some(named("istio"))), Some("istio")),
        ] {
            let found = routing(&settings, &"backend".into());
            assert_eq!(found.as_ref().map(|routing| routing.router.as_str()), router, "{settings:?}");
            let value = found.and_then(|routing| routing.config.get("httpRoute").cloned());
            assert!(value.is_none_or(|value| value == "backend-route"));
        }
    }
}
