//! How fast a promise to users is being broken: burn rates over several windows, the error budget, and when it is used up.
//!
//! Owns the arithmetic and the questions. The pairs of windows are those of Google's SRE workbook: a long window tells that it
//! matters, a short one that it still goes on. Must not know who acts on it (`gate`, panes).

use chrono::TimeDelta;

use super::analysis::comparison::{Unit, count};
use super::measure::{Measure, Measurement};
use super::query::{self, QueryError, Values};
use crate::api::duration::Duration;
use crate::api::environment::{Environment, Slo};

/// Two windows and how many times too fast the budget may burn in both before it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Times faster than the objective allows.
    pub factor: f64,
    /// Tells that it matters.
    pub long: Duration,
    /// Tells that it still goes on.
    pub short: Duration,
    /// Whether a person must be woken for it, and no new release starts.
    pub is_fast: bool,
}

impl Pair {
    /// Both windows, the long one first: `6h/30m`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}/{}", prometheus_duration(self.long), prometheus_duration(self.short))
    }
}

/// Every pair, the fastest first.
pub(crate) const PAIRS: [Pair; 4] = [
    Pair { factor: 14.4, long: Duration::from_mins(60), short: Duration::from_mins(5), is_fast: true },
    Pair { factor: 6.0, long: Duration::from_mins(360), short: Duration::from_mins(30), is_fast: true },
    Pair { factor: 3.0, long: Duration::from_mins(1_440), short: Duration::from_mins(120), is_fast: false },
    Pair { factor: 1.0, long: Duration::from_mins(4_320), short: Duration::from_mins(360), is_fast: false },
];

/// The time that a promise is about, where it does not say.
pub(crate) const PERIOD: Duration = Duration::from_mins(30 * 1_440);
/// Fewest requests in a window, where an objective does not say.
const FEWEST: i64 = 50;

/// What one window says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// Share of the requests that failed.
    pub ratio: f64,
    /// Requests.
    pub requests: f64,
    /// Times faster than the objective allows.
    pub rate: f64,
}

/// What a pair of windows says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The pair.
    pub pair: Pair,
    /// Of the long window; nothing without enough requests.
    pub long: Option<Burn>,
    /// Of the short window; nothing without enough requests.
    pub short: Option<Burn>,
}

impl Judged {
    /// Whether the budget burns too fast in both windows. Nothing when that is not known: one window that is slow enough decides.
    #[must_use]
    pub fn is_burning(&self) -> Option<bool> {
        let too_fast = |burn: &Option<Burn>| burn.map(|burn| burn.rate > self.pair.factor);
        match (too_fast(&self.long), too_fast(&self.short)) {
            (Some(true), Some(true)) => Some(true),
            (Some(false), _) | (_, Some(false)) => Some(false),
            _ => None,
        }
    }
}

/// The state of a promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Every pair, the fastest first.
    pub pairs: Vec<Judged>,
    /// Share of the period's budget that is left; below zero when more is used than there was. Nothing without enough requests.
    pub budget_left: Option<f64>,
    /// When it is used up if everything goes on as in the last hour. Nothing when that is not known, or never.
    pub exhausted_in: Option<TimeDelta>,
}

impl Assessment {
    /// The fastest pair that burns, of those that wake people.
    #[must_use]
    pub fn fast(&self) -> Option<&Judged> {
        self.pairs.iter().find(|judged| judged.pair.is_fast && judged.is_burning() == Some(true))
    }

    /// Whether every pair that wakes people is known to be slow enough.
    #[must_use]
    pub fn is_known_slow(&self) -> bool {
        self.pairs
            .iter()
            .filter(|judged| judged.pair.is_fast)
            .all(|judged| judged.is_burning() == Some(false))
    }

    /// What is left of the budget, as part of a sentence that always has something to say.
    #[must_use]
    pub fn summary(&self) -> String {
        self.budget().unwrap_or_else(|| "too few requests in the period to tell what is left".to_owned())
    }

