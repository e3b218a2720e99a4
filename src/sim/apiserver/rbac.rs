//! Who may do what: users by their bearer tokens, roles in simple form, refusals in RBAC's words.

use super::call::Target;
use super::refusal::Refusal;
use crate::sim::kinds::Resource;
use crate::sim::scenario::{Binding, Role, Scenario};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// Name.
    pub name: String,
    /// Groups, `system:authenticated` included.
    pub groups: Vec<String>,
}

/// One question to the authorizer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// Verb, custom verbs included.
    pub verb: &'a str,
    /// API group.
    pub group: &'a str,
    /// Plural name, with a subresource after a slash.
    pub resource: &'a str,
    /// Namespace; empty for all.
    pub namespace: &'a str,
}

/// One rule of a role: groups, resources, verbs.
pub(super) type Rule = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const OURS: &str = crate::api::GROUP;
const RECORDS: &[&str] = &["environments", "releases", "releaseactions"];

/// What the built-in role `view` and a reader of the product may do.
const VIEW: &[Rule] = &[
    (
        &[""],
        &[
            "pods",
            "pods/status",
            "pods/log",
            "services",
            "configmaps",
            "events",
            "namespaces",
            "serviceaccounts",
        ],
        READ,
    ),
    (&[""], &["services/proxy"], &["get", "create"]),
    (&[""], &["nodes"], READ),
    (&["events.k8s.io"], &["events"], READ),
    (
        &["apps"],
        &[
            "deployments",
            "deployments/scale",
            "replicasets",
            "statefulsets",
            "daemonsets",
            "controllerrevisions",
        ],
        READ,
    ),
    (&["autoscaling"], &["horizontalpodautoscalers"], READ),
    (&["policy"], &["poddisruptionbudgets"], READ),
    (&["networking.k8s.io"], &["ingresses", "networkpolicies"], READ),
    (&["gateway.networking.k8s.io"], &["httproutes"], READ),
    (&["coordination.k8s.io"], &["leases"], READ),
    (&["apiextensions.k8s.io"], &["customresourcedefinitions"], READ),
    (
        &["admissionregistration.k8s.io"],
        &["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
        READ,
    ),
    (&[OURS], RECORDS, READ),
];

/// The rules of a role.
pub(super) fn rules(role: Role) -> Vec<Rule> {
    let mut rules: Vec<Rule> = VIEW.to_vec();
    let own: &[Rule] = match role {
        Role::Viewer => &[],
        Role::Operator => &[
            (&[OURS], &["releases", "releaseactions"], &["create"]),
            (&[OURS], &["environments"], &["deploy", "shift", "rollback"]),
        ],
        Role::Approver => {
            &[(&[OURS], &["releaseactions"], &["create"]), (&[OURS], &["environments"], &["approve"])]
        }
        Role::Oncall => &[
            (&[OURS], &["releases", "releaseactions"], &["create"]),
            (&[OURS], &["environments"], &["freeze", "scale", "rollback"]),
        ],
        Role::Freezer => {
            &[(&[OURS], &["releaseactions"], &["create"]), (&[OURS], &["environments"], &["freeze"])]
        }
        Role::Breakglass => &[
            (&[OURS], &["releases", "releaseactions"], &["create"]),
            (&[OURS], &["environments"], &["deploy", "shift", "rollback", "override"]),
        ],
        Role::Owner => &[(&[OURS], &["environments"], &["create", "update", "patch", "delete"])],
        Role::SecretKeys => &[(&[""], &["secrets"], &["get"])],
        Role::Editor => &[
            (
                &["apps"],
                &[
                    "deployments",
                    "deployments/scale",
                    "replicasets",
                    "replicasets/scale",
                    "statefulsets",
                    "daemonsets",
                ],
                WRITE,
            ),
            (&[""], &["pods"], WRITE),
            (&[""], &["namespaces"], &["patch"]),
        ],
        Role::Controller => &[
            (
                &[OURS],
                &["environments/status", "releases/status", "releaseactions/status"],
                &["get", "patch"],
            ),
            (&[OURS], &["releases", "releaseactions"], &["create", "delete"]),
            (&["apps"], &["deployments", "statefulsets", "daemonsets"], &["patch"]),
            (&["apps"], &["deployments"], &["create", "delete"]),
            (&[""], &["services"], &["create", "patch", "delete"]),
            (&["gateway.networking.k8s.io"], &["httproutes"], &["get", "patch"]),
            (&["networking.istio.io"], &["virtualservices"], &["get", "patch"]),
            (&["networking.istio.io"], &["destinationrules"], &["get"]),
            (&["traefik.io"], &["traefikservices"], &["get", "patch"]),
            (&["networking.k8s.io"], &["ingresses"], &["get", "create", "patch", "delete"]),
            (&["events.k8s.io"], &["events"], &["create", "patch"]),
            (&["coordination.k8s.io"], &["leases"], &["create", "update", "patch"]),
            (&[""], &["secrets"], &["get"]),
        ],
        Role::Admin => &[(&["*"], &["*"], &["*"])],
    };
    rules.extend_from_slice(own);
    rules
}

/// Users and their rights.
#[derive(Debug)]
pub(crate) struct Authorizer {
    users: Vec<(String, User)>,
    anonymous: User,
    bindings: Vec<Binding>,
}

impl Authorizer {
    /// The users and bindings of a scenario.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let users: Vec<_> = scenario
            .users
            .iter()
            .map(|user| (user.token().to_owned(), with_authenticated(&user.name, &user.groups)))
            .collect();
        let anonymous = scenario.user(&scenario.default_user).map_or_else(
            || with_authenticated("system:anonymous", &[]),
            |user| with_authenticated(&user.name, &user.groups),
        );
        Self { users, anonymous, bindings: scenario.bindings.clone() }
    }

    /// The user of a bearer token; without one, the scenario's own operator.
    ///
    /// # Errors
    /// 401 for a token that nobody has.
    pub(crate) fn authenticate(&self, token: Option<&str>) -> Result<User, Refusal> {
        match token {
            None => Ok(self.anonymous.clone()),
            Some(token) => self
                .users
                .iter()
                .find(|(known, _)| known == token)
                .map(|(_, user)| user.clone())
                .ok_or_else(Refusal::unauthorized),
        }
    }

    /// A user by name; a stranger has no groups.
    pub(crate) fn named(&self, name: &str) -> User {
        self.users
            .iter()
            .find(|(_, user)| user.name == name)
            .map_or_else(|| with_authenticated(name, &[]), |(_, user)| user.clone())
    }

    /// The roles of a user in a namespace (empty: everywhere).
    pub(crate) fn roles<'a>(
        &'a self,
        user: &'a User,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Binding> {
        self.bindings.iter().filter(move |binding| {
            let subject = binding.users.contains(&user.name)
                || binding.groups.iter().any(|group| user.groups.contains(group));
            let place =
                binding.namespaces.is_empty() || binding.namespaces.iter().any(|bound| bound == namespace);
            subject && place
        })
    }

    /// Whether a user may; the name of the role that says so.
    pub(crate) fn allows(&self, user: &User, question: Question<'_>) -> Option<String> {
        if user.groups.iter().any(|group| group == "system:masters") {
            return Some("system:masters".to_owned());
        }
        self.roles(user, question.namespace)
            .find(|binding| rules(binding.role).iter().any(|rule| covers(rule, question)))
            .map(|binding| binding.role.name().to_owned())
    }

    /// Refuses in RBAC's words what a user may not do.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn check(&self, user: &User, verb: &str, target: &Target) -> Result<(), Refusal> {
        let full = match target.sub.as_deref() {
            Some(sub) => format!("{}/{sub}", target.resource.plural),
            None => target.resource.plural.to_owned(),
        };
        let question =
            Question { verb, group: target.resource.group, resource: &full, namespace: target.space() };
        // a namespace is read by whoever may read in it
        let own_namespace = target.resource.plural == "namespaces" && !target.named().is_empty();
        let question =
            if own_namespace { Question { namespace: target.named(), ..question } } else { question };
        if self.allows(user, question).is_some() {
            return Ok(());
        }
        Err(refusal(user, verb, target.resource, &full, target))
    }
}

fn refusal(user: &User, verb: &str, resource: &Resource, full: &str, target: &Target) -> Refusal {
    let place = match target.space() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let named = match target.named() {
        "" => String::new(),
        name => format!(" \"{name}\""),
    };
    let message = format!(
        "{}{named} is forbidden: User \"{}\" cannot {verb} resource \"{full}\" in API group \"{}\" {place}",
        resource.qualified(),
        user.name,
        resource.group
    );
    Refusal::forbidden(resource, target.named(), message)
}

fn covers(rule: &Rule, question: Question<'_>) -> bool {
    let has = |list: &[&str], wanted: &str| list.iter().any(|item| *item == "*" || *item == wanted);
    has(rule.0, question.group) && has(rule.1, question.resource) && has(rule.2, question.verb)
}

fn with_authenticated(name: &str, groups: &[String]) -> User {
    let mut groups = groups.to_vec();
    if let Some(account) = name.strip_prefix("system:serviceaccount:") {
        groups.push("system:serviceaccounts".to_owned());
        if let Some((namespace, _)) = account.split_once(':') {
            groups.push(format!("system:serviceaccounts:{namespace}"));
        }
    }
    groups.push("system:authenticated".to_owned());
    User { name: name.to_owned(), groups }
}
