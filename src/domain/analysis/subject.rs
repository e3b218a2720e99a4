//! What is measured: a component's new version, the old one beside it, and the queries that tell of both.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::rules::{Counters, Rules};
use crate::api::environment::{Analysis, Component, Environment};
use crate::api::names::ComponentName;
use crate::api::release::{PlanStep, Release, ReleaseStatus};
use crate::api::strategy::Track;
use crate::domain::measure::{Count, Counted, Measure, What};
use crate::domain::query::{self, QueryError, Values};

/// Reading of the new version's number.
pub(super) const NEW: &str = "new";
/// Reading of the old version's number.
pub(super) const STABLE: &str = "stable";
/// Reading of the requests behind the new version's number.
pub(super) const NEW_SAMPLES: &str = "newSamples";
/// Reading of the requests behind the old version's number.
pub(super) const STABLE_SAMPLES: &str = "stableSamples";
/// Reading of the time of the new version's newest sample.
pub(super) const NEW_NEWEST: &str = "newNewest";
/// Reading of the time of the old version's newest sample.
pub(super) const STABLE_NEWEST: &str = "stableNewest";

/// No window is shorter: a rate needs two scrapes.
const SHORTEST_WINDOW: TimeDelta = TimeDelta::seconds(10);
/// Windows that grow with the age of a release grow by this, so that equal queries can be shared.
const WINDOW_STEP: i64 = 5;

/// One component of a release as it is measured.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    environment: &'a Environment,
    /// The component.
    pub component: &'a ComponentName,
    described: &'a Component,
    /// Where the new version runs.
    pub track: Track,
    /// Whether the old version runs beside it and serves: only then the two can be compared.
    pub is_beside: bool,
    /// Whether a sentence must name the component.
    pub is_one_of_many: bool,
    /// What came before is not this version's doing.
    from: Option<DateTime<Utc>>,
    /// Shares of the traffic, in per cent: what the router is to send to the new version beside the old one, and what it states.
    pub traffic: (i32, Option<i32>),
}

/// The components of a release that an analysis speaks of.
pub(super) fn of<'a>(
    environment: &'a Environment,
    release: &'a Release,
    analysis: &Analysis,
) -> Vec<Subject<'a>> {
    let is_meant =
        |name: &ComponentName| analysis.components.is_empty() || analysis.components.contains(name);
    released(environment, release).filter(|subject| is_meant(subject.component)).collect()
}

fn released<'a>(
    environment: &'a Environment,
    release: &'a Release,
) -> impl Iterator<Item = Subject<'a>> + Clone {
    let status = release.status.as_ref();
    let components = &environment.spec.components;
    components
        .iter()
        .filter(|component| release.spec.images.iter().any(|image| image.component == component.name))
        .map(move |described| {
            let second = status
                .and_then(|status| status.tracks.iter().find(|track| track.component == described.name));
            let from = status.and_then(|status| match second {
                Some(_) => status.started_at,
                None => status.verifying_since.or(status.started_at),
            });
            Subject {
                environment,
                component: &described.name,
                described,
                track: second.map_or(Track::Stable, |second| second.track),
                is_beside: second.is_some() && status.is_some_and(old_version_serves),
                is_one_of_many: components.len() > 1,
                from,
                traffic: second.map_or((-1, None), |second| (second.traffic, second.verified)),
            }
        })
}

/// Before the traffic is switched or the own workloads are rolled, and while the new version does not get everything.
fn old_version_serves(status: &ReleaseStatus) -> bool {
    let steps = status.plan.as_ref().map_or(&[][..], |plan| &plan.steps);
    let is_end =
        |step: &PlanStep| matches!(step, PlanStep::Switch(_) | PlanStep::Roll(_) | PlanStep::Settle(_));
    let end = steps.iter().position(is_end);
    let index = status.step.as_ref().map_or(0, |step| usize::try_from(step.index).unwrap_or(0));
    end.is_none_or(|end| index < end) && status.weight.as_ref().is_none_or(|weight| weight.desired < 100)
}

/// The questions for the share of the traffic, for each component that has a second workload.
pub(super) fn shares<'a>(
    environment: &'a Environment,
    release: &'a Release,
) -> impl Iterator<Item = (&'a ComponentName, Measure)> {
    let template = query::template(&environment.spec, "requestRate");
    released(environment, release)
        .filter(|subject| subject.track != Track::Stable && subject.environment.spec.metrics.is_some())
        .filter_map(move |subject| {
            let window = subject.window(TimeDelta::minutes(1), None);
            let query = |track| subject.render("requestRate", template?, track, &window).ok();
            let queries = [(NEW, query(subject.track)?), (STABLE, query(Track::Stable)?)];
            Some((subject.component, subject.of_queries(queries)))
        })
}