    /// What is left of the budget, as part of a sentence.
    #[must_use]
    pub fn budget(&self) -> Option<String> {
        let left = self.budget_left?;
        if left <= 0.0 {
            return Some("the error budget is used up".to_owned());
        }
        let when = self.exhausted_in.map_or(String::new(), |span| format!(", gone in {}", rough(span)));
        Some(format!("{} of the error budget is left{when}", Unit::Ratio.show(left)))
    }
}

/// What is wrong with an objective, as one sentence.
#[must_use]
pub(crate) fn problem(environment: &Environment, slo: &Slo) -> Option<String> {
    if !(slo.objective > 0.0 && slo.objective < 100.0) {
        return Some(format!(
            "metrics.slo.objective: {} is not a share in per cent that can be kept: write more than 0 and less than \
             100, such as 99.9",
            slo.objective
        ));
    }
    let spec = &environment.spec;
    for (field, name) in [("errors", errors(slo)), ("total", total(slo))] {
        if query::template(spec, name).is_none() {
            let known = query::known(spec).join(", ");
            return Some(format!("metrics.slo.{field}: there is no query `{name}`; there are {known}"));
        }
    }
    question(environment, slo).err().map(|error| format!("metrics.slo: {error}"))
}

/// Errors and requests over every window.
pub(crate) fn question(environment: &Environment, slo: &Slo) -> Result<Measure, QueryError> {
    let prometheus = environment.spec.metrics.as_ref().and_then(|metrics| metrics.prometheus.clone());
    let mut measure = Measure { prometheus, queries: std::collections::BTreeMap::new() };
    for window in windows(slo) {
        let text = prometheus_duration(window);
        for (reading, name) in [("errors", errors(slo)), ("total", total(slo))] {
            let template = query::windowed(&environment.spec, name).unwrap_or_default();
            let values = Values { window: &text, ..Values::of(environment) };
            let query = query::render(name, &template, &values)?;
            measure.queries.insert(format!("{reading}/{text}"), query);
        }
    }
    Ok(measure)
}

/// What the answers say.
#[must_use]
pub(crate) fn assess(slo: &Slo, measurement: &Measurement) -> Assessment {
    let burn = |window| burn(slo, measurement, window);
    let pairs: Vec<Judged> = PAIRS
        .into_iter()
        .map(|pair| Judged { pair, long: burn(pair.long), short: burn(pair.short) })
        .collect();
    let period = slo.window.unwrap_or(PERIOD);
    let budget_left = burn(period).map(|burn| 1.0 - burn.rate);
    let current = pairs.first().and_then(|judged| judged.long).filter(|burn| burn.rate > 0.0);
    let exhausted_in = budget_left.zip(current).and_then(|(left, current)| {
        #[expect(clippy::cast_precision_loss, reason = "a period in milliseconds fits 53 bits")]
        let millis = left.max(0.0) / current.rate * period.as_millis() as f64;
        // what lasts longer than this lasts for ever
        #[expect(clippy::cast_possible_truncation, reason = "bounded")]
        (millis < 1e13).then(|| TimeDelta::milliseconds(millis.round() as i64))
    });
    Assessment { pairs, budget_left, exhausted_in }
}

/// One window as part of a sentence: `1.82 % of 12,031 requests failed within 1h`.
#[must_use]
pub(crate) fn describe(burn: &Burn, window: Duration) -> String {
    format!("{} of {} requests failed within {window}", Unit::Ratio.show(burn.ratio), count(burn.requests))
}

/// Share of the requests that may fail.
#[must_use]
pub(crate) fn budget(slo: &Slo) -> f64 {
    1.0 - slo.objective / 100.0
}

/// Fewest requests in a window that make its number trustworthy.
#[must_use]
pub(crate) fn fewest(slo: &Slo) -> i64 {
    slo.min_requests.unwrap_or(FEWEST).max(1)
}

