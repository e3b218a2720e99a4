//! One analysis, read: comparisons understood, templates found.

use std::borrow::Cow;

use chrono::TimeDelta;

use super::comparison::{Comparison, Quantity, Unit};
use super::expression::Expression;
use crate::api::environment::{Analysis, EnvironmentSpec, NoData, StatisticalTest};
use crate::domain::health;
use crate::domain::query;
use crate::domain::span;

/// How old the newest sample may be, where an analysis does not say.
const MAX_AGE: TimeDelta = TimeDelta::minutes(2);
/// Over how long a rate is taken, where an analysis does not say.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// One analysis, read.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub analysis: &'a Analysis,
    /// The unit of the query's number.
    pub unit: Unit,
    pub fail_when: Option<Comparison>,
    pub pass_when: Option<Comparison>,
    pub fail_if: Option<Expression>,
    pub pass_if: Option<Expression>,
    /// What its test counts with, or why it cannot count; nothing without a test.
    pub counters: Option<Result<Counters<'a>, String>>,
    /// How sure a comparison must be.
    pub confidence: f64,
    /// Smallest difference that matters.
    pub smallest_difference: Option<f64>,
    /// How long a failure must last.
    pub lasting: TimeDelta,
    /// Failed measurements tolerated.
    pub failure_limit: usize,
    /// Fewest requests.
    pub min_samples: f64,
    pub no_data: NoData,
    pub max_age: TimeDelta,
    pub interval: TimeDelta,
    pub window: TimeDelta,
    /// The template that is judged.
    pub query: Cow<'a, str>,
    /// The template that counts requests.
    pub samples: Option<Cow<'a, str>>,
    /// The template that tells the newest sample's time.
    pub newest: Option<Cow<'a, str>>,
}

/// How sure a comparison must be, where an analysis does not say.
const CONFIDENCE: f64 = 0.99;
/// The query of error rates.
const ERROR_RATE: &str = "errorRate";

/// The templates of raw counters that a test counts with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Counters<'a> {
    /// Requests and failed requests.
    Errors {
        /// Counts requests.
        requests: &'a str,
        /// Counts failed requests.
        errors: &'a str,
        /// Whether the application's pods are known apart.
        by_pod: bool,
    },
    /// Requests by their duration.
    Durations {
        /// Counts the requests of each bucket.
        buckets: &'a str,
        /// Whether the application's pods are known apart.
        by_pod: bool,
    },
}

/// The texts of an analysis, read.
struct Texts {
    fail_when: Option<Comparison>,
    pass_when: Option<Comparison>,
    fail_if: Option<Expression>,
    pass_if: Option<Expression>,
    smallest_difference: Option<Quantity>,
}

impl<'a> Rules<'a> {
    /// The rules, or the first thing that is wrong with them.
    pub(super) fn of(spec: &'a EnvironmentSpec, analysis: &'a Analysis) -> Result<Self, String> {
        let named = |why: String| format!("analysis {}: {why}", analysis.name);
        let texts = texts(analysis).map_err(named)?;
        consistent(spec, analysis, &texts).map_err(named)?;
        let delta = |given: Option<crate::api::Duration>, default| {
            given.map_or(default, crate::api::Duration::to_delta)
        };
        let query = template(spec, "query", &analysis.query).map_err(named)?;
        let optional = |field: &str, name: &Option<String>, default: &str| match name {
            Some(name) => template(spec, field, name).map(Some).map_err(named),
            None => Ok(query::windowed(spec, default)),
        };
        Ok(Self {
            analysis,
            unit: unit(analysis, &texts),
            fail_when: texts.fail_when,
            pass_when: texts.pass_when,
            fail_if: texts.fail_if,
            pass_if: texts.pass_if,
            counters: analysis.test.map(|test| counters(spec, analysis, test)),
            confidence: analysis.confidence.unwrap_or(CONFIDENCE),
            smallest_difference: texts.smallest_difference.map(|quantity| quantity.number),
            lasting: delta(analysis.for_, TimeDelta::zero()),
            failure_limit: usize::try_from(analysis.failure_limit.unwrap_or(0)).unwrap_or(0),
            #[expect(clippy::cast_precision_loss, reason = "nobody asks for 2^53 requests")]
            min_samples: analysis.min_samples.unwrap_or(0) as f64,
            no_data: analysis.no_data,
            max_age: delta(analysis.max_age, MAX_AGE),
            interval: super::interval_of(analysis),
            window: delta(analysis.window, WINDOW),
            query,
            samples: optional("samples", &analysis.samples, "requests")?,
            newest: optional("newest", &analysis.newest, "newestSample")?,
        })
    }

