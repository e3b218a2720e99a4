//! How large the workloads of a component are to be: by what serves now, and not by what served when the release began.

use chrono::TimeDelta;

use super::Draft;
use crate::api::release::TrackProgress;
use crate::api::strategy::{Track, TrafficRouting};
use crate::domain::rollout_status::WorkloadState;
use crate::domain::timeline::CONTROLLER;
use crate::domain::track;
use crate::domain::weight::{self, Split};

/// How long the capacity stays after it changed before it may shrink: a size that goes up and down makes few writes.
const SHRINKS_AFTER: TimeDelta = TimeDelta::seconds(60);
/// How long traffic waits for the own workload to grow; all of it goes back then, since nobody may wait for ever to go back.
pub(super) const CAPACITY_PATIENCE: TimeDelta = TimeDelta::seconds(120);

impl Draft<'_> {
    /// The router of a second workload: as the release began with it.
    pub(super) fn routing_of(&self, entry: &TrackProgress) -> Option<TrafficRouting> {
        match &entry.place {
            Some(place) => place.routing.clone(),
            None => track::routing(&self.settings()?, &entry.component),
        }
    }

    /// Pods that carry the whole load of a component.
    pub(super) fn capacity(&self, entry: &TrackProgress) -> i32 {
        entry.capacity.unwrap_or_else(|| self.pods_before(&entry.component))
    }

    /// Follows the size of the own workload, which people and autoscalers set; `may_shrink` while nothing depends on the old one.
    pub(super) fn follow_size(&mut self, index: usize, own: &WorkloadState, may_shrink: bool) {
        let Some(entry) = self.status.tracks.get(index) else { return };
        let before = self.capacity(entry);
        let is_routed = self.routing_of(entry).is_some();
        let has_second = self.observed.tracks.contains_key(entry.component.as_str());
        let is_settled = entry.sized_at.is_none_or(|at| self.now.signed_duration_since(at) >= SHRINKS_AFTER);
        let wanted = if is_routed {
            routed_capacity(entry, own.desired, before)
        } else {
            unrouted_capacity(entry, own.desired, self.desired_weight().percent())
        };
        let now =
            if wanted < before && !(may_shrink && (is_settled || !has_second)) { before } else { wanted };
        let has_moved = now != before && entry.capacity.is_some();
        let Some(entry) = self.status.tracks.get_mut(index) else { return };
        if is_routed {
            entry.stable_desired = own.desired;
        } else if is_foreign(entry, own.desired) && may_take(entry, own.desired) {
            (entry.stable_desired, entry.stable_seen) = (own.desired, Some(own.desired));
        } else if own.desired == entry.stable_desired {
            entry.stable_seen = Some(own.desired);
        }
        entry.capacity = Some(now);
        if has_moved {
            entry.sized_at = Some(self.now);
            if has_second {
                let name = &entry.workload;
                let said = format!(
                    "{} wants {} pods now: {name} is sized for a load of {now} pods, not of {before}",
                    own.name, own.desired
                );
                self.note(CONTROLLER, "Resized", &said);
            }
        }
    }

    /// What is meant already, with no fewer pods than that needs now.
    pub(super) fn stay(&self, entry: &TrackProgress, is_routed: bool) -> Split {
        let intent = super::tracks::intent_of(entry);
        if !is_routed || intent.second == 0 {
            return intent;
        }
        let capacity = self.capacity(entry);
        let needed =
            if entry.track == Track::Green { capacity } else { weight::rounded_up(capacity, intent.traffic) };
        Split { second: intent.second.max(needed), ..intent }
    }

    /// Why nobody but the controller may set the size of the own workload now; nothing where that is so.
    pub(super) fn scaled_by_others(&self, index: usize, own: &WorkloadState) -> Option<String> {
        let entry = self.status.tracks.get(index)?;
        if self.routing_of(entry).is_some() {
            return None;
        }
        if let Some(name) = self.observed.autoscalers.get(entry.component.as_str()) {
            return Some(format!(
                "HorizontalPodAutoscaler {name} sets the size of {} since the release began, and the ratio of pods carries the weight",
                own.name
            ));
        }
        (is_foreign(entry, own.desired) && !may_take(entry, own.desired)).then(|| {
            format!(
                "somebody else scaled {} to {} pods, where {} were meant",
                own.name, own.desired, entry.stable_desired
            )
        })
    }
}

/// The pods that carry the whole load where `own` pods serve all of it but the second workload's share. An autoscaler takes pods away
/// in proportion to the share that has left; fewer than that mean that the load is smaller.
fn routed_capacity(entry: &TrackProgress, own: i32, before: i32) -> i32 {
    let gone = i64::from(entry.traffic.max(entry.verified.unwrap_or(0)).clamp(0, 100));
    let own = own.max(0);
    let left = 100_i64.saturating_sub(gone);
    let hundredths = i64::from(own).saturating_mul(100).saturating_add(left).saturating_sub(1);
    let most = hundredths.checked_div(left).and_then(|most| i32::try_from(most).ok()).unwrap_or(i32::MAX);
    before.clamp(own, most).max(1)
}

/// Without a router both workloads together carry the load, and what somebody else adds to one of them is added to both.
fn unrouted_capacity(entry: &TrackProgress, own: i32, percent: u8) -> i32 {
    let before = entry.capacity.unwrap_or(entry.stable_desired);
    // nobody scales to nothing because of the load
    if !is_foreign(entry, own) || own == 0 {
        return before;
    }
    if percent == 100 || entry.stable_desired == 0 {
        before.max(own)
    } else {
        own.saturating_add(entry.desired)
    }
}

/// Whether the own workload has a size that is neither meant nor on the way to it.
fn is_foreign(entry: &TrackProgress, own: i32) -> bool {
    entry.stable_seen.is_some_and(|seen| seen != own) && own != entry.stable_desired
}

/// Whether that size becomes what is meant: never where the own workload was to have no pods at all.
const fn may_take(entry: &TrackProgress, own: i32) -> bool {
    entry.stable_desired > 0 && own > 0
}
