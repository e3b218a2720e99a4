//! Reaching a split of pods and traffic, one harmless move at a time: more pods first, then traffic, then fewer pods.
//!
//! Pure, and about one component only. What is meant (`intent`) is stored before it is done; a move therefore either names what is to
//! be meant next, or carries out what is meant already. Traffic goes nowhere before pods are available there, and no pod leaves
//! before what it served is served elsewhere.

use crate::api::strategy::{Track, Weight};
use crate::domain::rollout::TrafficState;
use crate::domain::rollout_status::{RolloutStatus, WorkloadState};
use crate::domain::rollout_verdict::rollout_status;
use crate::domain::weight::{Split, rounded_up};

/// One component as it is seen and meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// What the second workload is for.
    pub track: Track,
    /// The component's own workload.
    pub own: &'a WorkloadState,
    /// The second one; nothing while it does not exist.
    pub second: Option<&'a WorkloadState>,
    /// The image that the second one is to run.
    pub image: &'a str,
    /// Whether a router carries the traffic, and what its objects state.
    pub router: Router<'a>,
    /// What stands in the status.
    pub intent: Split,
    /// The share that was last seen where it was meant to be.
    pub verified: Option<i32>,
    /// Pods that carry the whole load.
    pub capacity: i32,
    /// Who else sets the size of the own workload, and what its router and the second one are like.
    pub conditions: ShiftConditions,
    /// Going back: what serves badly is left as soon as anything else serves.
    pub is_urgent: bool,
}

/// What limits the moves of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ShiftConditions {
    /// An autoscaler sets the size of the own workload: it is never written.
    pub is_autoscaled: bool,
    /// The router sends all or nothing.
    pub is_all_or_nothing: bool,
    /// The second one is a copy of a pod template that somebody changed since.
    pub is_outdated: bool,
    /// Traffic has waited long enough for the own workload to grow.
    pub is_overdue: bool,
}

/// Who carries the traffic of a component.
#[derive(Clone, Copy, Debug)]
pub(super) enum Router<'a> {
    /// Replicas.
    None,
    /// A router, of which nothing has been read.
    Unread,
    /// A router, and what its objects say.
    Read(&'a TrafficState),
}

/// What comes next for a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// The goal is reached and seen.
    Reached,
    /// This is to be meant next, and stored before it is done.
    Intend(Split),
    /// Bring the second workload to what is meant.
    SetSecond,
    /// Remove the second workload.
    Remove,
    /// Bring the own workload from so many pods to what is meant.
    SetOwn(i32),
    /// Bring the router from that share to what is meant.
    SetTraffic(Weight),
    /// Wait, for that.
    Wait(String),
    /// The router states something that nobody here meant.
    Drifted(String),
}

