//! One analysis, read: comparisons understood, templates found.

use chrono::TimeDelta;

use super::comparison::{Comparison, Unit};
use crate::api::environment::{Analysis, EnvironmentSpec, NoData};
use crate::domain::query;

/// How old the newest sample may be, where an analysis does not say.
const MAX_AGE: TimeDelta = TimeDelta::minutes(2);
/// Over how long a rate is taken, where an analysis does not say.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// One analysis, read.
#[derive(Clone, Debug)]
pub(super) struct Rules<'a> {
    pub analysis: &'a Analysis,
    /// The unit of the query's number.
    pub unit: Unit,
    pub fail_when: Option<Comparison>,
    pub pass_when: Option<Comparison>,
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
    pub query: &'a str,
    /// The template that counts requests.
    pub samples: Option<&'a str>,
    /// The template that tells the newest sample's time.
    pub newest: Option<&'a str>,
}

impl<'a> Rules<'a> {
    /// The rules, or the first thing that is wrong with them.
    pub(super) fn of(spec: &'a EnvironmentSpec, analysis: &'a Analysis) -> Result<Self, String> {
        let wrong = |field: &str, why: String| format!("analysis {}: {field}: {why}", analysis.name);
        let template = |field: &str, name: &str| {
            query::template(spec, name).ok_or_else(|| {
                let known = query::known(spec).join(", ");
                wrong(field, format!("there is no query `{name}`; there are {known}"))
            })
        };
        let comparison = |field: &str, text: &Option<String>| {
            text.as_ref()
                .map(|text| text.parse::<Comparison>())
                .transpose()
                .map_err(|error| wrong(field, error.to_string()))
        };
        let fail_when = comparison("failWhen", &analysis.fail_when)?;
        let pass_when = comparison("passWhen", &analysis.pass_when)?;
        let delta = |given: Option<crate::api::Duration>, default| {
            given.map_or(default, crate::api::Duration::to_delta)
        };
        let written = [fail_when, pass_when].into_iter().flatten().map(|comparison| comparison.limit.unit);
        let unit = query::unit(&analysis.query)
            .map(Unit::of_template)
            .into_iter()
            .chain(written)
            .find(|unit| *unit != Unit::Plain)
            .unwrap_or_default();
        let samples = match &analysis.samples {
            Some(name) => Some(template("samples", name)?),
            None => query::template(spec, "requests"),
        };
        let newest = match &analysis.newest {
            Some(name) => Some(template("newest", name)?),
            None => query::template(spec, "newestSample"),
        };
        Ok(Self {
            analysis,
            unit,
            fail_when,
            pass_when,
            lasting: delta(analysis.for_, TimeDelta::zero()),
            failure_limit: usize::try_from(analysis.failure_limit.unwrap_or(0)).unwrap_or(0),
            #[expect(clippy::cast_precision_loss, reason = "nobody asks for 2^53 requests")]
            min_samples: analysis.min_samples.unwrap_or(0) as f64,
            no_data: analysis.no_data,
            max_age: delta(analysis.max_age, MAX_AGE),
            interval: super::interval_of(analysis),
            window: delta(analysis.window, WINDOW),
            query: template("query", &analysis.query)?,
            samples,
            newest,
        })
    }

    /// Whether the old version must be measured too.
    pub(super) fn needs_stable(&self) -> bool {
        self.analysis.against.is_some()
    }

    /// Whether these rules say nothing of the new version alone.
    pub(super) fn is_comparison_only(&self) -> bool {
        self.needs_stable() && self.fail_when.is_none() && self.pass_when.is_none()
    }
}
