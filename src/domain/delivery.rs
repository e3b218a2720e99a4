//! Delivery numbers of one application and period, out of the releases themselves.
//!
//! Owns what is counted. The terms are DORA's (<https://dora.dev/guides/dora-metrics-four-keys/>), as far as releases know them:
//!
//! - **Deployment frequency**: how often a release succeeds in production. Rollbacks are no deployments.
//! - **Change lead time**: DORA counts from the commit to production. A release knows no commit: it is counted from when its version
//!   was first asked for, in any environment of the application, to when it succeeded in production.
//! - **Change failure rate**: the share of deployments to production that led to a failure: releases that failed, were held, rolled
//!   back or aborted after they had begun to change production, and releases that succeeded and were undone by a rollback later.
//! - **Failed deployment recovery time**: from the moment when a deployment failed, as it was recorded, to the next moment at which
//!   production ran a version that was judged good: the end of the way back, or the next release that succeeded.
//!
//! Every time is a median: one release that waited for a weekend says nothing about the others.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::api::{Phase, Release, ReleaseKind};
use crate::domain::span;

/// The delivery numbers of one application and period.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// Releases into production that began to change it and have ended in the period.
    pub deployments: usize,
    /// Those that succeeded.
    pub succeeded: usize,
    /// Those that led to a failure, at once or later.
    pub failed: usize,
    /// Times that production went back: ways back of releases, and releases that are rollbacks.
    pub rollbacks: usize,
    /// Deployments that succeeded, a day.
    pub per_day: f64,
    /// Median seconds from when a version was first asked for to when it succeeded in production; absent: none did.
    pub lead_seconds: Option<i64>,
    /// Median seconds from a release's first change to its end; absent: none succeeded.
    pub duration_seconds: Option<i64>,
    /// Share of deployments that led to a failure; absent: there was none.
    pub failure_rate: Option<f64>,
    /// Share of deployments after which production went back; absent: there was none.
    pub rollback_rate: Option<f64>,
    /// Median seconds from a failure to a good version; absent: nothing failed, or nothing is restored yet.
    pub restore_seconds: Option<i64>,
    /// Failures from which production has not recovered yet.
    pub unrestored: usize,
}

/// A period that ends at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// Its end, which does not belong to it.
    pub until: DateTime<Utc>,
    /// How long it is.
    pub length: TimeDelta,
}

impl Period {
    fn has(&self, at: DateTime<Utc>) -> bool {
        at < self.until && at >= span::before(self.until, self.length)
    }
}

/// The numbers of an application. `releases` are all of its releases with the environments that they are for, each of them wherever
/// it is; `is_production` tells production's.
#[must_use]
pub(crate) fn delivery<L: Ord>(
    releases: &[(L, &Release)],
    is_production: impl Fn(&L) -> bool,
    period: Period,
) -> Delivery {
    let mut lanes: BTreeMap<&L, Vec<&Release>> = BTreeMap::new();
    for (lane, release) in releases.iter().filter(|(lane, _)| is_production(lane)) {
        lanes.entry(lane).or_default().push(release);
    }
    let mut numbers = Delivery::default();
    let (mut leads, mut durations, mut restores) = (Vec::new(), Vec::new(), Vec::new());
    for lane in lanes.values_mut() {
        lane.sort_by_key(|release| (began(release), release.metadata.name.clone()));
        for (index, release) in lane.iter().enumerate() {
            let Some(ended) = ended(release).filter(|at| period.has(*at)) else { continue };
            let later = lane.get(index.saturating_add(1)..).unwrap_or_default();
            if release.spec.kind == ReleaseKind::Rollback {
                let succeeded = usize::from(release.phase() == Phase::Succeeded);
                numbers.rollbacks = numbers.rollbacks.saturating_add(succeeded);
                continue;
            }
            numbers.deployments = numbers.deployments.saturating_add(1);
            if release.phase() == Phase::Succeeded {
                numbers.succeeded = numbers.succeeded.saturating_add(1);
                leads.extend(first_asked(releases, release).map(|asked| ended.signed_duration_since(asked)));
                durations.extend(began(release).map(|began| ended.signed_duration_since(began)));
            }
            let Some(failed) = failed_at(release, later) else { continue };
            numbers.failed = numbers.failed.saturating_add(1);
            numbers.rollbacks = numbers.rollbacks.saturating_add(usize::from(went_back(release).is_some()));
            match restored(release, later) {
                Some(at) => restores.push(at.signed_duration_since(failed)),
                None => numbers.unrestored = numbers.unrestored.saturating_add(1),
            }
        }
    }
    let share = |part: usize| (numbers.deployments > 0).then(|| ratio(part, numbers.deployments));
    let days = ratio_of(period.length.num_seconds(), 86_400);
    Delivery {
        per_day: if days > 0.0 { ratio(numbers.succeeded, 1) / days } else { 0.0 },
        lead_seconds: median(leads),
        duration_seconds: median(durations),
        failure_rate: share(numbers.failed),
        rollback_rate: share(numbers.rollbacks),
        restore_seconds: median(restores),
        ..numbers
    }
}