impl Subject<'_> {
    /// The numbers that these rules need.
    pub(super) fn measure(&self, rules: &Rules<'_>, now: DateTime<Utc>) -> Result<Measure, QueryError> {
        let window = self.window(rules.window, Some(now));
        let mut queries = Vec::new();
        let mut add = |name, of: &str, template: Option<&str>, track| -> Result<(), QueryError> {
            if let Some(template) = template {
                queries.push((name, self.render(of, template, track, &window)?));
            }
            Ok(())
        };
        let query = &rules.analysis.query;
        let (samples, newest) = (rules.samples.as_deref(), rules.newest.as_deref());
        add(NEW, query, Some(&rules.query), self.track)?;
        add(NEW_SAMPLES, "samples", samples, self.track)?;
        add(NEW_NEWEST, "newest", newest, self.track)?;
        if self.is_beside && rules.needs_stable() {
            add(STABLE, query, Some(&rules.query), Track::Stable)?;
            add(STABLE_SAMPLES, "samples", samples, Track::Stable)?;
            add(STABLE_NEWEST, "newest", newest, Track::Stable)?;
        }
        Ok(self.of_queries(queries))
    }

    /// The counters that a test counts with, between two instants.
    pub(super) fn count(
        &self,
        counters: &Counters<'_>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Count, QueryError> {
        let templates = match counters {
            Counters::Errors { requests, errors, .. } => {
                vec![(What::Requests, *requests), (What::Errors, *errors)]
            }
            Counters::Durations { buckets, .. } => vec![(What::Durations, *buckets)],
        };
        let window = self.window(TimeDelta::minutes(1), None);
        let mut queries = BTreeMap::new();
        for (what, template) in templates {
            for (is_new, track) in [(true, self.track), (false, Track::Stable)] {
                let query = self.render("counters", template, track, &window)?;
                queries.insert(Counted { is_new, what }, query);
            }
        }
        let metrics = self.environment.spec.metrics.as_ref();
        Ok(Count { prometheus: metrics.and_then(|metrics| metrics.prometheus.clone()), from, until, queries })
    }

    /// Whether these rules can say anything of it now: a comparison needs the old version beside the new one.
    pub(super) fn is_judged(&self, rules: &Rules<'_>) -> bool {
        self.is_beside || !rules.is_comparison_only()
    }

    /// What to call the new version in a sentence.
    pub(super) fn track_word(&self) -> &'static str {
        match self.track {
            Track::Stable => "new version",
            Track::Canary | Track::Green => self.track.as_str(),
        }
    }

    fn of_queries(&self, queries: impl IntoIterator<Item = (&'static str, String)>) -> Measure {
        let metrics = self.environment.spec.metrics.as_ref();
        let queries: BTreeMap<String, String> =
            queries.into_iter().map(|(name, query)| (name.to_owned(), query)).collect();
        Measure { prometheus: metrics.and_then(|metrics| metrics.prometheus.clone()), queries }
    }

    fn render(&self, name: &str, template: &str, track: Track, window: &str) -> Result<String, QueryError> {
        let values = Values {
            namespace: self.environment.metadata.namespace.as_deref().unwrap_or_default(),
            components: vec![self.component.as_str()],
            workloads: vec![&self.described.workload],
            track: track.as_str(),
            window,
        };
        query::render(name, template, &values)
    }

    /// The window as PromQL writes it: never longer than the release is old, since what ran before on this track is not this version.
    fn window(&self, wanted: TimeDelta, now: Option<DateTime<Utc>>) -> String {
        let age = now.zip(self.from).map_or(wanted, |(now, from)| {
            let steps = now.signed_duration_since(from).num_seconds() / WINDOW_STEP;
            TimeDelta::seconds(steps.saturating_mul(WINDOW_STEP))
        });
        let window = wanted.min(age).max(SHORTEST_WINDOW.min(wanted));
        if window.subsec_nanos() == 0 {
            format!("{}s", window.num_seconds())
        } else {
            format!("{}ms", window.num_milliseconds())
        }
    }
}
