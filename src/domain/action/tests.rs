//! Every kind of action in every phase, and every claim that an action can make.

use super::*;
use crate::api::environment::Gates;
use crate::api::release::{
    ApprovalRecord, ApprovalState, CheckRecord, Driver, GateState, GateStatus, Plan, StepProgress,
};
use crate::api::release_action::{Expected, Parameters};
use crate::domain::fixtures::{
    action, approve, at, environment, guarded, identity_rule, observed, policies, slot, uid,
};

mod claims;

fn status(phase: Phase, step: Option<i32>) -> ReleaseStatus {
    ReleaseStatus {
        phase,
        step: step.map(|index| StepProgress { index, started_at: at(0), until: None, paused_for: None }),
        before: vec![crate::api::release::RevisionRecord {
            component: "backend".into(),
            image: "ghcr.io/acme/backend:v1".into(),
            revision: None,
            replicas: None,
            partition: None,
        }],
        ..ReleaseStatus::default()
    }
}

/// With an approval, a gate that holds and a driver, all of carol's making.
fn around(phase: Phase, step: Option<i32>) -> ReleaseStatus {
    let approval = ApprovalRecord {
        actor: "carol".into(),
        slots: vec!["any".into()],
        at: at(5),
        digest: "sha256:1".into(),
        action: "a0".into(),
        state: ApprovalState::Counted,
        step: None,
        person: None,
        evidence: None,
    };
    let gate = |name: &str, state| GateStatus { name: name.into(), state, ..GateStatus::default() };
    ReleaseStatus {
        plan: Some(Plan { digest: "sha256:1".into(), ..Plan::default() }),
        approvals: vec![approval],
        gates: vec![
            gate("windows", GateState::Wait),
            gate("approval", GateState::Pass),
            gate("lane", GateState::Wait),
        ],
        driver: Some(Driver { by: "carol".into(), since: at(0), until: Some(at(100)), note: None }),
        ..status(phase, step)
    }
}

#[test]
fn only_ones_own_approval_that_counts_can_be_taken_back() {
    let mut environment = guarded();
    environment.spec.identity = Some(identity_rule());
    let observed = observed(environment);
    let status = around(Phase::Pending, None);
    for (actor, state, applied) in [
        ("carol", ApprovalState::Counted, true),
        ("oidc:carol-admin", ApprovalState::Counted, true),
        ("dave", ApprovalState::Counted, false),
        ("carol", ApprovalState::Stale, false),
        ("carol", ApprovalState::Withdrawn, false),
        ("carol", ApprovalState::Expired, false),
    ] {
        let mut status = status.clone();
        status.approvals[0].state = state;
        let verdict = judge(&observed, &status, &action("a1", ActionKind::Withdraw, actor, 10), at(10));
        assert_eq!(verdict.is_applied(), applied, "{actor} {state:?}: {}", verdict.message);
    }
    let late = around(Phase::Progressing, None);
    let verdict = judge(&observed, &late, &action("a1", ActionKind::Withdraw, "carol", 10), at(10));
    assert!(verdict.message.contains("can no longer be taken back"), "{}", verdict.message);
}

#[test]
fn an_approval_that_was_crowded_out_can_be_taken_back() {
    let mut observed = observed(guarded());
    let mut status = around(Phase::Pending, None);
    let other = status.approvals[0].clone();
    let crowd = (0..64).map(|n| ApprovalRecord { actor: format!("person-{n}"), ..other.clone() });
    status.approvals = crowd.collect();
    let withdraw = action("a1", ActionKind::Withdraw, "carol", 10);
    assert!(!judge(&observed, &status, &withdraw, at(10)).is_applied());
    let mut given = approve("a0", "carol", "sha256:1", &["any"], 5);
    given.status.get_or_insert_default().result = Some(ActionResult::Applied);
    observed.actions = vec![given];
    let verdict = judge(&observed, &status, &withdraw, at(10));
    assert!(verdict.is_applied(), "{}", verdict.message);
}

