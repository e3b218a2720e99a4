//! Whether the policies are in force is found out, told, and told again when it changes.

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::client::Body;
use release_cockpit::api::condition::{Condition, ConditionStatus};
use release_cockpit::api::release::GateState;

use super::*;

fn condition(environment: &Environment) -> Option<&Condition> {
    let conditions = &environment.status.as_ref()?.conditions;
    conditions.iter().find(|condition| condition.type_ == "PoliciesEnforced")
}

impl Stage {
    /// The condition `PoliciesEnforced` of production once it has that status.
    async fn when_policies(&self, status: ConditionStatus) -> Condition {
        let api: Api<Environment> = Api::namespaced(self.client("alice"), PRODUCTION);
        let holds = |found: Option<&Environment>| {
            found.and_then(condition).is_some_and(|condition| condition.status == status)
        };
        let found = tokio::time::timeout(PATIENCE, await_condition(api, "production", holds)).await;
        condition(&found.expect("it was never told").unwrap().unwrap()).unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_no_longer_denies_is_told_with_its_remedy_until_it_does_again() {
    let stage = Stage::open().await;
    let controller = stage.controller(Faults::default());
    let told = stage.when_policies(ConditionStatus::True).await;
    assert_eq!(told.reason, "Enforced", "{}", told.message);
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(stage.client("admin"));
    let mut binding = bindings.get("release-cockpit-action").await.unwrap();
    bindings.delete("release-cockpit-action", &DeleteParams::default()).await.unwrap();
    let told = stage.when_policies(ConditionStatus::False).await;
    assert_eq!(told.reason, "PoliciesMissing");
    assert!(
        told.message.contains("release-cockpit-action") && told.message.contains("kubectl apply"),
        "{}",
        told.message
    );
    binding.metadata.resource_version = None;
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    let again = stage.when_policies(ConditionStatus::True).await;
    assert!(again.last_transition_time >= told.last_transition_time);
    let events: Api<Event> = Api::namespaced(stage.client("alice"), PRODUCTION);
    let events = events.list(&ListParams::default()).await.unwrap();
    let reasons: Vec<_> = events.items.iter().filter_map(|event| event.reason.as_deref()).collect();
    assert!(reasons.contains(&"PoliciesMissing") && reasons.contains(&"PoliciesEnforced"), "{reasons:?}");
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_policies_no_approval_counts_nor_do_those_that_were_given_meanwhile() {
    let stage = Stage::open().await;
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(stage.client("admin"));
    let mut binding = bindings.get("release-cockpit-action").await.unwrap();
    bindings.delete("release-cockpit-action", &DeleteParams::default()).await.unwrap();
    let controller = stage.controller(Faults::default());
    stage.when_policies(ConditionStatus::False).await;
    let asked = stage.ask("bob", PRODUCTION, "v1.8.2").await;
    let planned = stage.when(&asked, |r| r.status.as_ref().is_some_and(|s| s.plan.is_some())).await;
    // nobody checks the name: ci forges the approval of carol
    let mut forged = approval(&planned);
    forged["actor"] = json!("carol");
    stage.act("ci", &planned, "Approve", forged).await;
    let counted = |release: &Release| {
        let approvals = &release.status.as_ref().unwrap().approvals;
        approvals.iter().filter(|approval| approval.state == ApprovalState::Counted).count()
    };
    let held = |release: &Release| {
        release.status.as_ref().is_some_and(|status| {
            status.gates.iter().any(|gate| gate.name == "policies" && gate.state == GateState::NoData)
        })
    };
    let waiting = stage.when(&asked, held).await;
    assert_eq!((waiting.phase(), counted(&waiting)), (Phase::Pending, 0));
    binding.metadata.resource_version = None;
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    stage.when_policies(ConditionStatus::True).await;
    let early = |release: &Release| {
        release.status.as_ref().is_some_and(|status| {
            status
                .gates
                .iter()
                .any(|gate| gate.name == "policies" && gate.detail.contains("before the admission"))
        })
    };
    let still = stage.when(&asked, early).await;
    assert_eq!((still.phase(), counted(&still)), (Phase::Pending, 0), "{:#?}", still.status);
    stage.close(controller).await;
}

/// Slower than the wall by so much that nobody waits for the next look at an interval.
const SLOWLY: f64 = 0.2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_that_vanishes_is_seen_at_once() {
    let stage = Stage::play(Scenario::builtin("planera").unwrap(), SLOWLY, true).await;
    let controller = stage.controller(Faults::default());
    stage.when_policies(ConditionStatus::True).await;
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(stage.client("admin"));
    bindings.delete("release-cockpit-release", &DeleteParams::default()).await.unwrap();
    let told = stage.when_policies(ConditionStatus::False).await;
    assert!(told.message.contains("release-cockpit-release"), "{}", told.message);
    stage.close(controller).await;
}

/// A client that is shown no changes of the policies.
fn without_watching(real: Client) -> Client {
    let (service, mut asked) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
    tokio::spawn(async move {
        while let Some((request, answer)) = asked.next_request().await {
            let real = real.clone();
            tokio::spawn(async move {
                let uri = request.uri().to_string();
                if uri.contains("validatingadmissionpolic") && uri.contains("watch=true") {
                    let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403,
                        "reason": "Forbidden", "message": "no verb watch"});
                    let refusal = Body::from(serde_json::to_vec(&refusal).unwrap());
                    answer.send_response(http::Response::builder().status(403).body(refusal).unwrap());
                    return;
                }
                match real.send(request).await {
                    Ok(response) => answer.send_response(response),
                    Err(error) => answer.send_error(error),
                }
            });
        }
    });
    Client::new(service, "release-cockpit")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_begins_on_an_approval_that_came_since_a_binding_vanished() {
    let stage = Stage::play(Scenario::builtin("planera").unwrap(), SLOWLY, true).await;
    let environments: Api<Environment> = Api::namespaced(stage.client("admin"), PRODUCTION);
    let at_once = Patch::Merge(json!({"spec": {"promotion": null}}));
    environments.patch("production", &PatchParams::default(), &at_once).await.unwrap();
    let controller =
        stage.controller_of(without_watching(stage.client("controller")), Faults::default(), None);
    stage.when_policies(ConditionStatus::True).await;
    let asked = stage.ask("bob", PRODUCTION, "v1.8.2").await;
    let planned = stage.when(&asked, |r| r.status.as_ref().is_some_and(|s| s.plan.is_some())).await;
    stage.tick("bob", &planned).await;
    let waits = |release: &Release| {
        release.status.as_ref().is_some_and(|status| {
            let held: Vec<_> = status.gates.iter().filter(|gate| gate.state != GateState::Pass).collect();
            status.plan.is_some() && matches!(held.as_slice(), [gate] if gate.name == "approval")
        })
    };
    let waiting = stage.when(&asked, waits).await;
    let before = stage.deployment(PRODUCTION, "backend").await;
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(stage.client("admin"));
    bindings.delete("release-cockpit-action", &DeleteParams::default()).await.unwrap();
    // nobody checks the name, and nobody has told the controller
    let mut forged = approval(&waiting);
    forged["actor"] = json!("carol");
    stage.act("ci", &waiting, "Approve", forged).await;
    let told = stage.when_policies(ConditionStatus::False).await;
    assert_eq!(told.reason, "PoliciesMissing");
    let held = |release: &Release| {
        let status = release.status.as_ref().unwrap();
        status.approvals.iter().all(|approval| approval.state == ApprovalState::Unattested)
            && status.approvals.len() == 1
    };
    let still = stage.when(&asked, held).await;
    assert_eq!(still.phase(), Phase::Pending, "{:#?}", still.status);
    assert_eq!(stage.deployment(PRODUCTION, "backend").await, before);
    stage.close(controller).await;
}
