//! The component's own Service, whose selector is switched from one workload to the other in one write: all or nothing.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Distinction, Error, Key, Route, Router, SERVICE, Shares, pair};
use crate::api::strategy::Weight;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;

/// The router `service-selector`.
pub(super) struct ServiceSelector;

/// Which of the two the Service selects, by one label.
struct Switch {
    service: kube::api::DynamicObject,
    key: String,
    first: String,
    second: String,
}

impl Switch {
    async fn read(route: &Route) -> Result<Self, Error> {
        let (service, workload) = pair::read(route).await?;
        let (key, first) = pair::telling(route, &service.data, &workload.data)?;
        let second = pair::second_value(route, &first);
        Ok(Self { service, key, first, second })
    }

    fn path(&self) -> String {
        format!("/spec/selector/{}", pair::step(&self.key))
    }

    fn weight(&self) -> Weight {
        let value = self.service.data.pointer(&self.path()).and_then(Value::as_str);
        if value == Some(&self.second) { Weight::FULL } else { Weight::ZERO }
    }

    async fn write(&self, route: &Route, to: Weight) -> Result<Written, Error> {
        if self.weight() == to {
            return Ok(Written::Already);
        }
        let value = if to == Weight::FULL { &self.second } else { &self.first };
        let operations = vec![
            pair::unchanged(&self.service),
            json!({"op": "replace", "path": self.path(), "value": value}),
        ];
        pair::patch(&pair::services(route), "Service", route.service(), operations).await?;
        Ok(Written::Now)
    }
}

async fn observe(route: &Route) -> Result<TrafficState, Error> {
    let switch = match Switch::read(route).await {
        Ok(switch) => switch,
        // somebody gave the Service a selector that neither workload fits
        Err(Error::Unfit(detail)) => return Ok(TrafficState { detail, ..TrafficState::default() }),
        Err(error) => return Err(error),
    };
    let weight = switch.weight();
    let value = if weight == Weight::FULL { &switch.second } else { &switch.first };
    let detail = format!("Service {} selects {}={value}", route.service(), switch.key);
    Ok(TrafficState { weight: Some(weight), is_accepted: true, detail, ..TrafficState::default() })
}

async fn set(route: &Route, from: Weight, to: Weight) -> Result<Written, Error> {
    if to != Weight::ZERO && to != Weight::FULL {
        let name = route.service();
        return Err(Error::Unfit(format!(
            "Service {name} sends all or nothing, never {to}: use steps of 0 and 100, or another router"
        )));
    }
    let switch = Switch::read(route).await?;
    if switch.weight() != to && switch.weight() != from {
        return Err(Error::Changed(format!("Service {}", route.service())));
    }
    switch.write(route, to).await
}

async fn remains(route: &Route) -> Result<Option<String>, Error> {
    match Switch::read(route).await {
        Ok(switch) if switch.weight() == Weight::FULL => Ok(Some(format!("Service {}", route.service()))),
        Ok(_) | Err(Error::Missing { .. } | Error::Unfit(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn reset(route: &Route) -> Result<Written, Error> {
    match Switch::read(route).await {
        Ok(switch) => switch.write(route, Weight::ZERO).await,
        Err(Error::Missing { .. }) => Ok(Written::Already),
        Err(error) => Err(error),
    }
}

impl Router for ServiceSelector {
    fn name(&self) -> &'static str {
        "service-selector"
    }

    fn keys(&self) -> &'static [Key] {
        &[SERVICE]
    }

    fn shares(&self) -> Shares {
        Shares::AllOrNothing
    }

    fn has_second_service(&self, _: &Route) -> bool {
        true
    }

    fn distinguish<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Distinction, Error>> {
        // the second Service shows green before the switch
        pair::by_service(route).boxed()
    }

    fn observe<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<TrafficState, Error>> {
        observe(route).boxed()
    }

    fn set<'a>(
        &'a self,
        route: &'a Route,
        from: Weight,
        to: Weight,
    ) -> BoxFuture<'a, Result<Written, Error>> {
        set(route, from, to).boxed()
    }

    fn remains<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Option<String>, Error>> {
        remains(route).boxed()
    }

    fn reset<'a>(&'a self, route: &'a Route) -> BoxFuture<'a, Result<Written, Error>> {
        reset(route).boxed()
    }
}
