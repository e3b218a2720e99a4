use super::*;
use crate::api::environment::WorkloadKind;
use crate::domain::fixtures::at;
use crate::domain::rollout_status::RolloutStatus;
use crate::domain::rollout_verdict::rollout_status;

fn argo() -> ArgoRollout {
    let step = |text: &str, weight| ArgoStep { text: text.into(), weight };
    ArgoRollout {
        strategy: Some(ArgoStrategy::Canary { is_routed: false }),
        steps: vec![step("setWeight: 25", Some(25)), step("pause", None), step("setWeight: 50", Some(50))],
        step: Some(1),
        stable: "old".into(),
        current: "new".into(),
        ..ArgoRollout::default()
    }
}

fn workload(argo: ArgoRollout) -> WorkloadState {
    WorkloadState {
        generation: 2,
        observed_generation: 2,
        desired: 4,
        replicas: 4,
        updated: 4,
        ready: 4,
        available: 4,
        argo: Some(Box::new(argo)),
        ..WorkloadState::new(WorkloadKind::Rollout, "api")
    }
}

fn condition(type_: &str, reason: &str) -> ArgoCondition {
    ArgoCondition { type_: type_.into(), reason: reason.into(), message: "because".into() }
}

type State = fn(&mut ArgoRollout);
type Change = fn(&mut WorkloadState, &mut ArgoRollout);

#[test]
fn phases_are_evaluated_in_argos_order() {
    use ArgoPhase::{Degraded, Paused, Progressing};
    // each row adds to those after it: whatever comes first in the list wins over everything that follows
    let rows: [(Change, ArgoPhase, &str); 11] = [
        (|w, _| w.observed_generation = 1, Progressing, "waiting for rollout spec update to be observed"),
        (
            |_, a| {
                a.controller_pause = true;
                a.pauses.clear();
            },
            Progressing,
            "waiting for rollout to unpause",
        ),
        (|_, a| a.conditions.insert(0, condition("InvalidSpec", "x")), Degraded, "InvalidSpec: because"),
        (
            |_, a| a.conditions.insert(0, condition("Progressing", "RolloutAborted")),
            Degraded,
            "RolloutAborted: because",
        ),
        (
            |_, a| a.conditions.push(condition("Progressing", "ProgressDeadlineExceeded")),
            Degraded,
            "ProgressDeadlineExceeded: because",
        ),
        (|_, a| a.is_paused = true, Paused, "manually paused"),
        (|_, a| a.pauses.push("CanaryPauseStep".into()), Paused, "CanaryPauseStep"),
        (|_, a| a.restarts = true, Progressing, "rollout is restarting"),
        (|w, _| w.updated = 1, Progressing, "more replicas need to be updated"),
        (|w, _| w.available = 0, Progressing, "updated replicas are still becoming available"),
        (|_, _| {}, Progressing, "waiting for all steps to complete"),
    ];
    for first in 0..rows.len() {
        let (mut w, mut a) = (workload(argo()), argo());
        for (change, _, _) in rows[first..].iter().rev() {
            change(&mut w, &mut a);
        }
        assert_eq!(phase(&w, &a), (rows[first].1, rows[first].2.to_owned()), "{first}");
    }
}

#[test]
fn the_end_of_a_rollout_depends_on_its_strategy() {
    use ArgoPhase::{Healthy, Progressing};
    const BLUE: ArgoStrategy = ArgoStrategy::BlueGreen { has_post_promotion: true };
    let ends: [(Change, ArgoPhase, &str); 8] = [
        (
            |w, a| {
                w.replicas = 5;
                a.stable = "new".into();
            },
            Progressing,
            "old replicas are pending termination",
        ),
        (
            |w, a| {
                w.replicas = 5;
                a.stable = "new".into();
                a.strategy = Some(ArgoStrategy::Canary { is_routed: true });
            },
            Healthy,
            "",
        ),
        (|_, a| a.stable = "new".into(), Healthy, ""),
        (|_, a| a.strategy = Some(BLUE), Progressing, "active service cutover pending"),
        (
            |_, a| {
                a.strategy = Some(BLUE);
                a.active = "new".into();
            },
            Progressing,
            "waiting for analysis to complete",
        ),
        (
            |_, a| {
                a.strategy = Some(BLUE);
                a.active = "new".into();
                a.analyses = vec![RolloutAnalysis {
                    role: "post-promotion".into(),
                    phase: "Successful".into(),
                    ..RolloutAnalysis::default()
                }];
            },
            Progressing,
            "waiting for post-promotion verification to complete",
        ),
        (
            |_, a| {
                a.strategy = Some(BLUE);
                a.active = "new".into();
                a.stable = "new".into();
            },
            Healthy,
            "",
        ),
        (
            |_, a| {
                a.stable.clear();
                a.current.clear();
            },
            Progressing,
            "waiting for all steps to complete",
        ),
    ];
    for (index, (change, expected, message)) in ends.into_iter().enumerate() {
        let (mut w, mut a) = (workload(argo()), argo());
        change(&mut w, &mut a);
        assert_eq!(phase(&w, &a), (expected, message.to_owned()), "end {index}");
    }
}