#[test]
fn too_many_debts_refuse_further_force() {
    let mut observed = observed(guarded());
    let status = around(Phase::Pending, None);
    let force = |observed: &Observed| {
        let mut force = action("a1", ActionKind::Override, "dave", 10);
        force.spec.parameters = Some(Parameters {
            gate: Some("windows".into()),
            until: Some(at(100)),
            incident: Some("INC-1".into()),
            ..Parameters::default()
        });
        judge(observed, &status, &force, at(10))
    };
    let owe = |observed: &mut Observed, count: usize| {
        let debts = (0..count).map(|index| crate::api::environment::Debt {
            id: format!("release/{index}"),
            by: "erin".into(),
            at: at(0),
            what: "emergency".into(),
            reason: "down".into(),
            incident: None,
        });
        observed.environment.as_mut().unwrap().status.get_or_insert_default().debts = debts.collect();
    };
    owe(&mut observed, 63);
    assert!(force(&observed).is_applied());
    owe(&mut observed, 64);
    assert!(force(&observed).message.contains("64 debts wait for a review"));
}

#[test]
fn one_person_approves_once_with_whatever_account() {
    let mut environment = guarded();
    environment.spec.identity = Some(identity_rule());
    let observed = observed(environment);
    let status = around(Phase::Pending, None);
    let message = |actor: &str| {
        judge(&observed, &status, &approve("a1", actor, "sha256:1", &["any"], 10), at(10)).message
    };
    assert_eq!(message("carol-ops"), "carol-ops (who is carol) has already approved this plan");
    assert_eq!(message("bob-admin"), "bob-admin (who is bob) requested this release and may not approve it");
    assert_eq!(message("dave"), "approved");
}

#[test]
fn a_second_approval_of_a_person_is_refused_whatever_the_order() {
    use crate::api::condition::ConditionStatus::{False, True, Unknown};
    use ApprovalState::{Counted, Expired, SelfApproval, Stale, Unattested, Withdrawn};
    let known = "has already approved this plan";
    for (state, told, first, second, expected) in [
        (Counted, True, &["any"][..], &["any"][..], known),
        (Counted, True, &["team-leads", "any"], &["any"], known),
        (
            Counted,
            True,
            &["any"],
            &["team-leads", "any"],
            "for any: take that back first, to approve for team-leads, any",
        ),
        // it may count as soon as somebody has looked at the policies
        (Unattested, Unknown, &["any"], &["any"], known),
        // it never will
        (Unattested, True, &["any"], &["any"], "approved"),
        (Unattested, False, &["any"], &["any"], "approved"),
        (Stale, True, &["any"], &["any"], "approved"),
        (Expired, True, &["any"], &["any"], "approved"),
        (Withdrawn, True, &["any"], &["any"], "approved"),
        (SelfApproval, True, &["any"], &["any"], "approved"),
    ] {
        let mut environment = guarded();
        let policy = environment.spec.approval.as_mut().unwrap();
        policy.slots = vec![slot("team-leads", Some("team-leads"), 1), slot("any", None, 1)];
        environment.status.get_or_insert_default().conditions = vec![policies(told, at(0))];
        let observed = observed(environment);
        let mut status = around(Phase::Pending, None);
        status.approvals[0].state = state;
        status.approvals[0].slots = first.iter().map(|slot| (*slot).to_owned()).collect();
        let verdict = judge(&observed, &status, &approve("a1", "carol", "sha256:1", second, 10), at(10));
        assert!(verdict.message.ends_with(expected), "{state:?} {told:?} {first:?}: {}", verdict.message);
        assert_eq!(verdict.is_applied(), expected == "approved");
    }
}

