//! Gates one by one, and how they speak.

use super::*;
use crate::api::environment::{DeniedDigest, EnvironmentStatus, Frozen};
use crate::api::strategy::{Rolling, Strategy};
use crate::domain::fixtures::*;

mod images;
mod overrides;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn planned(observed: &Observed) -> ReleaseStatus {
    let plan = crate::domain::plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
    ReleaseStatus { plan: Some(plan), ..observed.release.status.clone().unwrap_or_default() }
}

fn evaluated(observed: &Observed) -> Evaluation {
    evaluate(observed, &planned(observed), None, Moment::Waiting, at(10))
}

fn gate(observed: &Observed, name: &str) -> GateStatus {
    evaluated(observed).gates.into_iter().find(|gate| gate.name == name).unwrap()
}

fn state(observed: &Observed, name: &str) -> Option<GateState> {
    evaluated(observed).gates.iter().find(|gate| gate.name == name).map(|gate| gate.state)
}

fn with_status(status: EnvironmentStatus) -> Observed {
    let mut environment = environment();
    environment.status = Some(status);
    observed(environment)
}

fn forced(gate: &str, action: &str) -> crate::api::release::OverrideRecord {
    crate::api::release::OverrideRecord {
        gate: gate.into(),
        by: "dave".into(),
        at: at(0),
        until: at(100),
        reason: "customers wait".into(),
        incident: "INC-1".into(),
        action: action.into(),
        uid: Some(uid(action)),
    }
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
    let denied = DeniedDigest { digest: DIGEST.into(), reason: None, ..DeniedDigest::default() };
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
    assert_eq!(standing(&observed, &planned(&observed), at(10)).unwrap().name, "deny-list");
    let command = gate(&observed, "deny-list").command.unwrap();
    assert!(command.starts_with("release-cockpit allow planera/production sha256:0123"), "{command}");
    observed.environment.as_mut().unwrap().status.as_mut().unwrap().denied[0].until = Some(at(10));
    assert_eq!(state(&observed, "deny-list"), None);
}

