//! Routers whose objects hold lists of backends with weights: HTTP routes, virtual services, Traefik's weighted services.
//!
//! An annotation keeps the weights that were stated before the first change, so that the object is in the end what it was.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use super::split::{self, Dialect, Two};
use super::{Error, Route, pair};
use crate::api::strategy::Weight;
use crate::domain::rollout::TrafficState;
use crate::workload::Written;

/// A kind of object with such lists.
pub(super) struct Weighted {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    /// Setting that names the object.
    pub key: &'static str,
    /// JSON pointers of the lists of backends that serve everybody. The second argument is the only rule that is meant.
    pub lists: fn(&Value, Option<&str>) -> Vec<String>,
    pub dialect: Dialect,
    /// What the object's own controller says of its present generation.
    pub acceptance: fn(&DynamicObject) -> Acceptance,
}

/// What an object's own controller says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Acceptance {
    /// It has taken what the object states.
    Accepted,
    /// It says nothing.
    Silent,
    /// It has not, or not yet.
    Not(String),
}

/// Annotation of the weights before: its name is the first Service's.
const BEFORE: &str = "before.release-cockpit.dev";

impl Weighted {
    fn resource(&self) -> ApiResource {
        let kind = GroupVersionKind::gvk(self.group, self.version, self.kind);
        ApiResource::from_gvk_with_plural(&kind, self.plural)
    }

