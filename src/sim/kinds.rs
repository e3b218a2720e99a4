//! The kinds that the embedded API server serves: one row each. Must not know what an object does.

use serde_json::Value;

/// Where the objects of a kind are kept. Two groups may serve the same table (Events).
pub(super) type Table = usize;

/// One served resource.
#[derive(Debug)]
pub(super) struct Resource {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural name, as in paths.
    pub plural: &'static str,
    /// Singular name.
    pub singular: &'static str,
    /// Short names for kubectl.
    pub short: &'static [&'static str],
    /// Categories for kubectl.
    pub categories: &'static [&'static str],
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Subresources: `status`, `scale`, …
    pub subresources: &'static [&'static str],
    /// The table that keeps the objects.
    pub table: Table,
}

impl Resource {
    /// `group/version`, or the version alone in the core group.
    #[must_use]
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `plural.group`, as errors name a resource.
    #[must_use]
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Kind.group`, as errors name an invalid object.
    #[must_use]
    pub(super) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// Whether this is one of the product's own kinds.
    #[must_use]
    pub(super) fn is_ours(&self) -> bool {
        self.group == crate::api::GROUP
    }

    /// Whether a definition brings this kind, and not the server itself.
    #[must_use]
    pub(super) fn is_custom(&self) -> bool {
        matches!(
            self.group,
            crate::api::GROUP
                | "gateway.networking.k8s.io"
                | "networking.istio.io"
                | "traefik.io"
                | "argoproj.io"
        )
    }

    /// Whether writes of status go through a subresource of their own.
    #[must_use]
    pub(super) fn has_status(&self) -> bool {
        self.subresources.contains(&"status")
    }
}

/// Index of a row in [`RESOURCES`].
macro_rules! rows {
    ($($constant:ident = $table:expr, $group:literal $version:literal $kind:literal $plural:literal $singular:literal
       $short:expr, $categories:expr, $namespaced:expr, $sub:expr;)*) => {
        /// Every served resource.
        pub(super) static RESOURCES: &[Resource] = &[$(Resource {
            group: $group, version: $version, kind: $kind, plural: $plural, singular: $singular, short: &$short,
            categories: &$categories, namespaced: $namespaced, subresources: &$sub, table: $table,
        }),*];
        rows!(@constants 0usize; $($constant)*);
    };
    (@constants $n:expr; $head:ident $($tail:ident)*) => {
        #[doc = "Row of this resource."]
        #[allow(dead_code, reason = "a row is served even if nothing names it")]
        pub(super) static $head: &Resource = &RESOURCES[$n];
        rows!(@constants $n + 1usize; $($tail)*);
    };
    (@constants $n:expr;) => {};
}

const ALL: [&str; 1] = ["all"];
const COCKPIT: [&str; 1] = ["cockpit"];

rows! {
    PODS = 0, "" "v1" "Pod" "pods" "pod" ["po"], ALL, true, ["status", "log", "eviction"];
    NAMESPACES = 1, "" "v1" "Namespace" "namespaces" "namespace" ["ns"], [], false, ["status"];
    NODES = 2, "" "v1" "Node" "nodes" "node" ["no"], [], false, ["status"];
    SERVICES = 3, "" "v1" "Service" "services" "service" ["svc"], ALL, true, ["status", "proxy"];
    CONFIG_MAPS = 4, "" "v1" "ConfigMap" "configmaps" "configmap" ["cm"], [], true, [];
    SECRETS = 5, "" "v1" "Secret" "secrets" "secret" [], [], true, [];
    SERVICE_ACCOUNTS = 6, "" "v1" "ServiceAccount" "serviceaccounts" "serviceaccount" ["sa"], [], true, [];
    EVENTS = 7, "" "v1" "Event" "events" "event" ["ev"], [], true, [];
    NEW_EVENTS = 7, "events.k8s.io" "v1" "Event" "events" "event" ["ev"], [], true, [];
    DEPLOYMENTS = 8, "apps" "v1" "Deployment" "deployments" "deployment" ["deploy"], ALL, true, ["status", "scale"];
    REPLICA_SETS = 9, "apps" "v1" "ReplicaSet" "replicasets" "replicaset" ["rs"], ALL, true, ["status", "scale"];
    STATEFUL_SETS = 10, "apps" "v1" "StatefulSet" "statefulsets" "statefulset" ["sts"], ALL, true, ["status", "scale"];
    DAEMON_SETS = 11, "apps" "v1" "DaemonSet" "daemonsets" "daemonset" ["ds"], ALL, true, ["status"];
    CONTROLLER_REVISIONS = 12, "apps" "v1" "ControllerRevision" "controllerrevisions" "controllerrevision" [], [], true, [];
    LEASES = 13, "coordination.k8s.io" "v1" "Lease" "leases" "lease" [], [], true, [];
    ENVIRONMENTS = 14, "release-cockpit.dev" "v1alpha1" "Environment" "environments" "environment" ["renv"], COCKPIT, true, ["status"];
    RELEASES = 15, "release-cockpit.dev" "v1alpha1" "Release" "releases" "release" ["rel"], COCKPIT, true, ["status"];
    RELEASE_ACTIONS = 16, "release-cockpit.dev" "v1alpha1" "ReleaseAction" "releaseactions" "releaseaction" ["ract"], COCKPIT, true, ["status"];
    CRDS = 17, "apiextensions.k8s.io" "v1" "CustomResourceDefinition" "customresourcedefinitions" "customresourcedefinition" ["crd", "crds"], [], false, ["status"];
    POLICIES = 18, "admissionregistration.k8s.io" "v1" "ValidatingAdmissionPolicy" "validatingadmissionpolicies" "validatingadmissionpolicy" [], [], false, ["status"];
    POLICY_BINDINGS = 19, "admissionregistration.k8s.io" "v1" "ValidatingAdmissionPolicyBinding" "validatingadmissionpolicybindings" "validatingadmissionpolicybinding" [], [], false, [];
    AUTOSCALERS = 20, "autoscaling" "v2" "HorizontalPodAutoscaler" "horizontalpodautoscalers" "horizontalpodautoscaler" ["hpa"], ALL, true, ["status"];
    MUTATING_POLICIES = 22, "admissionregistration.k8s.io" "v1" "MutatingAdmissionPolicy" "mutatingadmissionpolicies" "mutatingadmissionpolicy" [], [], false, [];
    MUTATING_BINDINGS = 23, "admissionregistration.k8s.io" "v1" "MutatingAdmissionPolicyBinding" "mutatingadmissionpolicybindings" "mutatingadmissionpolicybinding" [], [], false, [];
    HTTP_ROUTES = 24, "gateway.networking.k8s.io" "v1" "HTTPRoute" "httproutes" "httproute" [], [], true, ["status"];
    VIRTUAL_SERVICES = 25, "networking.istio.io" "v1" "VirtualService" "virtualservices" "virtualservice" ["vs"], [], true, ["status"];
    DESTINATION_RULES = 26, "networking.istio.io" "v1" "DestinationRule" "destinationrules" "destinationrule" ["dr"], [], true, ["status"];
    TRAEFIK_SERVICES = 27, "traefik.io" "v1alpha1" "TraefikService" "traefikservices" "traefikservice" [], [], true, [];
    INGRESSES = 21, "networking.k8s.io" "v1" "Ingress" "ingresses" "ingress" ["ing"], [], true, ["status"];
    BUDGETS = 29, "policy" "v1" "PodDisruptionBudget" "poddisruptionbudgets" "poddisruptionbudget" ["pdb"], [], true, ["status"];
    NETWORK_POLICIES = 30, "networking.k8s.io" "v1" "NetworkPolicy" "networkpolicies" "networkpolicy" ["netpol"], [], true, [];
    CLAIMS = 31, "" "v1" "PersistentVolumeClaim" "persistentvolumeclaims" "persistentvolumeclaim" ["pvc"], [], true, ["status"];
    ROLLOUTS = 28, "argoproj.io" "v1alpha1" "Rollout" "rollouts" "rollout" ["ro"], [], true, ["status"];
}

/// Number of tables.
pub(super) const TABLES: usize = 32;

/// The resource of a group, version and plural.
#[must_use]
pub(super) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|row| row.group == group && row.version == version && row.plural == plural)
}

/// The resource of a kind, in any version.
#[must_use]
pub(super) fn by_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|row| row.kind == kind && row.api_version() == api_version)
}

/// Text at a path of field names; empty when absent.
#[must_use]
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// Whole number at a path of field names.
#[must_use]
pub(super) fn int(value: &Value, path: &[&str]) -> Option<i64> {
    at(value, path).and_then(Value::as_i64)
}

/// List at a path of field names; empty when absent.
#[must_use]
pub(super) fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Value at a path of field names.
#[must_use]
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

/// One label of an object.
#[must_use]
pub(super) fn label<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get("metadata")?.get("labels")?.get(key)?.as_str()
}

/// One annotation of an object.
#[must_use]
pub(super) fn annotation<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// The controller that owns an object: kind and name.
#[must_use]
pub(super) fn owner<'a>(value: &'a Value, kind: &str) -> Option<&'a str> {
    list(value, &["metadata", "ownerReferences"])
        .iter()
        .find(|owner| {
            text(owner, &["kind"]) == kind && owner.get("controller").and_then(Value::as_bool) == Some(true)
        })
        .map(|owner| text(owner, &["name"]))
}

/// Whether the object is on its way out.
#[must_use]
pub(super) fn is_terminating(value: &Value) -> bool {
    at(value, &["metadata", "deletionTimestamp"]).is_some_and(|at| !at.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_path_and_keeps_a_table_in_range() {
        for row in RESOURCES {
            assert!(std::ptr::eq(find(row.group, row.version, row.plural).unwrap(), row), "{}", row.plural);
            assert!(row.table < TABLES);
        }
        assert_eq!(RELEASES.kind, "Release");
        assert_eq!(PODS.plural, "pods");
        assert_eq!(INGRESSES.qualified(), "ingresses.networking.k8s.io");
    }
}
