//! What an action claims is compared with what is, and with what the environment wants.

use super::*;

#[test]
fn claims_are_compared_with_the_release_itself() {
    type Change = fn(&mut ReleaseAction);
    let cases: [(&str, bool, Change); 8] = [
        ("uid differs", false, |a| a.spec.release.as_mut().unwrap().uid = uid("other")),
        ("names release other", false, |a| a.spec.release.as_mut().unwrap().name = "other".into()),
        ("names no release", false, |a| a.spec.release = None),
        ("names environment staging", true, |a| a.spec.environment = "staging".into()),
        ("names eve as requester", true, |a| {
            a.spec.release.as_mut().unwrap().requested_by = Some("eve".into());
        }),
        ("generation 9", false, |a| {
            a.spec.expected = Some(Expected { generation: Some(9), ..Expected::default() });
        }),
        ("already advanced to step 4", false, |a| {
            a.spec.expected = Some(Expected { step: Some(2), ..Expected::default() });
        }),
        ("the plan has changed", false, |a| {
            a.spec.expected = Some(Expected { plan_digest: Some("sha256:0".into()), ..Expected::default() });
        }),
    ];
    for (text, suspicious, change) in cases {
        let mut action = action("a1", ActionKind::Pause, "alice", 10);
        change(&mut action);
        let verdict = judge(&observed(environment()), &status(Phase::Progressing, Some(3)), &action, at(10));
        assert_eq!(verdict.result, ActionResult::Refused);
        assert!(verdict.message.contains(text), "{}", verdict.message);
        assert_eq!(verdict.is_suspicious, suspicious, "{text}");
    }
}

#[test]
fn an_approval_must_fit_todays_slots() {
    let observed = observed(guarded());
    let digest = "sha256:1";
    let mut status = status(Phase::Pending, None);
    status.plan = Some(crate::api::release::Plan { digest: digest.into(), ..Default::default() });
    for (slots, group, expected) in [
        (&["any"][..], None, None),
        (&["team-leads"], None, None),
        (&[], None, None),
        (&["other"], None, Some("no approval slot other")),
        (&["team-leads"], Some("directors"), Some("no approval slot team-leads for group directors")),
    ] {
        let mut action = approve("a1", "carol", digest, slots, 10);
        if let Some(group) = group {
            action.spec.slots.as_mut().unwrap()[0].group = Some(group.to_owned());
        }
        let verdict = judge(&observed, &status, &action, at(10));
        match expected {
            None => assert!(verdict.is_applied(), "{slots:?}: {verdict:?}"),
            Some(text) => assert!(verdict.message.contains(text), "{verdict:?}"),
        }
    }
}

#[test]
fn a_step_is_left_only_where_nobody_has_yet_to_speak() {
    use crate::api::release::{BakeStep, PlanStep, RollStep, TrackStep};
    use crate::api::strategy::{
        AnalysisStep, ApprovalStep, ChecklistStep, Pause, Step, StrategyName, Track, Weight,
    };
    let canary = PlanStep::Canary;
    let weight = |percent| PlanStep::Canary(Step::SetWeight(Weight::new(percent).unwrap()));
    let second = || TrackStep { track: Track::Green, components: Vec::new() };
    let keep = PlanStep::Keep(BakeStep { duration: crate::api::Duration::from_mins(5) });
    let steps = vec![
        weight(10),
        canary(Step::Pause(Pause::default())),
        canary(Step::Approval(ApprovalStep::default())),
        canary(Step::Checklist(ChecklistStep::default())),
        canary(Step::Analysis(AnalysisStep::default())),
        weight(100),
        PlanStep::Roll(RollStep { components: Vec::new(), wave: 0 }),
        keep,
        PlanStep::Settle(second()),
    ];
    let plan = Plan { strategy: StrategyName::Canary, steps, digest: "sha256:1".into(), ..Plan::default() };
    let observed = observed(environment());
    for (index, promote, full) in [
        (0, "step 1 is still on its way to 10%", "step 3 asks for an approval"),
        (1, "on to the next step", "step 3 asks for an approval"),
        (2, "step 3 waits for an approval", "step 3 asks for an approval"),
        (3, "step 4 waits for its checklist", "step 4 asks for a checklist"),
        (4, "on to the next step", "on to all weight"),
        (5, "step 6 is still on its way to 100%", "step 6 goes on by itself"),
        (6, "step 7 goes on by itself", "step 7 goes on by itself"),
        (7, "on to the next step", "on to all weight"),
        (8, "step 9 goes on by itself", "step 9 goes on by itself"),
        (9, "no step of its plan is left", "no step of its plan is left"),
    ] {
        for phase in [Phase::Progressing, Phase::Paused] {
            let status = ReleaseStatus { plan: Some(plan.clone()), ..status(phase, Some(index)) };
            for (kind, expected) in [(ActionKind::Promote, promote), (ActionKind::PromoteFull, full)] {
                let verdict = judge(&observed, &status, &action("a1", kind, "carol", 10), at(10));
                assert!(verdict.message.contains(expected), "{kind} at {index}: {}", verdict.message);
                assert_eq!(verdict.is_applied(), expected.starts_with("on to"));
            }
        }
    }
    for phase in [Phase::Pending, Phase::Held, Phase::Verifying, Phase::RollingBack, Phase::Succeeded] {
        let status = ReleaseStatus { plan: Some(plan.clone()), ..status(phase, Some(1)) };
        let verdict = judge(&observed, &status, &action("a1", ActionKind::Promote, "carol", 10), at(10));
        assert!(!verdict.is_applied(), "{phase}: {}", verdict.message);
    }
}

#[test]
fn a_freeze_that_holds_lets_no_weight_grow_and_any_shrink() {
    use crate::api::environment::{Frozen, InFlight};
    use crate::api::release::Weights;
    use crate::api::strategy::{Canary, Pause, Step, Strategy, Weight};
    let mut environment = environment();
    let steps = vec![Step::SetWeight(Weight::new(50).unwrap()), Step::Pause(Pause::default())];
    environment.spec.strategy = Some(Strategy::Canary(Canary { steps, ..Canary::default() }));
    for (in_flight, to, expected) in [
        (Some(InFlight::Hold), 60, "frozen"),
        (Some(InFlight::Hold), 40, "the weight is shifted"),
        (Some(InFlight::Finish), 60, "the weight is shifted"),
        (None, 60, "the weight is shifted"),
        (None, 101, "no weight from 0 to 100"),
    ] {
        let frozen = in_flight.map(|in_flight| Frozen {
            by: "erin".into(),
            at: Some(at(1)),
            in_flight,
            ..Frozen::default()
        });
        environment.status.as_mut().unwrap().frozen = frozen;
        let observed = observed(environment.clone());
        let status = ReleaseStatus {
            plan: Some(plan::plan(&environment, &observed.release)),
            weight: Some(Weights { desired: 50, ..Weights::default() }),
            started_at: Some(at(0)),
            ..status(Phase::Paused, Some(1))
        };
        let mut action = action("a1", ActionKind::SetWeight, "carol", 10);
        action.spec.parameters = Some(Parameters { weight: Some(to), ..Parameters::default() });
        let verdict = judge(&observed, &status, &action, at(10));
        assert!(verdict.message.contains(expected), "{in_flight:?} {to}: {}", verdict.message);
    }
}
