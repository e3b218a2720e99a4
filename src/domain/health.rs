//! What probes answered, and when that means healthy, failed, or nothing yet.
//!
//! Owns the memory of answers as the decision sees it. Must not know how a probe is asked (`gate`). An answer that could not be
//! had is `NoData`: it neither passes nor fails.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::measure::{Alert, AlertsQuestion, Count, Measure, Measurement, Rise};
use crate::api::environment::{self, HttpProbe, Preflight, WorkloadRef};
use crate::api::release::GateState;
use crate::api::strategy::{Track, TrafficRouting, Weight};

/// Answers kept per probe; also the largest failure threshold that the schema admits.
pub const KEPT: usize = 100;

/// A question to the world, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// One HTTP GET.
    Http(HttpProbe),
    /// A preflight check of an Environment.
    Preflight(PreflightQuestion),
    /// The registry has that digest under that tag.
    ImageTag {
        /// Repository with the version's tag.
        image: String,
        /// The digest that is released.
        digest: String,
        /// Secret with the registry's credentials.
        pull_secret: Option<String>,
    },
    /// A second workload can be brought up, and its router can send traffic to it.
    Routing(Routing),
    /// The objects that a second workload needs can have the names that they would get.
    Names(Routing),
    /// What selects the stable pods selects those of the second workload, too.
    Neighbours(Neighbours),
    /// Numbers out of a Prometheus.
    Measure(Measure),
    /// What counters rose by between two instants.
    Count(Count),
    /// What fires now.
    Alerts(AlertsQuestion),
}

/// A preflight check with the images, workloads and version of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct PreflightQuestion {
    /// The check.
    pub wanted: Preflight,
    /// Images that are to run.
    pub images: Vec<String>,
    /// Workloads that are to be changed.
    pub workloads: Vec<WorkloadRef>,
    /// Tag, branch or commit of the version.
    pub revision: String,
}

impl PreflightQuestion {
    /// A check without images, workloads or version.
    #[must_use]
    pub const fn alone(wanted: Preflight) -> Self {
        Self { wanted, images: Vec::new(), workloads: Vec::new(), revision: String::new() }
    }
}

/// A second workload that is about to be brought up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Name of the component.
    pub component: String,
    /// The component's own workload.
    pub workload: WorkloadRef,
    /// What the second one is for.
    pub track: Track,
    /// The router; absent where replicas carry the weight.
    pub routing: Option<TrafficRouting>,
    /// Service by which the second one is reached before the switch.
    pub preview_service: Option<String>,
    /// The shares that will be asked of the router.
    pub weights: Vec<Weight>,
}

/// Pods that are about to run beside the stable ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Name of the component.
    pub component: String,
    /// The component's own workload.
    pub workload: WorkloadRef,
    /// What the second one is for.
    pub track: Track,
    /// The router; absent where replicas carry the weight.
    pub routing: Option<TrafficRouting>,
    /// What the environment accepts.
    pub policy: environment::Neighbours,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// When it came.
    pub at: DateTime<Utc>,
    /// The verdict; `Wait` where the world has not decided yet.
    pub state: GateState,
    /// One sentence.
    pub detail: String,
    /// What was asked for, where that is more than a verdict.
    pub found: Option<Found>,
}

/// What an answer brings besides its verdict.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Numbers.
    Measurement(Measurement),
    /// What counters rose by.
    Rise(Rise),
    /// Alerts that fire.
    Alerts(Vec<Alert>),
    /// What a registry has under a tag.
    Index(ImageIndex),
}

/// What a registry has under a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageIndex {
    /// Its digest.
    pub digest: String,
    /// Digests of the images that it lists, one for each platform.
    pub children: Vec<String>,
}

impl ImageIndex {
    /// Whether two digests of this tag have content in common: they are equal, or one of them lists the other.
    #[must_use]
    pub fn relates(&self, one: &str, other: &str) -> bool {
        let lists =
            |index: &str, child: &str| index == self.digest && self.children.iter().any(|c| c == child);
        one == other || lists(one, other) || lists(other, one)
    }
}

impl Answer {
    /// An answer that is a verdict alone.
    #[must_use]
    pub fn new(at: DateTime<Utc>, state: GateState, detail: impl Into<String>) -> Self {
        Self { at, state, detail: detail.into(), found: None }
    }

    /// The numbers that were measured.
    #[must_use]
    pub fn measurement(&self) -> Option<&Measurement> {
        match &self.found {
            Some(Found::Measurement(measurement)) => Some(measurement),
            _ => None,
        }
    }

    /// What counters rose by.
    #[must_use]
    pub fn rise(&self) -> Option<&Rise> {
        match &self.found {
            Some(Found::Rise(rise)) => Some(rise),
            _ => None,
        }
    }

    /// What a registry has under a tag.
    #[must_use]
    pub fn index(&self) -> Option<&ImageIndex> {
        match &self.found {
            Some(Found::Index(index)) => Some(index),
            _ => None,
        }
    }

    /// The alerts that fired.
    #[must_use]
    pub fn alerts(&self) -> Option<&[Alert]> {
        match &self.found {
            Some(Found::Alerts(alerts)) => Some(alerts),
            _ => None,
        }
    }
}

