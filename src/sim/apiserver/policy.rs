//! Admission policies: evaluates the CEL of every `ValidatingAdmissionPolicy` and `MutatingAdmissionPolicy` in the store as an API
//! server does, so that a changed policy is enforced as it is written. Must not know any policy of the product.

mod authorizer;
mod evaluation;
mod expression;
mod inputs;
mod matching;
mod params;
mod spec;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::rbac::{Authorizer, User};
use super::refusal::{Cause, Refusal};
use crate::sim::kinds::{MUTATING_BINDINGS, MUTATING_POLICIES, POLICIES, POLICY_BINDINGS, Resource};
use crate::sim::store::{Object, Store};
use evaluation::Decision;
pub(crate) use expression::Outcomes;
use inputs::Inputs;
use spec::{Binding, Spec};

/// What a request does to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// POST, and apply to a free name.
    Create,
    /// PUT and PATCH.
    Update,
    /// DELETE.
    Delete,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// A request that is to be admitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// User that sends it.
    pub user: &'a User,
    /// Operation.
    pub operation: Operation,
    /// Resource.
    pub resource: &'static Resource,
    /// Subresource; empty for the object itself.
    pub sub: &'a str,
    /// Namespace; empty for cluster-wide objects.
    pub namespace: &'a str,
    /// Name; empty for the deletion of a collection.
    pub name: &'a str,
    /// Object after the request; `None` for a deletion.
    pub object: Option<&'a Value>,
    /// Object before the request; `None` for a creation.
    pub old: Option<&'a Value>,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

/// An expression of a policy with its results so far.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// Name of the policy.
    pub policy: String,
    /// The expression as written.
    pub expression: String,
    /// Its results.
    pub outcomes: Outcomes,
}

/// The policies of one API server, each parsed once per version of its object.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    specs: Cache<Spec>,
    bindings: Cache<Binding>,
}

/// A policy with one of its bindings, both of which match the request.
struct Bound<'a> {
    policy: &'a str,
    spec: Arc<Spec>,
    name: &'a str,
    binding: Arc<Binding>,
}

impl Policies {
    /// Evaluates the validating policies; returns the warnings of those that warn.
    ///
    /// # Errors
    /// The status of the first policy, by name, that denies.
    pub(crate) fn validate(
        &self,
        store: &Store,
        authorizer: &Arc<Authorizer>,
        request: Request<'_>,
    ) -> Result<Vec<String>, Refusal> {
        let inputs = Inputs::new(store, authorizer, request);
        let (mut denied, mut warnings) = (None, Vec::new());
        for bound in self.bound(store, (POLICIES, POLICY_BINDINGS), request) {
            let decisions = match params::of(store, &bound.spec, &bound.binding, request) {
                Ok(params) => params
                    .iter()
                    .flat_map(|params| evaluation::decide(&bound.spec, &inputs.with(params)))
                    .collect(),
                Err(why) => bound.spec.failure(why).into_iter().collect::<Vec<_>>(),
            };
            for decision in decisions {
                let has = |action: &str| bound.binding.validation_actions.iter().any(|set| set == action);
                if has("Warn") {
                    warnings.push(format!(
                        "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {}",
                        bound.policy, bound.name, decision.message
                    ));
                }
                if has("Deny") && denied.is_none() {
                    denied = Some(denial("ValidatingAdmissionPolicy", &bound, request, &decision));
                }
            }
        }
        denied.map_or(Ok(warnings), Err)
    }

    /// Evaluates the mutating policies; returns the changed object, or `None` where nothing changes.
    ///
    /// # Errors
    /// The status of a policy that cannot be evaluated and whose failure policy is `Fail`.
    pub(crate) fn mutate(
        &self,
        store: &Store,
        authorizer: &Arc<Authorizer>,
        request: Request<'_>,
    ) -> Result<Option<Value>, Refusal> {
        let mut changed: Option<Value> = None;
        for bound in self.bound(store, (MUTATING_POLICIES, MUTATING_BINDINGS), request) {
            let failed = |why: Decision| denial("MutatingAdmissionPolicy", &bound, request, &why);
            let params = match params::of(store, &bound.spec, &bound.binding, request) {
                Ok(params) => params,
                Err(why) => match bound.spec.failure(why) {
                    Some(decision) => return Err(failed(decision)),
                    None => continue,
                },
            };
            for params in params {
                let object = changed.as_ref().or(request.object);
                let inputs = Inputs::new(store, authorizer, Request { object, ..request });
                let next = evaluation::mutate(&bound.spec, &inputs.with(&params), object).map_err(failed)?;
                changed = next.or(changed);
            }
        }
        Ok(changed)
    }

