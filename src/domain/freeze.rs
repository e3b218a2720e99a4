//! Freezes of an environment. Each freeze lasts until its own end; a later one neither shortens nor loosens an earlier one.
//!
//! Owns the list `status.freezes` and its summary `status.frozen`, which admission policies and clients read: the freeze that lasts
//! longest, with the strictest `inFlight`. Only an Unfreeze ends a freeze before its time.

use chrono::{DateTime, Utc};

use crate::api::environment::{EnvironmentStatus, Frozen};

/// Freezes that a status may hold.
pub(crate) const KEPT: usize = 16;

/// The freezes of a status, oldest first, whether or not their time is over.
///
/// An older controller writes the summary only. A summary that no listed freeze explains counts as a freeze of its own; without a
/// summary nothing is frozen.
#[must_use]
pub(crate) fn listed(status: &EnvironmentStatus) -> Vec<Frozen> {
    let Some(summary) = &status.frozen else { return Vec::new() };
    let mut all = status.freezes.clone();
    let explains_end = all.iter().any(|freeze| lasts_as_long(freeze, summary));
    let explains_in_flight = all.iter().any(|freeze| freeze.in_flight >= summary.in_flight);
    if !(explains_end && explains_in_flight) {
        all.push(summary.clone());
        all.sort_by_key(|freeze| freeze.at);
    }
    all
}

/// The freezes that hold at that instant, oldest first.
#[must_use]
pub(crate) fn in_force(status: &EnvironmentStatus, now: DateTime<Utc>) -> Vec<Frozen> {
    let mut all = listed(status);
    all.retain(|freeze| !is_over(freeze, now));
    all
}

/// The freeze that decides what becomes of a release that executes: the strictest, and of these the one that lasts longest.
#[must_use]
pub(crate) fn strictest(freezes: &[Frozen]) -> Option<&Frozen> {
    freezes.iter().reduce(|one, other| {
        let is_stricter = other.in_flight > one.in_flight;
        let lasts = other.in_flight == one.in_flight && !lasts_as_long(one, other);
        if is_stricter || lasts { other } else { one }
    })
}

/// Adds a freeze. Beyond the bound, the oldest one that a longer and stricter one makes needless goes.
pub(crate) fn add(status: &mut EnvironmentStatus, freeze: Frozen) {
    let mut all = listed(status);
    all.push(freeze);
    while all.len() > KEPT {
        let needless = (0..all.len()).find(|index| {
            let makes_needless =
                |(other, freeze): (usize, &Frozen)| other != *index && covers(freeze, &all[*index]);
            all.iter().enumerate().any(makes_needless)
        });
        all.remove(needless.unwrap_or(0));
    }
    set(status, all);
}

/// Takes off the freezes that `ends` chooses; returns them.
pub(crate) fn lift(status: &mut EnvironmentStatus, ends: impl Fn(&Frozen) -> bool) -> Vec<Frozen> {
    let (gone, left) = listed(status).into_iter().partition(|freeze| ends(freeze));
    set(status, left);
    gone
}

/// Takes off the freezes whose time is over; returns them.
pub(crate) fn expire(status: &mut EnvironmentStatus, now: DateTime<Utc>) -> Vec<Frozen> {
    if !listed(status).iter().any(|freeze| is_over(freeze, now)) {
        return Vec::new();
    }
    lift(status, |freeze| is_over(freeze, now))
}

fn set(status: &mut EnvironmentStatus, mut all: Vec<Frozen>) {
    all.sort_by_key(|freeze| freeze.at);
    let longest = all.iter().reduce(|one, other| if lasts_as_long(one, other) { one } else { other });
    let in_flight = all.iter().map(|freeze| freeze.in_flight).max().unwrap_or_default();
    status.frozen = longest.map(|longest| Frozen { in_flight, ..longest.clone() });
    status.freezes = all;
}

fn is_over(freeze: &Frozen, now: DateTime<Utc>) -> bool {
    freeze.until.is_some_and(|until| until <= now)
}

/// Whether `one` makes `other` needless.
fn covers(one: &Frozen, other: &Frozen) -> bool {
    lasts_as_long(one, other) && one.in_flight >= other.in_flight
}

fn lasts_as_long(one: &Frozen, other: &Frozen) -> bool {
    is_as_late(one.until, other.until)
}