#[test]
fn an_earlier_rollback_of_the_version_is_said_where_it_denies_nothing() {
    use crate::api::environment::Versions;
    use crate::api::release::{RevisionRecord, Undo};
    let record = |image: &crate::api::release::ComponentImage| RevisionRecord {
        component: image.component.clone(),
        image: image.image.clone(),
        revision: None,
        replicas: None,
        partition: None,
    };
    let undone = |by: Phase| {
        let mut past = release_at("bad", "v2", 1);
        let undo = Undo { by: "erin".into(), at: at(2), reason: "crashes".into(), ends_as: by };
        let status = past.status.get_or_insert_default();
        (status.phase, status.started_at, status.undo) = (by, Some(at(1)), Some(undo));
        past
    };
    let left = || {
        let mut back = release_at("back", "v1", 3);
        back.spec.kind = ReleaseKind::Rollback;
        let status = back.status.get_or_insert_default();
        (status.phase, status.started_at) = (Phase::Succeeded, Some(at(3)));
        status.before = release("v2").spec.images.iter().map(record).collect();
        back
    };
    let good = || {
        let mut again = release_at("again", "v2", 4);
        let status = again.status.get_or_insert_default();
        (status.phase, status.started_at) = (Phase::Succeeded, Some(at(4)));
        again
    };
    for (others, allows, expected) in [
        (vec![], true, None),
        (vec![undone(Phase::RolledBack)], true, Some("bad")),
        (vec![undone(Phase::RolledBack)], false, None),
        (vec![undone(Phase::Aborted)], true, None),
        (vec![left()], true, Some("back")),
        (vec![undone(Phase::RolledBack), left()], true, Some("back")),
        (vec![left(), good()], true, None),
    ] {
        let mut environment = environment();
        environment.spec.versions = Some(Versions { allow_rolled_back: allows, ..Versions::default() });
        let mut observed = observed(environment);
        observed.others = others.into_iter().map(std::sync::Arc::new).collect();
        let gate = evaluated(&observed).gates.into_iter().find(|gate| gate.name == ROLLED_BACK);
        assert!(gate.iter().all(|gate| gate.state == GateState::Pass));
        let expected = expected.map(|name| {
            format!("v2 was rolled back here ({name}); versions.allowRolledBack lets it come again")
        });
        assert_eq!(gate.map(|gate| gate.detail), expected);
    }
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
fn windows_hold_until_they_open_and_what_cannot_be_read_holds() {
    // at(0) is 2027-01-15 08:00:00Z, a Friday
    let with = |schedule: &str| {
        let mut environment = environment();
        environment.spec.windows = vec![crate::api::environment::Window {
            kind: crate::api::environment::WindowKind::Deny,
            schedule: schedule.into(),
            duration: crate::api::Duration::from_mins(5),
            time_zone: None,
            reason: Some("stand-up".into()),
        }];
        gate(&observed(environment), "windows")
    };
    let shut = with("0 8 * * 5");
    assert_eq!((shut.state, shut.clears_at), (GateState::Wait, Some(at(300))));
    let expected = "closed by the window stand-up (0 8 * * 5 UTC for 5m) until 2027-01-15 08:05:00Z";
    assert_eq!(shut.detail, expected);
    assert!(shut.command.unwrap().contains("override planera/planera-2 --gate windows"));
    assert_eq!(with("0 9 * * 5").state, GateState::Pass);
    let broken = with("0 29 * * 5");
    assert_eq!(broken.state, GateState::NoData);
    assert!(broken.detail.contains("cannot be read") && broken.cleared_by.unwrap().contains("spec.windows"));
}

#[test]
fn an_emergency_lasts_an_hour_from_its_request() {
    let mut observed = with_status(EnvironmentStatus {
        frozen: Some(Frozen { by: "erin".into(), ..Frozen::default() }),
        ..EnvironmentStatus::default()
    });
    observed.release.spec.emergency = Some(true);
    let at_secs = |secs| {
        let all = evaluate(&observed, &planned(&observed), None, Moment::Executing, at(secs));
        all.gates.into_iter().find(|gate| gate.name == "frozen").unwrap()
    };
    assert_eq!(at_secs(3599).detail, "waived: emergency release, until 2027-01-15 09:00:00Z");
    assert_eq!(at_secs(3600).state, GateState::Wait);
    assert!(freeze_in_flight(&observed, &planned(&observed), at(9999)).is_none(), "what has begun goes on");
    observed.release.metadata.creation_timestamp = None;
    assert!(waiver(&observed.release, at(0)).is_none(), "nobody attests its age");
    observed.release.spec.kind = ReleaseKind::Rollback;
    assert!(waiver(&observed.release, at(9999)).is_some());
}

#[test]
fn what_is_owed_holds_every_normal_release_but_the_one_that_owes() {
    let debt = |id: &str, by: &str| crate::api::environment::Debt {
        id: id.into(),
        by: by.into(),
        at: at(0),
        what: "emergency release of v1.8.2".into(),
        reason: "login was broken".into(),
        incident: Some("INC-7".into()),
    };
    let owing = |debts| with_status(EnvironmentStatus { debts, ..EnvironmentStatus::default() });
    assert_eq!(state(&owing(vec![]), "post-review"), None);
    let mut held = owing(vec![debt("planera-1", "erin-admin"), debt("a9", "dave")]);
    held.environment.as_mut().unwrap().spec.identity = Some(identity_rule());
    let review = gate(&held, "post-review");
    let expected = "emergency release of v1.8.2 by erin (INC-7) has not been reviewed, and 1 more";
    assert_eq!((review.state, review.detail.as_str()), (GateState::Wait, expected));
    assert_eq!(
        review.cleared_by.as_deref(),
        Some("someone with approve on environments/production, not erin")
    );
    assert!(review.command.unwrap().starts_with("release-cockpit review planera/production planera-1"));
    held.release.spec.emergency = Some(true);
    assert_eq!(state(&held, "post-review"), Some(GateState::Pass));
    let own = format!("release/{}", uid("planera-2"));
    assert_eq!(state(&owing(vec![debt(&own, "bob")]), "post-review"), None, "its own");
    // a release may be called like the debt of another one, and so may an override
    for name in ["planera-2", "a1"] {
        let mut namesake = owing(vec![debt(name, "bob")]);
        namesake.release.status.get_or_insert_default().overrides = vec![forced("windows", "a1")];
        assert_eq!(state(&namesake, "post-review"), Some(GateState::Wait), "{name}");
    }
    let mut by_force = owing(vec![debt("planera-1", "bob")]);
    by_force.release.status.get_or_insert_default().overrides = vec![forced("post-review", "a1")];
    assert_eq!(state(&by_force, "post-review"), Some(GateState::Wait), "nobody passes it by force");
}

#[test]
fn where_consent_is_asked_for_the_policies_must_attest_it() {
    use crate::api::condition::ConditionStatus::{False, True, Unknown};
    let mut checked = environment();
    let checklist = vec!["Tested".into()];
    checked.spec.gates = Some(crate::api::environment::Gates { checklist, ..Default::default() });
    for (environment, status, since, expected) in [
        (environment(), False, 0, None),
        (guarded(), True, 0, Some((GateState::Pass, "are in force"))),
        (
            guarded(),
            False,
            0,
            Some((GateState::NoData, "no approval counts: release-cockpit-action is missing")),
        ),
        (guarded(), Unknown, 0, Some((GateState::NoData, "no approval counts"))),
        (guarded(), True, 1, Some((GateState::NoData, "nobody attests that bob did"))),
        (checked, False, 0, Some((GateState::NoData, "no approval counts"))),
    ] {
        let mut observed = observed(environment);
        let told = &mut observed.environment.as_mut().unwrap().status.get_or_insert_default().conditions;
        *told = vec![policies(status, at(since))];
        let found = evaluated(&observed).gates.into_iter().find(|gate| gate.name == "policies");
        match (expected, found) {
            (None, None) => {}
            (Some((state, text)), Some(gate)) => {
                assert!(gate.state == state && gate.detail.contains(text), "{status:?}: {}", gate.detail);
            }
            (expected, found) => panic!("{expected:?} {found:?}"),
        }
    }
    let mut silent = observed(guarded());
    silent.environment.as_mut().unwrap().status = None;
    let gate = gate(&silent, "policies");
    assert!(gate.detail.contains("has not yet asked"), "{}", gate.detail);
    assert!(gate.command.unwrap().contains("manifests policies | kubectl apply"));
    silent.release.spec.emergency = Some(true);
    assert_eq!(state(&silent, "policies"), Some(GateState::NoData), "nobody attests the verb override");
    silent.release.spec.kind = ReleaseKind::Rollback;
    let status = planned(&silent);
    let all = evaluate(&silent, &status, None, Moment::Executing, at(10));
    assert!(all.passes(), "a rollback waits for nobody: {:?}", all.foremost());
}

#[test]
fn a_downgrade_is_told_and_held_against_nobody() {
    let mut observed = observed(environment());
    observed.release.spec = release("v1.8.2").spec;
    assert_eq!(state(&observed, "downgrade"), None, "v1 is no semantic version");
    observed.workloads.get_mut("frontend").unwrap().image = Some("ghcr.io/acme/frontend:v1.9.0".into());
    let told = gate(&observed, "downgrade");
    assert_eq!((told.state, told.detail.as_str()), (GateState::Pass, "would now downgrade v1.9.0 to v1.8.2"));
    observed.release.spec = release("v1.9.1").spec;
    assert_eq!(state(&observed, "downgrade"), None);
}

#[test]
fn the_lane_tells_place_and_reason() {
    let other = |name: &str, secs, phase| {
        let mut other = release_at(name, "v1", secs);
        let status = other.status.get_or_insert_default();
        status.phase = phase;
        status.started_at = (phase == Phase::Progressing).then(|| at(0));
        status.gates = vec![Gate::pass("policy", "").0];
        std::sync::Arc::new(other)
    };
    let mut observed = observed(environment());
    observed.release.metadata.creation_timestamp = Some(crate::api::time::to_time(at(9)));
    observed.others = vec![other("planera-0", 0, Phase::Progressing), other("planera-1", 1, Phase::Pending)];
    let expected = "queued: 2nd behind planera-0, which executes since 2027-01-15 08:00:00Z";
    assert_eq!(gate(&observed, "lane").detail, expected);
    observed.others.remove(0);
    let expected = "queued: 2nd, behind planera-1, which is older and ready as well";
    assert_eq!(gate(&observed, "lane").detail, expected);
}

#[test]
fn the_wait_timer_runs_from_the_request() {
    let mut environment = guarded();
    let approval = environment.spec.approval.as_mut().unwrap();
    approval.slots.clear();
    approval.wait_timer = Some(crate::api::Duration::from_secs(10));
    assert_eq!(state(&observed(environment.clone()), "wait-timer"), Some(GateState::Pass));
    environment.spec.approval.as_mut().unwrap().wait_timer = Some(crate::api::Duration::from_secs(11));
    let timer = gate(&observed(environment), "wait-timer");
    assert_eq!((timer.state, timer.clears_at), (GateState::Wait, Some(at(11))));
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

#[test]
fn a_router_is_asked_about_before_any_second_workload() {
    use crate::api::strategy::{Canary, Step, Track, TrafficRouting, Weight};
    let routing = TrafficRouting {
        router: "gateway-api".into(),
        config: [("httpRoute".to_owned(), "{{component}}".to_owned())].into(),
    };
    let steps = vec![Step::SetWeight(Weight::new(10).unwrap())];
    let canary = Canary { traffic_routing: Some(routing), steps, ..Canary::default() };
    let mut environment = environment();
    environment.spec.strategy = Some(Strategy::Canary(canary));
    let mut observed = observed(environment);
    let evaluation = evaluated(&observed);
    let asked = evaluation.questions.iter().find(|(name, _)| name == "traffic/backend");
    let Some((_, Question::Routing(asked))) = asked else { panic!("nobody asks: {evaluation:#?}") };
    assert_eq!((asked.track, asked.workload.name.as_str()), (Track::Canary, "backend"));
    assert_eq!(asked.routing.as_ref().unwrap().config["httpRoute"], "backend");
    assert!(asked.weights.contains(&Weight::new(10).unwrap()));
    assert_eq!(state(&observed, "traffic/backend"), Some(GateState::Wait));

    let mut answer = |state, secs| {
        let answer =
            crate::domain::health::Answer { at: at(secs), state, detail: "told".into(), found: None };
        observed.answers.record("traffic/backend", answer);
        self::state(&observed, "traffic/backend")
    };
    assert_eq!(answer(GateState::Fail, 1), Some(GateState::Fail));
    assert_eq!(answer(GateState::Pass, 2), Some(GateState::Pass));
    let now = evaluate(&observed, &planned(&observed), None, Moment::Executing, at(63));
    let gate = now.gates.iter().find(|gate| gate.name == "traffic/backend").unwrap();
    assert_eq!(gate.state, GateState::NoData, "an old answer is none");
    observed.environment.as_mut().unwrap().spec.strategy = None;
    assert_eq!(state(&observed, "traffic/backend"), None);
}
