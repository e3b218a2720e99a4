//! What can happen next, and what must never happen.

use std::sync::Arc;
use std::time::Duration;

use super::state::{Decided, Deed, Memo, State, Stored, Work, hash_of_world};
use super::*;
use crate::api::environment::{Frozen, LaneClaim};
use crate::api::release::{ApprovalState, GateState};
use crate::api::release_action::{ActionResult, ReleaseActionStatus};
use crate::domain::lane::claim::{self, Claim};

/// The controller that was the leader before.
const OLD: usize = 1;
/// How far a clock jumps.
const JUMP: i64 = 90;

/// Something that happens.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "a failure prints it")]
pub(super) enum Move {
    /// A controller decides on a release.
    Look { who: usize, about: usize, how: Look },
    /// A controller makes its next request.
    Request(usize),
    /// A controller crashes, and is started again.
    Crash(usize),
    /// A person does something.
    Deed(Deed),
    /// The clock of a controller jumps.
    Jump(usize, i64),
}

/// How a controller looks at a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// With what its watches reported last.
    Stale,
    /// After its watches have caught up.
    Fresh,
    /// At the stops alone, after its watches have caught up.
    Stops,
}

type Made = (Move, Result<State, String>);

impl State {
    /// Everything that can happen now.
    pub(super) fn moves(&self, memo: &mut Memo) -> Vec<Made> {
        let mut made = Vec::new();
        for who in [0, 1] {
            if self.leaders[who].work.is_some() {
                made.push((Move::Request(who), self.request(who)));
            } else {
                self.looks(who, memo, &mut made);
            }
            if self.crashes > 0 && self.leaders[who].work.is_some() {
                let mut next = Self { crashes: self.crashes - 1, ..self.clone() };
                next.leaders[who].work = None;
                next.leaders[who].seen = self.reported.clone();
                made.push((Move::Crash(who), Ok(next)));
            }
            for jump in [-JUMP, JUMP] {
                if self.clocks > 0 {
                    let mut next = Self { clocks: self.clocks - 1, ..self.clone() };
                    next.leaders[who].clock += jump;
                    made.push((Move::Jump(who, jump), Ok(next)));
                }
            }
        }
        for (index, deed) in memo.setting.people.iter().enumerate() {
            if self.deeds & (1 << index) == 0
                && let Some(next) = self.after(*deed)
            {
                made.push((Move::Deed(*deed), Ok(Self { deeds: self.deeds | (1 << index), ..next })));
            }
        }
        made
    }

    fn looks(&self, who: usize, memo: &mut Memo, made: &mut Vec<Made>) {
        let looks = if who == OLD { self.looks.checked_sub(1) } else { Some(self.looks) };
        let Some(looks) = looks else { return };
        for about in 0..self.releases().len() {
            for how in [Look::Stale, Look::Fresh, Look::Stops] {
                let is_stale = self.leaders[who].seen.hash != self.reported.hash;
                if how == Look::Fresh && !is_stale {
                    continue;
                }
                if let Some(next) = self.look(who, about, how, memo).transpose() {
                    let next = next.map(|next| Self { looks, ..next });
                    made.push((Move::Look { who, about, how }, next));
                }
            }
        }
    }

    /// A controller looks at a release; nothing where nothing follows.
    pub(super) fn look(
        &self,
        who: usize,
        about: usize,
        how: Look,
        memo: &mut Memo,
    ) -> Result<Option<Self>, String> {
        let mut next = self.clone();
        if how != Look::Stale {
            next.leaders[who].seen = self.reported.clone();
        }
        let (clock, seen) = (next.leaders[who].clock, next.leaders[who].seen.clone());
        let stops = how == Look::Stops;
        let mut decided = memo.decide(self, about, &seen, (clock, stops));
        let (before, after) = (self.releases()[about].release.phase(), decided.status.release.phase());
        let depends_on_others =
            !before.holds_lane() && before != after && !matches!(after, Phase::Rejected | Phase::Aborted);
        if depends_on_others && !stops {
            decided = memo.decide(self, about, &self.reported, (clock, false));
        }
        if decided.status.hash == self.releases()[about].hash && decided.effects.is_empty() {
            return Ok(None);
        }
        self.check_decision(about, &decided)?;
        let read = self.releases()[about].clone();
        let has_stored = decided.status.hash == read.hash;
        next.leaders[who].work =
            Some(Work { about, read, decided, has_claimed: false, has_stored, effects: 0 });
        Ok(Some(next))
    }

