//! Overrides, emergencies and the review that they demand.

use super::*;

#[test]
fn break_glass_names_gate_time_and_incident() {
    let keys = format!("{} {PHRASE} enter enter", line("override approval 10m INC-9 customers cannot pay"));
    let spec = sent(planera(), &keys);
    let with = spec.parameters.unwrap();
    assert_eq!((spec.action, with.gate.as_deref()), (ActionKind::Override, Some("approval")));
    assert_eq!(with.until, Some(now() + chrono::TimeDelta::minutes(10)));
    assert_eq!(
        (with.incident.as_deref(), spec.reason.as_deref()),
        (Some("INC-9"), Some("customers cannot pay"))
    );
}

#[test]
fn a_debt_is_reviewed_by_somebody_else() {
    let mut mine = with_status("production", |status| status.debts = vec![debt("alice")]).store();
    press(&mut mine, &line("review"));
    assert_eq!(said(&mine), "review: you caused it: somebody else must review it");
    assert!(mine.rows.inbox.iter().all(|row| row.key.word() != "review"));

    let world = with_status("production", |status| status.debts = vec![debt("alice"), debt("bob")]);
    let spec = sent(world, &format!("{} shift-tab enter", line("review looked at it with bob")));
    assert_eq!(spec.parameters.unwrap().debt.as_deref(), Some("debt-of-bob"));
    assert_eq!(spec.reason.as_deref(), Some("looked at it with bob"));
}

#[test]
fn an_emergency_needs_no_second_person_and_a_longer_reason() {
    let mut store = planera().store();
    assert_eq!(press(&mut store, "R e INC-1 enter enter"), [], "too short a reason");
    let effects = press(&mut store, "esc e INC-1: space it space burns enter y");
    let [Effect::Background(BackgroundEffect::CreateRelease { release, dry_run: false, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?} {:?}", store.ui.overlays)
    };
    assert_eq!((release.spec.kind, release.spec.emergency), (ReleaseKind::Rollback, Some(true)));
    assert_eq!(release.spec.reason.as_deref(), Some("INC-1: it burns"));
    // elsewhere the key means nothing
    let mut store = planera().store();
    press(&mut store, "e");
    assert_eq!(said(&store), "emergency: only in the rollback view");
}
