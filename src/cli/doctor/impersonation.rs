//! Who besides the controller can act as the controller: whoever mints tokens of its ServiceAccount, impersonates it, or runs pods in
//! its namespace writes every status, and no policy tells them from it.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use kube::api::{Api, ListParams};

use super::Finding;
use super::examined_context::ExaminedContext;
use crate::api::labels::CONTROLLER_SERVICE_ACCOUNT;

const REMEDY: &str =
    "bind such roles per namespace, and not in the controller's; see `kubectl describe` of the binding";

/// The ways: what it is called, the API group, the resource, the verbs that suffice.
const WAYS: [(&str, &str, &str, &[&str]); 5] = [
    ("mint tokens of its ServiceAccount", "", "serviceaccounts/token", &["create"]),
    ("impersonate its ServiceAccount", "", "serviceaccounts", &["impersonate"]),
    ("impersonate users", "", "users", &["impersonate"]),
    ("run pods in its namespace", "", "pods", &["create"]),
    ("add containers to its pods", "", "pods/ephemeralcontainers", &["patch", "update"]),
];

/// What is bound where the controller runs.
struct Bound<'a> {
    /// `ClusterRoleBinding NAME`.
    binding: String,
    subjects: &'a [Subject],
    rules: &'a [PolicyRule],
    is_cluster_wide: bool,
}

pub(super) async fn look(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(cluster) = &examined.cluster else { return Vec::new() };
    let (client, namespace) = (cluster.client(), examined.settings.controller_namespace.as_str());
    let all = ListParams::default();
    let cluster_roles: Api<ClusterRole> = Api::all(client.clone());
    let roles: Api<Role> = Api::namespaced(client.clone(), namespace);
    let cluster_bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let bindings: Api<RoleBinding> = Api::namespaced(client, namespace);
    let read = tokio::try_join!(
        cluster_roles.list(&all),
        roles.list(&all),
        cluster_bindings.list(&all),
        bindings.list(&all)
    );
    let Ok((cluster_roles, roles, cluster_bindings, bindings)) = read else {
        return vec![Finding::skipped("you may not read who holds which role")];
    };
    let found =
        others(namespace, (&cluster_roles.items, &roles.items), (&cluster_bindings.items, &bindings.items));
    if found.is_empty() {
        return vec![Finding::ok(namespace, "nobody else can act as the controller")];
    }
    found
        .into_iter()
        .map(|(who, how)| Finding::warn(namespace, format!("{who} can {}", how.join(", ")), REMEDY))
        .collect()
}

/// Subjects outside the control plane, with the bindings and what each of them permits.
fn others(
    namespace: &str,
    (cluster_roles, roles): (&[ClusterRole], &[Role]),
    (cluster_bindings, bindings): (&[ClusterRoleBinding], &[RoleBinding]),
) -> BTreeMap<String, Vec<String>> {
    let rules_of = |reference: &RoleRef| -> &[PolicyRule] {
        let name = Some(reference.name.as_str());
        let found = if reference.kind == "Role" {
            roles.iter().find(|role| role.metadata.name.as_deref() == name).map(|role| &role.rules)
        } else {
            cluster_roles.iter().find(|role| role.metadata.name.as_deref() == name).map(|role| &role.rules)
        };
        found.and_then(|rules| rules.as_deref()).unwrap_or_default()
    };
    let title = |kind: &str, name: &Option<String>| format!("{kind} {}", name.as_deref().unwrap_or_default());
    let wide = cluster_bindings.iter().map(|binding| Bound {
        binding: title("ClusterRoleBinding", &binding.metadata.name),
        subjects: binding.subjects.as_deref().unwrap_or_default(),
        rules: rules_of(&binding.role_ref),
        is_cluster_wide: true,
    });
    let narrow = bindings.iter().map(|binding| Bound {
        binding: title("RoleBinding", &binding.metadata.name),
        subjects: binding.subjects.as_deref().unwrap_or_default(),
        rules: rules_of(&binding.role_ref),
        is_cluster_wide: false,
    });
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for bound in wide.chain(narrow) {
        let ways: Vec<&str> = WAYS
            .iter()
            .filter(|(_, group, resource, verbs)| {
                // users exist in no namespace
                (*resource != "users" || bound.is_cluster_wide)
                    && bound.rules.iter().any(|rule| permits(rule, (group, resource, verbs), namespace))
            })
            .map(|(way, ..)| *way)
            .collect();
        for subject in
            bound.subjects.iter().filter(|subject| !ways.is_empty() && is_foreign(subject, namespace))
        {
            let how = found.entry(called(subject)).or_default();
            how.push(format!("{} ({})", ways.join(" and "), bound.binding));
        }
    }
    found
}

