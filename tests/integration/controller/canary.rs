//! The demonstration of shifted traffic: a good canary, a bad one, and a switch from blue to green.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use release_cockpit::api::release::TrackProgress;

use super::*;

const SHOP: &str = "shop-production";
const DASHBOARD: &str = "dashboard-production";
/// How much faster than the wall the story is told: slow enough for a busy machine to follow.
const STORY: f64 = 10.0;

impl Stage {
    /// The release of that version, once somebody has asked for it.
    async fn asked_in(&self, namespace: &str, version: &str) -> Release {
        let api = self.releases("alice", namespace);
        let search = async {
            loop {
                let found = api.list(&ListParams::default()).await.unwrap().items;
                if let Some(found) = found.into_iter().find(|release| release.spec.version == version) {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("nobody asks for it")
    }

    async fn backends(&self) -> Value {
        let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute");
        let resource = ApiResource::from_gvk_with_plural(&kind, "httproutes");
        let api: Api<DynamicObject> = Api::namespaced_with(self.client("admin"), SHOP, &resource);
        api.get("backend").await.unwrap().data["spec"]["rules"][0]["backendRefs"].clone()
    }

    async fn runs(&self, namespace: &str) -> Vec<(String, String)> {
        let api: Api<Deployment> = Api::namespaced(self.client("alice"), namespace);
        let all = api.list(&ListParams::default()).await.unwrap().items;
        let image = |one: &Deployment| {
            let image = one.spec.template.spec.as_ref().unwrap().containers[0].image.clone().unwrap();
            image.rsplit(':').next().unwrap().to_owned()
        };
        all.iter().map(|one| (one.metadata.name.clone().unwrap(), image(one))).collect()
    }
}

fn track(release: &Release) -> Option<&TrackProgress> {
    release.status.as_ref()?.tracks.first()
}

fn told(release: &Release) -> Vec<&str> {
    release.status.as_ref().unwrap().timeline.iter().map(|entry| entry.reason.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_canary_gets_everything_a_bad_one_nothing_and_green_takes_over() {
    let stage = Stage::play(Scenario::builtin("canary").unwrap(), STORY, false).await;
    let controller = stage.controller(Faults::default());

    let good = stage.asked_in(SHOP, "v1.9.0").await;
    let at_ten =
        stage.when(&good, |release| track(release).is_some_and(|track| track.verified == Some(10))).await;
    assert_eq!(track(&at_ten).unwrap().workload, "backend-canary");
    let green = stage.asked_in(DASHBOARD, "v3.2.0").await;
    let good = stage.when_final(&good).await;
    assert_eq!(good.phase(), Phase::Succeeded, "{:#?}", good.status);
    assert_eq!(told(&good).iter().filter(|reason| **reason == "WeightReached").count(), 3);
    assert_eq!(stage.runs(SHOP).await, [("backend".to_owned(), "v1.9.0".to_owned())]);
    let home = json!([{"name": "backend", "port": 8080}]);
    assert_eq!(stage.backends().await, home);

    let green = stage.when_final(&green).await;
    assert_eq!(green.phase(), Phase::Succeeded, "{:#?}", green.status);
    assert!(told(&green).contains(&"Switched"), "{:?}", told(&green));
    assert_eq!(stage.runs(DASHBOARD).await, [("dashboard".to_owned(), "v3.2.0".to_owned())]);

    let bad = stage.when_final(&stage.asked_in(SHOP, "v1.9.1").await).await;
    assert_eq!(bad.phase(), Phase::RolledBack, "{:#?}", bad.status);
    assert!(bad.status.as_ref().unwrap().weight.as_ref().unwrap().desired == 0);
    assert_eq!(stage.backends().await, home);
    assert_eq!(stage.runs(SHOP).await, [("backend".to_owned(), "v1.9.0".to_owned())]);
    stage.close(controller).await;
}
