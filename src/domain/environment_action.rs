//! What people ask of an environment itself: freeze it, deny an image, stop everything, scale, restart, review a debt.
//!
//! Owns what becomes of such an action and of the environment's status. Must not know how anything is stored or done. Safe to stop
//! at any line: what was there is written down before a workload is touched, an effect that was done is found done, and the
//! action's name stands in the status before it is answered. `ledger` keeps what releases leave behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::action::Verdict;
use super::rollout_status::WorkloadState;
use super::{attested, freeze, identity, judged};
use crate::api::environment::{
    DeniedDigest, Environment, EnvironmentStatus, Frozen, Retired, ScaledComponent, Stop,
};
use crate::api::names::ComponentName;
use crate::api::release::Release;
use crate::api::release_action::{ActionKind, ActionResult, Parameters, ReleaseAction};
use crate::domain::span;

mod expiry;
pub(crate) mod ledger;
mod message;
mod operate;
mod restore;

pub(crate) use expiry::{expire, next_expiry};
pub(crate) use restore::{Restored, restored};

/// Digests that an object may hold.
const DENIED: usize = 256;
/// How old a wish to scale or restart may be when it is come to; later it would take people by surprise.
const FRESH: TimeDelta = TimeDelta::minutes(10);

/// How long a retired Environment may be deleted.
const RETIRED_FOR: TimeDelta = TimeDelta::hours(1);

/// What an action is judged on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// The environment with its status.
    pub environment: &'a Environment,
    /// Workloads by component; those that do not exist are absent.
    pub workloads: &'a BTreeMap<String, WorkloadState>,
    /// Names of the autoscalers that set the size of a component.
    pub autoscalers: &'a BTreeMap<String, String>,
    /// The releases of the environment.
    pub releases: &'a [Arc<Release>],
}

/// What becomes of an action: the status to store first, the effect, the status to store then, and the answer, in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// What must be written down before the effect.
    pub before: Option<EnvironmentStatus>,
    /// What is done to a workload.
    pub effect: Option<Effect>,
    /// What is written down once everything is done.
    pub after: Option<EnvironmentStatus>,
}

/// What is done to a workload; harmless when done twice, since the workload bears the action's name afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Set the size.
    Scale {
        /// The component.
        component: ComponentName,
        /// Replicas that must still be wanted.
        from: i32,
        /// Replicas wanted from then on.
        to: i32,
    },
    /// Start the pods anew.
    Restart {
        /// The component.
        component: ComponentName,
    },
}

/// Whether an action can only stop something: it is obeyed from anybody, at once, and nothing begins before it is judged. Whatever
/// opens or changes something needs an attested author.
#[must_use]
pub(crate) const fn only_stops(kind: ActionKind) -> bool {
    matches!(kind, ActionKind::Freeze | ActionKind::Deny | ActionKind::AbortAll)
}

/// Whether an action stops something, for everybody or for one release. Such actions are judged before all others and never wait for
/// another action, a workload or another release.
#[must_use]
pub(crate) const fn stops(kind: ActionKind) -> bool {
    only_stops(kind) || matches!(kind, ActionKind::Pause | ActionKind::Abort | ActionKind::Reject)
}

