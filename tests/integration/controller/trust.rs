//! The demonstration of trust: colleagues who approve at the same moment, object, freeze, break the glass and owe a review.

use kube::api::ListParams;
use release_cockpit::api::release::{GateState, GateStatus};

use super::*;

/// How much faster than the wall the story is told: slow enough for a busy machine to follow.
const STORY: f64 = 8.0;

impl Stage {
    /// The release of that version into production, once somebody has asked for it.
    async fn asked_for(&self, version: &str) -> Release {
        let api = self.releases("alice", PRODUCTION);
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

    async fn when_environment(&self, what: impl Fn(&Environment) -> bool) -> Environment {
        let api: Api<Environment> = Api::namespaced(self.client("alice"), PRODUCTION);
        let holds = |found: Option<&Environment>| found.is_some_and(&what);
        let found = tokio::time::timeout(PATIENCE, await_condition(api, "production", holds)).await;
        found.expect("it never happened").unwrap().unwrap()
    }
}

fn gate<'a>(release: &'a Release, name: &str) -> Option<&'a GateStatus> {
    release.status.as_ref()?.gates.iter().find(|gate| gate.name == name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colleagues_agree_at_once_object_freeze_break_the_glass_and_owe_a_review() {
    let stage = Stage::play(Scenario::builtin("trust").unwrap(), STORY, false).await;
    let controller = stage.controller(Faults::default());

    let asked = stage.asked_for("v1.8.2").await;
    let waiting = stage
        .when(&asked, |release| release.status.as_ref().is_some_and(|status| status.checks.len() == 2))
        .await;
    let (result, message) = stage.act("alice", &waiting, "Approve", approval(&waiting)).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    let done = stage.when_final(&waiting).await;
    assert_eq!(done.phase(), Phase::Succeeded, "{:#?}", done.status);
    let people: Vec<_> =
        done.status.as_ref().unwrap().approvals.iter().map(|record| record.actor.as_str()).collect();
    // on a slow machine dana lost her patience
    assert!(people.contains(&"alice") && people.len() >= 2 && !people.contains(&"bob"), "{people:?}");
    let actions: Api<ReleaseAction> = Api::namespaced(stage.client("alice"), PRODUCTION);
    let authors: Vec<_> =
        actions.list(&ListParams::default()).await.unwrap().items.into_iter().map(|a| a.spec.actor).collect();
    assert!(!authors.contains(&"bob-admin".to_owned()), "his other account is bob as well: {authors:?}");

    let rejected = stage.when_final(&stage.asked_for("v1.9.0").await).await;
    assert_eq!(rejected.phase(), Phase::Rejected);
    assert!(rejected.status.unwrap().message.contains("carol: the migration of the boards was not tested"));

    // the freeze may be over by now; what was asked for stays
    let asked = async {
        loop {
            let all = actions.list(&ListParams::default()).await.unwrap().items;
            let is_freeze = |action: &ReleaseAction| action.spec.actor == "erin" && action.is_judged();
            if let Some(found) = all.into_iter().find(is_freeze) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    let freeze = tokio::time::timeout(PATIENCE, asked).await.expect("erin never froze");
    assert_eq!(freeze.status.unwrap().result, Some(ActionResult::Applied));
    assert_eq!(freeze.spec.parameters.unwrap().incident.as_deref(), Some("INC-204"));

    let hotfix = stage.when_final(&stage.asked_for("v1.8.3").await).await;
    assert_eq!(hotfix.phase(), Phase::Succeeded, "{:#?}", hotfix.status);
    let owing = stage
        .when_environment(|found| found.status.as_ref().is_some_and(|status| !status.debts.is_empty()))
        .await;
    let debt = owing.status.unwrap().debts.remove(0);
    assert_eq!((debt.by.as_str(), debt.incident.as_deref()), ("bob", Some("INC-204")));

    let next = stage.asked_for("v1.8.4").await;
    let held = stage
        .when(&next, |release| gate(release, "post-review").is_some_and(|gate| gate.state != GateState::Pass))
        .await;
    assert_eq!(held.phase(), Phase::Pending);
    let (result, message) = stage.order("alice", PRODUCTION, "Review", json!({"debt": debt.id})).await;
    assert_eq!(result, ActionResult::Applied, "{message}");
    stage
        .when(&next, |release| gate(release, "post-review").is_none_or(|gate| gate.state == GateState::Pass))
        .await;
    stage.close(controller).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_policy_is_installed_it_is_said_and_no_approval_counts() {
    let mut scenario = Scenario::builtin("planera").unwrap();
    scenario.policies = false;
    let stage = Stage::play(scenario, SPEED, true).await;
    let controller = stage.controller(Faults::default());
    let told = stage
        .when_environment(|found| {
            let conditions = found.status.iter().flat_map(|status| &status.conditions);
            conditions.into_iter().any(|condition| {
                condition.type_ == "PoliciesEnforced" && condition.reason == "PoliciesMissing"
            })
        })
        .await;
    assert_eq!(told.spec.application, "planera");
    let asked = stage.ask("bob", PRODUCTION, "v1.8.2").await;
    let waiting = stage
        .when(&asked, |release| release.status.as_ref().is_some_and(|status| status.plan.is_some()))
        .await;
    let (result, message) = stage.act("carol", &waiting, "Approve", approval(&waiting)).await;
    let after = stage.when(&waiting, |release| release.phase() == Phase::Pending).await;
    let counted = after
        .status
        .iter()
        .flat_map(|status| &status.approvals)
        .any(|record| record.state == ApprovalState::Counted);
    assert!(!counted, "{result:?} {message}");
    stage.close(controller).await;
}