    /// The next request of a controller.
    pub(super) fn request(&self, who: usize) -> Result<Self, String> {
        let work = self.leaders[who].work.clone().ok_or("nothing to do")?;
        let (before, after) = (work.read.release.phase(), work.decided.status.release.phase());
        let mut next = self.clone();
        if !work.has_claimed && !work.has_stored && !before.holds_lane() && after.holds_lane() {
            next.claim(who, &work);
        } else if !work.has_stored {
            next.store(who, &work)?;
        } else if let Some(effect) = work.decided.effects.get(work.effects) {
            next.carry_out(who, &work, effect)?;
        }
        if let Some(work) = &next.leaders[who].work
            && work.has_stored
            && work.effects >= work.decided.effects.len()
        {
            next.leaders[who].work = None;
        }
        next.check()?;
        Ok(next)
    }

    fn claim(&mut self, who: usize, work: &Work) {
        let mut environment = (*self.environment).clone();
        let status = environment.status.as_mut().unwrap();
        let uid = work.read.release.metadata.uid.clone().unwrap();
        let holder = status.lane.as_ref().and_then(|lane| {
            self.releases().iter().find(|stored| stored.release.metadata.uid.as_ref() == Some(&lane.uid))
        });
        // whoever else has claimed for it and not stored yet is about to: its write lands before the patience of this one ends
        let is_under_way = self.leaders.iter().enumerate().any(|(other, leader)| {
            let at_it = |at: &Work| at.has_claimed && !at.has_stored && at.about != work.about;
            other != who && leader.work.as_ref().is_some_and(at_it)
        });
        let known_for = if is_under_way { Duration::ZERO } else { claim::PATIENCE };
        let holder = holder.map(|stored| &stored.release);
        if claim::judge(status.lane.as_ref(), &uid, holder, known_for) == Claim::Free {
            let release = work.read.release.metadata.name.clone().unwrap();
            status.lane =
                Some(LaneClaim { release, uid, process: "one".into(), at: at(self.leaders[who].clock) });
            self.environment = Arc::new(environment);
            self.leaders[who].work = Some(Work { has_claimed: true, ..work.clone() });
        } else {
            self.leaders[who].work = None;
        }
    }

    fn store(&mut self, who: usize, work: &Work) -> Result<(), String> {
        if !Arc::ptr_eq(&work.read, &self.releases()[work.about]) {
            self.leaders[who].work = None;
            return Ok(());
        }
        self.check_store(work)?;
        // a version of its own, even where the same was stored before
        let stored =
            Arc::new(Stored { release: work.decided.status.release.clone(), hash: work.decided.status.hash });
        self.put(work.about, stored.clone());
        self.leaders[who].work = Some(Work { has_stored: true, read: stored, ..work.clone() });
        Ok(())
    }

    fn carry_out(&mut self, who: usize, work: &Work, effect: &Effect) -> Result<(), String> {
        self.leaders[who].work = Some(Work { effects: work.effects + 1, ..work.clone() });
        if let Effect::JudgeAction { name, result, message } = effect {
            self.judge(who, name, *result, message);
            return Ok(());
        }
        if !effect.changes_world() {
            return Err(format!("{effect:?} is not known here"));
        }
        if !is_same_intent(&self.releases()[work.about].status(), &work.decided.status.status()) {
            self.leaders[who].work = None;
            return Ok(());
        }
        let mut world = (*self.world).clone();
        world.carry_out(effect);
        world.observed.writes.clear();
        let has_changed = !world.writes.is_empty();
        world.writes.clear();
        world.roll();
        if has_changed {
            self.check_change(work, effect)?;
        }
        self.world_hash = hash_of_world(&world);
        self.world = Arc::new(world);
        Ok(())
    }

    fn judge(&mut self, who: usize, name: &str, result: ActionResult, message: &str) {
        let is_meant = |action: &&Arc<ReleaseAction>| action.metadata.name.as_deref() == Some(name);
        let Some(action) = self.actions().iter().find(is_meant) else { return };
        let mut action = (**action).clone();
        if !action.is_judged() {
            action.status = Some(ReleaseActionStatus {
                result: Some(result),
                message: Some(message.to_owned()),
                ..ReleaseActionStatus::default()
            });
            self.put_action(action.clone());
        }
        // a controller knows its own answers before the watch reports them
        let seen = &self.leaders[who].seen;
        if seen.actions.iter().any(|known| known.metadata.name == action.metadata.name) {
            self.leaders[who].seen = Arc::new(seen.with(action));
        }
    }

    /// What is after a deed; nothing where it cannot be done yet.
    pub(super) fn after(&self, deed: Deed) -> Option<Self> {
        let mut next = self.clone();
        let mut freeze = |frozen| {
            let mut environment = (*self.environment).clone();
            environment.status.as_mut().unwrap().frozen = frozen;
            next.environment = Arc::new(environment);
        };
        match deed {
            Deed::Act(kind, about, actor) => next.put_action(self.action(kind, about, actor)?),
            Deed::Freeze(how) => freeze(Some(Frozen {
                by: "erin".into(),
                at: Some(at(20)),
                in_flight: how,
                ..Frozen::default()
            })),
            Deed::Unfreeze => {
                self.environment.status.as_ref()?.frozen.as_ref()?;
                freeze(None);
            }
        }
        Some(next)
    }