/// When it began to change what runs; releases that never did are no deployments.
fn began(release: &Release) -> Option<DateTime<Utc>> {
    release.status.as_ref().and_then(|status| status.started_at)
}

/// When a deployment was decided: its end, or since when it is held. Absent for what never began or is still under way.
fn ended(release: &Release) -> Option<DateTime<Utc>> {
    began(release)?;
    let status = release.status.as_ref()?;
    match status.phase {
        Phase::Held => last(release, &["Held"]).or(status.started_at),
        phase if phase.is_final() => status.finished_at,
        _ => None,
    }
}

/// When the last of these things happened.
fn last(release: &Release, reasons: &[&str]) -> Option<DateTime<Utc>> {
    let timeline = release.status.as_ref().map(|status| status.timeline.as_slice()).unwrap_or_default();
    timeline.iter().rev().find(|entry| reasons.contains(&entry.reason.as_str())).map(|entry| entry.at)
}

/// When a deployment turned out to be a failure: as it was recorded, or when somebody went back from it later.
fn failed_at(release: &Release, later: &[&Release]) -> Option<DateTime<Utc>> {
    match release.phase() {
        Phase::Succeeded => undone_by(later).and_then(Release::created_at),
        Phase::Held | Phase::RolledBack | Phase::Failed | Phase::Errored | Phase::Aborted => {
            last(release, &["RollingBack", "Held", "Failed", "Aborted"]).or(ended(release))
        }
        _ => None,
    }
}

/// The rollback that was the next thing to change this environment.
fn undone_by<'a>(later: &[&'a Release]) -> Option<&'a Release> {
    let next = later.iter().copied().find(|release| began(release).is_some())?;
    (next.spec.kind == ReleaseKind::Rollback).then_some(next)
}

/// When its own way back was at its end.
fn went_back(release: &Release) -> Option<DateTime<Utc>> {
    let back = matches!(release.phase(), Phase::RolledBack | Phase::Aborted);
    ended(release).filter(|_| back)
}

/// When a good version ran again.
fn restored(release: &Release, later: &[&Release]) -> Option<DateTime<Utc>> {
    went_back(release).or_else(|| {
        let good = later.iter().filter(|release| release.phase() == Phase::Succeeded);
        good.filter_map(|release| ended(release)).min()
    })
}

/// When that version was first asked for, anywhere.
fn first_asked<L>(releases: &[(L, &Release)], of: &Release) -> Option<DateTime<Utc>> {
    let same = releases.iter().filter(|(_, release)| {
        release.spec.version == of.spec.version && release.spec.kind != ReleaseKind::Rollback
    });
    same.filter_map(|(_, release)| release.created_at()).min()
}

fn median(mut spans: Vec<TimeDelta>) -> Option<i64> {
    spans.sort_unstable();
    let middle = spans.len() / 2;
    let upper = spans.get(middle)?.num_seconds();
    if spans.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = spans.get(middle.checked_sub(1)?)?.num_seconds();
    Some(i64::midpoint(lower, upper))
}

fn ratio(part: usize, whole: usize) -> f64 {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    count(part) / count(whole)
}