/// The refusal of an `Allow` that is older than a `Deny` of the same digest which was judged before it. Absent when there is none.
#[must_use]
pub(crate) fn overtaken(action: &ReleaseAction, all: &[Arc<ReleaseAction>]) -> Option<Verdict> {
    let digest =
        |action: &ReleaseAction| action.spec.parameters.as_ref().and_then(|given| given.digest.clone());
    if action.spec.action != ActionKind::Allow {
        return None;
    }
    let is_later = |other: &&Arc<ReleaseAction>| {
        other.spec.action == ActionKind::Deny
            && other.status.as_ref().is_some_and(|status| status.result == Some(ActionResult::Applied))
            && other.created_at() > action.created_at()
            && digest(other) == digest(action)
    };
    let later = all.iter().find(is_later)?;
    let message = format!("{} has denied it since: allow it again", later.spec.actor);
    Some(Verdict { result: ActionResult::Refused, message, is_suspicious: false })
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A refusal, as a sentence.
type Refusal = (String, bool);

fn no(message: impl Into<String>) -> Refusal {
    (message.into(), false)
}

/// Judges one action against the environment as it stands.
#[must_use]
pub(crate) fn judge(seen: &Situation<'_>, action: &ReleaseAction, now: DateTime<Utc>) -> Judgement {
    let stored = seen.environment.status.clone().unwrap_or_default();
    let uid = action.metadata.uid.clone().unwrap_or_default();
    let case = Case { seen, action, now };
    // judged and written down, but the answer was lost on its way
    if let Some(result) = judged::verdict(&stored.judged_actions, &uid) {
        let verdict = if result == ActionResult::Applied {
            message::applied(&stored, action)
        } else {
            let now = case.change(&stored).err();
            refused(now.unwrap_or_else(|| no("it did not fit when it was judged")))
        };
        return Judgement { verdict, before: None, effect: None, after: None };
    }
    match case.change(&stored) {
        Err(refusal) => {
            let mut after = stored;
            judged::remember(&mut after.judged_actions, &uid, ActionResult::Refused);
            Judgement { verdict: refused(refusal), before: None, effect: None, after: Some(after) }
        }
        Ok(mut change) => {
            judged::remember(&mut change.after.judged_actions, &uid, ActionResult::Applied);
            Judgement {
                verdict: message::applied(&change.after, action),
                before: change.before.filter(|before| *before != stored),
                effect: change.effect,
                after: Some(change.after),
            }
        }
    }
}

fn refused((message, is_suspicious): Refusal) -> Verdict {
    Verdict { result: ActionResult::Refused, message, is_suspicious }
}

struct Change {
    before: Option<EnvironmentStatus>,
    effect: Option<Effect>,
    after: EnvironmentStatus,
}

struct Case<'a> {
    seen: &'a Situation<'a>,
    action: &'a ReleaseAction,
    now: DateTime<Utc>,
}

