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
    /// Its rules.
    pub rules: fn(&Value) -> Vec<Rule>,
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
            Ok(Some(weight)) => weight,
            Ok(None) => {
                let detail = format!("{what} {}", no_rule(route, two));
                let is_gone = !self.leads_to_second(object, two);
                return TrafficState { detail, is_gone, ..TrafficState::default() };
            }
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
        TrafficState { weight: Some(weight), is_accepted, detail, ..TrafficState::default() }
    }

    /// The share that all rules agree on; nothing where none of them leads to either Service.
    fn share(&self, route: &Route, object: &DynamicObject, two: &Two<'_>) -> Result<Option<Weight>, String> {
        let mut all: Option<Weight> = None;
        for (list, backends) in self.backends(route, object, two)? {
            let here =
                split::share(&backends, &self.dialect, two).map_err(|why| format!("{why} at {list}"))?;
            match (all, here) {
                (Some(all), Some(here)) if all != here => {
                    return Err(format!("sends {all} by one rule and {here} by another ({list})"));
                }
                _ => all = all.or(here),
            }
        }
        Ok(all)
    }

    /// Whether any rule, whether it is meant or not, sends requests to the second backend.
    fn leads_to_second(&self, object: &DynamicObject, two: &Two<'_>) -> bool {
        (self.rules)(&object.data).iter().any(|rule| {
            let list = object.data.pointer(&rule.list).and_then(Value::as_array);
            let mut backends =
                list.into_iter().flatten().filter_map(|one| (self.dialect.backend)(one, two.namespace));
            backends.any(|backend| backend == two.second)
        })
    }

    /// The lists of backends that get the shares, with their places; the sentence says why it is not clear which.
    fn backends(
        &self,
        route: &Route,
        object: &DynamicObject,
        two: &Two<'_>,
    ) -> Result<Vec<(String, Vec<Value>)>, String> {
        let list = |rule: &Rule| object.data.pointer(&rule.list)?.as_array().cloned();
        let with_list = |rule: Rule| list(&rule).map(|list| (rule, list));
        let all: Vec<(Rule, Vec<Value>)> =
            (self.rules)(&object.data).into_iter().filter_map(with_list).collect();
        let leads_here = |backends: &[Value]| {
            let mut found = backends.iter().filter_map(|one| (self.dialect.backend)(one, two.namespace));
            found.any(|backend| backend == two.first || backend == two.second)
        };
        let chosen = match route.setting("rule") {
            Some(names) => {
                let is_named =
                    |rule: &Rule| names.split(',').any(|name| rule.name.as_deref() == Some(name.trim()));
                all.into_iter().filter(|(rule, _)| is_named(rule)).collect()
            }
            None => choose(all.into_iter().filter(|(_, list)| leads_here(list)).collect())?,
        };
        Ok(chosen.into_iter().map(|(rule, list)| (rule.list, list)).collect())
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
        let Some(now) = now else {
            return Err(unfit(no_rule(route, two)));
        };
        if now == to {
            return Ok(None);
        }
        if now != from {
            return Err(Error::Changed(what));
        }
        let (mut operations, mut before) = (Vec::new(), Vec::new());
        for (list, backends) in self.backends(route, object, two).map_err(unfit)? {
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

    /// What [`Weighted::reset`] would still change.
    pub(super) async fn remains(&self, route: &Route, two: Two<'_>) -> Result<Option<String>, Error> {
        let object = match self.get(route).await {
            Ok(object) => object,
            Err(Error::Missing { .. } | Error::NotInstalled { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_left = !self.restoration(route, &object, &two)?.is_empty();
        Ok(is_left.then(|| format!("{} {}", self.kind, self.name(route))))
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
        let lists = self.backends(route, object, two).map_err(|why| Error::Unfit(format!("{what} {why}")))?;
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

fn no_rule(route: &Route, two: &Two<'_>) -> String {
    match route.setting("rule") {
        Some(rule) => format!("has no rule {rule} that leads to {}", two.first.service),
        None => format!(
            "has no rule for all requests that leads to {}: name the one that is meant with `rule`",
            two.first.service
        ),
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

/// A rule of an object: its list of backends, and for which requests it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// JSON pointer of its list of backends.
    pub list: String,
    pub name: Option<String>,
    pub reach: RuleScope,
}

/// For which requests a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RuleScope {
    /// Those that also meet a condition on headers, a method, a query, their source.
    Condition,
    /// Those below one path, host or port.
    Part,
    /// All that reach the object.
    All,
}

/// The widest reach of a rule's alternatives; without any it is for all requests.
pub(super) fn reach(rule: &Value, alternatives: &str, of: fn(&str, &Value) -> RuleScope) -> RuleScope {
    let alternatives = rule.get(alternatives).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let narrowest = |alternative: &Value| {
        let conditions = alternative.as_object().into_iter().flatten();
        conditions.map(|(name, value)| of(name, value)).min().unwrap_or(RuleScope::All)
    };
    alternatives.iter().map(narrowest).max().unwrap_or(RuleScope::All)
}

/// The rules whose traffic is shifted where none is named: those for all requests, else the only one for a part of them. What has a
/// condition of its own is left alone.
fn choose<T>(rules: Vec<(Rule, T)>) -> Result<Vec<(Rule, T)>, String> {
    let widest = rules.iter().map(|(rule, _)| rule.reach).max();
    let of = |reach: RuleScope, rules: Vec<(Rule, T)>| {
        rules.into_iter().filter(|(rule, _)| rule.reach == reach).collect::<Vec<_>>()
    };
    match widest {
        Some(RuleScope::All) => Ok(of(RuleScope::All, rules)),
        Some(RuleScope::Part) => {
            let parts = of(RuleScope::Part, rules);
            if let [(first, _), (second, _), ..] = parts.as_slice() {
                return Err(format!(
                    "has {} rules for parts of the requests ({}, {}, …): name those that are meant with `rule`, separated by commas",
                    parts.len(),
                    first.list,
                    second.list
                ));
            }
            Ok(parts)
        }
        Some(RuleScope::Condition) | None => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_some_requests_are_left_alone() {
        use RuleScope::{All, Condition, Part};
        for (reaches, expected) in [
            (&[All][..], Ok(vec![0])),
            (&[Condition, All, Part], Ok(vec![1])),
            (&[All, Part, All], Ok(vec![0, 2])),
            (&[Part], Ok(vec![0])),
            (&[Condition, Part], Ok(vec![1])),
            (&[Part, Condition, Part], Err(())),
            (&[Condition], Ok(vec![])),
            (&[], Ok(vec![])),
        ] {
            let rules = reaches
                .iter()
                .enumerate()
                .map(|(index, reach)| (Rule { list: format!("/{index}"), name: None, reach: *reach }, index));
            let found = choose(rules.collect());
            let found = found.map(|all| all.into_iter().map(|(_, index)| index).collect::<Vec<_>>());
            assert_eq!(found.map_err(|_| ()), expected, "{reaches:?}");
        }
    }
}