impl Scene<'_> {
    /// The next move towards a goal.
    pub(super) fn next_move(&self, goal: Split) -> Move {
        let stated = match self.stated(goal) {
            Ok(stated) => stated,
            Err(otherwise) => return otherwise,
        };
        if let Some(retreat) = self.retreat(goal, stated.unwrap_or(0)) {
            return retreat;
        }
        if let Some(mend) = self.mend(goal, stated) {
            return mend;
        }
        let intent = self.intent;
        if stated.is_some_and(|stated| stated != intent.traffic) {
            let is_more = stated < Some(intent.traffic);
            // the load may have grown since the share was meant
            if is_more && goal.second > intent.second && goal.traffic >= intent.traffic {
                return self.approach(goal);
            }
            let ready = if is_more { self.second_ready() } else { self.own_serves(intent) };
            return ready.err().map_or_else(|| Move::SetTraffic(weight(stated.unwrap_or(0))), Move::Wait);
        }
        if let Router::Read(state) = self.router
            && !(state.is_accepted || state.is_gone)
            && intent.traffic.saturating_add(self.verified.unwrap_or(0)) > 0
        {
            return Move::Wait(format!(
                "the router has not accepted {}% yet: {}",
                intent.traffic, state.detail
            ));
        }
        if intent == goal { self.arrived(goal) } else { self.approach(goal) }
    }

    /// The share that the router's objects state; nothing where there is no router.
    fn stated(&self, goal: Split) -> Result<Option<i32>, Move> {
        let state = match self.router {
            Router::None => return Ok(None),
            Router::Unread => return Err(Move::Wait("the router has not been read yet".to_owned())),
            // what is gone sends nothing anywhere, so that nothing keeps the second workload
            Router::Read(state) if state.is_gone && goal.traffic == 0 && goal.second == 0 => {
                return Ok(Some(0));
            }
            Router::Read(state)
                if state.is_gone && self.intent.traffic.saturating_add(self.verified.unwrap_or(0)) > 0 =>
            {
                return Err(Move::Drifted(format!(
                    "somebody else changed the router of {}: {}, where {}% was meant for {}",
                    self.own.name,
                    state.detail,
                    self.intent.traffic,
                    self.second_name()
                )));
            }
            Router::Read(state) => state,
        };
        let Some(stated) = state.weight.map(|weight| i32::from(weight.percent())) else {
            return Err(Move::Wait(format!("the router cannot be read: {}", state.detail)));
        };
        let meant = self.intent.traffic;
        if stated == meant || Some(stated) == self.verified {
            return Ok(Some(stated));
        }
        Err(Move::Drifted(format!(
            "somebody else changed the router of {}: it sends {stated}% to {}, where {meant}% was meant",
            self.own.name,
            self.second_name()
        )))
    }

    /// Whether a Service of the second workload is gone.
    fn lacks(&self) -> bool {
        matches!(self.router, Router::Read(state) if state.lacks.is_some())
    }

    /// Whether anything is left of what was made for the second workload.
    fn remains(&self) -> bool {
        matches!(self.router, Router::Read(state) if state.remains.is_some())
    }

    fn second_name(&self) -> String {
        self.track.workload_name(&self.own.name)
    }

    /// Traffic that has to come back comes back before anything else, as far as the own workload can take it.
    fn retreat(&self, goal: Split, stated: i32) -> Option<Move> {
        let intent = self.intent;
        let least = if stated <= goal.traffic { goal.traffic } else { self.least_share(goal) };
        if intent.traffic > least {
            return Some(Move::Intend(Split { traffic: least, ..intent }));
        }
        let comes_back =
            goal.traffic <= intent.traffic && stated > intent.traffic && self.own_serves(intent).is_ok();
        comes_back.then(|| Move::SetTraffic(weight(stated)))
    }

    /// The smallest share of the second workload that leaves no more to the own one than it can serve: an autoscaler that took its pods
    /// away while it served nothing adds them again only under load.
    fn least_share(&self, goal: Split) -> i32 {
        if self.own_serves(goal).is_ok() {
            return goal.traffic;
        }
        let capacity = i64::from(self.capacity.max(1));
        let bearable =
            i64::from(self.own.available.max(0)).saturating_mul(OVERLOAD).checked_div(capacity).unwrap_or(0);
        let rest = i32::try_from(100_i64.saturating_sub(bearable.min(100))).unwrap_or(100);
        // by fives, which most routers can state beside other backends
        let share = (rest.saturating_add(4) / 5).saturating_mul(5).max(goal.traffic);
        let can =
            !self.conditions.is_all_or_nothing && self.own_serves(Split { traffic: share, ..goal }).is_ok();
        if can { share } else { 100 }
    }

    /// Whether traffic that is to leave the second workload waits for pods of the own one.
    pub(super) fn is_short(&self, goal: Split) -> bool {
        let stated = self.stated(goal).ok().flatten().unwrap_or(0);
        let leaves = stated.max(self.intent.traffic) > goal.traffic
            || (matches!(self.router, Router::None) && goal.second == 0 && self.second.is_some());
        let conditions = ShiftConditions { is_overdue: false, ..self.conditions };
        leaves && Scene { conditions, ..*self }.own_serves(goal).is_err()
    }

    /// What the workloads lack of what is meant: growth first. Whatever shrinks is asked once more at this very moment whether the
    /// other side serves what it leaves, since pods may have died after it was meant.
    fn mend(&self, goal: Split, stated: Option<i32>) -> Option<Move> {
        let (intent, own) = (self.intent, self.own);
        let unless = |ready: Result<(), String>, done: Move| Some(ready.err().map_or(done, Move::Wait));
        let sets_own = matches!(self.router, Router::None) && !self.conditions.is_autoscaled;
        if sets_own && own.desired < intent.own {
            return Some(Move::SetOwn(own.desired));
        }
        match self.second {
            None if intent.second == 0 && intent.traffic == 0 && stated == Some(0) && self.remains() => {
                return Some(Move::Remove);
            }
            // what goes away next is not made again
            None if goal.second == 0 && stated.unwrap_or(0) == 0 => {}
            None if intent.second > 0 => return Some(Move::SetSecond),
            None => {}
            Some(_) if intent.second == 0 => return unless(self.own_serves(intent), Move::Remove),
            Some(_) if goal.second > 0 && self.lacks() => return Some(Move::SetSecond),
            Some(second) => {
                let shrinks = second.desired > intent.second && goal.second < second.desired;
                let is_another = second.image.as_deref() != Some(self.image) || self.conditions.is_outdated;
                if is_another || second.desired < intent.second {
                    return Some(Move::SetSecond);
                }
                if shrinks {
                    return unless(self.own_serves(intent), Move::SetSecond);
                }
            }
        }
        // a router leaves the own workload whole; that somebody made it larger is none of this release's business
        let shrinks = sets_own && own.desired > intent.own && goal.own <= intent.own;
        let others = if goal.second == 0 { Ok(()) } else { self.second_ready() };
        if shrinks { unless(others, Move::SetOwn(own.desired)) } else { None }
    }

    /// The next thing to mean on the way to a goal.
    fn approach(&self, goal: Split) -> Move {
        let intent = self.intent;
        if goal.second > intent.second || goal.own > intent.own {
            let second = goal.second.max(intent.second);
            return Move::Intend(Split { second, own: goal.own.max(intent.own), ..intent });
        }
        if (goal.traffic > intent.traffic || goal.own < intent.own)
            && let Err(why) = self.second_ready()
        {
            return Move::Wait(why);
        }
        if (goal.traffic < intent.traffic || goal.second < intent.second)
            && let Err(why) = self.own_serves(goal)
        {
            return Move::Wait(why);
        }
        if goal.traffic == intent.traffic {
            Move::Intend(goal)
        } else {
            Move::Intend(Split { traffic: goal.traffic, ..intent })
        }
    }

    fn arrived(&self, goal: Split) -> Move {
        let own = match self.router {
            Router::None if goal.second > 0 || goal.own > 0 => self.own_complete(goal.own),
            _ => Ok(()),
        };
        let second = if goal.second > 0 { self.second_ready() } else { Ok(()) };
        second.and(own).err().map_or(Move::Reached, Move::Wait)
    }

    /// Whether as many pods of the second workload as are meant can serve.
    fn second_ready(&self) -> Result<(), String> {
        let name = self.second_name();
        let Some(second) = self.second else {
            return if self.intent.second == 0 { Ok(()) } else { Err(format!("waiting for {name}")) };
        };
        let available = second.updated_available();
        let is_seen = second.observed_generation >= second.generation;
        if is_seen && available >= self.intent.second {
            return Ok(());
        }
        match rollout_status(second) {
            RolloutStatus::Waiting(message) => Err(message),
            _ => Err(format!("{name}: {available} of {} pods are available", self.intent.second)),
        }
    }

    fn own_complete(&self, wanted: i32) -> Result<(), String> {
        let own = self.own;
        if self.conditions.is_autoscaled
            || (own.observed_generation >= own.generation && own.available >= wanted)
        {
            return Ok(());
        }
        Err(format!("{}: {} of {wanted} pods are available", own.name, own.available.min(wanted)))
    }

    /// Whether the own workload can serve what the second one leaves to it.
    ///
    /// Where a router carries the traffic that is its part of the capacity. What has all the pods that its autoscaler wants, and what
    /// goes back in a hurry, may be overloaded by half: no autoscaler adds pods before there is load for them.
    fn own_serves(&self, left: Split) -> Result<(), String> {
        let own = self.own;
        let is_whole = own.observed_generation >= own.generation && own.available >= own.desired;
        let serves_nothing = self.second.is_none_or(|second| second.available == 0);
        let is_overdue = self.conditions.is_overdue && (is_whole || self.is_urgent);
        let is_idle = matches!(self.router, Router::Read(_))
            && self.intent.traffic == 0
            && self.stated(left).is_ok_and(|stated| stated == Some(0));
        let wanted = match self.router {
            // what gets no traffic leaves nothing behind
            _ if is_idle => return Ok(()),
            Router::None if left.own <= 0 => return Ok(()),
            Router::None if self.is_urgent && serves_nothing => 0,
            Router::None if self.conditions.is_autoscaled && is_overdue => 1,
            Router::None => left.own,
            _ if self.capacity <= 0 || left.traffic >= 100 => return Ok(()),
            _ if is_overdue || (self.is_urgent && serves_nothing) => 1,
            _ => {
                let part = rounded_up(self.capacity, 100_i32.saturating_sub(left.traffic.clamp(0, 100)));
                // two thirds, rounded up
                let most = part.saturating_sub(part.div_euclid(3));
                if is_whole || self.is_urgent { most } else { part }
            }
        };
        if own.available >= wanted {
            return Ok(());
        }
        Err(format!("{}: {} of {wanted} pods that must serve are available", own.name, own.available))
    }
}

/// How much of its own share, in per cent, the own workload may serve for a while: two pods do the work of three.
const OVERLOAD: i64 = 150;

fn weight(percent: i32) -> Weight {
    u8::try_from(percent).ok().and_then(Weight::new).unwrap_or_default()
}

#[cfg(test)]
mod tests;
