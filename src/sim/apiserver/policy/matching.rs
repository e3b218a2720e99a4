//! Matches requests against policies and bindings: rules, scopes and selectors.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{MatchResources, NamedRuleWithOperations};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};
use serde_json::Value;

use super::{Operation, Request};
use crate::sim::kinds::{NAMESPACES, POLICIES, RESOURCES, at};
use crate::sim::store::Store;

/// Whether the constraints of a policy match a request.
pub(super) fn matches(resources: &MatchResources, request: Request<'_>, store: &Store) -> bool {
    // policies are never asked about policies, so that a wrong one can be removed
    request.resource.group != POLICIES.group
        && has_rule(resources.resource_rules.as_deref(), resources, request)
        && selects(resources, request, store)
}

/// Whether the constraints of a binding match a request; without rules it narrows by selectors only.
pub(super) fn narrowed(resources: &MatchResources, request: Request<'_>, store: &Store) -> bool {
    let rules = resources.resource_rules.as_deref().filter(|rules| !rules.is_empty());
    (rules.is_none() || has_rule(rules, resources, request)) && selects(resources, request, store)
}

/// The labels of an object.
pub(super) fn labels(value: &Value) -> BTreeMap<String, String> {
    let labels = at(value, &["metadata", "labels"]).and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn has_rule(
    rules: Option<&[NamedRuleWithOperations]>,
    resources: &MatchResources,
    request: Request<'_>,
) -> bool {
    let exact = resources.match_policy.as_deref() == Some("Exact");
    let any = |rules: Option<&[NamedRuleWithOperations]>| {
        rules.unwrap_or_default().iter().any(|rule| is_of(rule, request, exact))
    };
    any(rules) && !any(resources.exclude_resource_rules.as_deref())
}

fn is_of(rule: &NamedRuleWithOperations, request: Request<'_>, exact: bool) -> bool {
    let has = |list: &Option<Vec<String>>, wanted: &str| {
        list.iter().flatten().any(|item| item == "*" || item == wanted)
    };
    let resource = |group: &str, version: &str, plural: &str| {
        let named = rule.resources.iter().flatten().any(|item| {
            let (name, sub) = item.split_once('/').unwrap_or((item, ""));
            (name == "*" || name == plural) && (sub == "*" || sub == request.sub)
        });
        named && has(&rule.api_groups, group) && has(&rule.api_versions, version)
    };
    let own = request.resource;
    // an equivalent resource is another way to the same objects
    let served = RESOURCES.iter().filter(|row| std::ptr::eq(*row, own) || (!exact && row.table == own.table));
    let scope = match rule.scope.as_deref() {
        Some("Cluster") => !own.namespaced,
        Some("Namespaced") => own.namespaced,
        _ => true,
    };
    let names = rule.resource_names.as_deref().unwrap_or_default();
    scope
        && has(&rule.operations, request.operation.name())
        && (names.is_empty() || names.iter().any(|name| name == request.name))
        && served.into_iter().any(|row| resource(row.group, row.version, row.plural))
}

fn selects(resources: &MatchResources, request: Request<'_>, store: &Store) -> bool {
    let namespace = resources.namespace_selector.as_ref().and_then(selector).is_none_or(|selector| {
        namespace(request, store).is_none_or(|namespace| selector.matches(&labels(namespace)))
    });
    let object = resources.object_selector.as_ref().and_then(selector).is_none_or(|selector| {
        let either = request.object.into_iter().chain(request.old);
        either.into_iter().any(|value| selector.matches(&labels(value)))
    });
    namespace && object
}

/// The namespace whose labels count; `None` for other cluster-wide objects, which every namespace selector matches.
fn namespace<'a>(request: Request<'a>, store: &'a Store) -> Option<&'a Value> {
    if request.resource.table != NAMESPACES.table {
        return store.get(NAMESPACES, "", request.namespace).map(|found| &found.value);
    }
    match request.operation {
        Operation::Create | Operation::Update => request.object,
        Operation::Delete => request.old,
    }
}

/// A selector, unless it selects everything.
fn selector(selector: &LabelSelector) -> Option<Selector> {
    Selector::try_from(selector.clone()).ok().filter(|selector| !selector.selects_all())
}