    fn name<'a>(&self, route: &'a Route) -> &'a str {
        route.setting(self.key).unwrap_or_default()
    }

    async fn get(&self, route: &Route) -> Result<DynamicObject, Error> {
        pair::get(&pair::any(route, &self.resource()), self.kind, self.name(route)).await
    }

    /// What the object states.
    pub(super) async fn observe(&self, route: &Route, two: Two<'_>) -> Result<TrafficState, Error> {
        let object = self.get(route).await?;
        Ok(self.state(route, &object, &two))
    }

    fn state(&self, route: &Route, object: &DynamicObject, two: &Two<'_>) -> TrafficState {
        let what = format!("{} {}", self.kind, self.name(route));
        let weight = match self.share(route, object, two) {
            Ok(weight) => weight,
            Err(why) => {
                return TrafficState { detail: format!("{what} {why}"), ..TrafficState::default() };
            }
        };
        let detail = format!("{what} sends {weight} to {}", two.second.service);
        let (is_accepted, detail) = match (self.acceptance)(object) {
            Acceptance::Accepted => (true, format!("{detail}, accepted")),
            Acceptance::Silent => (true, detail),
            Acceptance::Not(why) => (false, format!("{detail}, {why}")),
        };
        TrafficState { weight: Some(weight), is_accepted, detail, lacks: None }
    }

    /// The share that all rules agree on.
    fn share(&self, route: &Route, object: &DynamicObject, two: &Two<'_>) -> Result<Weight, String> {
        let mut all: Option<Weight> = None;
        for (list, backends) in self.backends(route, object) {
            let here =
                split::share(&backends, &self.dialect, two).map_err(|why| format!("{why} at {list}"))?;
            match (all, here) {
                (Some(all), Some(here)) if all != here => {
                    return Err(format!("sends {all} by one rule and {here} by another ({list})"));
                }
                _ => all = all.or(here),
            }
        }
        all.ok_or_else(|| format!("has no rule for everybody that leads to {}", two.first.service))
    }

    /// The lists that matter, with their places.
    fn backends(&self, route: &Route, object: &DynamicObject) -> Vec<(String, Vec<Value>)> {
        let lists = (self.lists)(&object.data, route.setting("rule"));
        let with_list = |list: String| {
            let backends = object.data.pointer(&list)?.as_array()?.clone();
            Some((list, backends))
        };
        lists.into_iter().filter_map(with_list).collect()
    }

    /// Whether all these shares can be set, as the object is now.
    pub(super) async fn rehearse(&self, route: &Route, two: Two<'_>, shares: &[Weight]) -> Result<(), Error> {
        let object = self.get(route).await?;
        for share in shares {
            self.change(route, &object, &two, (Weight::ZERO, *share))?;
        }
        Ok(())
    }

    /// Replaces the share, in one write.
    pub(super) async fn set(
        &self,
        route: &Route,
        two: Two<'_>,
        (from, to): (Weight, Weight),
    ) -> Result<Written, Error> {
        let object = self.get(route).await?;
        match self.change(route, &object, &two, (from, to))? {
            Some(operations) => self.write(route, &object, operations).await,
            None => Ok(Written::Already),
        }
    }

    fn change(
        &self,
        route: &Route,
        object: &DynamicObject,
        two: &Two<'_>,
        (from, to): (Weight, Weight),
    ) -> Result<Option<Vec<Value>>, Error> {
        let what = format!("{} {}", self.kind, self.name(route));
        let unfit = |why: String| Error::Unfit(format!("{what} {why}"));
        let now = self.share(route, object, two).map_err(unfit)?;
        if now == to {
            return Ok(None);
        }
        if now != from {
            return Err(Error::Changed(what));
        }
        let (mut operations, mut before) = (Vec::new(), Vec::new());
        for (list, backends) in self.backends(route, object) {
            before.push(split::stated(&backends, &self.dialect, two).map_err(unfit)?.unwrap_or_default());
            if let Some(new) = split::with_share(&backends, &self.dialect, two, to).map_err(unfit)?
                && new != backends
            {
                operations.push(json!({"op": "replace", "path": list, "value": new}));
            }
        }
        let key = annotation(two);
        let annotations = object.metadata.annotations.as_ref();
        if annotations.is_none_or(|all| !all.contains_key(&key)) {
            if annotations.is_none() {
                operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
            }
            let path = format!("/metadata/annotations/{}", pair::step(&key));
            operations.push(json!({"op": "add", "path": path, "value": Value::Array(before).to_string()}));
        }
        Ok(Some(operations))
    }

    /// Takes the second backend out, in one write.
    pub(super) async fn reset(&self, route: &Route, two: Two<'_>) -> Result<Written, Error> {
        let object = match self.get(route).await {
            Ok(object) => object,
            // whoever removed it left nothing to put back
            Err(Error::Missing { .. } | Error::NotInstalled { .. }) => return Ok(Written::Already),
            Err(error) => return Err(error),
        };
        let operations = self.restoration(route, &object, &two)?;
        if operations.is_empty() {
            return Ok(Written::Already);
        }
        self.write(route, &object, operations).await
    }

    fn restoration(&self, route: &Route, object: &DynamicObject, two: &Two<'_>) -> Result<Vec<Value>, Error> {
        let what = format!("{} {}", self.kind, self.name(route));
        let key = annotation(two);
        let kept = object.metadata.annotations.as_ref().and_then(|all| all.get(&key));
        let before: Vec<Value> = kept.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let lists = self.backends(route, object);
        let is_known = before.len() == lists.len();
        let mut operations = Vec::new();
        for (index, (list, backends)) in lists.into_iter().enumerate() {
            let weight = before.get(index).filter(|_| is_known);
            let new = split::without_second(&backends, &self.dialect, two, weight);
            if let Some(new) = new.map_err(|why| Error::Unfit(format!("{what} {why}")))?
                && new != backends
            {
                operations.push(json!({"op": "replace", "path": list, "value": new}));
            }
        }
        if kept.is_some() {
            let is_last = object.metadata.annotations.as_ref().is_some_and(|all| all.len() == 1);
            let path = if is_last {
                "/metadata/annotations".to_owned()
            } else {
                format!("/metadata/annotations/{}", pair::step(&key))
            };
            operations.push(json!({"op": "remove", "path": path}));
        }
        Ok(operations)
    }

    async fn write(
        &self,
        route: &Route,
        object: &DynamicObject,
        mut operations: Vec<Value>,
    ) -> Result<Written, Error> {
        operations.insert(0, pair::unchanged(object));
        let api = pair::any(route, &self.resource());
        pair::patch(&api, self.kind, self.name(route), operations).await.map(|()| Written::Now)
    }
}

fn annotation(two: &Two<'_>) -> String {
    let name = two.first.service.get(..63).unwrap_or(&two.first.service);
    format!("{BEFORE}/{name}")
}

/// The items of a list in an object, with their places.
pub(super) fn items<'a>(
    object: &'a Value,
    pointer: &'static str,
) -> impl Iterator<Item = (usize, &'a Value)> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// Whether a rule is for everybody, and not just for requests with certain headers, and is the one that is meant.
pub(super) fn is_meant(rule: &Value, matches: &str, wanted: Option<&str>) -> bool {
    if let Some(wanted) = wanted {
        return rule.get("name").and_then(Value::as_str) == Some(wanted);
    }
    let conditions = rule.get(matches).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    conditions.is_empty() || conditions.iter().any(|condition| condition.get("headers").is_none())
}