    /// Whether the old version must be measured too.
    pub(super) fn needs_stable(&self) -> bool {
        self.analysis.against.is_some()
    }

    /// Whether a difference from the old version is a failure by itself: expressions may use it otherwise.
    pub(super) fn judges_difference(&self) -> bool {
        self.needs_stable() && (self.analysis.test.is_some() || self.smallest_difference.is_some()) && {
            let mut expressions = self.fail_if.iter().chain(&self.pass_if);
            !expressions.any(Expression::needs_confidence)
        }
    }

    /// Whether the test decides by itself whether the release fails.
    pub(super) fn judges_by_test(&self) -> bool {
        self.analysis.test.is_some() && self.judges_difference()
    }

    /// Whether there is a limit or an expression.
    pub(super) fn has_limits(&self) -> bool {
        let limits = self.fail_when.is_some() || self.pass_when.is_some();
        limits || self.fail_if.is_some() || self.pass_if.is_some()
    }

    /// Whether these rules say nothing of the new version alone.
    pub(super) fn is_comparison_only(&self) -> bool {
        let alone = |expression: &Option<Expression>| {
            expression.as_ref().is_some_and(|expression| !expression.needs_stable())
        };
        self.needs_stable()
            && self.fail_when.is_none()
            && self.pass_when.is_none()
            && !alone(&self.fail_if)
            && !alone(&self.pass_if)
    }
}

fn template<'a>(spec: &'a EnvironmentSpec, field: &str, name: &str) -> Result<Cow<'a, str>, String> {
    query::windowed(spec, name).ok_or_else(|| {
        let known = query::known(spec).join(", ");
        format!("{field}: there is no query `{name}`; there are {known}")
    })
}

/// What a test counts with; the sentence says which query the environment has to bring.
fn counters<'a>(
    spec: &'a EnvironmentSpec,
    analysis: &'a Analysis,
    test: StatisticalTest,
) -> Result<Counters<'a>, String> {
    let ratio = &analysis.query;
    let counter = |name: &str| {
        query::counters(spec, name).ok_or_else(|| {
            format!(
                "query `{name}` gives no raw counters: without rate, increase and {{{{window}}}} it would, such as \
                 `http_requests_total{{track=\"{{{{track}}}}\"}}`"
            )
        })
    };
    if test == StatisticalTest::MannWhitney {
        let buckets = counter(ratio)?;
        return Ok(Counters::Durations { buckets, by_pod: query::counts_at_pods(spec, ratio) });
    }
    let (errors, requests) = (analysis.errors.as_deref(), analysis.samples.as_deref());
    let (errors, requests) = (errors.unwrap_or("errors"), requests.unwrap_or("requests"));
    let is_own = query::is_own(spec, ratio) || ratio != ERROR_RATE;
    if is_own && !(query::is_own(spec, errors) && query::is_own(spec, requests)) {
        return Err(format!(
            "query `{ratio}` gives only a ratio, and a test needs counts: add the queries `{requests}` and `{errors}` \
             to metrics.queries, with the raw counters of all and of failed requests"
        ));
    }
    let by_pod = query::counts_at_pods(spec, requests);
    Ok(Counters::Errors { requests: counter(requests)?, errors: counter(errors)?, by_pod })
}

