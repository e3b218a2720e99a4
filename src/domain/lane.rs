//! Whose turn it is in an environment. A waiting release holds nothing: the lane is taken only while one executes.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::release::{GateState, Phase, Release, ReleaseKind};

pub mod claim;

/// Name of the gate that tells the turn.
pub const GATE: &str = "lane";

/// Whether a release may take the lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Free,
    /// Another one executes.
    Taken {
        /// Its name.
        name: String,
        /// Since when.
        since: Option<DateTime<Utc>>,
    },
    /// An older one is ready as well and goes first.
    Behind(String),
}

/// What orders releases: when the API server accepted them, then their names.
#[must_use]
pub fn order(release: &Release) -> (DateTime<Utc>, &str) {
    (release.created_at().unwrap_or_default(), release.metadata.name.as_deref().unwrap_or_default())
}

fn is_rival(me: &Release, other: &Release) -> bool {
    other.spec.environment == me.spec.environment
        && other.metadata.namespace == me.metadata.namespace
        && other.metadata.uid != me.metadata.uid
}

/// The release of the same environment that executes at present, if any.
#[must_use]
pub fn holder<'a>(me: &Release, others: &'a [Arc<Release>]) -> Option<&'a Release> {
    others
        .iter()
        .map(AsRef::as_ref)
        .filter(|other| is_rival(me, other) && other.phase().holds_lane())
        .min_by_key(|other| order(other))
}

/// Whose turn it is, as `me` sees it while it waits. A rollback does not queue behind waiting releases.
#[must_use]
pub fn turn(me: &Release, others: &[Arc<Release>]) -> Turn {
    if let Some(other) = holder(me, others) {
        let since = other.status.as_ref().and_then(|status| status.started_at);
        return Turn::Taken { name: other.metadata.name.clone().unwrap_or_default(), since };
    }
    let oldest = ahead(me, others).into_iter().next();
    oldest.map_or(Turn::Free, |other| Turn::Behind(other.metadata.name.clone().unwrap_or_default()))
}

/// The releases that are ready as well and go before `me`, oldest first. None goes before a rollback.
#[must_use]
pub fn ahead<'a>(me: &Release, others: &'a [Arc<Release>]) -> Vec<&'a Release> {
    if me.spec.kind == ReleaseKind::Rollback {
        return Vec::new();
    }
    let mut ahead: Vec<&Release> = others
        .iter()
        .map(AsRef::as_ref)
        .filter(|other| is_rival(me, other) && is_ready(other) && order(other) < order(me))
        .collect();
    ahead.sort_by_key(|other| order(other));
    ahead
}

/// `1st`, `2nd`, `3rd`, `4th`.
#[must_use]
pub fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Whether a waiting release was last seen with nothing but its turn missing.
#[must_use]
pub fn is_ready(release: &Release) -> bool {
    let Some(status) = &release.status else { return false };
    status.phase == Phase::Pending
        && !status.gates.is_empty()
        && status.gates.iter().all(|gate| gate.name == GATE || gate.state == GateState::Pass)
}

