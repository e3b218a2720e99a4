//! What the API server refuses: counted in the status, tried again ever later, and in the end a failure with the server's own words.
//!
//! The record stands in the status, so that a controller that is restarted counts on.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Draft, Effect};
use crate::api::names::ComponentName;
use crate::api::release::{Phase, RefusedRequest};
use crate::domain::timeline::cut;

/// What became of the last write for a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOutcome {
    /// When the API server answered.
    pub at: DateTime<Utc>,
    /// Why it did not accept the write; nothing where it did.
    pub refusal: Option<Refusal>,
}

/// Why the API server did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The object and the server's own sentence.
    pub message: String,
    /// Whether the same request may succeed later without anybody changing anything.
    pub may_pass: bool,
}

/// Tries before a refusal counts as one that stands.
const TRIES: i32 = 3;
/// How long a refusal must last before it counts as one that stands: permissions and admission policies take a moment to spread.
const STANDS: TimeDelta = TimeDelta::seconds(20);
/// How long a failure that may pass by itself is waited out.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// The longest wait between two tries.
const LONGEST: TimeDelta = TimeDelta::seconds(30);
/// The server's words as far as a sentence of the release's own still fits beside them.
const WORDS: usize = 700;

impl Draft<'_> {
    /// Counts what the API server refuses; whether that ends this attempt.
    pub(super) fn heed_refusals(&mut self) -> bool {
        let executes = matches!(
            self.status.phase,
            Phase::Progressing | Phase::Paused | Phase::Verifying | Phase::RollingBack
        );
        if !executes {
            return false;
        }
        self.record_refusals();
        let now = self.now;
        let unreadable = self.status.refused.iter().find(|refused| refused.read && stands(refused, now));
        if let Some(refused) = unreadable {
            let why = sentence(refused);
            self.hold("ReadRefused", &why);
            return true;
        }
        if !self.observed.unreadable.is_empty() {
            // nothing is decided on what nobody has seen
            return true;
        }
        let Some(refused) = self.status.refused.iter().find(|refused| stands(refused, now)).cloned() else {
            return false;
        };
        let why = sentence(&refused);
        if self.status.phase == Phase::RollingBack {
            let reason = self.status.undo.as_ref().map(|undo| undo.reason.clone()).unwrap_or_default();
            self.hold("RollbackRefused", &format!("{why}; rolling back because {}", cut(reason, 200)));
        } else {
            self.fail_for_good("ChangeRefused", &why);
        }
        true
    }

    fn record_refusals(&mut self) {
        // what was refused on the way there says nothing about the way back, nor about the next attempt
        let undo = self.status.undo.as_ref().map(|undo| undo.at);
        let from = undo.map_or(self.step_started_at(), |at| at.max(self.step_started_at()));
        for (component, outcome) in &self.observed.writes {
            match &outcome.refusal {
                _ if outcome.at < from => {}
                Some(refusal) => self.record((component, false), refusal, outcome.at),
                None => {
                    self.status.refused.retain(|known| known.read || known.component.as_str() != component);
                }
            }
        }
        let unreadable = &self.observed.unreadable;
        self.status.refused.retain(|known| !known.read || unreadable.contains_key(known.component.as_str()));
        for (component, refusal) in unreadable {
            self.record((component, true), refusal, self.now);
        }
    }

    fn record(&mut self, (component, read): (&str, bool), refusal: &Refusal, at: DateTime<Utc>) {
        let message = cut(refusal.message.clone(), WORDS);
        let may_pass = refusal.may_pass;
        let is_same =
            |known: &&mut RefusedRequest| known.component.as_str() == component && known.read == read;
        if let Some(known) = self.status.refused.iter_mut().find(is_same) {
            if at.signed_duration_since(known.at) >= wait_after(known.count) {
                known.at = at;
                known.count = known.count.saturating_add(1);
                // a failure that may pass is no sign of one that stands, nor the other way round
                if known.may_pass != may_pass {
                    known.since = at;
                }
                (known.message, known.may_pass) = (message, may_pass);
            }
            return;
        }
        let component = ComponentName::from(component);
        let refused = RefusedRequest { component, message, since: at, at, count: 1, may_pass, read };
        let message = sentence(&refused);
        self.do_after(Effect::EmitEvent { reason: "ChangeRefused".to_owned(), message, is_warning: true });
        if self.status.refused.len() < 32 {
            self.status.refused.push(refused);
        }
    }

    /// Says what is refused, and leaves what is not due for a later look.
    pub(super) fn await_refused(&mut self) {
        if !self.status.phase.holds_lane() || self.status.phase == Phase::Held {
            return;
        }
        if self.observed.unreadable.is_empty() {
            // what nobody wants to change any more is refused by nobody
            let mut refused = std::mem::take(&mut self.status.refused);
            refused.retain(|known| self.wants_change_of(&known.component));
            self.status.refused = refused;
        }
        let Some(first) = self.status.refused.first() else { return };
        let times = if first.count == 1 { "once".to_owned() } else { format!("{} times", first.count) };
        self.say(format!("{}; refused {times}, tried again", sentence(first)));
        for refused in self.status.refused.clone() {
            let due = refused.at.checked_add_signed(wait_after(refused.count));
            if let Some(due) = due.filter(|due| *due > self.now) {
                self.postpone(&refused.component);
                self.requeue_at(due);
            }
        }
    }
}

fn sentence(refused: &RefusedRequest) -> String {
    let verb = if refused.read { "read" } else { "changed" };
    format!("{} cannot be {verb}: {}", refused.component, refused.message)
}

/// How long to wait before the same is tried again: ever longer.
fn wait_after(count: i32) -> TimeDelta {
    let doublings = u32::try_from(count.clamp(1, 8).saturating_sub(1)).unwrap_or(0);
    TimeDelta::milliseconds(500_i64.saturating_mul(2_i64.saturating_pow(doublings))).min(LONGEST)
}

fn stands(refused: &RefusedRequest, now: DateTime<Utc>) -> bool {
    let limit = if refused.may_pass { PATIENCE } else { STANDS };
    refused.count >= TRIES && now.signed_duration_since(refused.since) >= limit
}
