//! Gates one by one, and how they speak.

use super::*;
use crate::api::environment::{DeniedDigest, EnvironmentStatus, Frozen};
use crate::api::strategy::{Rolling, Strategy};
use crate::domain::fixtures::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn evaluated(observed: &Observed) -> Evaluation {
    let plan = crate::domain::plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
    evaluate(observed, &plan, None, Moment::Waiting, at(10))
}

fn state(observed: &Observed, name: &str) -> Option<GateState> {
    evaluated(observed).gates.iter().find(|gate| gate.name == name).map(|gate| gate.state)
}

fn with_status(status: EnvironmentStatus) -> Observed {
    let mut environment = environment();
    environment.status = Some(status);
    observed(environment)
}

#[test]
fn an_environment_that_asks_for_nothing_lets_pass() {
    let evaluation = evaluated(&observed(environment()));
    assert!(evaluation.passes());
    assert!(evaluation.foremost().is_none());
}

#[test]
fn a_freeze_holds_until_its_end_but_no_rollback_or_emergency() {
    let frozen = |until| {
        let frozen = Frozen { by: "erin".into(), until, ..Frozen::default() };
        with_status(EnvironmentStatus { frozen: Some(frozen), ..EnvironmentStatus::default() })
    };
    assert_eq!(state(&frozen(None), "frozen"), Some(GateState::Wait));
    assert_eq!(state(&frozen(Some(at(11))), "frozen"), Some(GateState::Wait));
    assert_eq!(state(&frozen(Some(at(10))), "frozen"), Some(GateState::Pass));
    let mut emergency = frozen(None);
    emergency.release.spec.emergency = Some(true);
    assert_eq!(state(&emergency, "frozen"), Some(GateState::Pass));
}

#[test]
fn a_denied_digest_stops_everything_and_a_tag_cannot_be_told() {
    let denied = DeniedDigest { digest: DIGEST.into(), reason: None, by: None, until: None };
    let mut observed =
        with_status(EnvironmentStatus { denied: vec![denied], ..EnvironmentStatus::default() });
    observed.release.spec.emergency = Some(true);
    assert_eq!(state(&observed, "deny-list"), Some(GateState::NoData));
    let other = DIGEST.replace('0', "f");
    observed.release.spec.images[0].image = format!("ghcr.io/acme/backend@{other}");
    observed.release.spec.images[1].image = format!("ghcr.io/acme/frontend@{other}");
    assert_eq!(state(&observed, "deny-list"), Some(GateState::Pass));
    observed.release.spec.images[1].image = format!("ghcr.io/acme/frontend@{DIGEST}");
    assert_eq!(state(&observed, "deny-list"), Some(GateState::Fail));
    let plan = crate::domain::plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
    assert_eq!(standing(&observed, &plan, at(10)).unwrap().name, "deny-list");
    observed.environment.as_mut().unwrap().status.as_mut().unwrap().denied[0].until = Some(at(10));
    assert_eq!(state(&observed, "deny-list"), None);
}

#[test]
fn workloads_must_exist_be_followable_and_match_what_is_required() {
    type Change = fn(&mut Observed);
    let changes: [(&str, Change); 5] = [
        ("does not exist", |o| drop(o.workloads.remove("frontend"))),
        ("no container", |o| o.workloads.get_mut("backend").unwrap().image = None),
        ("is paused", |o| o.workloads.get_mut("backend").unwrap().paused = true),
        ("OnDelete", |o| o.workloads.get_mut("backend").unwrap().on_delete = true),
        ("requires 0", |o| {
            let rolling = Rolling { require_max_unavailable: Some("0".into()), ..Rolling::default() };
            o.environment.as_mut().unwrap().spec.strategy = Some(Strategy::Rolling(rolling));
            o.workloads.get_mut("backend").unwrap().max_unavailable = Some("25%".into());
        }),
    ];
    for (text, change) in changes {
        let mut observed = observed(environment());
        change(&mut observed);
        let evaluation = evaluated(&observed);
        let gate = evaluation.foremost().unwrap();
        assert_eq!(gate.state, GateState::Fail);
        assert!(gate.detail.contains(text), "{}", gate.detail);
    }
}

#[test]
fn what_this_version_cannot_judge_holds() {
    let mut environment = environment();
    environment.spec.gates = Some(crate::api::environment::Gates {
        checklist: vec!["Team notified".into()],
        ..Default::default()
    });
    environment.spec.windows = vec![crate::api::environment::Window {
        kind: crate::api::environment::WindowKind::Deny,
        schedule: "0 18 * * 5".into(),
        duration: crate::api::Duration::from_mins(5),
        time_zone: None,
        reason: None,
    }];
    let observed = observed(environment);
    assert_eq!(state(&observed, "windows"), Some(GateState::NoData));
    assert_eq!(state(&observed, "checklist"), Some(GateState::NoData));
    assert!(!evaluated(&observed).passes());
}

#[test]
fn the_wait_timer_runs_from_the_request() {
    let mut environment = guarded();
    let approval = environment.spec.approval.as_mut().unwrap();
    approval.slots.clear();
    approval.wait_timer = Some(crate::api::Duration::from_secs(10));
    assert_eq!(state(&observed(environment.clone()), "wait-timer"), Some(GateState::Pass));
    environment.spec.approval.as_mut().unwrap().wait_timer = Some(crate::api::Duration::from_secs(11));
    assert_eq!(state(&observed(environment), "wait-timer"), Some(GateState::Wait));
}

#[test]
fn a_failure_speaks_before_what_is_unknown_and_before_a_wait() {
    let gate = |name: &str, state| Gate::new(name, state, "").0;
    let gates = vec![
        gate("a", GateState::Pass),
        gate("b", GateState::Wait),
        gate("c", GateState::NoData),
        gate("d", GateState::Fail),
    ];
    let mut evaluation = Evaluation { gates, ..Evaluation::default() };
    for expected in ["d", "c", "b"] {
        assert_eq!(evaluation.foremost().unwrap().name, expected);
        evaluation.gates.pop();
    }
    assert!(evaluation.passes());
}