#[test]
fn a_rollout_is_followed_by_its_phase() {
    let status = |change: Change| {
        let (mut w, mut a) = (workload(argo()), argo());
        change(&mut w, &mut a);
        w.argo = Some(Box::new(a));
        rollout_status(&w)
    };
    assert!(matches!(status(|_, a| a.stable = "new".into()), RolloutStatus::Done(_)));
    assert!(
        matches!(status(|_, a| a.pauses.push("CanaryPauseStep".into())), RolloutStatus::Waiting(m) if m.contains("CanaryPauseStep"))
    );
    let aborted: Change = |_, a| {
        a.is_aborted = true;
        a.conditions.push(condition("Progressing", "RolloutAborted"));
    };
    assert!(matches!(status(aborted), RolloutStatus::Failed(m) if m.contains("RolloutAborted")));
    let retried: Change = |_, a| a.conditions.push(condition("Progressing", "RolloutAborted"));
    assert!(matches!(status(retried), RolloutStatus::Waiting(m) if m.contains("retry")));
    let nothing = WorkloadState { argo: None, ..workload(argo()) };
    assert!(matches!(rollout_status(&nothing), RolloutStatus::Failed(_)));
}

fn ask(verb: RolloutVerb, argo: &ArgoRollout) -> RolloutAsk {
    RolloutAsk { verb, step: argo.step, current: argo.current.clone(), paused: argo.is_held(), at: at(0) }
}

#[test]
fn what_is_asked_is_written_once_and_only_where_it_stood() {
    use RolloutVerb::{Abort, Pause, Promote, PromoteFull, Resume, Retry};
    let unpaused = json!({"spec": {"paused": false}});
    let cleared = json!({"status": {"pauseConditions": null}});
    let held = |a: &mut ArgoRollout| {
        a.pauses = vec!["CanaryPauseStep".into()];
        a.controller_pause = true;
    };
    let nothing: State = |_| {};
    let stepped = json!({"status": {"pauseConditions": null, "currentStepIndex": 2}});
    let decided =
        json!({"status": {"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2}});
    let inconclusive: State = |a| {
        a.pauses = vec!["InconclusiveAnalysisRun".into()];
        a.controller_pause = true;
        a.analyses = vec![RolloutAnalysis {
            role: "step".into(),
            phase: "Inconclusive".into(),
            ..RolloutAnalysis::default()
        }];
    };
    let rows: [(RolloutVerb, State, Option<&Value>, Option<Value>); 10] = [
        (Promote, held, None, Some(cleared.clone())),
        (Promote, nothing, None, Some(stepped)),
        (Promote, inconclusive, None, Some(decided)),
        (Promote, |a| a.is_paused = true, Some(&unpaused), None),
        (
            Resume,
            |a| {
                a.is_paused = true;
                a.pauses = vec!["CanaryPauseStep".into()];
            },
            Some(&unpaused),
            Some(cleared),
        ),
        (Resume, nothing, None, None),
        (
            PromoteFull,
            |a| a.is_paused = true,
            Some(&unpaused),
            Some(json!({"status": {"promoteFull": true}})),
        ),
        (PromoteFull, |a| a.stable = "new".into(), None, None),
        (Abort, nothing, None, Some(json!({"status": {"abort": true}}))),
        (Retry, |a| a.is_aborted = true, None, Some(json!({"status": {"abort": false}}))),
    ];
    for (index, (verb, state, object, status)) in rows.into_iter().enumerate() {
        let mut argo = argo();
        state(&mut argo);
        let ask = ask(verb, &argo);
        let expected = Writes { object: object.cloned(), status };
        assert_eq!(writes(&argo, &ask), expected, "{index} {verb:?}");
        // it stands elsewhere by now, for another version
        argo.current = "newer".into();
        assert_eq!(writes(&argo, &ask), Writes::default(), "{index} {verb:?}");
    }
    let pause = ask(Pause, &argo());
    assert_eq!(writes(&argo(), &pause).object, Some(json!({"spec": {"paused": true}})));
}

#[test]
fn a_pause_further_on_is_not_ended_by_a_wish_for_this_one() {
    let mut argo = argo();
    argo.pauses = vec!["CanaryPauseStep".into()];
    let ask = ask(RolloutVerb::Promote, &argo);
    assert!(!is_done(&argo, &ask));
    argo.step = Some(3);
    assert!(is_done(&argo, &ask) && writes(&argo, &ask) == Writes::default());
}

#[test]
fn the_weight_is_that_of_the_steps_so_far() {
    for (step, aborted, stable, expected) in [
        (Some(0), false, "old", 25),
        (Some(1), false, "old", 25),
        (Some(2), false, "old", 50),
        (Some(3), false, "old", 100),
        (Some(2), true, "old", 0),
        (Some(0), false, "new", 100),
    ] {
        let argo = ArgoRollout { step, is_aborted: aborted, stable: stable.into(), ..argo() };
        assert_eq!(argo.desired_weight(), Some(expected), "{step:?} {aborted} {stable}");
    }
    let told = progress(&"api".into(), &WorkloadState { updated: 1, ..workload(argo()) }, &argo());
    assert_eq!((told.weight, told.actual, told.step, told.steps.len()), (Some(25), Some(25), Some(1), 3));
    assert_eq!(
        (told.phase.as_str(), told.message.as_str()),
        ("Progressing", "more replicas need to be updated")
    );
}
