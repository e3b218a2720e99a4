//! Whether the policies are in force is found out, told, and told again when it changes.

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams};
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
