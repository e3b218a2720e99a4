//! What people do around a release: approvals taken back, items ticked, gates passed by force, and who drives.

use super::Draft;
use crate::api::release::{ApprovalRecord, ApprovalState, CheckRecord, Driver, OverrideRecord};
use crate::api::release_action::{ActionKind, Parameters, ReleaseAction};
use crate::domain::span;
use crate::domain::{approval, driver, identity, timeline};

/// Records of gates passed by force that an object may hold.
const FORCED: usize = 16;
/// Ticked items that an object may hold.
const TICKED: usize = 64;

impl Draft<'_> {
    /// Applies an action that changes no phase.
    pub(super) fn apply_around(&mut self, action: &ReleaseAction) {
        let given = action.spec.parameters.clone().unwrap_or_default();
        match action.spec.action {
            ActionKind::Withdraw => self.withdraw(action),
            ActionKind::Check => self.tick(action, given),
            ActionKind::Override => self.force(action, given),
            ActionKind::Drive => self.drive(action, &given),
            ActionKind::HandOver => self.hand_over(action, given),
            _ => return,
        }
        self.look_again();
    }

    fn is_same(&self, one: &str, other: &str) -> bool {
        identity::is_same_in(self.observed.environment.as_ref(), one, other)
    }

    /// Marks every approval of this person that stands: the person takes back their consent, not one of several accounts.
    fn withdraw(&mut self, action: &ReleaseAction) {
        let by = action.spec.actor.as_str();
        let environment = self.observed.environment.as_ref();
        let stands = |record: &ApprovalRecord| {
            environment.is_some_and(|environment| approval::stands(environment, record))
        };
        for record in &mut self.status.approvals {
            if stands(record) && identity::is_same_in(environment, &record.actor, by) {
                record.state = ApprovalState::Withdrawn;
            }
        }
        self.note(by, "Withdrawn", &format!("{by} took back their approval"));
    }

    fn tick(&mut self, action: &ReleaseAction, given: Parameters) {
        let by = action.spec.actor.clone();
        let item = given.item.unwrap_or_default();
        let expected = action.spec.expected.as_ref();
        let digest = expected.and_then(|expected| expected.plan_digest.clone()).unwrap_or_default();
        self.note(&by, "Checked", &format!("ticked: {item}"));
        let checks = &mut self.status.checks;
        checks.retain(|check| check.item != item);
        checks.push(CheckRecord { item, by, at: action.created_at().unwrap_or(self.now), digest });
        let excess = checks.len().saturating_sub(TICKED);
        checks.drain(..excess);
    }

    fn force(&mut self, action: &ReleaseAction, given: Parameters) {
        let by = action.spec.actor.clone();
        let record = OverrideRecord {
            gate: given.gate.unwrap_or_default(),
            by: by.clone(),
            at: action.created_at().unwrap_or(self.now),
            until: given.until.unwrap_or(self.now),
            reason: timeline::cut(action.spec.reason.clone().unwrap_or_default(), 1024),
            incident: given.incident.unwrap_or_default(),
            action: action.metadata.name.clone().unwrap_or_default(),
            uid: action.metadata.uid.clone(),
        };
        let message = format!(
            "gate {} passed by force until {} ({}): {}",
            record.gate,
            record.until.format("%Y-%m-%d %H:%M:%SZ"),
            record.incident,
            record.reason
        );
        self.note(&by, "Overridden", &message);
        self.do_after(super::Effect::EmitEvent { reason: "Overridden".into(), message, is_warning: true });
        let forced = &mut self.status.overrides;
        forced.push(record);
        // what is over goes before what still holds
        if forced.len() > FORCED {
            let over = forced.iter().position(|record| record.until <= self.now).unwrap_or(0);
            forced.remove(over);
        }
    }

    fn drive(&mut self, action: &ReleaseAction, given: &Parameters) {
        let by = action.spec.actor.as_str();
        let before = driver::current(&self.status, self.now).cloned();
        let own = before.as_ref().filter(|before| self.is_same(&before.by, by));
        let since = own.map_or(self.now, |own| own.since);
        match before.as_ref().filter(|_| own.is_none()) {
            Some(other) => {
                let message = format!("{by} took over from {}, whose claim had not ended", other.by);
                self.note(by, "TookOver", &message);
            }
            None => self.note(by, "Drives", &format!("{by} drives")),
        }
        let note = driver::note(&self.status).map(ToOwned::to_owned);
        self.status.driver = Some(Driver { by: by.to_owned(), since, until: given.until, note });
    }

    fn hand_over(&mut self, action: &ReleaseAction, given: Parameters) {
        let by = action.spec.actor.as_str();
        let to = given.person.unwrap_or_default();
        let note = action.spec.reason.clone().map(|note| timeline::cut(note, 1024));
        let whom = if to.is_empty() { "whoever comes next" } else { to.as_str() };
        let words = note.as_deref().map_or(String::new(), |note| format!(": {note}"));
        self.note(by, "HandedOver", &format!("{by} handed over to {whom}{words}"));
        // the next one drives for as long as the claim lasts, or for a working day
        let left = driver::current(&self.status, self.now).and_then(|driver| driver.until);
        let until = (!to.is_empty()).then(|| left.unwrap_or_else(|| span::after(self.now, driver::LONGEST)));
        self.status.driver = Some(Driver { by: to, since: self.now, until, note });
    }
}