    /// Nothing is begun while anything stands against it at that moment.
    fn check_decision(&self, about: usize, decided: &Decided) -> Result<(), String> {
        let is_taken = self
            .releases()
            .iter()
            .enumerate()
            .any(|(other, stored)| other != about && stored.release.phase().holds_lane());
        let takes = !self.releases()[about].release.phase().holds_lane()
            && decided.status.release.phase().holds_lane();
        if takes && is_taken {
            return Err("it begins while another release executes".into());
        }
        let version = &self.releases()[about].release.spec.version;
        let seen = &self.world.observed;
        let runs = |w: &super::super::super::super::rollout_status::WorkloadState| {
            w.image.as_ref().is_some_and(|image| image.ends_with(version.as_str()))
        };
        let is_first = seen.tracks.is_empty() && !seen.workloads.values().any(runs);
        let begins = decided.effects.iter().any(|effect| is_forward(effect, version));
        if is_first && begins {
            let status = decided.status.status();
            if self.environment.status.as_ref().unwrap().frozen.is_some() {
                return Err("it begins under a freeze".into());
            }
            if !status.gates.iter().all(|gate| gate.state == GateState::Pass) {
                return Err("it begins while a gate holds it".into());
            }
        }
        Ok(())
    }

    fn is_approved(&self, status: &ReleaseStatus) -> bool {
        let asks = self.environment.spec.approval.is_some();
        let counted = |record: &crate::api::release::ApprovalRecord| {
            record.state == ApprovalState::Counted && record.actor != "bob"
        };
        !asks || status.approvals.iter().any(counted)
    }

    fn check_store(&self, work: &Work) -> Result<(), String> {
        let (before, after) = (work.read.release.phase(), work.decided.status.status());
        if before == Phase::Pending && after.phase == Phase::Progressing {
            if !self.is_approved(&after) {
                return Err("it begins without an approval".into());
            }
            if !after.gates.iter().all(|gate| gate.state == GateState::Pass) {
                return Err("it begins while a gate holds it".into());
            }
        }
        Ok(())
    }

    /// What must be so when the world is changed for a release.
    fn check_change(&self, work: &Work, effect: &Effect) -> Result<(), String> {
        let stored = &self.releases()[work.about].release;
        let status = self.releases()[work.about].status();
        if !status.phase.holds_lane() {
            return Err(format!("{effect:?} of a release that is {}", status.phase));
        }
        let others = self.releases().iter().enumerate().filter(|(other, _)| *other != work.about);
        for (_, other) in others {
            if other.release.phase().holds_lane() {
                return Err(format!("{effect:?} while another release executes"));
            }
        }
        if is_forward(effect, &stored.spec.version) {
            let is_stopped =
                status.undo.is_some() || matches!(status.phase, Phase::RollingBack | Phase::Paused);
            if is_stopped {
                let told: Vec<_> = status
                    .timeline
                    .iter()
                    .map(|entry| format!("{}: {}", entry.reason, entry.message))
                    .collect();
                return Err(format!("{effect:?} of a release that is {}: {told:#?}", status.phase));
            }
            if !self.is_approved(&status) {
                return Err(format!("{effect:?} without an approval"));
            }
        }
        Ok(())
    }

    /// What must be so at any moment.
    fn check(&self) -> Result<(), String> {
        if self.releases().iter().filter(|stored| stored.release.phase().holds_lane()).count() > 1 {
            return Err("two releases execute".into());
        }
        for action in self.actions() {
            let result = action.status.as_ref().and_then(|status| status.result);
            let uid = action.metadata.uid.as_ref().unwrap();
            let is_applied =
                self.releases().iter().any(|stored| stored.status().judged_actions.contains(uid));
            let is_contradiction = match result {
                Some(ActionResult::Applied) => !is_applied,
                Some(_) => is_applied,
                None => false,
            };
            if is_contradiction {
                let kind = action.spec.action;
                return Err(format!("{kind} is answered {result:?}, and applied: {is_applied}"));
            }
        }
        Ok(())
    }
}

/// Whether an effect brings a version further.
fn is_forward(effect: &Effect, version: &str) -> bool {
    match effect {
        Effect::SetImage(set) => set.to.ends_with(version),
        Effect::SetTrack(set) => set.replicas > 0 && set.image.ends_with(version),
        Effect::SetTraffic(set) => set.to > set.from,
        _ => false,
    }
}
