//! Whether the objects that a second workload needs can have the names that they would get.

use crate::domain::health::Routing;
use crate::domain::object_name::{self, NewName};
use crate::domain::track::REPLICA_RATIO;
use crate::traffic::{Route, Router};

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
    use crate::traffic;

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