fn ratio_of(part: i64, whole: i32) -> f64 {
    f64::from(i32::try_from(part).unwrap_or(i32::MAX)) / f64::from(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::TimelineEntry;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
    }

    /// A release of that version and phase that was asked for, began and ended at those minutes.
    fn release(environment: &str, version: &str, phase: Phase, times: (i64, i64, i64)) -> Release {
        let (asked, start, end) = times;
        let mut release: Release = serde_json::from_value(serde_json::json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Release",
            "metadata": {"name": format!("{environment}-{version}-{asked}"), "namespace": environment},
            "spec": {"environment": environment, "version": version, "kind": "Deploy",
                     "requestedBy": "bob", "images": []}
        }))
        .unwrap();
        release.metadata.creation_timestamp = Some(crate::api::time::to_time(at(asked)));
        let status = release.status.get_or_insert_default();
        status.phase = phase;
        status.started_at = (start >= 0).then(|| at(start));
        status.finished_at = phase.is_final().then(|| at(end));
        release
    }

    fn rollback(mut release: Release) -> Release {
        release.spec.kind = ReleaseKind::Rollback;
        release
    }

    fn with(mut release: Release, reason: &str, minute: i64) -> Release {
        let status = release.status.get_or_insert_default();
        let entry = TimelineEntry {
            at: at(minute),
            by: "controller".into(),
            reason: reason.into(),
            message: String::new(),
        };
        status.timeline.push(entry);
        release
    }

    fn numbers(releases: &[Release]) -> Delivery {
        let releases: Vec<_> = releases.iter().map(|release| (release.environment_key(), release)).collect();
        let period = Period { until: at(1_440), length: TimeDelta::days(1) };
        delivery(&releases, |key| &*key.name == "prod", period)
    }

    #[test]
    fn each_way_in_which_a_release_can_end_is_counted_as_dora_counts() {
        use Phase::{
            Aborted, Errored, Expired, Failed, Held, Pending, Progressing, Rejected, RolledBack, Succeeded,
        };
        let prod = |phase, times| release("prod", "v1", phase, times);
        // deployments, succeeded, failed, rollbacks, unrestored
        for (what, releases, expected) in [
            ("nothing", vec![], [0, 0, 0, 0, 0]),
            ("one that succeeded", vec![prod(Succeeded, (0, 1, 5))], [1, 1, 0, 0, 0]),
            ("one that went back", vec![prod(RolledBack, (0, 1, 5))], [1, 0, 1, 1, 0]),
            ("one that was stopped on its way", vec![prod(Aborted, (0, 1, 5))], [1, 0, 1, 1, 0]),
            ("one that failed", vec![prod(Failed, (0, 1, 5))], [1, 0, 1, 0, 1]),
            ("one that could not be carried out", vec![prod(Errored, (0, 1, 5))], [1, 0, 1, 0, 1]),
            ("one that is held", vec![prod(Held, (0, 1, -1))], [1, 0, 1, 0, 1]),
            (
                "never begun",
                vec![prod(Aborted, (0, -1, 5)), prod(Rejected, (0, -1, 5)), prod(Expired, (0, -1, 5))],
                [0; 5],
            ),
            ("under way", vec![prod(Progressing, (0, 1, -1)), prod(Pending, (0, -1, -1))], [0; 5]),
            ("staging alone", vec![release("staging", "v1", Succeeded, (0, 1, 5))], [0; 5]),
            ("before the period", vec![prod(Succeeded, (-20, 0, -10))], [0; 5]),
            ("after the period", vec![prod(Succeeded, (0, 1, 1_440))], [0; 5]),
            (
                "undone later",
                vec![prod(Succeeded, (0, 1, 5)), rollback(prod(Succeeded, (60, 61, 63)))],
                [1, 1, 1, 1, 0],
            ),
            (
                "followed by another",
                vec![prod(Succeeded, (0, 1, 5)), prod(Succeeded, (60, 61, 63))],
                [2, 2, 0, 0, 0],
            ),
            (
                "a rollback that failed brings nothing back",
                vec![prod(Succeeded, (0, 1, 5)), rollback(prod(Failed, (60, 61, 63)))],
                [1, 1, 1, 0, 1],
            ),
        ] {
            let found = numbers(&releases);
            let counts =
                [found.deployments, found.succeeded, found.failed, found.rollbacks, found.unrestored];
            assert_eq!(counts, expected, "{what}");
        }
    }

    #[test]
    fn lead_time_begins_where_the_version_was_first_asked_for() {
        let releases = [
            release("staging", "v1", Phase::Succeeded, (0, 1, 5)),
            release("prod", "v1", Phase::Succeeded, (60, 61, 70)),
            release("prod", "v2", Phase::Succeeded, (100, 101, 110)),
        ];
        let found = numbers(&releases);
        // 70 and 10 minutes, 9 and 9 minutes
        assert_eq!((found.lead_seconds, found.duration_seconds), (Some(40 * 60), Some(9 * 60)));
        assert!((found.per_day - 2.0).abs() < 1e-9);
    }

    #[test]
    fn restoring_is_measured_from_the_failure_to_the_next_good_version() {
        for (what, releases, expected) in [
            (
                "its own way back",
                vec![with(release("prod", "v1", Phase::RolledBack, (0, 1, 30)), "RollingBack", 20)],
                Some(10),
            ),
            (
                "held, until another release succeeded",
                vec![
                    with(release("prod", "v1", Phase::Held, (0, 1, -1)), "Held", 20),
                    release("prod", "v2", Phase::Succeeded, (25, 26, 50)),
                ],
                Some(30),
            ),
            (
                "undone by a rollback",
                vec![
                    release("prod", "v1", Phase::Succeeded, (0, 1, 5)),
                    rollback(release("prod", "v0", Phase::Succeeded, (60, 61, 64))),
                ],
                Some(4),
            ),
            (
                "not restored",
                vec![with(release("prod", "v1", Phase::Failed, (0, 1, 30)), "Failed", 20)],
                None,
            ),
        ] {
            assert_eq!(numbers(&releases).restore_seconds, expected.map(|minutes| minutes * 60), "{what}");
        }
    }

    #[test]
    fn rates_are_absent_where_nothing_was_deployed() {
        let found = numbers(&[]);
        assert_eq!((found.failure_rate, found.rollback_rate, found.lead_seconds), (None, None, None));
        let both = [
            release("prod", "v1", Phase::Succeeded, (0, 1, 5)),
            release("prod", "v2", Phase::RolledBack, (10, 11, 15)),
        ];
        let found = numbers(&both);
        assert_eq!((found.failure_rate, found.rollback_rate), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn environments_of_production_do_not_undo_each_other() {
        let mut eu = release("prod", "v1", Phase::Succeeded, (0, 1, 5));
        eu.metadata.namespace = Some("eu".into());
        let mut us = rollback(release("prod", "v0", Phase::Succeeded, (60, 61, 64)));
        us.metadata.namespace = Some("us".into());
        assert_eq!(numbers(&[eu, us]).failed, 0);
    }
}
