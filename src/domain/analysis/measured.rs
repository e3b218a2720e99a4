//! What one measurement says: numbers, limits and a comparison, or why it says nothing.

use super::compared::{self, Compared};
use super::comparison::{Unit, count};
use super::distribution;
use super::expression::{Expression, Facts};
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
pub(super) struct Side<'a> {
    pub value: f64,
    pub samples: Option<f64>,
    pub reading: &'a Reading,
    /// What to call the track.
    pub word: &'static str,
}

/// Which readings belong to a track, and what to call it.
struct Names {
    value: &'static str,
    samples: &'static str,
    newest: &'static str,
    word: &'static str,
}

/// The verdict of one measurement, for itself alone. `confidence` is how sure the analysis's test is by now.
pub(super) fn judge(
    rules: &Rules<'_>,
    subject: &Subject<'_>,
    answer: &Answer,
    confidence: Option<f64>,
) -> Finding {
    let what = what(rules, subject);
    let nothing = |detail: String| Finding { detail, ..Finding::default() };
    let Some(measurement) = answer.measurement().filter(|_| answer.state != GateState::NoData) else {
        return nothing(format!("{what} was not measured: {}", answer.detail));
    };
    let names = Names {
        value: subject::NEW,
        samples: subject::NEW_SAMPLES,
        newest: subject::NEW_NEWEST,
        word: subject.track_word(),
    };
    let new = match side(rules, measurement, &names, answer) {
        Ok(side) => side,
        Err(why) => return nothing(format!("{what}: {why}")),
    };
    let finding = Finding { value: Some(new.value), samples: new.samples, ..Finding::default() };
    if !(subject.is_beside && rules.needs_stable()) {
        let said = format!("{what} {}", told(rules.unit, &new, true));
        return weigh(rules, &finding, &said, None);
    }
    let names = Names {
        value: subject::STABLE,
        samples: subject::STABLE_SAMPLES,
        newest: subject::STABLE_NEWEST,
        word: "stable",
    };
    match side(rules, measurement, &names, answer) {
        Err(why) => Finding { detail: format!("{what} {}: {why}", told(rules.unit, &new, true)), ..finding },
        Ok(old) => {
            let said =
                format!("{what} {} against {}", told(rules.unit, &new, true), told(rules.unit, &old, false));
            let compared = compared::compare(rules, &new, &old);
            let finding = Finding { stable: Some(old.value), confidence, ..finding };
            weigh(rules, &finding, &said, Some((&compared, old.samples)))
        }
    }
}

/// The verdict once the numbers are there. `compared` comes with the requests behind the old version's number.
fn weigh(
    rules: &Rules<'_>,
    finding: &Finding,
    said: &str,
    compared: Option<(&Compared, Option<f64>)>,
) -> Finding {
    let value = finding.value.unwrap_or(f64::NAN);
    let facts = Facts {
        value,
        samples: finding.samples,
        stable: finding.stable,
        stable_samples: compared.and_then(|(_, samples)| samples),
        confidence: finding.confidence,
    };
    let is_beside = compared.is_some();
    let expression = |expression: &Option<Expression>| {
        expression
            .as_ref()
            .filter(|expression| is_beside || !expression.needs_stable())
            .map(|expression| expression.run(&facts).map(|holds| (holds, expression.text().to_owned())))
    };
    let (fail_if, pass_if) =
        match (expression(&rules.fail_if).transpose(), expression(&rules.pass_if).transpose()) {
            (Ok(fail_if), Ok(pass_if)) => (fail_if, pass_if),
            (Err(why), _) | (_, Err(why)) => {
                return Finding { detail: format!("{said}: {why}"), ..finding.clone() };
            }
        };
    let show = |limit: &super::comparison::Comparison| limit.show(rules.unit);
    let with = |state, words: &str| {
        let detail = if words.is_empty() { said.to_owned() } else { format!("{said}: {words}") };
        Finding { state, detail, ..finding.clone() }
    };
    if let Some(limit) = rules.fail_when.filter(|limit| limit.holds(value)) {
        return with(GateState::Fail, &format!("fails when {}", show(&limit)));
    }
    let judged = compared.map(|(compared, _)| compared).filter(|_| rules.judges_difference());
    if let Some(compared) = judged.filter(|compared| compared.is_worse) {
        return with(GateState::Fail, &compared.words);
    }
    if let Some((true, text)) = &fail_if {
        return with(GateState::Fail, &format!("fails if {text}"));
    }
    if let Some(limit) = rules.pass_when.filter(|limit| !limit.holds(value)) {
        return with(GateState::Wait, &format!("passes when {}", show(&limit)));
    }
    if let Some((false, text)) = &pass_if {
        return with(GateState::Wait, &format!("passes if {text}"));
    }
    let limit = match (rules.pass_when, rules.fail_when) {
        (Some(limit), _) => Some(format!("passes when {}", show(&limit))),
        (None, Some(limit)) => Some(format!("fails only when {}", show(&limit))),
        (None, None) => fail_if.map(|(_, text)| format!("fails only if {text}")),
    };
    let words = judged.map(|compared| compared.words.clone()).filter(|words| !words.is_empty());
    let words: Vec<String> = words.into_iter().chain(limit).collect();
    with(GateState::Pass, &words.join("; "))
}

/// `error rate`, or `error rate of backend` where there are several.
pub(super) fn what(rules: &Rules<'_>, subject: &Subject<'_>) -> String {
    let name = rules.analysis.name.replace('-', " ");
    if subject.is_one_of_many { format!("{name} of {}", subject.component) } else { name }
}

/// `12.4 % (canary, 1,203 requests)`; the second of two leaves the word out.
fn told(unit: Unit, side: &Side<'_>, is_first: bool) -> String {
    let requests = if is_first { " requests" } else { "" };
    let behind = side.samples.map_or(String::new(), |samples| format!(", {}{requests}", count(samples)));
    let percentile = match side.reading {
        Reading::Buckets(_) | Reading::List(_) => format!("p{} ", distribution::SHOWN * 100.0),
        _ => String::new(),
    };
    format!("{percentile}{} ({}{behind})", unit.show(side.value), side.word)
}

/// The number of one track, or why there is none.
fn side<'a>(
    rules: &Rules<'_>,
    measurement: &'a Measurement,
    names: &Names,
    answer: &Answer,
) -> Result<Side<'a>, String> {
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
            let fewest = count(fewest);
            return Err(format!(
                "no data: nothing counts the requests of the {word}, and {fewest} are needed"
            ));
        }
        Some(samples) if samples.round() < fewest => {
            let samples = count(samples);
            return Err(format!("too few requests of the {word}: {samples}/{}", count(fewest)));
        }
        _ => {}
    }
    let value = number(reading).map_err(|why| format!("no data of the {word}: {why}"))?;
    Ok(Side { value, samples: samples.map(f64::round), reading, word })
}

/// The number that stands for a reading.
fn number(reading: &Reading) -> Result<f64, String> {
    let empty = || "the query gives an empty distribution".to_owned();
    match reading {
        Reading::Empty => Err("the query gives nothing".to_owned()),
        Reading::NotANumber => Err("the query gives no number (NaN), as it does without requests".to_owned()),
        Reading::Several(several) => {
            Err(format!("the query gives {several} series where one is needed: sum them"))
        }
        Reading::Number(number) => Ok(*number),
        Reading::Buckets(buckets) => distribution::of_buckets(distribution::SHOWN, buckets).ok_or_else(empty),
        Reading::List(list) => distribution::of_list(distribution::SHOWN, list).ok_or_else(empty),
    }
}
