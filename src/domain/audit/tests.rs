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

fn at(records: &mut [Record], place: usize) -> &mut Record {
    &mut records[place - 1]
}

fn resealed(record: &mut Record) {
    let previous = record.seal.clone().unwrap().previous;
    let hash = record.hash(&previous);
    record.seal.as_mut().unwrap().hash = hash;
}

type Tampering = fn(&mut ChainHead, &mut Vec<Record>);

/// What was done, by whom it is done here, and words that must be found.
type Case = (&'static str, Tampering, &'static [&'static str]);

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn tampering_is_found_and_named() {
    let cases: Vec<Case> = vec![
        (
            "a_spec",
            |_, r| at(r, 3).spec["version"] = json!("v9"),
            &["release planera/r2 is not what was sealed at place 3"],
        ),
        (
            "a_new_field",
            |_, r| at(r, 3).spec["more"] = json!(1),
            &["release planera/r2 is not what was sealed"],
        ),
        (
            "a_verdict",
            |_, r| at(r, 2).verdict.as_mut().unwrap()["result"] = json!("Applied"),
            &["action planera/r1 is not what was sealed"],
        ),
        (
            "an_author",
            |_, r| at(r, 2).spec["actor"] = json!("bob"),
            &["action planera/r1 is not what was sealed at place 2"],
        ),
        ("a_namesake", |_, r| at(r, 2).uid = "other".into(), &["action planera/r1 is not what was sealed"]),
        (
            "changed_and_sealed_anew",
            |_, r| {
                at(r, 3).spec["version"] = json!("v9");
                resealed(at(r, 3));
            },
            &["action planera/r3 at place 4 does not stand on the record at place 3"],
        ),
        ("removed", |_, r| drop(r.remove(2)), &["the record at place 3 before action planera/r3 is missing"]),
        (
            "several_removed",
            |_, r| drop(r.drain(1..4)),
            &["the records at places 2 to 4 before release planera/r4 are missing"],
        ),
        (
            "the_first_removed",
            |_, r| drop(r.remove(0)),
            &["the record at place 1 before action planera/r1 is missing"],
        ),
        ("the_last_removed", |_, r| drop(r.pop()), &["the record at place 6 at the end is missing"]),
        ("all_removed", |_, r| r.clear(), &["the records at places 1 to 6 at the end are missing"]),
        (
            "inserted",
            |_, r| r.push(Record::of_release(&seen("planted", 5))),
            &["release planera/planted has no place in the chain although newer records have one"],
        ),
        ("unsealed", |_, r| at(r, 3).seal = None, &["place 3 before", "release planera/r2 has no place"]),
        (
            "forked",
            |_, r| {
                let mut twin = r[2].clone();
                (twin.name, twin.uid) = ("twin".into(), "twin".into());
                resealed(&mut twin);
                r.push(twin);
            },
            &["place 3 is claimed twice: by release planera/r2 and by release planera/twin"],
        ),
        (
            "reordered",
            |_, r| {
                let seal = r[1].seal.take();
                r[1].seal = r[2].seal.take();
                r[2].seal = seal;
            },
            &[
                "action planera/r1 is not what was sealed at place 3",
                "release planera/r2 is not what was sealed at place 2",
            ],
        ),
        (
            "a_verdict_taken_back",
            |_, r| {
                at(r, 2).verdict = None;
                at(r, 2).ready_since = None;
            },
            &["action planera/r1 has place 2 in the chain and no verdict"],
        ),
        ("the_head", |h, _| h.hash = "sha256:00".into(), &["the head at place 6 has another hash"]),
        ("the_head_put_back", |h, _| h.sequence = 5, &["the head at place 5 has another hash"]),
        ("the_head_ahead", |h, _| h.sequence = 9, &["the records at places 7 to 9 at the end are missing"]),
        (
            "the_head_forgotten_and_anew",
            |h, r| {
                *h = ChainHead::default();
                r.remove(0);
            },
            &["the record at place 1"],
        ),
        (
            "a_removal_that_never_was",
            |h, _| h.removed = 2,
            &["is not the one that the head says was removed last"],
        ),
        ("removed_beyond_the_end", |h, _| h.removed = 9, &["up to place 9"]),
        ("a_removed_hash", |h, _| h.removed_hash = "sha256:00".into(), &["says that none was removed"]),
    ];
    for (name, tamper, expected) in cases {
        let (mut head, mut records) = chain(6);
        assert_eq!(verify(Some(&head), &records).findings, []);
        tamper(&mut head, &mut records);
        let found = sentences(&verify(Some(&head), &records));
        for words in expected {
            let is_found = found.iter().any(|sentence| sentence.contains(words));
            assert!(is_found, "{name}: {words:?} is not in {found:#?}");
        }
    }
}

#[test]
fn after_retention_the_rest_is_checked_and_with_the_export_the_whole() {
    let (mut head, records) = chain(8);
    let seal = records[2].seal.clone().unwrap();
    (head.removed, head.removed_hash) = (seal.sequence, seal.hash);
    let (exported, kept) = records.split_at(3);
    assert_eq!(verify(Some(&head), kept).findings, []);
    assert_eq!(verify(None, exported).findings, []);
    assert_eq!(verify(Some(&head), &records).findings, []);
    // a removal that was interrupted after two of the three
    assert_eq!(verify(Some(&head), &records[2..]).findings, []);
    assert!(!verify(Some(&head), &kept[1..]).is_whole(), "the oldest kept one is gone");
    let mut changed = exported.to_vec();
    changed[1].spec["reason"] = json!("other");
    assert!(!verify(None, &changed).is_whole());
    let hole = [&exported[..1], &exported[2..]].concat();
    assert!(!verify(None, &hole).is_whole());
    let mut replaced = records.clone();
    replaced[2].spec["version"] = json!("v9");
    resealed(&mut replaced[2]);
    assert!(!verify(Some(&head), &replaced[2..]).is_whole());
}

/// What one hand may do to one place.
#[derive(Clone, Debug)]
enum Hand {
    Leaf(usize, usize),
    Key(usize),
    Name(usize),
    Namespace(usize),
    Uid(usize),
    Created(usize),
    Kind(usize),
    Verdict(usize),
    Sequence(usize, i64),
    Previous(usize),
    Hash(usize),
    Unseal(usize),
    Remove(usize),
    Insert(i64),
    Swap(usize, usize),
    Head(usize, i64),
}

fn hand() -> impl Strategy<Value = Hand> {
    let place = 0..40usize;
    let step = prop_oneof![Just(-1i64), Just(1), Just(2), -50..50i64, Just(i64::MAX), Just(i64::MIN)]
        .prop_filter("it must change something", |step| *step != 0);
    prop_oneof![
        6 => (place.clone(), 0..20usize).prop_map(|(place, leaf)| Hand::Leaf(place, leaf)),
        1 => place.clone().prop_map(Hand::Key),
        1 => place.clone().prop_map(Hand::Name),
        1 => place.clone().prop_map(Hand::Namespace),
        1 => place.clone().prop_map(Hand::Uid),
        1 => place.clone().prop_map(Hand::Created),
        1 => place.clone().prop_map(Hand::Kind),
        1 => place.clone().prop_map(Hand::Verdict),
        2 => (place.clone(), step.clone()).prop_map(|(place, step)| Hand::Sequence(place, step)),
        1 => place.clone().prop_map(Hand::Previous),
        1 => place.clone().prop_map(Hand::Hash),
        1 => place.clone().prop_map(Hand::Unseal),
        2 => place.clone().prop_map(Hand::Remove),
        1 => (0..600i64).prop_map(Hand::Insert),
        2 => (place.clone(), place).prop_map(|(a, b)| Hand::Swap(a, b)),
        3 => (0..4usize, step).prop_map(|(field, step)| Hand::Head(field, step)),
    ]
}

/// Every simple value in a spec, made another one.
fn change_leaf(value: &mut Value, nth: &mut usize) -> bool {
    match value {
        Value::Object(fields) => fields.values_mut().any(|inner| change_leaf(inner, nth)),
        Value::Array(items) => items.iter_mut().any(|inner| change_leaf(inner, nth)),
        simple if *nth == 0 => {
            *simple = json!(format!("{simple}x"));
            true
        }
        _ => {
            *nth -= 1;
            false
        }
    }
}

/// Tampers; false when there was nothing to tamper with.
fn tamper(hand: &Hand, head: &mut ChainHead, records: &mut Vec<Record>) -> bool {
    let count = records.len();
    let moved = |value: i64, step: i64| value.wrapping_add(step);
    match hand {
        Hand::Leaf(place, leaf) => return change_leaf(&mut records[place % count].spec, &mut leaf.clone()),
        Hand::Key(place) => records[place % count].spec["extra"] = Value::Null,
        Hand::Name(place) => records[place % count].name.push('x'),
        Hand::Namespace(place) => records[place % count].namespace.push('x'),
        Hand::Uid(place) => records[place % count].uid.push('x'),
        Hand::Created(place) => {
            let created = &mut records[place % count].created_at;
            *created = created.map(|at| at + chrono::TimeDelta::seconds(1));
        }
        Hand::Kind(place) => {
            let kind = &mut records[place % count].kind;
            *kind = match kind {
                RecordKind::Release => RecordKind::ReleaseAction,
                RecordKind::ReleaseAction => RecordKind::Release,
            };
        }
        Hand::Verdict(place) => match &mut records[place % count].verdict {
            Some(verdict) => verdict["message"] = json!("all was well"),
            none => *none = Some(json!({"result": "Applied"})),
        },
        Hand::Sequence(place, step) => {
            let seal = records[place % count].seal.as_mut().unwrap();
            seal.sequence = moved(seal.sequence, *step);
        }
        Hand::Previous(place) => records[place % count].seal.as_mut().unwrap().previous.push('0'),
        Hand::Hash(place) => records[place % count].seal.as_mut().unwrap().hash.push('0'),
        Hand::Unseal(place) => records[place % count].seal = None,
        Hand::Remove(place) => drop(records.remove(place % count)),
        Hand::Insert(secs) => records.push(Record::of_release(&seen("planted", *secs))),
        Hand::Swap(a, b) => {
            let (a, b) = (a % count, b % count);
            if a == b {
                return false;
            }
            let seal = records[a].seal.take();
            records[a].seal = records[b].seal.take();
            records[b].seal = seal;
        }
        Hand::Head(0, step) => head.sequence = moved(head.sequence, *step),
        Hand::Head(1, _) => head.hash.push('0'),
        Hand::Head(2, step) => head.removed = moved(head.removed, *step),
        Hand::Head(_, _) => head.removed_hash.push('0'),
    }
    true
}

proptest! {
    /// Newer records than 10 minutes lie behind every inserted one here, as with `unsealed`.
    #[test]
    fn any_single_tampering_is_found(count in 3..24usize, removed in 0..3usize, hand in hand()) {
        let (mut head, mut records) = chain(count);
        if removed > 0 {
            let seal = records[removed - 1].seal.clone().unwrap();
            (head.removed, head.removed_hash) = (seal.sequence, seal.hash);
            records.drain(..removed);
        }
        prop_assert_eq!(verify(Some(&head), &records).findings, vec![]);
        if tamper(&hand, &mut head, &mut records) {
            let report = verify(Some(&head), &records);
            prop_assert!(!report.is_whole(), "{:?} was not found", hand);
            prop_assert!(report.findings.iter().all(|finding| !finding.sentence.is_empty()));
        }
    }

    /// However records come, batches end and controllers die: one chain, without gaps.
    #[test]
    fn crashes_never_break_the_chain(steps in proptest::collection::vec((1..5usize, 0..6usize, any::<bool>()), 1..12)) {
        let all = records(60);
        let (mut head, mut present) = (ChainHead::default(), Vec::new());
        for (arriving, written, head_is_stored) in steps {
            let from = present.len();
            present.extend_from_slice(&all[from..(from + arriving).min(all.len())]);
            let mut plan = plan_seals(&head, &present);
            let whole = written >= plan.seals.len();
            plan.seals.truncate(written);
            write(&mut present, &plan);
            if whole && head_is_stored {
                head = plan.head;
            }
            prop_assert_eq!(verify(Some(&head), &present).findings, vec![]);
        }
        let plan = plan_seals(&head, &present);
        write(&mut present, &plan);
        prop_assert_eq!(verify(Some(&plan.head), &present).findings, vec![]);
        prop_assert_eq!(usize::try_from(plan.head.sequence).unwrap(), present.len());
    }
}

mod retention_tests {
    use super::*;

    const DAY: i64 = 86_400;

    struct Shelf {
        environment: Environment,
        releases: Vec<Release>,
        actions: Vec<ReleaseAction>,
    }

    /// So many releases, one a day, each with an action on it, all in the chain; kept for 10 days.
    fn shelf(count: i64) -> Shelf {
        let mut environment = fixtures::environment();
        environment.spec.retention = Some(Duration::from_secs(10 * 86_400));
        let releases: Vec<Release> = (0..count).map(|day| seen(&format!("r{day}"), day * DAY)).collect();
        let on = |day: i64| {
            let mut action = judged(&format!("a{day}"), ActionKind::Approve, day * DAY + 5);
            action.spec.release.as_mut().unwrap().name = format!("r{day}");
            action
        };
        let mut shelf = Shelf { environment, releases, actions: (0..count).map(on).collect() };
        shelf.seal();
        shelf
    }

    impl Shelf {
        fn seal(&mut self) {
            let mut head = ChainHead::default();
            loop {
                let records: Vec<Record> = self
                    .releases
                    .iter()
                    .map(Record::of_release)
                    .chain(self.actions.iter().map(Record::of_action))
                    .collect();
                let plan = plan_seals(&head, &records);
                for (key, seal) in plan.seals {
                    let name = Some(key.name);
                    if let Some(release) = self.releases.iter_mut().find(|r| r.metadata.name == name) {
                        release.status.as_mut().unwrap().seal = Some(seal.clone());
                    }
                    if let Some(action) = self.actions.iter_mut().find(|a| a.metadata.name == name) {
                        action.status.as_mut().unwrap().seal = Some(seal);
                    }
                }
                head = plan.head;
                if !plan.more {
                    break;
                }
            }
            self.environment.status =
                Some(EnvironmentStatus { chain: Some(head), ..EnvironmentStatus::default() });
        }

        /// Names that would go on that day, in their order.
        fn gone(&self, day: i64) -> Vec<String> {
            let releases: Vec<&Release> = self.releases.iter().collect();
            let actions: Vec<&ReleaseAction> = self.actions.iter().collect();
            let Removal::Records { uids, removed, .. } =
                plan_removal(&self.environment, &releases, &actions, fixtures::at(day * DAY))
            else {
                return Vec::new();
            };
            assert_eq!(usize::try_from(removed).unwrap(), uids.len());
            let name = |uid: &String| {
                let release = releases.iter().find(|r| r.metadata.uid.as_ref() == Some(uid));
                let action = actions.iter().find(|a| a.metadata.uid.as_ref() == Some(uid));
                release.map(|r| r.metadata.name.clone()).or(action.map(|a| a.metadata.name.clone()))
            };
            uids.iter().map(|uid| name(uid).unwrap().unwrap()).collect()
        }
    }

    #[test]
    fn the_oldest_go_and_the_newest_releases_stay_whatever_their_age() {
        let shelf = shelf(25);
        assert_eq!(shelf.gone(12), ["r0", "a0", "r1", "a1"]);
        assert_eq!(shelf.gone(1000), ["r0", "a0", "r1", "a1", "r2", "a2", "r3", "a3", "r4", "a4"]);
    }

    #[test]
    fn without_a_limit_or_before_it_nothing_goes() {
        let mut shelf = shelf(25);
        assert!(shelf.gone(10).is_empty());
        shelf.environment.spec.retention = None;
        assert!(shelf.gone(1000).is_empty());
    }

    #[test]
    fn what_is_needed_stops_the_removal_there() {
        let mut debt = shelf(25);
        debt.environment.status.as_mut().unwrap().debts = vec![Debt {
            id: "r1".into(),
            by: "alice".into(),
            at: fixtures::at(0),
            what: "emergency".into(),
            reason: "outage".into(),
            incident: None,
        }];
        assert_eq!(debt.gone(1000), ["r0", "a0"]);
        let mut held = shelf(25);
        held.releases[1].status.as_mut().unwrap().phase = Phase::Held;
        assert_eq!(held.gone(1000), ["r0", "a0"]);
        let mut referred = shelf(25);
        referred.releases[20].status.as_mut().unwrap().superseded_by = Some("r1".into());
        assert_eq!(referred.gone(1000), ["r0", "a0"]);
        let mut acted = shelf(25);
        acted.actions[1].status.as_mut().unwrap().at = Some(fixtures::at(900 * DAY));
        acted.seal_anew();
        assert_eq!(acted.gone(905), ["r0", "a0"]);
        let mut failed = shelf(25);
        for release in &mut failed.releases[3..] {
            release.status.as_mut().unwrap().phase = Phase::RolledBack;
        }
        assert!(failed.gone(1000).is_empty(), "the only ones that succeeded are the ways back");
    }

    #[test]
    fn a_broken_chain_keeps_everything() {
        let mut shelf = shelf(25);
        shelf.actions[20].spec.actor = "mallory".into();
        let releases: Vec<&Release> = shelf.releases.iter().collect();
        let actions: Vec<&ReleaseAction> = shelf.actions.iter().collect();
        let removal = plan_removal(&shelf.environment, &releases, &actions, fixtures::at(1000 * DAY));
        assert!(matches!(&removal, Removal::Stopped(why) if why.contains("a20")), "{removal:?}");
    }

    impl Shelf {
        fn seal_anew(&mut self) {
            self.releases.iter_mut().for_each(|r| r.status.as_mut().unwrap().seal = None);
            self.actions.iter_mut().for_each(|a| a.status.as_mut().unwrap().seal = None);
            self.seal();
        }
    }
}

mod log_tests {
    use super::*;

    fn line(verb: &str, resource: &str, code: u16, more: &Value) -> String {
        let mut line = json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a-1", "stage": "ResponseComplete",
            "requestURI": format!("/apis/release-cockpit.dev/v1alpha1/namespaces/shop/{resource}"), "verb": verb,
            "user": {"username": "mallory", "groups": ["operators"]},
            "objectRef": {"resource": resource, "namespace": "shop", "name": "x", "apiGroup": "release-cockpit.dev"},
            "responseStatus": {"code": code, "message": "denied request: IdentityMismatch: no"},
            "requestReceivedTimestamp": "2026-11-21T10:00:00.123456Z",
        });
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        line.to_string()
    }

    #[test]
    fn refusals_of_changes_to_our_kinds_are_kept_and_nothing_else() {
        for (line, kept) in [
            (line("create", "releases", 403, &json!({})), true),
            (line("create", "releaseactions", 422, &json!({})), true),
            (line("delete", "releaseactions", 403, &json!({})), true),
            (line("patch", "environments", 403, &json!({})), true),
            (line("create", "releases", 403, &json!({"user": {"username": CONTROLLER_USER}})), true),
            (
                line(
                    "create",
                    "releases",
                    403,
                    &json!({
                        "user": {"username": CONTROLLER_USER},
                        "objectRef": {"resource": "releases", "name": "release-cockpit-probe", "apiGroup": "release-cockpit.dev"},
                    }),
                ),
                false,
            ),
            (line("create", "releases", 201, &json!({})), false),
            (line("create", "releases", 409, &json!({})), false),
            (line("create", "releases", 500, &json!({})), false),
            (line("get", "releases", 403, &json!({})), false),
            (line("create", "pods", 403, &json!({})), false),
            (line("create", "releases", 403, &json!({"stage": "RequestReceived"})), false),
            (
                line(
                    "create",
                    "releases",
                    403,
                    &json!({"objectRef": {"resource": "releases", "apiGroup": "other"}}),
                ),
                false,
            ),
        ] {
            assert_eq!(read_server_log(&line).attempts.len(), usize::from(kept), "{line}");
        }
    }

    #[test]
    fn an_attempt_tells_who_when_what_and_why_not() {
        let policy = json!({"annotations": {"release-cockpit-action/verb": "Approve shop/production"},
            "requestURI": "/apis/x?dryRun=All", "impersonatedUser": {"username": "bob"}});
        let rbac = json!({"responseStatus": {"code": 403, "message": "releases is forbidden: User \"dave\" cannot create"},
            "objectRef": {"resource": "releases", "namespace": "shop", "apiGroup": "release-cockpit.dev"}});
        let text = format!(
            "{}\n\nnot json\n{}\n",
            line("create", "releaseactions", 403, &policy),
            line("create", "releases", 403, &rbac)
        );
        let reading = read_server_log(&text);
        assert_eq!(reading.unreadable, 1);
        let [first, second] = reading.attempts.as_slice() else { panic!("{reading:?}") };
        assert_eq!(first.by(), "bob (sent by mallory)");
        assert_eq!(first.what, "create releaseactions: Approve (dry run)");
        assert_eq!((first.environment.as_deref(), first.outcome.as_str()), (Some("production"), "Refused"));
        assert_eq!(first.code, Some(403));
        assert_eq!(first.at.unwrap().to_rfc3339(), "2026-11-21T10:00:00.123456+00:00");
        assert_eq!(
            (second.environment.clone(), second.outcome.as_str(), second.on()),
            (None, "Denied", "shop".into())
        );
    }
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