    /// Every parsed expression with its results so far.
    pub(crate) fn evaluated(&self, store: &Store) -> Vec<Evaluated> {
        let policies = [POLICIES, MUTATING_POLICIES].into_iter().flat_map(|kind| store.list(kind, None));
        policies
            .flat_map(|object| {
                let spec = self.specs.get(object);
                let of = |expression: &expression::Expression| Evaluated {
                    policy: object.name().to_owned(),
                    expression: expression.source().to_owned(),
                    outcomes: expression.outcomes(),
                };
                spec.expressions().map(|(_, expression)| of(expression)).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The policies of a kind that match a request, with each of their matching bindings, by name.
    fn bound<'a>(
        &'a self,
        store: &'a Store,
        (policies, bindings): (&'static Resource, &'static Resource),
        request: Request<'a>,
    ) -> impl Iterator<Item = Bound<'a>> {
        let matching = store.list(policies, None).filter_map(move |object| {
            let spec = self.specs.get(object);
            let constraints = spec.match_constraints.as_ref()?;
            matching::matches(constraints, request, store).then_some((object.name(), spec))
        });
        matching.flat_map(move |(policy, spec)| {
            store.list(bindings, None).filter_map(move |object| {
                let binding = self.bindings.get(object);
                let narrowed = binding.match_resources.as_ref();
                let fits = binding.policy_name == policy
                    && narrowed.is_none_or(|resources| matching::narrowed(resources, request, store));
                fits.then(|| Bound { policy, spec: spec.clone(), name: object.name(), binding })
            })
        })
    }
}

/// The causes for which an API server refuses to store a policy or a binding: what cannot be decoded or parsed.
pub(crate) fn causes(resource: &Resource, value: &Value) -> Vec<Cause> {
    let spec = value.get("spec").cloned().unwrap_or_default();
    let undecodable = |error: serde_json::Error| {
        vec![Cause::new("spec", "FieldValueInvalid", format!("Invalid value: {error}"))]
    };
    if resource.table == POLICY_BINDINGS.table || resource.table == MUTATING_BINDINGS.table {
        return serde_json::from_value::<Binding>(spec).map_or_else(undecodable, |_| Vec::new());
    }
    if resource.table != POLICIES.table && resource.table != MUTATING_POLICIES.table {
        return Vec::new();
    }
    let spec = match serde_json::from_value::<Spec>(spec) {
        Ok(spec) => spec,
        Err(error) => return undecodable(error),
    };
    let broken = spec.expressions().filter_map(|(field, expression)| {
        let why = expression.parsed().err()?;
        let message = format!("Invalid value: {:?}: compilation failed: {why}", expression.source());
        Some(Cause::new(&format!("spec.{field}"), "FieldValueInvalid", message))
    });
    broken.collect()
}

fn denial(kind: &str, bound: &Bound<'_>, request: Request<'_>, decision: &Decision) -> Refusal {
    let name = if request.name.is_empty() { "Unknown" } else { request.name };
    let sentence = format!(
        "{kind} '{}' with binding '{}' denied request: {}",
        bound.policy, bound.name, decision.message
    );
    Refusal::policy(request.resource, name, &sentence, &decision.reason)
}

/// What is read from objects, by the version of the object.
#[derive(Debug)]
struct Cache<T>(Mutex<HashMap<u64, Arc<T>>>);

/// Entries that a cache may hold; versions that were replaced go with the next clearing.
const MOST_CACHED: usize = 512;

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: DeserializeOwned + Default> Cache<T> {
    /// The `spec` of an object; an undecodable one, which cannot be stored through the API, matches nothing.
    fn get(&self, object: &Object) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MOST_CACHED {
            known.clear();
        }
        let read = || object.value.get("spec").and_then(|spec| T::deserialize(spec).ok()).unwrap_or_default();
        known.entry(object.version).or_insert_with(|| Arc::new(read())).clone()
    }
}

#[cfg(test)]
mod tests;
