//! The chain: nothing that was sealed can be changed, removed, inserted or put elsewhere without being found.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::api::environment::{Debt, EnvironmentStatus};
use crate::api::labels::CONTROLLER_USER;
use crate::api::release::ReleaseStatus;
use crate::api::release_action::{ActionResult, Parameters, ReleaseActionStatus};
use crate::api::{ActionKind, ChainHead, Duration, Environment, Phase};
use crate::domain::fixtures;

mod retention;
mod server_log;
mod tampering;

fn seen(name: &str, secs: i64) -> Release {
    let mut release = fixtures::release_at(name, "v2", secs);
    let finished_at = Some(fixtures::at(secs + 60));
    release.status = Some(ReleaseStatus { phase: Phase::Succeeded, finished_at, ..ReleaseStatus::default() });
    release
}

fn judged(name: &str, kind: ActionKind, secs: i64) -> ReleaseAction {
    let mut action = fixtures::action(name, kind, "alice", secs);
    action.spec.parameters = Some(Parameters { weight: Some(20), ..Parameters::default() });
    action.status = Some(ReleaseActionStatus {
        result: Some(ActionResult::Refused),
        message: Some("step is 3, not 2".into()),
        at: Some(fixtures::at(secs + 1)),
        seal: None,
    });
    action
}

/// Releases and actions in turn, 10 minutes apart.
fn records(count: usize) -> Vec<Record> {
    (0..count)
        .map(|number| {
            let (name, secs) = (format!("r{number}"), i64::try_from(number).unwrap() * 600);
            if number % 2 == 0 {
                Record::of_release(&seen(&name, secs))
            } else {
                Record::of_action(&judged(&name, ActionKind::SetWeight, secs))
            }
        })
        .collect()
}

fn write(records: &mut [Record], plan: &SealPlan) {
    for (key, seal) in &plan.seals {
        let record = records.iter_mut().find(|record| record.key() == *key).unwrap();
        assert_eq!(record.seal, None, "{record} is sealed twice");
        record.seal = Some(seal.clone());
    }
}

/// A chain of that many records, and its head.
fn chain(count: usize) -> (ChainHead, Vec<Record>) {
    let mut records = records(count);
    let mut head = ChainHead::default();
    loop {
        let plan = plan_seals(&head, &records);
        write(&mut records, &plan);
        head = plan.head;
        if !plan.more {
            return (head, records);
        }
    }
}

fn sentences(report: &Report) -> Vec<String> {
    report.findings.iter().map(|finding| finding.sentence.clone()).collect()
}

#[test]
fn a_record_has_one_text() {
    let action = judged("a1", ActionKind::SetWeight, 0);
    assert_eq!(
        Record::of_action(&action).canonical(),
        concat!(
            r#"{"creationTimestamp":"2027-01-15T08:00:00Z","kind":"ReleaseAction","name":"a1","namespace":"planera","#,
            r#""spec":{"action":"SetWeight","actor":"alice","environment":"production","parameters":{"weight":20},"#,
            r#""reason":"because","release":{"name":"planera-2","requestedBy":"bob","uid":"00000000-0000-4000-8000-01fd2ba7a849"}},"#,
            r#""status":{"at":"2027-01-15T08:00:01Z","message":"step is 3, not 2","result":"Refused"},"#,
            r#""uid":"00000000-0000-4000-8000-000000002637"}"#
        )
    );
}

#[test]
fn what_comes_of_a_release_changes_no_hash_and_a_seal_is_none_of_its_own_business() {
    let mut release = seen("r", 0);
    let before = Record::of_release(&release).hash("");
    let status = release.status.as_mut().unwrap();
    (status.phase, status.message) = (Phase::RolledBack, "undone".into());
    status.seal = Some(Seal { sequence: 3, ..Seal::default() });
    assert_eq!(Record::of_release(&release).hash(""), before);
    let mut action = judged("a", ActionKind::Approve, 0);
    let before = Record::of_action(&action).hash("");
    action.status.as_mut().unwrap().seal = Some(Seal { sequence: 3, ..Seal::default() });
    assert_eq!(Record::of_action(&action).hash(""), before);
    assert_ne!(Record::of_action(&action).hash("sha256:00"), before);
}