fn errors(slo: &Slo) -> &str {
    slo.errors.as_deref().unwrap_or("errors")
}

fn total(slo: &Slo) -> &str {
    slo.total.as_deref().unwrap_or("requests")
}

fn windows(slo: &Slo) -> impl Iterator<Item = Duration> {
    let mut all: Vec<Duration> = PAIRS.iter().flat_map(|pair| [pair.long, pair.short]).collect();
    all.push(slo.window.unwrap_or(PERIOD));
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

fn burn(slo: &Slo, measurement: &Measurement, window: Duration) -> Option<Burn> {
    let text = prometheus_duration(window);
    let number = |reading: &str| measurement.number(&format!("{reading}/{text}"));
    let (errors, requests) = (number("errors")?, number("total")?);
    #[expect(clippy::cast_precision_loss, reason = "nobody asks for 2^53 requests")]
    let fewest = fewest(slo) as f64;
    if requests < fewest || errors < 0.0 {
        return None;
    }
    let ratio = (errors / requests).min(1.0);
    let budget = budget(slo);
    (budget > 0.0).then(|| Burn { ratio, requests, rate: ratio / budget })
}

/// In one unit, as every Prometheus reads it, and people too.
#[must_use]
pub(crate) fn prometheus_duration(window: Duration) -> String {
    let secs = window.as_secs();
    match secs {
        _ if secs == 0 => format!("{}ms", window.as_millis()),
        _ if secs.is_multiple_of(86_400) => format!("{}d", secs / 86_400),
        _ if secs.is_multiple_of(3_600) => format!("{}h", secs / 3_600),
        _ if secs.is_multiple_of(60) => format!("{}m", secs / 60),
        _ => format!("{secs}s"),
    }
}

/// Two units at most.
fn rough(span: TimeDelta) -> String {
    let secs = u64::try_from(span.num_seconds()).unwrap_or(0);
    let unit = match secs {
        86_400.. => 3_600,
        3_600.. => 60,
        _ => 1,
    };
    Duration::from_secs(secs.saturating_sub(secs.checked_rem(unit).unwrap_or(0))).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::{Metrics, NoData, PrometheusRef};
    use crate::domain::fixtures::environment;
    use crate::domain::measure::Reading;
    use proptest::prelude::*;

    fn slo() -> Slo {
        Slo {
            objective: 99.9,
            errors: None,
            total: None,
            window: None,
            min_requests: None,
            no_data: NoData::Hold,
        }
    }

    /// The same share of errors in windows up to `recent`, and another one in longer ones.
    fn measured(recent: Duration, ratio: f64, otherwise: f64, per_hour: f64) -> Measurement {
        let mut found = Measurement::default();
        for window in windows(&slo()) {
            let text = prometheus_duration(window);
            let requests = per_hour * (window.to_std().as_secs_f64()) / 3_600.0;
            let ratio = if window <= recent { ratio } else { otherwise };
            found.0.insert(format!("errors/{text}"), Reading::Number(requests * ratio));
            found.0.insert(format!("total/{text}"), Reading::Number(requests));
        }
        found
    }

    #[test]
    fn both_windows_must_burn() {
        let hour = Duration::from_mins(60);
        for (recent, ratio, otherwise, fast) in [
            (hour, 0.02, 0.0, Some(14.4)),
            (hour, 0.014, 0.0, None),
            (Duration::from_mins(5), 0.02, 0.0, None),
            (Duration::from_mins(360), 0.007, 0.0, Some(6.0)),
            (Duration::from_mins(1_440), 0.004, 0.0, None),
            (hour, 0.0, 0.5, None),
        ] {
            let found = assess(&slo(), &measured(recent, ratio, otherwise, 10_000.0));
            assert_eq!(found.fast().map(|judged| judged.pair.factor), fast, "{recent} {ratio}: {found:?}");
            assert_eq!(found.is_known_slow(), fast.is_none());
        }
        let slow = assess(&slo(), &measured(Duration::from_mins(1_440), 0.004, 0.0, 10_000.0));
        assert_eq!(slow.pairs[2].is_burning(), Some(true), "burns slowly, and wakes nobody");
    }

    #[test]
    fn pairs_are_told_by_their_windows() {
        assert_eq!(PAIRS.map(|pair| pair.words()), ["1h/5m", "6h/30m", "1d/2h", "3d/6h"]);
    }

    #[test]
    fn few_requests_and_none_say_nothing() {
        let thin = assess(&slo(), &measured(Duration::from_mins(60), 0.5, 0.5, 40.0));
        assert_eq!(thin.pairs[0].is_burning(), None);
        assert_eq!(thin.fast().map(|judged| judged.pair.factor), None);
        assert!(!thin.is_known_slow());
        let mut no_number = measured(Duration::from_mins(60), 0.5, 0.5, 10_000.0);
        for reading in no_number.0.values_mut() {
            *reading = Reading::NotANumber;
        }
        let none = assess(&slo(), &no_number);
        assert_eq!((none.budget_left, none.exhausted_in, none.is_known_slow()), (None, None, false));
    }

    #[test]
    fn the_budget_is_what_the_period_leaves() {
        let half = assess(&slo(), &measured(PERIOD, 0.0005, 0.0, 10_000.0));
        assert!((half.budget_left.unwrap() - 0.5).abs() < 1e-9);
        // half of the budget of 30 days at half the speed that is allowed
        assert_eq!(half.exhausted_in.map(|span| span.num_days()), Some(30));
        assert_eq!(half.budget().unwrap(), "50 % of the error budget is left, gone in 30d");
        let over = assess(&slo(), &measured(PERIOD, 0.002, 0.0, 10_000.0));
        assert_eq!(over.budget().unwrap(), "the error budget is used up");
        assert_eq!(over.exhausted_in, Some(TimeDelta::zero()));
        assert_eq!(assess(&slo(), &measured(PERIOD, 0.0, 0.0, 10_000.0)).exhausted_in, None, "never");
    }

    #[test]
    fn every_window_is_asked_for() {
        let environment = environment();
        let measure = question(&environment, &slo()).unwrap();
        assert_eq!(measure.queries.len(), 16);
        assert!(measure.queries["total/30d"].contains("[30d]"));
        assert!(measure.queries["errors/5m"].contains(r#"component=~"backend|frontend""#));
    }

    #[test]
    fn an_objective_that_cannot_be_kept_is_named() {
        let mut environment = environment();
        environment.spec.metrics = Some(Metrics {
            prometheus: Some(PrometheusRef { service: None, url: Some("http://p".into()) }),
            ..Metrics::default()
        });
        assert_eq!(problem(&environment, &slo()), None);
        for objective in [0.0, 100.0, 101.0, f64::NAN] {
            assert!(problem(&environment, &Slo { objective, ..slo() }).unwrap().contains("99.9"));
        }
        let unknown = Slo { errors: Some("oops".into()), ..slo() };
        assert!(
            problem(&environment, &unknown).unwrap().contains("metrics.slo.errors: there is no query `oops`")
        );
    }

    proptest! {
        #[test]
        fn more_errors_never_burn_slower(ratio in 0.0..0.5_f64, more in 0.0..0.5_f64) {
            let rate = |ratio| assess(&slo(), &measured(PERIOD, ratio, 0.0, 10_000.0));
            let (less, more) = (rate(ratio), rate(ratio + more));
            prop_assert!(more.pairs[0].long.unwrap().rate >= less.pairs[0].long.unwrap().rate);
            prop_assert!(more.budget_left.unwrap() <= less.budget_left.unwrap());
            prop_assert!(less.fast().is_none() || more.fast().is_some());
        }
    }
}
