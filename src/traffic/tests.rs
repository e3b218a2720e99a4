use super::*;

fn routing(router: &str, config: &[(&str, &str)]) -> TrafficRouting {
    let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    TrafficRouting { router: router.into(), config: config.collect() }
}

#[test]
fn each_router_is_registered_once_and_says_what_it_needs() {
    for (index, one) in ROUTERS.iter().enumerate() {
        assert!(ROUTERS[..index].iter().all(|other| other.name() != one.name()));
        assert_eq!(router(one.name()).unwrap().name(), one.name());
        assert!(one.keys().iter().all(|key| !key.what.is_empty()));
        let refused = validate(&routing(one.name(), &[("colour", "blue")])).err().unwrap().to_string();
        assert!(refused.contains("colour is not a setting"), "{refused}");
        let needed: Vec<&Key> = one.keys().iter().filter(|key| key.is_needed).collect();
        for key in &needed {
            let refused = validate(&routing(one.name(), &[])).err().unwrap().to_string();
            assert!(refused.contains(&format!("{} (needed: {})", key.name, key.what)), "{refused}");
            assert!(validate(&routing(one.name(), &[(key.name, " ")])).is_err());
        }
        let config: Vec<(&str, &str)> = needed.iter().map(|key| (key.name, "x")).collect();
        assert!(validate(&routing(one.name(), &config)).is_ok(), "{}", one.name());
    }
    let unknown = validate(&routing("envoy", &[])).err().unwrap().to_string();
    assert!(unknown.contains("replica-ratio, service-selector, gateway-api"), "{unknown}");
}

#[test]
fn subsets_come_in_pairs() {
    let refused =
        validate(&routing("istio", &[("virtualService", "x"), ("canarySubset", "y")])).err().unwrap();
    assert!(refused.to_string().contains("belong together"), "{refused}");
}

#[tokio::test]
async fn a_kind_that_is_not_installed_differs_from_an_object_that_is_not_there() {
    use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
    let (service, _handle) =
        tower_test::mock::pair::<http::Request<kube::client::Body>, http::Response<kube::client::Body>>();
    let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute");
    let resource = ApiResource::from_gvk_with_plural(&kind, "httproutes");
    let api = kube::Api::<DynamicObject>::namespaced_with(Client::new(service, "a"), "a", &resource);
    let failed = |message: &str, code: u16| {
        let reason = match code {
            409 => "Conflict",
            422 => "Invalid",
            _ => "NotFound",
        };
        let mut status = kube::core::Status::failure(message, reason);
        status.code = code;
        pair::failed(&api, "HTTPRoute", "backend", kube::Error::Api(Box::new(status)))
    };
    for (message, code, expected) in [
        (
            "404 page not found",
            404,
            "the cluster has no HTTPRoute (gateway.networking.k8s.io): install the router's definitions, or choose another router",
        ),
        (
            "httproutes.gateway.networking.k8s.io \"backend\" not found",
            404,
            "HTTPRoute backend does not exist: create it, or name another one in trafficRouting.config",
        ),
        ("the object has been modified", 409, "HTTPRoute backend changed in between"),
        (
            "the server rejected our request due to an error in our request",
            422,
            "HTTPRoute backend changed in between",
        ),
    ] {
        assert_eq!(failed(message, code).to_string(), expected);
    }
    assert!(failed("x", 409).is_race() && failed("x", 409).is_transient());
    assert!(!failed("httproutes \"backend\" is forbidden", 403).is_transient());
}

#[test]
fn people_can_read_of_every_router_and_setting() {
    let readme = include_str!("../../assets/docs/install.md");
    for router in ROUTERS {
        let start = format!("`{}`", router.name());
        let row = readme.lines().find(|line| line.trim_start().starts_with("| ") && line.contains(&start));
        let row = row.unwrap_or_else(|| panic!("{} is not told of", router.name()));
        for key in router.keys() {
            assert!(row.contains(&format!("`{}`", key.name)), "{}: {}", router.name(), key.name);
        }
    }
}
