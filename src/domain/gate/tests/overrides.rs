//! Gates that people override, and rejections.

use super::*;

#[test]
fn no_glass_is_broken_while_too_much_is_left_to_review() {
    use crate::domain::debt::{MOST, ROOM};
    let owing = |count: usize| {
        let debts = (0..count).map(|index| crate::api::environment::Debt {
            id: format!("release/{}", uid(&format!("old-{index}"))),
            by: "erin".into(),
            at: at(0),
            what: "emergency".into(),
            reason: "login was broken".into(),
            incident: None,
        });
        with_status(EnvironmentStatus { debts: debts.collect(), ..EnvironmentStatus::default() })
    };
    for (kind, emergency, overrides, debts, expected) in [
        (ReleaseKind::Deploy, true, 0, MOST - 1, None),
        (ReleaseKind::Deploy, true, 0, MOST, Some(GateState::Fail)),
        (ReleaseKind::Deploy, true, 1, MOST - 1, Some(GateState::Fail)),
        (ReleaseKind::Deploy, false, 1, MOST, Some(GateState::Fail)),
        (ReleaseKind::Deploy, false, 0, MOST, None),
        (ReleaseKind::Rollback, false, 0, ROOM, None),
        (ReleaseKind::Rollback, true, 0, MOST, None),
        (ReleaseKind::Rollback, true, 0, ROOM, Some(GateState::Fail)),
    ] {
        let mut observed = owing(debts);
        observed.release.spec.kind = kind;
        observed.release.spec.emergency = emergency.then_some(true);
        let records = (0..overrides).map(|index| forced("windows", &format!("a{index}")));
        observed.release.status.get_or_insert_default().overrides = records.collect();
        let mut past = release_at("planera-1", "v2", 0);
        past.status.get_or_insert_default().phase = Phase::Succeeded;
        observed.others = vec![std::sync::Arc::new(past)];
        let found = state(&observed, "break-glass");
        assert_eq!(found, expected, "{kind:?} {emergency} {overrides} {debts}");
    }
}

#[test]
fn what_is_asked_of_the_world_is_not_passed_by_force() {
    for (gate, expected) in [
        ("preflight/0/image-exists/backend", false),
        ("traffic/backend", false),
        ("post-review", false),
        ("break-glass", false),
        ("windows", true),
        ("frozen", true),
        ("slo", true),
    ] {
        assert_eq!(force::may_be_forced(gate), expected, "{gate}");
    }
}

#[test]
fn a_freeze_since_the_override_holds_again() {
    let freeze = |by: &str, secs| Frozen { by: by.into(), at: Some(at(secs)), ..Frozen::default() };
    let mut observed = with_status(EnvironmentStatus::default());
    observed.release.status.get_or_insert_default().overrides =
        vec![crate::api::release::OverrideRecord { at: at(5), ..forced("frozen", "a1") }];
    let mut freezes = |freezes: &[Frozen]| {
        let status = observed.environment.as_mut().unwrap().status.get_or_insert_default();
        (status.frozen, status.freezes) = (None, Vec::new());
        for freeze in freezes {
            crate::domain::freeze::add(status, freeze.clone());
        }
        gate(&observed, "frozen")
    };
    assert_eq!(freezes(&[freeze("erin", 1)]).state, GateState::Pass);
    let held = freezes(&[freeze("erin", 1), freeze("carol", 6)]);
    assert_eq!((held.state, held.detail.as_str()), (GateState::Wait, "frozen by erin; also frozen by carol"));
}

#[test]
fn a_no_holds_the_same_images_until_its_author_thinks_better_of_it() {
    let no = |version: &str| {
        let mut other = release_at("planera-1", version, 0);
        let status = other.status.get_or_insert_default();
        status.phase = Phase::Rejected;
        status.message = "rejected by carol: breaks the export".into();
        crate::domain::timeline::push(status, at(5), "carol", "Rejected", "rejected by carol");
        std::sync::Arc::new(other)
    };
    let mut observed = observed(guarded());
    observed.others = vec![no("v3")];
    assert_eq!(state(&observed, "rejected"), None, "other images");
    observed.others = vec![no("v2"), no("v3")];
    let held = gate(&observed, "rejected");
    let expected = "planera-1 with the same images was rejected by carol: breaks the export";
    assert_eq!((held.state, held.detail.as_str()), (GateState::Fail, expected));
    assert!(held.cleared_by.unwrap().starts_with("carol, by approving this release"));
    assert!(held.command.unwrap().contains("override planera/planera-2 --gate rejected"));
    // a part of what was rejected is rejected as well
    let mut part = observed.clone();
    part.release.spec.images.pop();
    assert_eq!(state(&part, "rejected"), Some(GateState::Fail));
    let mut mixed = observed.clone();
    mixed.release.spec.images[0].image = "ghcr.io/acme/backend:v9".into();
    assert_eq!(state(&mixed, "rejected"), None);
    for change in [
        |o: &mut Observed| o.release.spec.kind = ReleaseKind::Rollback,
        |o: &mut Observed| o.release.spec.emergency = Some(true),
    ] {
        let mut spared = observed.clone();
        change(&mut spared);
        let status = planned(&spared);
        let all = evaluate(&spared, &status, None, Moment::Executing, at(10));
        assert!(all.gates.iter().all(|gate| gate.name != "rejected" || gate.state == GateState::Pass));
    }
    let status = planned(&observed);
    let digest = status.plan.as_ref().unwrap().digest.clone();
    for (actor, expected) in [("carol", GateState::Pass), ("dave", GateState::Fail)] {
        let approval = approve("a1", actor, &digest, &["any"], 6);
        let review = crate::domain::approval::Review {
            policy: observed.environment.as_ref().unwrap().spec.approval.as_ref().unwrap(),
            environment: observed.environment.as_ref().unwrap(),
            release: &observed.release,
            status: &status,
        };
        let tally = crate::domain::approval::tally(&review, &[&approval], at(10));
        let all = evaluate(&observed, &status, Some(&tally), Moment::Waiting, at(10));
        let gate = all.gates.iter().find(|gate| gate.name == "rejected").unwrap();
        assert_eq!(gate.state, expected, "{actor}");
    }
}