/// The newest release that takes the place of the waiting `me`, where the policy says so: one that has been accepted into the queue,
/// runs, or ran to its good end. Nothing takes the place of a rollback or an emergency.
#[must_use]
pub fn superseded_by<'a>(me: &Release, others: &'a [Arc<Release>]) -> Option<&'a Release> {
    if me.spec.kind == ReleaseKind::Rollback || me.spec.emergency == Some(true) {
        return None;
    }
    others
        .iter()
        .map(AsRef::as_ref)
        .filter(|other| is_rival(me, other) && order(other) > order(me))
        .filter(|other| {
            let judged = other.status.as_ref().is_some_and(|status| !status.gates.is_empty());
            other.phase().holds_lane()
                // one that found its version running has taken nobody's place
                || other.phase() == Phase::Succeeded
                    && other.status.as_ref().is_some_and(|status| status.started_at.is_some())
                || other.phase() == Phase::Pending && judged
        })
        .max_by_key(|other| order(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::GateStatus;
    use crate::domain::fixtures::release_at;

    fn with(name: &str, secs: i64, phase: Phase, gates: &[(&str, GateState)]) -> Arc<Release> {
        let mut release = release_at(name, "v2", secs);
        let status = release.status.get_or_insert_default();
        status.phase = phase;
        status.started_at = (phase == Phase::Succeeded).then(|| crate::domain::fixtures::at(secs));
        status.gates = gates
            .iter()
            .map(|(name, state)| GateStatus {
                name: (*name).into(),
                state: *state,
                detail: String::new(),
                ..GateStatus::default()
            })
            .collect();
        Arc::new(release)
    }

    fn taken() -> Turn {
        Turn::Taken { name: "other".into(), since: None }
    }

    #[test]
    fn places_in_the_queue_count_those_that_are_ready_and_older() {
        let me = release_at("me", "v2", 100);
        let ready = [("approval", GateState::Pass), (GATE, GateState::Wait)];
        let waiting = [("approval", GateState::Wait), (GATE, GateState::Wait)];
        let others = [
            with("third", 30, Phase::Pending, &ready),
            with("first", 10, Phase::Pending, &ready),
            with("unready", 20, Phase::Pending, &waiting),
            with("younger", 200, Phase::Pending, &ready),
        ];
        let names: Vec<_> =
            ahead(&me, &others).into_iter().map(|r| r.metadata.name.clone().unwrap()).collect();
        assert_eq!(names, ["first", "third"]);
        let ordinals: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).into();
        assert_eq!(ordinals, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]);
    }

    #[test]
    fn only_execution_holds_the_lane() {
        let me = release_at("me", "v2", 100);
        for (phase, expected) in [
            (Phase::Pending, Turn::Free),
            (Phase::Progressing, taken()),
            (Phase::Paused, taken()),
            (Phase::Verifying, taken()),
            (Phase::RollingBack, taken()),
            (Phase::Held, taken()),
            (Phase::Succeeded, Turn::Free),
            (Phase::Errored, Turn::Free),
        ] {
            assert_eq!(turn(&me, &[with("other", 1, phase, &[])]), expected, "{phase}");
        }
    }

    #[test]
    fn the_oldest_ready_goes_first() {
        let me = release_at("me", "v2", 100);
        let ready = [("approval", GateState::Pass), (GATE, GateState::Wait)];
        let waiting = [("approval", GateState::Wait), (GATE, GateState::Wait)];
        for (secs, gates, expected) in
            [(1, &ready, Turn::Behind("other".into())), (1, &waiting, Turn::Free), (200, &ready, Turn::Free)]
        {
            assert_eq!(turn(&me, &[with("other", secs, Phase::Pending, gates)]), expected);
        }
        let mut rollback = me.clone();
        rollback.spec.kind = ReleaseKind::Rollback;
        assert_eq!(turn(&rollback, &[with("other", 1, Phase::Pending, &ready)]), Turn::Free);
    }

    #[test]
    fn other_environments_have_their_own_lane() {
        let me = release_at("me", "v2", 100);
        let mut other = (*with("other", 1, Phase::Progressing, &[])).clone();
        other.spec.environment = "staging".into();
        assert_eq!(turn(&me, &[Arc::new(other)]), Turn::Free);
    }

    #[test]
    fn a_newer_release_that_was_refused_supersedes_nobody() {
        let me = release_at("me", "v2", 100);
        let gates = [("version", GateState::Pass)];
        for (secs, phase, gates, expected) in [
            (200, Phase::Pending, &gates[..], true),
            (200, Phase::Pending, &[][..], false),
            (200, Phase::Failed, &gates[..], false),
            (200, Phase::Succeeded, &gates[..], true),
            (50, Phase::Pending, &gates[..], false),
        ] {
            let others = [with("other", secs, phase, gates)];
            let mut idle = (*others[0]).clone();
            idle.status.as_mut().unwrap().started_at = None;
            let is_idle_success = phase == Phase::Succeeded;
            let by_idle = superseded_by(&me, &[Arc::new(idle)]).is_some();
            assert_eq!(by_idle, expected && !is_idle_success, "{secs} {phase}");
            assert_eq!(superseded_by(&me, &others).is_some(), expected, "{secs} {phase}");
            let (mut rollback, mut emergency) = (me.clone(), me.clone());
            rollback.spec.kind = ReleaseKind::Rollback;
            emergency.spec.emergency = Some(true);
            assert!(
                superseded_by(&rollback, &others).is_none() && superseded_by(&emergency, &others).is_none()
            );
        }
    }
}