impl Case<'_> {
    fn change(&self, stored: &EnvironmentStatus) -> Result<Change, Refusal> {
        if let Some(why) = super::action::unknown(self.action) {
            return Err(no(why));
        }
        let kind = self.action.spec.action;
        if !only_stops(kind) && !attested::is_attested(self.seen.environment, self.action.created_at()) {
            return Err(no(format!(
                "the admission policies were not in force, so that nobody attests that {} asked for this",
                self.action.spec.actor
            )));
        }
        let mut after = stored.clone();
        if let Some(outcome) = self.on_status(&mut after) {
            return outcome.map(|()| Change { before: None, effect: None, after });
        }
        match kind {
            ActionKind::Scale => self.scale(stored),
            ActionKind::Restart => self.restart(stored),
            other => Err(no(format!("{other} does not act on an environment"))),
        }
    }

    /// Carries out what changes nothing but the status; nothing where the action is of another kind.
    fn on_status(&self, after: &mut EnvironmentStatus) -> Option<Result<(), Refusal>> {
        Some(match self.action.spec.action {
            ActionKind::Freeze => self.freeze().map(|frozen| freeze::add(after, frozen)),
            ActionKind::Unfreeze => self.unfreeze(after),
            ActionKind::Deny => self.deny(after),
            ActionKind::Allow => self.allow(after),
            ActionKind::AbortAll => {
                if after.stop.as_ref().is_none_or(|stop| stop.at <= self.at()) {
                    after.stop = Some(self.stop());
                }
                Ok(())
            }
            ActionKind::Review => self.review(after),
            ActionKind::Retire => self.retire(after),
            _ => return None,
        })
    }

    /// Permits the deletion of the Environment for a time. What it holds stays in the records, and comes back with it.
    fn retire(&self, after: &mut EnvironmentStatus) -> Result<(), Refusal> {
        let executing = self.seen.releases.iter().find(|release| release.phase().holds_lane());
        if let Some(release) = executing {
            let name = release.metadata.name.as_deref().unwrap_or_default();
            return Err(no(format!("{name} is being executed: abort it, or wait for its end")));
        }
        let until = span::after(self.at(), RETIRED_FOR);
        if until <= self.now {
            return Err(no(format!("its time was over at {}", time(until))));
        }
        after.retired = Some(Retired { by: self.by(), at: self.at(), until, reason: self.reason() });
        Ok(())
    }

    fn parameters(&self) -> Parameters {
        self.action.spec.parameters.clone().unwrap_or_default()
    }

    fn by(&self) -> String {
        self.action.spec.actor.clone()
    }

    fn reason(&self) -> String {
        self.action.spec.reason.clone().unwrap_or_default()
    }

    /// The time of the act, which no client can choose.
    fn at(&self) -> DateTime<Utc> {
        self.action.created_at().unwrap_or(self.now)
    }

    fn until(&self) -> Result<Option<DateTime<Utc>>, Refusal> {
        match self.parameters().until {
            Some(until) if until <= self.now => Err(no(format!("its time was over at {}", time(until)))),
            until => Ok(until),
        }
    }

    fn freeze(&self) -> Result<Frozen, Refusal> {
        let parameters = self.parameters();
        Ok(Frozen {
            by: self.by(),
            at: Some(self.at()),
            until: self.until()?,
            reason: self.reason(),
            in_flight: parameters.in_flight.unwrap_or_default(),
            incident: parameters.incident,
        })
    }

    /// Whether the author of this action can have seen what somebody did at that instant. The server keeps whole seconds: of what
    /// was done in the same second, only one's own is surely known.
    fn has_seen(&self, by: &str, at: Option<DateTime<Utc>>) -> bool {
        let is_own = || identity::is_same_in(Some(self.seen.environment), by, &self.action.spec.actor);
        at.is_none_or(|at| at < self.at() || at == self.at() && is_own())
    }

    /// Ends the freezes that its author saw, not those that came later.
    fn unfreeze(&self, after: &mut EnvironmentStatus) -> Result<(), Refusal> {
        let by =
            after.frozen.as_ref().map(|frozen| frozen.by.clone()).ok_or_else(|| no("it is not frozen"))?;
        if freeze::lift(after, |frozen| self.has_seen(&frozen.by, frozen.at)).is_empty() {
            return Err(no(format!("{by} froze it again since")));
        }
        Ok(())
    }

    fn digest(&self) -> Result<String, Refusal> {
        self.parameters().digest.ok_or_else(|| no("it names no digest"))
    }

    fn deny(&self, after: &mut EnvironmentStatus) -> Result<(), Refusal> {
        let entry = DeniedDigest {
            digest: self.digest()?,
            reason: Some(self.reason()),
            by: Some(self.by()),
            at: Some(self.at()),
            until: self.until()?,
        };
        if let Some(known) = after.denied.iter_mut().find(|denied| denied.digest == entry.digest)
            && !freeze::is_as_late(entry.until, known.until)
        {
            // the longer denial stays, and an Allow from before this one does not lift it
            known.at = known.at.max(entry.at);
            return Ok(());
        }
        after.denied.retain(|denied| denied.digest != entry.digest);
        if after.denied.len() >= DENIED {
            return Err(no(format!("the deny list is full: it holds {DENIED} digests; allow some of them")));
        }
        after.denied.push(entry);
        Ok(())
    }

    fn allow(&self, after: &mut EnvironmentStatus) -> Result<(), Refusal> {
        let digest = self.digest()?;
        let known = after.denied.iter().position(|denied| denied.digest == digest);
        let known = known.ok_or_else(|| no("this digest is not on the deny list"))?;
        let by = after.denied[known].by.clone().unwrap_or_default();
        if !self.has_seen(&by, after.denied[known].at) {
            return Err(no(format!("{by} has denied it again since")));
        }
        after.denied.remove(known);
        Ok(())
    }

    fn stop(&self) -> Stop {
        let action = self.action.metadata.name.clone().unwrap_or_default();
        Stop { by: self.by(), at: self.at(), reason: self.reason(), action }
    }

    fn review(&self, after: &mut EnvironmentStatus) -> Result<(), Refusal> {
        let id = self.parameters().debt.ok_or_else(|| no("it names no debt"))?;
        let found = after.debts.iter().position(|debt| debt.id == id);
        let debt = found.map(|index| after.debts.remove(index));
        let debt =
            debt.ok_or_else(|| no(format!("there is no debt {id}: it may have been reviewed already")))?;
        if identity::is_same_in(Some(self.seen.environment), &debt.by, &self.action.spec.actor) {
            return Err((
                format!("{} made this debt: another person reviews it", self.action.spec.actor),
                true,
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
