//! Whether what protects or watches the stable pods holds for canary and green pods as well.
//!
//! Reads budgets, network policies, mesh policies and monitors of the namespace. Kinds that the cluster does not have are passed over.
//! What may not be read is said, and holds only where the environment wants it (`gates.neighbours.unreadable: Hold`).

use futures::FutureExt;
use futures::future::BoxFuture;
use kube::Api;
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};

use super::{Answered, Gate, Scope, Verdict, unanswered};
use crate::api::environment::Unreadable;
use crate::api::release::GateState;
use crate::domain::health::{Neighbours, Question};
use crate::domain::selector_gap::{Sides, selectors_in};
use crate::domain::track::REPLICA_RATIO;
use crate::traffic::{self, Route, services};
use crate::workload::track::{Copy, labels_of_copy, pod_labels};

/// What selects the stable pods selects the others, too.
pub(super) struct NeighboursGate;

/// A kind of object that selects pods, or Services.
struct Kind {
    group: &'static str,
    name: &'static str,
    plural: &'static str,
    /// Where its selectors stand.
    selectors: &'static [&'static str],
    /// It selects Services by their labels.
    by_service: bool,
}

const fn kind(
    group: &'static str,
    name: &'static str,
    plural: &'static str,
    selectors: &'static [&'static str],
) -> Kind {
    Kind { group, name, plural, selectors, by_service: false }
}

const KINDS: [Kind; 8] = [
    kind(
        "networking.k8s.io",
        "NetworkPolicy",
        "networkpolicies",
        &["/spec/podSelector", "/spec/ingress/*/from/*/podSelector", "/spec/egress/*/to/*/podSelector"],
    ),
    kind("policy", "PodDisruptionBudget", "poddisruptionbudgets", &["/spec/selector"]),
    kind("security.istio.io", "AuthorizationPolicy", "authorizationpolicies", &["/spec/selector"]),
    kind("security.istio.io", "PeerAuthentication", "peerauthentications", &["/spec/selector"]),
    kind("security.istio.io", "RequestAuthentication", "requestauthentications", &["/spec/selector"]),
    kind(
        "cilium.io",
        "CiliumNetworkPolicy",
        "ciliumnetworkpolicies",
        &["/spec/endpointSelector", "/spec/ingress/*/fromEndpoints/*", "/spec/egress/*/toEndpoints/*"],
    ),
    kind("monitoring.coreos.com", "PodMonitor", "podmonitors", &["/spec/selector"]),
    Kind {
        group: "monitoring.coreos.com",
        name: "ServiceMonitor",
        plural: "servicemonitors",
        selectors: &["/spec/selector"],
        by_service: true,
    },
];

impl Gate for NeighboursGate {
    fn name(&self) -> &'static str {
        "neighbours"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Neighbours(wanted) = question else { return None };
        Some(async move { look(scope, wanted).await.unwrap_or_else(|verdict| verdict).into() }.boxed())
    }
}

async fn look(scope: &Scope, wanted: &Neighbours) -> Result<Verdict, Verdict> {
    let (pods, of_services) = sides(scope, wanted).await?;
    let groups =
        scope.client.list_api_groups().await.map_err(|error| unanswered("the API groups", &error))?;
    let (mut gaps, mut unread) = (Vec::new(), Vec::new());
    for kind in &KINDS {
        let group = groups.groups.iter().find(|group| group.name == kind.group);
        let version = group.and_then(|group| {
            let preferred = group.preferred_version.as_ref().map(|version| version.version.clone());
            preferred.or_else(|| group.versions.first().map(|version| version.version.clone()))
        });
        let Some(version) = version else { continue };
        let all = match list(scope, kind, &version).await {
            Ok(all) => all,
            // the group is there, and this kind of it is not
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            Err(error) => {
                unread.push((kind, error));
                continue;
            }
        };
        let sides = if kind.by_service { of_services.as_ref() } else { Some(&pods) };
        let Some(sides) = sides else { continue };
        let is_gap = |object: &&DynamicObject| sides.is_gap(selectors_in(&object.data, kind.selectors));
        let names = all.iter().filter(is_gap).map(|object| format!("{}/{}", kind.name, object.name_any()));
        gaps.extend(names.filter(|name| !is_ignored(&wanted.policy.ignore, kind.name, name)));
    }
    if !gaps.is_empty() {
        return Err((GateState::Fail, sentence(&gaps, wanted, &pods)));
    }
    let names: Vec<&str> = unread.iter().map(|(kind, _)| kind.plural).collect();
    match unread.first() {
        Some((_, error)) if wanted.policy.unreadable == Unreadable::Hold => {
            Err(unanswered(&names.join(", "), error))
        }
        Some((_, error)) => {
            let (_, why) = unanswered(&names.join(", "), error);
            Ok((
                GateState::Pass,
                format!("no data on some: {why}; nothing else selects the stable pods alone"),
            ))
        }
        None => Ok((GateState::Pass, "nothing selects the stable pods alone".to_owned())),
    }
}