fn permits(rule: &PolicyRule, (group, resource, verbs): (&str, &str, &[&str]), namespace: &str) -> bool {
    let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
    let names = rule.resource_names.as_deref().unwrap_or_default();
    let user = format!("system:serviceaccount:{namespace}:{CONTROLLER_SERVICE_ACCOUNT}");
    let is_meant = match resource {
        "serviceaccounts/token" | "serviceaccounts" => names.iter().any(|n| n == CONTROLLER_SERVICE_ACCOUNT),
        "users" => names.contains(&user),
        _ => true,
    };
    has(rule.api_groups.as_deref().unwrap_or_default(), group)
        && has(rule.resources.as_deref().unwrap_or_default(), resource)
        && verbs.iter().any(|verb| has(&rule.verbs, verb))
        && (names.is_empty() || is_meant)
}

/// Whether a subject is neither of the control plane nor the controller itself.
fn is_foreign(subject: &Subject, namespace: &str) -> bool {
    let space = subject.namespace.as_deref().unwrap_or_default();
    match subject.kind.as_str() {
        "ServiceAccount" => {
            space != "kube-system" && !(space == namespace && subject.name == CONTROLLER_SERVICE_ACCOUNT)
        }
        "Group" => !matches!(subject.name.as_str(), "system:masters" | "system:nodes"),
        _ => !subject.name.starts_with("system:kube-"),
    }
}

fn called(subject: &Subject) -> String {
    match (subject.kind.as_str(), subject.namespace.as_deref()) {
        ("ServiceAccount", Some(namespace)) => format!("ServiceAccount {namespace}/{}", subject.name),
        (kind, _) => format!("{kind} {}", subject.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn found(rule: &Value, subject: &Value, is_cluster_wide: bool) -> Vec<String> {
        let granted: ClusterRole = of(json!({"metadata": {"name": "edit"}, "rules": [rule]}));
        let binding = json!({"metadata": {"name": "b"}, "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}});
        let (wide, narrow) =
            if is_cluster_wide { (vec![of(binding)], vec![]) } else { (vec![], vec![of(binding)]) };
        let found = others("release-cockpit", (&[granted], &[]), (&wide, &narrow));
        found.into_iter().map(|(who, how)| format!("{who} can {}", how.join(", "))).collect()
    }

    #[test]
    fn whoever_can_be_the_controller_is_named_with_the_way() {
        let rule =
            |resource: &str, verb: &str| json!({"apiGroups": [""], "resources": [resource], "verbs": [verb]});
        let (dave, group) =
            (json!({"kind": "User", "name": "dave"}), json!({"kind": "Group", "name": "devs"}));
        let named = |name: &str| json!({"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"], "resourceNames": [name]});
        let everything = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
        for (name, rule, subject, wide, expected) in [
            (
                "tokens",
                rule("serviceaccounts/token", "create"),
                &dave,
                true,
                Some("User dave can mint tokens of its ServiceAccount (ClusterRoleBinding b)"),
            ),
            (
                "impersonation",
                rule("serviceaccounts", "impersonate"),
                &group,
                false,
                Some("Group devs can impersonate its ServiceAccount (RoleBinding b)"),
            ),
            ("users", rule("users", "impersonate"), &dave, true, Some("impersonate users")),
            ("users of a namespace", rule("users", "impersonate"), &dave, false, None),
            ("pods", rule("pods", "create"), &dave, false, Some("run pods in its namespace")),
            ("another account's tokens", named("builder"), &dave, true, None),
            ("the controller's tokens", named("controller"), &dave, true, Some("mint tokens")),
            ("reading", rule("pods", "get"), &dave, true, None),
            (
                "administrators",
                everything.clone(),
                &json!({"kind": "Group", "name": "system:masters"}),
                true,
                None,
            ),
            (
                "everything",
                everything.clone(),
                &dave,
                true,
                Some("mint tokens of its ServiceAccount and impersonate"),
            ),
            (
                "the control plane",
                everything.clone(),
                &json!({"kind": "ServiceAccount", "name": "x", "namespace": "kube-system"}),
                true,
                None,
            ),
            (
                "the controller",
                everything,
                &json!({"kind": "ServiceAccount", "name": "controller", "namespace": "release-cockpit"}),
                true,
                None,
            ),
        ] {
            let found = found(&rule, subject, wide);
            match expected {
                Some(words) => assert!(found.len() == 1 && found[0].contains(words), "{name}: {found:?}"),
                None => assert!(found.is_empty(), "{name}: {found:?}"),
            }
        }
    }
}