#[test]
fn a_gate_passed_by_force_passes_until_its_time_is_over() {
    let mut observed = with_status(EnvironmentStatus {
        frozen: Some(Frozen { by: "erin".into(), ..Frozen::default() }),
        ..EnvironmentStatus::default()
    });
    observed.release.status.get_or_insert_default().overrides = ["frozen", "lane", "workloads"]
        .map(|gate| crate::api::release::OverrideRecord {
            gate: gate.into(),
            by: "dave".into(),
            at: at(0),
            until: at(100),
            reason: "customers wait".into(),
            incident: "INC-1".into(),
            action: "a1".into(),
            uid: None,
        })
        .into();
    let status = planned(&observed);
    let at_secs = |secs, name: &str| {
        let all = evaluate(&observed, &status, None, Moment::Executing, at(secs));
        all.gates.into_iter().find(|gate| gate.name == name).unwrap()
    };
    let passed = at_secs(99, "frozen");
    let expected = "overridden by dave until 2027-01-15 08:01:40Z (INC-1): customers wait";
    assert_eq!((passed.state, passed.detail.as_str()), (GateState::Pass, expected));
    assert_eq!(at_secs(100, "frozen").state, GateState::Wait);
    let mut broken = observed.clone();
    broken.workloads.get_mut("backend").unwrap().paused = true;
    let all = evaluate(&broken, &status, None, Moment::Executing, at(10));
    let gate = all.gates.iter().find(|gate| gate.name == "workloads").unwrap();
    assert_eq!(gate.state, GateState::Fail, "a record of a gate that nobody may force");
    assert_eq!(gate.command.as_deref(), Some("kubectl -n planera rollout resume deployment/backend"));
}

#[test]
fn a_no_holds_the_same_images_in_another_guise() {
    let images = |images: &[(&str, String)]| -> Vec<crate::api::release::ComponentImage> {
        let image = |(name, image): &(&str, String)| crate::api::release::ComponentImage {
            component: (*name).into(),
            image: image.clone(),
        };
        images.iter().map(image).collect()
    };
    let (backend, frontend) = ("ghcr.io/acme/backend:v2", "ghcr.io/acme/frontend:v2");
    let rejected = [("backend", backend.to_owned())];
    for (name, mine, holds) in [
        ("the same", vec![("backend", backend.to_owned())], true),
        (
            "one more component",
            vec![("backend", backend.to_owned()), ("frontend", frontend.to_owned())],
            true,
        ),
        ("by digest", vec![("backend", format!("{backend}@{DIGEST}"))], true),
        ("by digest alone", vec![("backend", format!("ghcr.io/acme/backend@{DIGEST}"))], true),
        ("another component", vec![("frontend", frontend.to_owned())], false),
    ] {
        let mut observed = observed(environment());
        observed.release.spec.images = images(&mine);
        let mut other = release_at("planera-1", "v2", 0);
        other.spec.images = images(&rejected);
        other.status.get_or_insert_default().phase = Phase::Rejected;
        observed.others = vec![std::sync::Arc::new(other)];
        assert_eq!(state(&observed, "rejected"), holds.then_some(GateState::Fail), "{name}");
    }
    let mut fixed = observed(environment());
    fixed.release.spec = release("v3").spec;
    let mut other = release_at("planera-1", "v2", 0);
    other.status.get_or_insert_default().phase = Phase::Rejected;
    fixed.others = vec![std::sync::Arc::new(other)];
    assert_eq!(state(&fixed, "rejected"), None);
}