fn texts(analysis: &Analysis) -> Result<Texts, String> {
    let comparison = |field: &str, text: &Option<String>| {
        let read = text.as_ref().map(|text| text.parse::<Comparison>()).transpose();
        read.map_err(|error| format!("{field}: {error}"))
    };
    let expression = |field: &str, text: &Option<String>| {
        let read = text.as_ref().map(|text| Expression::read(text)).transpose();
        read.map_err(|error| format!("{field}: {error}"))
    };
    let smallest = analysis.smallest_difference.as_ref().map(|text| text.parse::<Quantity>()).transpose();
    Ok(Texts {
        fail_when: comparison("failWhen", &analysis.fail_when)?,
        pass_when: comparison("passWhen", &analysis.pass_when)?,
        fail_if: expression("failIf", &analysis.fail_if)?,
        pass_if: expression("passIf", &analysis.pass_if)?,
        smallest_difference: smallest.map_err(|error| format!("smallestDifference: {error}"))?,
    })
}

/// The unit of the query's number: as we know it, else as the limits are written.
fn unit(analysis: &Analysis, texts: &Texts) -> Unit {
    let limits = [texts.fail_when, texts.pass_when].into_iter().flatten().map(|comparison| comparison.limit);
    let written = limits.chain(texts.smallest_difference).map(|limit| limit.unit);
    let known = query::unit(&analysis.query).map(Unit::of_template);
    known.into_iter().chain(written).find(|unit| *unit != Unit::Plain).unwrap_or_default()
}

/// What is readable and still makes no sense.
fn consistent(spec: &EnvironmentSpec, analysis: &Analysis, texts: &Texts) -> Result<(), String> {
    let expressions = || texts.fail_if.iter().chain(&texts.pass_if);
    let has_difference = analysis.test.is_some() || texts.smallest_difference.is_some();
    let has_limit = texts.fail_when.is_some() || texts.pass_when.is_some() || expressions().next().is_some();
    let has_comparison = analysis.against.is_some() && has_difference;
    if !has_limit && !has_comparison {
        return Err(
            "it has nothing to judge by: give failWhen, passWhen, failIf, passIf, or against: stable with a \
                    test or a smallestDifference"
                .to_owned(),
        );
    }
    if analysis.against.is_none() && (has_difference || expressions().any(Expression::needs_stable)) {
        return Err(
            "against: test, smallestDifference and the names stable, stableSamples and confidence need \
                    `against: stable`"
                .to_owned(),
        );
    }
    if analysis.test.is_none() && expressions().any(Expression::needs_confidence) {
        return Err("test: the name confidence needs twoProportion or mannWhitney".to_owned());
    }
    if let Some(confidence) = analysis.confidence.filter(|confidence| !(0.5..1.0).contains(confidence)) {
        return Err(format!("confidence: {confidence} is not at least 0.5 and less than 1"));
    }
    if let Some(name) = analysis.errors.as_deref().filter(|name| query::template(spec, name).is_none()) {
        let known = query::known(spec).join(", ");
        return Err(format!("errors: there is no query `{name}`; there are {known}"));
    }
    if analysis.test == Some(StatisticalTest::MannWhitney)
        && analysis.query == "latency"
        && !overrides(spec, "latency")
    {
        return Err("test: mannWhitney needs the buckets of a histogram: query: latencyBuckets".to_owned());
    }
    if let Some(unknown) = analysis.components.iter().find(|name| spec.component(name.as_str()).is_none()) {
        let known: Vec<&str> = spec.components.iter().map(|component| component.name.as_str()).collect();
        return Err(format!("components: there is no `{unknown}`; there are {}", known.join(", ")));
    }
    let remembered =
        span::times(super::interval_of(analysis), i32::try_from(health::KEPT).unwrap_or(i32::MAX));
    if analysis.for_.is_some_and(|lasting| lasting.to_delta() >= remembered) {
        let most = crate::api::Duration::from_secs(u64::try_from(remembered.num_seconds()).unwrap_or(0));
        return Err(format!(
            "for: it must be shorter than {} measurements, which is {most} here",
            health::KEPT
        ));
    }
    Ok(())
}

fn overrides(spec: &EnvironmentSpec, query: &str) -> bool {
    spec.metrics.as_ref().is_some_and(|metrics| metrics.queries.contains_key(query))
}