fn is_ignored(ignore: &[String], kind: &str, name: &str) -> bool {
    ignore.iter().any(|one| one == kind || one == name)
}

fn sentence(gaps: &[String], wanted: &Neighbours, sides: &Sides) -> String {
    let second = wanted.track.workload_name(&wanted.workload.name);
    let (some, more) = gaps.split_at(gaps.len().min(4));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let verb = if gaps.len() == 1 { "selects" } else { "select" };
    format!(
        "{}{more} {verb} the pods of {} and not those of {second}: {}; or accept it in gates.neighbours.ignore",
        some.join(", "),
        wanted.workload.name,
        sides.remedy()
    )
}

async fn list(scope: &Scope, kind: &Kind, version: &str) -> Result<Vec<DynamicObject>, kube::Error> {
    let known = GroupVersionKind::gvk(kind.group, version, kind.name);
    let resource = ApiResource::from_gvk_with_plural(&known, kind.plural);
    let api: Api<DynamicObject> = Api::namespaced_with(scope.client.clone(), &scope.namespace, &resource);
    Ok(api.list(&ListParams::default()).await?.items)
}

/// The labels of both workloads' pods, and of both Services where there will be a second one.
async fn sides(scope: &Scope, wanted: &Neighbours) -> Result<(Sides, Option<Sides>), Verdict> {
    let no_data = |error: traffic::Error| (GateState::NoData, error.to_string());
    let router = match &wanted.routing {
        Some(routing) => traffic::validate(routing),
        None => traffic::router(REPLICA_RATIO),
    };
    let router = router.map_err(no_data)?;
    let route = Route {
        client: scope.client.clone(),
        namespace: scope.namespace.clone(),
        workload: wanted.workload.clone(),
        track: wanted.track,
        config: wanted.routing.as_ref().map(|routing| routing.config.clone()).unwrap_or_default(),
    };
    let distinction = router.distinguish(&route).await.map_err(no_data)?;
    let (own, service) = services::labels(&route, &distinction).await.map_err(no_data)?;
    let copy = Copy {
        track: wanted.track,
        component: wanted.component.clone(),
        image: String::new(),
        containers: Vec::new(),
        replicas: 0,
        labels: distinction.labels,
        release: String::new(),
        serves: false,
    };
    let pods = Sides { stable: pod_labels(&own), second: labels_of_copy(&own, &copy) };
    Ok((pods, service.map(|(stable, second)| Sides { stable, second })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_may_be_accepted_by_kind_or_by_name() {
        let ignore = ["PodDisruptionBudget".to_owned(), "NetworkPolicy/web".to_owned()];
        for (kind, name, expected) in [
            ("PodDisruptionBudget", "PodDisruptionBudget/any", true),
            ("NetworkPolicy", "NetworkPolicy/web", true),
            ("NetworkPolicy", "NetworkPolicy/web-2", false),
        ] {
            assert_eq!(is_ignored(&ignore, kind, name), expected, "{name}");
        }
    }
}