#[test]
fn an_item_is_ticked_once_for_one_plan() {
    let mut environment = environment();
    environment.spec.gates = Some(Gates { checklist: vec!["Tested".into()], ..Gates::default() });
    let observed = observed(environment);
    let ticked =
        CheckRecord { item: "Tested".into(), by: "dave".into(), at: at(1), digest: "sha256:1".into() };
    let old = CheckRecord { digest: "sha256:0".into(), ..ticked.clone() };
    for (item, digest, checks, expected) in [
        ("Tested", Some("sha256:1"), vec![], "ticked"),
        ("Tested", Some("sha256:1"), vec![old], "ticked"),
        ("Tested", Some("sha256:1"), vec![ticked], "`Tested` is ticked already, by dave"),
        ("Slept", Some("sha256:1"), vec![], "has no item `Slept`"),
        ("Tested", Some("sha256:0"), vec![], "the plan has changed"),
        ("Tested", None, vec![], "does not say for which plan"),
    ] {
        let mut action = action("a1", ActionKind::Check, "carol", 10);
        action.spec.expected = Some(Expected { plan_digest: digest.map(Into::into), ..Expected::default() });
        action.spec.parameters = Some(Parameters { item: Some(item.into()), ..Parameters::default() });
        let status = ReleaseStatus { checks, ..around(Phase::Pending, None) };
        let verdict = judge(&observed, &status, &action, at(10));
        assert!(verdict.message.contains(expected), "{item} {digest:?}: {}", verdict.message);
        assert_eq!(verdict.is_applied(), expected == "ticked");
    }
}

#[test]
fn force_is_for_one_gate_that_holds_for_a_short_time_and_an_incident() {
    let observed = observed(guarded());
    let hours = |hours: i64| Some(at(10 + hours * 3600));
    for (gate, until, incident, reason, expected) in [
        ("windows", hours(4), "INC-1", "down", "passed by force"),
        ("windows", hours(5), "INC-1", "down", "4 hours at most"),
        ("windows", Some(at(10)), "INC-1", "down", "ends before it begins"),
        ("windows", None, "INC-1", "down", "does not say when"),
        ("windows", hours(1), " ", "down", "no incident and reason"),
        ("windows", hours(1), "INC-1", "", "no incident and reason"),
        ("approval", hours(1), "INC-1", "down", "passes: nothing is to be forced"),
        ("lane", hours(1), "INC-1", "down", "cannot be passed by force"),
        ("policy", hours(1), "INC-1", "down", "cannot be passed by force"),
        ("policies", hours(1), "INC-1", "down", "cannot be passed by force"),
        ("deny-list", hours(1), "INC-1", "down", "cannot be passed by force"),
        ("checklist", hours(1), "INC-1", "down", "has no gate checklist"),
    ] {
        let mut action = action("a1", ActionKind::Override, "erin", 10);
        action.spec.reason = Some(reason.into());
        action.spec.parameters = Some(Parameters {
            gate: Some(gate.into()),
            until,
            incident: Some(incident.into()),
            ..Parameters::default()
        });
        let verdict = judge(&observed, &around(Phase::Pending, None), &action, at(10));
        assert!(verdict.message.contains(expected), "{gate} {until:?}: {}", verdict.message);
        assert_eq!(verdict.is_applied(), expected == "passed by force");
    }
}

#[test]
fn what_nobody_attests_ticks_and_forces_nothing() {
    let mut environment = environment();
    environment.spec.gates = Some(Gates { checklist: vec!["Tested".into()], ..Gates::default() });
    environment.status.as_mut().unwrap().conditions =
        vec![policies(crate::api::condition::ConditionStatus::True, at(11))];
    let observed = observed(environment);
    for kind in [ActionKind::Check, ActionKind::Override] {
        for (secs, applied) in [(10, false), (11, true)] {
            let mut action = action("a1", kind, "carol", secs);
            action.spec.expected =
                Some(Expected { plan_digest: Some("sha256:1".into()), ..Expected::default() });
            action.spec.parameters = Some(Parameters {
                item: Some("Tested".into()),
                gate: Some("windows".into()),
                until: Some(at(600)),
                incident: Some("INC-1".into()),
                ..Parameters::default()
            });
            let verdict = judge(&observed, &around(Phase::Pending, None), &action, at(12));
            assert_eq!(verdict.is_applied(), applied, "{kind} {secs}: {}", verdict.message);
            assert!(applied || verdict.message.contains("nobody attests"), "{}", verdict.message);
        }
    }
}

