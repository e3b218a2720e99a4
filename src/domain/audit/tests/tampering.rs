//! Whatever a hand does to the chain is found and named; crashes are no hand.

use super::*;

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
