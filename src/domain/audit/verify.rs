//! The search for breaches: what was changed, removed, inserted or claimed twice, and whether the head is the right one.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{BATCH, Record, RecordKey};
use crate::api::{ChainHead, Seal};

/// How much later a sealed record may have become ready than one that has no seal. Two clocks take part.
const SLACK: TimeDelta = TimeDelta::minutes(2);

/// A breach, as one sentence that names the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The record; absent where it is the head, or a record that is gone.
    pub record: Option<RecordKey>,
    /// What was found.
    pub sentence: String,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Breaches; none: the chain is whole.
    pub findings: Vec<Finding>,
    /// Records with a place in the chain.
    pub sealed: usize,
    /// Records that will get one: not judged yet, or just now.
    pub waiting: usize,
    /// The lowest place that was seen.
    pub first: i64,
    /// The newest place and its hash, as the records have it.
    pub last: ChainHead,
    /// Places that the head does not count yet; the controller moves it on.
    pub behind: usize,
}

impl Report {
    /// No breach was found.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, record: Option<&Record>, sentence: String) {
        self.findings.push(Finding { record: record.map(Record::key), sentence });
    }
}

/// The end of the chain so far: number and hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct End {
    sequence: i64,
    hash: String,
}

/// Looks through the records of one environment, in any order. Without a head (records from an export alone) the chain may begin and end
/// anywhere; with one, it must begin behind what retention removed and end at the head.
#[must_use]
pub fn verify(head: Option<&ChainHead>, records: &[Record]) -> Report {
    let mut report = Report::default();
    let places = places(records, &mut report);
    report.sealed = places.values().map(Vec::len).sum();
    if let Some(head) = head {
        check_removed(head, &mut report);
    }
    let ends = walk(head, &places, &mut report);
    if let Some(head) = head {
        check_head(head, &ends, &mut report);
    }
    if let Some((sequence, hash)) = ends.last_key_value() {
        report.last.sequence = *sequence;
        report.last.hash.clone_from(hash);
    }
    if let Some(head) = head {
        report.last.removed = head.removed;
        report.last.removed_hash.clone_from(&head.removed_hash);
    }
    report.first = places.keys().next().copied().unwrap_or_default();
    check_waiting(records, &mut report);
    report
}

/// The sealed records by place; each is compared with its own hash.
fn places<'a>(records: &'a [Record], report: &mut Report) -> BTreeMap<i64, Vec<(&'a Record, &'a Seal)>> {
    let mut places: BTreeMap<i64, Vec<(&Record, &Seal)>> = BTreeMap::new();
    for record in records {
        let Some(seal) = &record.seal else { continue };
        if record.ready_since.is_none() {
            let sentence = format!("{record} has place {} in the chain and no verdict", seal.sequence);
            report.find(Some(record), sentence);
        } else if record.hash(&seal.previous) != seal.hash {
            let sentence = format!(
                "{record} is not what was sealed at place {}: it was changed, or its seal was",
                seal.sequence
            );
            report.find(Some(record), sentence);
        }
        if seal.sequence < 1 {
            report.find(Some(record), format!("{record} claims place {}, which cannot be", seal.sequence));
        }
        places.entry(seal.sequence).or_default().push((record, seal));
    }
    places
}

fn check_removed(head: &ChainHead, report: &mut Report) {
    if head.removed < 0 || head.removed > head.sequence {
        let sentence = format!(
            "the head says that retention removed the records up to place {}, and its last place is {}",
            head.removed, head.sequence
        );
        report.find(None, sentence);
    }
    if head.removed == 0 && !head.removed_hash.is_empty() {
        report.find(
            None,
            "the head has the hash of a removed record, and says that none was removed".to_owned(),
        );
    }
}

/// Follows the chain from its beginning; the hash at each place that was seen.
fn walk(
    head: Option<&ChainHead>,
    places: &BTreeMap<i64, Vec<(&Record, &Seal)>>,
    report: &mut Report,
) -> BTreeMap<i64, String> {
    let mut ends = BTreeMap::new();
    let mut end = head.map(|head| End { sequence: head.removed, hash: head.removed_hash.clone() });
    if let Some(end) = &end {
        ends.insert(end.sequence, end.hash.clone());
    }
    // an export, or a removal that was interrupted: what is older than the removed end links up to it
    if places.keys().next().is_some_and(|first| end.as_ref().is_none_or(|end| *first <= end.sequence)) {
        end = places.keys().next().filter(|first| **first == 1).map(|_| End::default());
    }
    for (sequence, claims) in places {
        let stands = |seal: &Seal| end.as_ref().is_none_or(|end| end.hash == seal.previous);
        let (record, seal) = *claims.iter().find(|(_, seal)| stands(seal)).unwrap_or(&claims[0]);
        for (other, _) in claims.iter().filter(|(other, _)| other.uid != record.uid) {
            report
                .find(Some(other), format!("place {sequence} is claimed twice: by {record} and by {other}"));
        }
        if let Some(end) = &end {
            if end.sequence.checked_add(1) != Some(*sequence) {
                report.find(
                    None,
                    missing(end.sequence.saturating_add(1), sequence.saturating_sub(1), Some(record)),
                );
            } else if end.hash != seal.previous {
                let sentence = format!(
                    "{record} at place {sequence} does not stand on the record at place {}: one of them was replaced",
                    end.sequence
                );
                report.find(Some(record), sentence);
            }
        }
        if let Some(head) = head.filter(|head| head.removed == *sequence && head.removed_hash != seal.hash) {
            let sentence = format!(
                "{record} at place {} is not the one that the head says was removed last",
                head.removed
            );
            report.find(Some(record), sentence);
        }
        end = Some(End { sequence: *sequence, hash: seal.hash.clone() });
        ends.insert(*sequence, seal.hash.clone());
    }
    ends
}

fn check_head(head: &ChainHead, ends: &BTreeMap<i64, String>, report: &mut Report) {
    let last = ends.keys().next_back().copied().unwrap_or_default();
    if last < head.sequence {
        report.find(None, missing(last.saturating_add(1), head.sequence, None));
        return;
    }
    let ahead = ends.range(head.sequence.saturating_add(1)..).count();
    match ends.get(&head.sequence) {
        Some(hash) if *hash == head.hash && ahead <= BATCH => report.behind = ahead,
        Some(hash) if *hash == head.hash => report.find(
            None,
            format!("the head is behind by {ahead} places: it was put back, or no controller runs"),
        ),
        _ => report.find(
            None,
            format!(
                "the head at place {} has another hash than the record there: one of them was changed",
                head.sequence
            ),
        ),
    }
}

fn missing(from: i64, to: i64, before: Option<&Record>) -> String {
    let where_ = before.map_or_else(|| " at the end".to_owned(), |record| format!(" before {record}"));
    if from == to {
        format!("the record at place {from}{where_} is missing: it was removed")
    } else {
        format!("the records at places {from} to {to}{where_} are missing: they were removed")
    }
}

/// Whoever is ready is sealed in order: a record without a seal that is older than sealed ones was put there later.
fn check_waiting(records: &[Record], report: &mut Report) {
    let newest = records.iter().filter(|record| record.seal.is_some()).filter_map(|r| r.ready_since).max();
    for record in records.iter().filter(|record| record.seal.is_none()) {
        match (record.ready_since, newest) {
            (Some(since), Some(newest)) if newest.signed_duration_since(since) > SLACK => {
                let sentence = format!(
                    "{record} has no place in the chain although newer records have one: it was inserted, or its seal was taken away"
                );
                report.find(Some(record), sentence);
            }
            _ => report.waiting = report.waiting.saturating_add(1),
        }
    }
}
