//! What one measurement says: a number and its limits, or why it says nothing.

use super::comparison::{Unit, count};
use super::rules::Rules;
use super::subject::{self, Subject};
use crate::api::release::GateState;
use crate::domain::health::Answer;
use crate::domain::measure::{Measurement, Reading};

/// What one measurement says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Finding {
    pub state: GateState,
    /// One sentence.
    pub detail: String,
    pub value: Option<f64>,
    pub stable: Option<f64>,
    pub samples: Option<f64>,
    pub confidence: Option<f64>,
}

/// A number of one track, with what is behind it.
#[derive(Clone, Debug)]
struct Side {
    value: f64,
    samples: Option<f64>,
}

/// Which readings belong to a track, and what to call it.
struct Names {
    value: &'static str,
    samples: &'static str,
    newest: &'static str,
    word: &'static str,
}

/// The verdict of one measurement, for itself alone.
pub(super) fn judge(rules: &Rules<'_>, subject: &Subject<'_>, answer: &Answer) -> Finding {
    let nothing = |detail: String| Finding { state: GateState::NoData, detail, ..Finding::default() };
    let Some(measurement) = answer.measurement().filter(|_| answer.state != GateState::NoData) else {
        return nothing(format!("{} was not measured: {}", what(rules, subject), answer.detail));
    };
    let names = Names {
        value: subject::NEW,
        samples: subject::NEW_SAMPLES,
        newest: subject::NEW_NEWEST,
        word: subject.track_word(),
    };
    let new = match side(rules, measurement, &names, answer) {
        Ok(side) => side,
        Err(why) => return nothing(format!("{}: {why}", what(rules, subject))),
    };
    let said = format!("{} {}", what(rules, subject), told(rules.unit, &new, names.word));
    let finding = Finding { value: Some(new.value), samples: new.samples, ..Finding::default() };
    let fails = rules.fail_when.filter(|limit| limit.holds(new.value));
    let (state, verdict) = match (fails, rules.pass_when) {
        (Some(limit), _) => (GateState::Fail, format!("fails when {}", limit.show(rules.unit))),
        (None, Some(limit)) if !limit.holds(new.value) => {
            (GateState::Wait, format!("passes when {}", limit.show(rules.unit)))
        }
        (None, Some(limit)) => (GateState::Pass, format!("passes when {}", limit.show(rules.unit))),
        (None, None) => {
            let limit = rules.fail_when.map(|limit| format!("fails only when {}", limit.show(rules.unit)));
            (GateState::Pass, limit.unwrap_or_default())
        }
    };
    Finding { state, detail: format!("{said}: {verdict}"), ..finding }
}

/// `error rate`, or `error rate of backend` where there are several.
pub(super) fn what(rules: &Rules<'_>, subject: &Subject<'_>) -> String {
    let name = rules.analysis.name.replace('-', " ");
    if subject.is_one_of_many { format!("{name} of {}", subject.component) } else { name }
}

/// `12.4 % (canary, 1,203 requests)`.
fn told(unit: Unit, side: &Side, word: &str) -> String {
    let behind = side.samples.map_or(String::new(), |samples| format!(", {} requests", count(samples)));
    format!("{} ({word}{behind})", unit.show(side.value))
}

/// The number of one track, or why there is none.
fn side(
    rules: &Rules<'_>,
    measurement: &Measurement,
    names: &Names,
    answer: &Answer,
) -> Result<Side, String> {
    let reading = measurement.reading(names.value);
    let samples = match reading {
        Reading::Buckets(buckets) => buckets.last().map(|(_, count)| *count),
        #[expect(clippy::cast_precision_loss, reason = "an answer is far smaller than 2^53 samples")]
        Reading::List(list) => Some(list.len() as f64),
        _ => measurement.number(names.samples),
    };
    let word = names.word;
    if let Some(newest) = measurement.number(names.newest) {
        let age = crate::domain::series::unix(answer.at) - newest;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a limit fit 53 bits")]
        let limit = rules.max_age.num_milliseconds() as f64 / 1_000.0;
        if age > limit {
            return Err(format!(
                "stale data: the newest sample of the {word} is {} s old, allowed are {} s",
                count(age),
                count(limit)
            ));
        }
    }
    let fewest = rules.min_samples;
    match samples {
        None if fewest > 0.0 => {
            return Err(format!(
                "no data: nothing counts the requests of the {word}, and {} are needed",
                count(fewest)
            ));
        }
        Some(samples) if samples.floor() < fewest => {
            return Err(format!(
                "too few requests of the {word}: {}/{}",
                count(samples.floor()),
                count(fewest)
            ));
        }
        _ => {}
    }
    let value = number(reading).map_err(|why| format!("{why} for the {word}"))?;
    Ok(Side { value, samples: samples.map(f64::round) })
}

/// The number that a reading is.
fn number(reading: &Reading) -> Result<f64, String> {
    match reading {
        Reading::Empty => Err("no data: the query gives nothing".to_owned()),
        Reading::NotANumber => {
            Err("no data: the query gives no number (NaN), as without requests".to_owned())
        }
        Reading::Several(several) => {
            Err(format!("no data: the query gives {several} series where one is needed (sum them)"))
        }
        Reading::Number(number) => Ok(*number),
        Reading::Buckets(_) | Reading::List(_) => {
            Err("no data: the query gives a distribution where a number is needed".to_owned())
        }
    }
}