#[test]
fn records_are_sealed_in_order_and_only_when_they_are_ready() {
    let mut unseen = seen("unseen", 0);
    unseen.status = None;
    let mut open = judged("open", ActionKind::Pause, 0);
    open.status = None;
    let mut records = vec![
        Record::of_action(&judged("b", ActionKind::Pause, 5)),
        Record::of_release(&seen("z", 5)),
        Record::of_action(&judged("a", ActionKind::Pause, 5)),
        Record::of_release(&seen("late", 4)),
        Record::of_release(&unseen),
        Record::of_action(&open),
    ];
    let plan = plan_seals(&ChainHead::default(), &records);
    let names: Vec<&str> = plan.seals.iter().map(|(key, _)| key.name.as_str()).collect();
    assert_eq!(names, ["late", "z", "a", "b"]);
    assert_eq!(plan.head.sequence, 4);
    write(&mut records, &plan);
    let report = verify(Some(&plan.head), &records);
    assert_eq!((report.findings.len(), report.sealed, report.waiting), (0, 4, 2), "{report:?}");
    assert_eq!(plan_seals(&plan.head, &records), SealPlan { seals: vec![], ..plan });
}

#[test]
fn a_large_backlog_is_sealed_in_batches() {
    let mut records = records(BATCH + 5);
    let first = plan_seals(&ChainHead::default(), &records);
    assert!(first.more);
    assert_eq!(first.seals.len(), BATCH);
    write(&mut records, &first);
    let second = plan_seals(&first.head, &records);
    assert_eq!((second.seals.len(), second.more, second.head.sequence), (5, false, 69));
}

/// The controller dies after it has written so many seals of a batch, and the head is not moved.
#[rstest]
fn a_crash_between_the_seals_and_the_head_leaves_one_chain(#[values(0, 1, 3, 6)] written: usize) {
    let (head, mut records) = chain(4);
    records.extend(super::tests::records(10).split_off(4));
    let mut plan = plan_seals(&head, &records);
    plan.seals.truncate(written);
    write(&mut records, &plan);
    let report = verify(Some(&head), &records);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.behind, written);
    let next = plan_seals(&head, &records);
    write(&mut records, &next);
    assert_eq!(next.head.sequence, 10);
    assert_eq!(verify(Some(&next.head), &records).findings, []);
}

#[test]
fn a_broken_chain_goes_on_behind_its_highest_place_and_stays_broken() {
    let (mut head, mut records) = chain(6);
    (head.sequence, head.hash) = (2, records[1].seal.clone().unwrap().hash);
    records.remove(3);
    records.push(super::tests::records(8).remove(7));
    let plan = plan_seals(&head, &records);
    assert_eq!(plan.seals[0].1.sequence, 7);
    write(&mut records, &plan);
    let found = sentences(&verify(Some(&plan.head), &records));
    assert_eq!(found, ["the record at place 4 before release planera/r4 is missing: it was removed"]);
}

#[test]
fn an_intent_reads_as_a_person_would_say_it() {
    let mut action = judged("a1", ActionKind::Freeze, 0);
    action.spec.parameters = Some(Parameters {
        until: Some(fixtures::at(3600)),
        incident: Some("INC-1".into()),
        in_flight: Some(crate::api::environment::InFlight::Hold),
        ..Parameters::default()
    });
    let intent = Intent::of_action(&action);
    assert_eq!(intent.what, "Freeze until 2027-01-15 09:00Z in flight: Hold INC-1");
    assert_eq!((intent.outcome.as_str(), intent.found.as_str()), ("Refused", "step is 3, not 2"));
    let action = fixtures::approve("a2", "carol", &format!("sha256:{}", "9c1e".repeat(16)), &["any"], 0);
    let intent = Intent::of_action(&action);
    assert_eq!((intent.what.as_str(), intent.expected.as_str()), ("Approve as any", "plan 9c1e9c1e9c1e"));
    assert_eq!(intent.outcome, "Waiting");
    let release = Intent::of_release(&seen("r1", 0));
    assert_eq!((release.what.as_str(), release.outcome.as_str()), ("Deploy v2", "Succeeded"));
}