/// The answers so far, per name of a probe, newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers(BTreeMap<String, Vec<Answer>>);

impl Answers {
    /// Remembers an answer; the oldest beyond the bound are forgotten.
    pub fn record(&mut self, name: &str, answer: Answer) {
        let kept = self.0.entry(name.to_owned()).or_default();
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(answer);
    }

    /// The newest answer.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<&Answer> {
        self.0.get(name)?.last()
    }

    /// The newest answer that came at or after `since`.
    #[must_use]
    pub fn last_since(&self, name: &str, since: DateTime<Utc>) -> Option<&Answer> {
        self.0.get(name)?.last().filter(|answer| answer.at >= since)
    }

    /// Every answer that is kept and came at or after `since`, oldest first.
    pub fn since(&self, name: &str, since: DateTime<Utc>) -> impl DoubleEndedIterator<Item = &Answer> {
        self.0.get(name).map_or(&[][..], Vec::as_slice).iter().filter(move |answer| answer.at >= since)
    }

    /// Failures in a row up to the newest answer, counting those at or after `since`; `NoData` neither counts nor interrupts.
    #[must_use]
    pub fn failures_in_a_row(&self, name: &str, since: DateTime<Utc>) -> usize {
        let answers = self.0.get(name).map_or(&[][..], Vec::as_slice);
        answers
            .iter()
            .rev()
            .take_while(|answer| answer.at >= since && answer.state != GateState::Pass)
            .filter(|answer| answer.state == GateState::Fail)
            .count()
    }

    /// Passes in a row up to the newest answer, counting those at or after `since`.
    #[must_use]
    pub fn passes_in_a_row(&self, name: &str, since: DateTime<Utc>) -> usize {
        let answers = self.0.get(name).map_or(&[][..], Vec::as_slice);
        answers.iter().rev().take_while(|a| a.at >= since && a.state == GateState::Pass).count()
    }

    /// Whether it is time to ask (again).
    #[must_use]
    pub fn is_due(&self, name: &str, every: TimeDelta, now: DateTime<Utc>) -> bool {
        self.0
            .get(name)
            .and_then(|answers| answers.last())
            .is_none_or(|last| last.at.checked_add_signed(every).is_some_and(|due| due <= now))
    }
}

/// Name of the n-th health check.
#[must_use]
pub fn health_name(index: usize) -> String {
    format!("health/{index}")
}

/// Name of the n-th smoke probe.
#[must_use]
pub fn smoke_name(index: usize) -> String {
    format!("smoke/{index}")
}

/// Name of the gate that compares the digest of a component's image with what the registry has under the version's tag.
#[must_use]
pub fn image_version_name(component: &str) -> String {
    format!("image-version/{component}")
}

/// Name of a preflight gate, as it stands in `status.gates`; the index tells two of a kind apart.
#[must_use]
pub fn preflight_name(index: usize, preflight: &Preflight) -> String {
    format!("preflight/{index}/{}", preflight.kind().name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use GateState::{Fail, NoData, Pass};

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn answers(states: &[GateState]) -> Answers {
        let mut answers = Answers::default();
        for (second, state) in (0..).zip(states) {
            answers.record("health/0", Answer::new(at(second), *state, ""));
        }
        answers
    }

    #[test]
    fn a_question_whose_next_time_never_comes_is_not_due() {
        let answers = answers(&[Pass]);
        assert!(!answers.is_due("health/0", TimeDelta::MAX, at(1_000)));
        assert!(!answers.is_due("health/0", crate::api::Duration::MAX.to_delta(), at(1_000)));
        assert!(answers.is_due("health/0", TimeDelta::seconds(5), at(5)));
    }

    #[test]
    fn rows_are_counted_from_the_newest_answer() {
        for (states, failures, passes) in [
            (&[][..], 0, 0),
            (&[Pass, Fail, Fail], 2, 0),
            (&[Fail, Fail, Pass], 0, 1),
            (&[Fail, NoData, Fail], 2, 0),
            (&[Fail, Fail, NoData], 2, 0),
            (&[Pass, NoData], 0, 0),
        ] {
            let answers = answers(states);
            assert_eq!(answers.failures_in_a_row("health/0", at(0)), failures, "{states:?}");
            assert_eq!(answers.passes_in_a_row("health/0", at(0)), passes, "{states:?}");
        }
    }

    #[test]
    fn what_came_before_does_not_count() {
        let answers = answers(&[Fail, Fail, Fail]);
        assert_eq!(answers.failures_in_a_row("health/0", at(1)), 2);
        assert!(answers.last_since("health/0", at(3)).is_none());
        assert!(answers.is_due("health/0", TimeDelta::seconds(10), at(12)));
        assert!(!answers.is_due("health/0", TimeDelta::seconds(10), at(11)));
        assert!(answers.is_due("health/1", TimeDelta::seconds(10), at(0)));
    }

    #[test]
    fn memory_is_bounded() {
        assert_eq!(answers(&[Fail; 500]).failures_in_a_row("health/0", at(0)), KEPT);
    }
}
