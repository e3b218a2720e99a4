//! Places in the chain: which record comes next, and how far the head may move.

use super::{Record, RecordKey};
use crate::api::{ChainHead, Seal};

/// Records that are sealed before the head is moved. A reader tolerates a head that lags by as many.
pub const BATCH: usize = 64;

/// What to write: the seals in their order, then the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealPlan {
    /// Each record with its place, in the order in which they are to be written.
    pub seals: Vec<(RecordKey, Seal)>,
    /// The head behind them.
    pub head: ChainHead,
    /// More records wait than one batch holds.
    pub more: bool,
}

/// Gives the next places to the records of one environment that are ready and have none: oldest first, at most [`BATCH`].
///
/// The head is moved over what was sealed before a crash. Where the chain is broken, it goes on behind the highest place that any record
/// claims: no place is given twice, and the breach stays for everybody to see.
#[must_use]
pub fn plan_seals(head: &ChainHead, records: &[Record]) -> SealPlan {
    let mut head = caught_up(head, records);
    let mut waiting: Vec<&Record> =
        records.iter().filter(|record| record.seal.is_none() && record.ready_since.is_some()).collect();
    waiting.sort_by(|a, b| {
        (a.created_at, a.kind.as_str(), &a.name).cmp(&(b.created_at, b.kind.as_str(), &b.name))
    });
    let more = waiting.len() > BATCH;
    let mut seals = Vec::new();
    for record in waiting.into_iter().take(BATCH) {
        let Some(sequence) = head.sequence.checked_add(1) else { break };
        let hash = record.hash(&head.hash);
        let seal = Seal { sequence, previous: head.hash.clone(), hash: hash.clone() };
        seals.push((record.key(), seal));
        (head.sequence, head.hash) = (sequence, hash);
    }
    SealPlan { seals, head, more }
}

/// The head behind everything that is sealed already.
fn caught_up(head: &ChainHead, records: &[Record]) -> ChainHead {
    let mut head = head.clone();
    let mut sealed: Vec<(&Record, &Seal)> =
        records.iter().filter_map(|record| Some((record, record.seal.as_ref()?))).collect();
    sealed.sort_by_key(|(record, seal)| (seal.sequence, record.key()));
    for (_, seal) in &sealed {
        if head.sequence.checked_add(1) == Some(seal.sequence) && seal.previous == head.hash {
            (head.sequence, head.hash) = (seal.sequence, seal.hash.clone());
        }
    }
    if let Some((_, highest)) = sealed.last()
        && highest.sequence > head.sequence
    {
        (head.sequence, head.hash) = (highest.sequence, highest.hash.clone());
    }
    head
}