/// Whether an end is at least as late as another one. No end is the latest.
#[must_use]
pub(crate) fn is_as_late(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> bool {
    match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one >= other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::InFlight::{self, Finish, Hold, RollBack};
    use crate::domain::fixtures::at;
    use proptest::prelude::*;

    fn freeze(by: &str, secs: i64, until: Option<i64>, in_flight: InFlight) -> Frozen {
        let until = until.map(at);
        Frozen { by: by.into(), at: Some(at(secs)), until, reason: by.into(), in_flight, incident: None }
    }

    fn status(freezes: &[Frozen]) -> EnvironmentStatus {
        let mut status = EnvironmentStatus::default();
        for freeze in freezes {
            add(&mut status, freeze.clone());
        }
        status
    }

    #[test]
    fn the_longest_freeze_and_the_strictest_in_flight_win_in_any_order() {
        let cases = [
            (
                vec![freeze("erin", 0, None, RollBack), freeze("carol", 1, Some(9), Finish)],
                "erin",
                None,
                RollBack,
            ),
            (
                vec![freeze("erin", 0, None, Finish), freeze("carol", 1, Some(9), RollBack)],
                "erin",
                None,
                RollBack,
            ),
            (
                vec![freeze("erin", 0, Some(99), Hold), freeze("carol", 1, Some(9), Finish)],
                "erin",
                Some(99),
                Hold,
            ),
            (
                vec![freeze("erin", 0, Some(9), Hold), freeze("carol", 1, Some(99), Finish)],
                "carol",
                Some(99),
                Hold,
            ),
            // equal ends: the earlier freeze stays
            (
                vec![freeze("erin", 0, Some(9), Finish), freeze("carol", 0, Some(9), Finish)],
                "erin",
                Some(9),
                Finish,
            ),
        ];
        for (freezes, by, until, in_flight) in cases {
            let frozen = status(&freezes).frozen.unwrap();
            assert_eq!((frozen.by.as_str(), frozen.until, frozen.in_flight), (by, until.map(at), in_flight));
            let reversed: Vec<_> = freezes.into_iter().rev().collect();
            let frozen = status(&reversed).frozen.unwrap();
            assert_eq!((frozen.until, frozen.in_flight), (until.map(at), in_flight));
        }
    }

    #[test]
    fn each_freeze_lasts_until_its_own_end() {
        let mut status = status(&[freeze("erin", 0, None, Finish), freeze("carol", 1, Some(9), RollBack)]);
        assert_eq!(strictest(&in_force(&status, at(8))).unwrap().by, "carol");
        assert_eq!(expire(&mut status, at(9)).len(), 1);
        let frozen = status.frozen.clone().unwrap();
        assert_eq!((frozen.by.as_str(), frozen.until, frozen.in_flight), ("erin", None, Finish));
        assert!(expire(&mut status, at(1_000_000)).is_empty());
        assert_eq!(lift(&mut status, |_| true).len(), 1);
        assert_eq!((status.frozen, status.freezes), (None, Vec::new()));
    }

    #[test]
    fn what_an_older_controller_wrote_counts() {
        // it knows the summary only
        let mut old =
            EnvironmentStatus { frozen: Some(freeze("erin", 0, None, Hold)), ..EnvironmentStatus::default() };
        add(&mut old, freeze("carol", 1, Some(9), Finish));
        assert_eq!(old.frozen.as_ref().unwrap().by, "erin");
        assert_eq!(old.freezes.len(), 2);
        // it froze again and left the list
        old.frozen = Some(freeze("dave", 2, None, RollBack));
        assert_eq!(listed(&old).len(), 3);
        // it unfroze
        old.frozen = None;
        assert!(listed(&old).is_empty() && in_force(&old, at(0)).is_empty());
    }

    proptest! {
        #[test]
        fn no_further_freeze_opens_anything(
            ends in proptest::collection::vec((proptest::option::of(1_i64..100), 0_usize..3), 1..60),
            now in 0_i64..100,
        ) {
            let how = [Finish, Hold, RollBack];
            let mut status = EnvironmentStatus::default();
            let mut all = Vec::new();
            for (secs, (end, in_flight)) in (0..).zip(ends) {
                let one = freeze("erin", secs, end, how[in_flight]);
                all.push(one.clone());
                add(&mut status, one);
                prop_assert!(status.freezes.len() <= KEPT);
            }
            let holding: Vec<_> = all.iter().filter(|freeze| !is_over(freeze, at(now))).collect();
            expire(&mut status, at(now));
            let found = in_force(&status, at(now));
            prop_assert_eq!(found.is_empty(), holding.is_empty());
            prop_assert_eq!(status.frozen.is_some(), !holding.is_empty());
            let strictest_of_all = holding.iter().map(|freeze| freeze.in_flight).max();
            prop_assert_eq!(strictest(&found).map(|freeze| freeze.in_flight), strictest_of_all);
            if let Some(frozen) = &status.frozen {
                prop_assert!(holding.iter().all(|freeze| lasts_as_long(frozen, freeze)));
            }
        }
    }
}