#[test]
fn the_wheel_is_taken_by_anybody_and_left_by_its_driver() {
    let mut environment = guarded();
    environment.spec.identity = Some(identity_rule());
    let observed = observed(environment);
    for (kind, actor, until, now, expected) in [
        (ActionKind::Drive, "dave", Some(10 + 8 * 3600), 10, "at the wheel"),
        (ActionKind::Drive, "dave", Some(10 + 9 * 3600), 10, "8 hours at most"),
        (ActionKind::Drive, "dave", Some(10), 10, "ends before it begins"),
        (ActionKind::Drive, "dave", None, 10, "does not say when"),
        (ActionKind::HandOver, "carol", None, 10, "handed over"),
        (ActionKind::HandOver, "carol-ops", None, 10, "handed over"),
        (ActionKind::HandOver, "dave", None, 10, "carol drives this release"),
        (ActionKind::HandOver, "dave", None, 100, "handed over"),
    ] {
        let mut action = action("a1", kind, actor, 10);
        action.spec.parameters = Some(Parameters { until: until.map(at), ..Parameters::default() });
        let verdict = judge(&observed, &around(Phase::Progressing, Some(0)), &action, at(now));
        assert!(verdict.message.contains(expected), "{kind} {actor}: {}", verdict.message);
    }
    let nobody = status(Phase::Progressing, Some(0));
    let verdict = judge(&observed, &nobody, &action("a1", ActionKind::HandOver, "carol", 10), at(10));
    assert!(verdict.message.contains("nobody drives"), "{}", verdict.message);
}

#[test]
fn each_kind_fits_its_phases_only() {
    use ActionKind::{
        Abort, Approve, Check, Drive, HandOver, Override, Pause, Reject, Resume, Retry, Rollback, Withdraw,
    };
    use Phase::{Held, Paused, Pending, Progressing, RollingBack, Succeeded, Verifying};
    let alive = &[Pending, Progressing, Paused, Verifying, RollingBack, Held];
    let fitting: [(ActionKind, &[Phase]); 12] = [
        (Approve, &[Pending]),
        (Reject, &[Pending]),
        (Withdraw, &[Pending]),
        (Check, &[Pending]),
        (Override, &[Pending]),
        (Drive, alive),
        (HandOver, alive),
        (Pause, &[Progressing, Verifying]),
        (Resume, &[Paused]),
        (Abort, &[Pending, Progressing, Paused, Verifying, Held]),
        (Rollback, &[Progressing, Paused, Verifying, Held, Succeeded]),
        (Retry, &[Held]),
    ];
    let mut environment = guarded();
    environment.spec.gates = Some(Gates { checklist: vec!["Tested".into()], ..Gates::default() });
    let observed = observed(environment);
    for kind in ActionKind::ALL {
        let fits = fitting.iter().find(|(k, _)| *k == kind).map_or(&[][..], |(_, phases)| *phases);
        for phase in Phase::ALL {
            let mut action = action("a1", kind, "carol", 10);
            action.spec.expected = Some(Expected { plan_digest: None, step: Some(2), generation: Some(1) });
            let mut status = around(phase, Some(2));
            action.spec.parameters = Some(Parameters {
                item: Some("Tested".into()),
                gate: Some("windows".into()),
                until: Some(at(3600)),
                incident: Some("INC-1".into()),
                ..Parameters::default()
            });
            if kind == Approve {
                status.approvals.clear();
            }
            if matches!(kind, Approve | Check) {
                action.spec.expected =
                    Some(Expected { plan_digest: Some("sha256:1".into()), ..Expected::default() });
            }
            let verdict = judge(&observed, &status, &action, at(10));
            assert_eq!(verdict.is_applied(), fits.contains(&phase), "{kind} in {phase}: {verdict:?}");
            assert!(!verdict.message.is_empty() && !verdict.is_suspicious);
            assert_ne!(RollingBack, Succeeded);
        }
    }
}
