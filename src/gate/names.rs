//! Whether the objects that a second workload needs can have the names that they would get.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Answered, Gate, Scope, Verdict, routing};
use crate::api::release::GateState;
use crate::domain::health::{Question, Routing};
use crate::domain::object_name::{self, NewName};
use crate::domain::track::REPLICA_RATIO;
use crate::traffic::{self, Route, Router};

/// The names alone, for a release that waits for nothing else of its router.
pub(super) struct NamesGate;

impl Gate for NamesGate {
    fn name(&self) -> &'static str {
        "names"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Names(wanted) = question else { return None };
        Some(async move { look(scope, wanted).await.into() }.boxed())
    }
}

/// `Fail` only if a name is too long; other problems of the router have gates of their own.
async fn look(scope: &Scope, wanted: &Routing) -> Verdict {
    let unread = |error: traffic::Error| (GateState::NoData, format!("not every name is known: {error}"));
    let router = match routing::router(wanted) {
        Ok(router) => router,
        Err(error) => return unread(error),
    };
    let route = routing::route(scope, wanted);
    if let Some(problem) = problem(router, &route, wanted) {
        return (GateState::Fail, problem);
    }
    match router.distinguish(&route).await {
        Ok(_) => (GateState::Pass, "every name fits".to_owned()),
        Err(error @ traffic::Error::NameTooLong(_)) => (GateState::Fail, error.to_string()),
        Err(error) => unread(error),
    }
}

/// What is wrong with the names that would be written, with the remedies; nothing where they fit.
pub(super) fn problem(router: &dyn Router, route: &Route, wanted: &Routing) -> Option<String> {
    let suffix = route.track.as_str().len() + 1;
    let workload = route.track.workload_name(&route.workload.name);
    let mut names = vec![NewName::of_workload(route.workload.kind, &workload, suffix)];
    names.extend(router.new_names(route));
    names.extend(wanted.preview_service.as_deref().map(|name| NewName::of_service(name, 0)));
    let too_long = names.iter().filter_map(NewName::problem);
    let preview = wanted.preview_service.as_deref().and_then(|name| {
        object_name::unfit_for_a_service(name)
            .map(|form| format!("previewService {name} cannot be the name of a Service: {form}"))
    });
    // the pods of a second workload bear the name of their component, unless its router tells them apart by nothing
    let component = (router.name() != REPLICA_RATIO).then_some(wanted.component.as_str()).and_then(|name| {
        object_name::unfit_for_a_label(name)
            .map(|form| format!("component {name:?} cannot be the value of a label on its pods: {form}"))
    });
    let problems: Vec<String> = too_long.chain(preview).chain(component).collect();
    (!problems.is_empty()).then(|| problems.join("; "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::environment::{WorkloadKind, WorkloadRef};
    use crate::api::strategy::Track;

    fn found(router: &str, workload: &str, config: &[(&str, &str)], preview: Option<&str>) -> Option<String> {
        let (service, _handle) = tower_test::mock::pair::<
            ::http::Request<kube::client::Body>,
            ::http::Response<kube::client::Body>,
        >();
        let workload = WorkloadRef { kind: WorkloadKind::Deployment, name: workload.to_owned() };
        let config: BTreeMap<String, String> =
            config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let route = Route {
            client: kube::Client::new(service, "a"),
            namespace: "a".to_owned(),
            workload: workload.clone(),
            track: Track::Canary,
            config,
        };
        let wanted = Routing {
            component: "web".to_owned(),
            workload,
            track: Track::Canary,
            routing: None,
            preview_service: preview.map(str::to_owned),
            weights: Vec::new(),
        };
        problem(traffic::router(router).unwrap(), &route, &wanted)
    }

    #[tokio::test]
    async fn each_router_names_what_it_would_make() {
        let (fits, long) = ("a".repeat(56), "a".repeat(57));
        let service = format!("Service {long}-canary is too long: 64 characters, at most 63.");
        for router in ["gateway-api", "istio", "nginx", "traefik", "service-selector"] {
            assert_eq!(found(router, &fits, &[], None), None, "{router}");
            let problem = found(router, &long, &[], None).unwrap();
            assert!(
                problem.starts_with(&service) && problem.ends_with("of at most 56 characters"),
                "{router}: {problem}"
            );
            // another Service than the workload's name
            assert_eq!(found(router, &long, &[("service", "web")], None), None, "{router}");
        }
        assert_eq!(found("replica-ratio", &long, &[], None), None, "it makes no Service");
        let subsets =
            [("destinationRule", "x"), ("stableSubset", "a"), ("canarySubset", "b"), ("service", &long)];
        assert_eq!(found("istio", "web", &subsets, None), None, "one Service finds both");
    }

    #[tokio::test]
    async fn ingresses_deployments_and_preview_services_have_limits_of_their_own() {
        let long = "i".repeat(247);
        let problem = found("nginx", "web", &[("ingress", &long)], None).unwrap();
        assert!(
            problem.starts_with(&format!("Ingress {long}-canary is too long: 254 characters, at most 253.")),
            "{problem}"
        );
        assert!(problem.ends_with("use an Ingress with a name of at most 246 characters"), "{problem}");
        assert_eq!(found("nginx", "web", &[("ingress", &long[1..])], None), None);
        let problem = found("replica-ratio", &"d".repeat(236), &[], None).unwrap();
        assert!(problem.contains("243 characters, at most 242, because its ReplicaSets"), "{problem}");
        assert!(problem.ends_with("of at most 235 characters"), "{problem}");
        assert_eq!(found("replica-ratio", &"d".repeat(235), &[], None), None);
        let problem = found("service-selector", "web", &[], Some("Preview")).unwrap();
        assert!(problem.contains("previewService Preview cannot be the name of a Service"), "{problem}");
        let both = found("nginx", &"d".repeat(60), &[("ingress", &long)], Some("web")).unwrap();
        assert!(both.contains("Service ddd") && both.contains("; Ingress iii"), "{both}");
    }
}
