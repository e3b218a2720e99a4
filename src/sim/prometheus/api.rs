//! The HTTP API of Prometheus over the world's samples: pure functions from path and parameters to status and JSON.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use promql_parser::parser::{self, Expr};
use serde_json::{Value as Json, json};

use super::eval::{EvalError, Evaluator, Value};
use super::samples::{Labels, Samples};
use super::select::matching;

/// Most steps of a range query.
const MOST_STEPS: i64 = 11_000;
/// Most samples of an answer.
const MOST_SAMPLES: usize = 5_000_000;

/// An answer: HTTP status, and a JSON body or (for `/-/ready`) plain text.
pub(crate) type Answer = (u16, Result<Json, &'static str>);

/// Answers a request; `path` without the leading slash, `get` and `all` read parameters, `now` in milliseconds.
pub(crate) fn answer(samples: &Samples, path: &str, parameters: &Parameters<'_>, now: i64) -> Answer {
    let path = path.trim_matches('/');
    let result = match path {
        "-/ready" => return (200, Err("Prometheus Server is Ready.\n")),
        "-/healthy" => return (200, Err("Prometheus Server is Healthy.\n")),
        "api/v1/query" => query(samples, parameters, now),
        "api/v1/query_range" => query_range(samples, parameters),
        "api/v1/labels" => labels(samples, parameters, now),
        "api/v1/series" => series(samples, parameters, now),
        "api/v1/alerts" => Ok(samples.rules().alerts()),
        "api/v1/rules" => rules(samples, parameters),
        "api/v1/targets" => Ok(json!({"activeTargets": [], "droppedTargets": []})),
        "api/v1/status/buildinfo" => Ok(json!({
            "version": "3.5.0", "revision": "simulated", "branch": "HEAD", "buildUser": "", "buildDate": "", "goVersion": ""
        })),
        _ => match path.strip_prefix("api/v1/label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(name) => label_values(samples, name, parameters, now),
            None => return (404, Err("404 page not found\n")),
        },
    };
    match result {
        Ok(data) => (200, Ok(json!({"status": "success", "data": data}))),
        Err(error) => {
            let (code, kind) = match error {
                EvalError::BadData(_) => (400, "bad_data"),
                EvalError::Execution(_) => (422, "execution"),
                EvalError::Timeout => (503, "timeout"),
            };
            (code, Ok(json!({"status": "error", "errorType": kind, "error": error.to_string()})))
        }
    }
}

fn rules(samples: &Samples, parameters: &Parameters<'_>) -> Result<Json, EvalError> {
    match parameters.get("type").unwrap_or_default().to_lowercase().as_str() {
        "" => Ok(samples.rules().groups(None)),
        kind @ ("alert" | "record") => Ok(samples.rules().groups(Some(kind))),
        other => Err(bad("type", &format!("not supported value \"{other}\""))),
    }
}

/// Parameters of a request, from query and form.
#[derive(Debug)]
pub(crate) struct Parameters<'a>(pub &'a [(String, String)]);

impl Parameters<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn matchers(&self) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == "match[]").map(|(_, value)| value.as_str()).collect()
    }
}

fn bad(name: &str, why: &str) -> EvalError {
    EvalError::BadData(format!("invalid parameter \"{name}\": {why}"))
}

fn parse(query: &str) -> Result<Expr, EvalError> {
    if query.len() > 65_536 {
        return Err(bad("query", "query is too long"));
    }
    parser::parse(query).map_err(|why| bad("query", &why))
}

/// A time parameter in milliseconds: seconds since 1970 or RFC 3339.
fn time(parameters: &Parameters<'_>, name: &str, fallback: Option<i64>) -> Result<i64, EvalError> {
    let Some(text) = parameters.get(name).filter(|text| !text.is_empty()) else {
        return fallback.ok_or_else(|| bad(name, "cannot parse \"\" to a valid timestamp"));
    };
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok((seconds * 1000.0).round() as i64);
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.timestamp_millis())
        .map_err(|_| bad(name, &format!("cannot parse \"{text}\" to a valid timestamp")))
}

/// A duration parameter in milliseconds: seconds, or Prometheus' own form such as `1m30s`.
fn duration(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then_some((seconds * 1000.0) as i64);
    }
    let (mut total, mut number) = (0_i64, String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            'm' if rest.peek() == Some(&'s') => {
                rest.next();
                1
            }
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 604_800_000,
            'y' => 31_536_000_000,
            _ => return None,
        };
        total += number.parse::<i64>().ok()?.checked_mul(unit)?;
        number.clear();
    }
    (number.is_empty() && !text.is_empty()).then_some(total)
}

fn query(samples: &Samples, parameters: &Parameters<'_>, now: i64) -> Result<Json, EvalError> {
    let at = time(parameters, "time", Some(now))?;
    let expr = parse(parameters.get("query").unwrap_or_default())?;
    let value = Evaluator::new(samples, at, at).eval(&expr, at)?;
    let stamp = at as f64 / 1000.0;
    Ok(match value {
        Value::Scalar(number) => json!({"resultType": "scalar", "result": [stamp, number_text(number)]}),
        Value::Text(text) => json!({"resultType": "string", "result": [stamp, text]}),
        Value::Vector(points) => {
            let result: Vec<_> = points
                .iter()
                .map(|point| json!({"metric": metric(&point.labels), "value": [stamp, number_text(point.value)]}))
                .collect();
            json!({"resultType": "vector", "result": result})
        }
        Value::Matrix(series, _) => {
            json!({"resultType": "matrix", "result": matrix(series.iter().map(|(labels, samples)| (labels, samples.as_slice())))})
        }
    })
}

fn query_range(samples: &Samples, parameters: &Parameters<'_>) -> Result<Json, EvalError> {
    let start = time(parameters, "start", None)?;
    let end = time(parameters, "end", None)?;
    if end < start {
        return Err(bad("end", "end timestamp must not be before start time"));
    }
    let text = parameters.get("step").unwrap_or_default();
    let step =
        duration(text).ok_or_else(|| bad("step", &format!("cannot parse \"{text}\" to a valid duration")))?;
    if step <= 0 {
        return Err(bad(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if (end - start) / step > MOST_STEPS {
        return Err(EvalError::BadData(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution \
             (?step=XX)"
                .to_owned(),
        ));
    }
    let expr = parse(parameters.get("query").unwrap_or_default())?;
    let evaluator = Evaluator::new(samples, start, end);
    let mut count = 0;
    let mut series: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    let mut at = start;
    while at <= end {
        match evaluator.eval(&expr, at)? {
            Value::Scalar(number) => series.entry(Labels::default()).or_default().push((at, number)),
            Value::Vector(points) => {
                count += points.len();
                for point in points {
                    series.entry(point.labels).or_default().push((at, point.value));
                }
            }
            Value::Text(_) => return Err(wrong_type("string")),
            Value::Matrix(..) => return Err(wrong_type("range vector")),
        }
        if count > MOST_SAMPLES {
            return Err(EvalError::Timeout);
        }
        at += step;
    }
    let result = matrix(series.iter().map(|(labels, samples)| (labels, samples.as_slice())));
    Ok(json!({"resultType": "matrix", "result": result}))
}

fn wrong_type(given: &str) -> EvalError {
    bad(
        "query",
        &format!("invalid expression type \"{given}\" for range query, must be Scalar or instant Vector"),
    )
}

fn matrix<'a>(series: impl Iterator<Item = (&'a Labels, &'a [(i64, f64)])>) -> Vec<Json> {
    series
        .map(|(labels, samples)| {
            let values: Vec<_> =
                samples.iter().map(|(at, value)| json!([*at as f64 / 1000.0, number_text(*value)])).collect();
            json!({"metric": metric(labels), "values": values})
        })
        .collect()
}

fn metric(labels: &Labels) -> Json {
    Json::Object(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

/// A number as Prometheus writes it.
fn number_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        number.to_string()
    }
}

/// The series that the `match[]` parameters select between two instants.
fn selected(
    samples: &Samples,
    parameters: &Parameters<'_>,
    now: i64,
    must: bool,
) -> Result<BTreeSet<Labels>, EvalError> {
    let start = time(parameters, "start", Some(now - 2 * 3_600_000))?;
    let end = time(parameters, "end", Some(now))?.max(start);
    let matchers = parameters.matchers();
    if matchers.is_empty() {
        if must {
            return Err(EvalError::BadData("no match[] parameter provided".to_owned()));
        }
        return Ok(samples
            .named(None)
            .filter(|series| series.lives(start, end))
            .map(|series| (*series.labels).clone())
            .collect());
    }
    let mut found = BTreeSet::new();
    for text in matchers {
        let Expr::VectorSelector(selector) = parser::parse(text).map_err(|why| bad("match[]", &why))? else {
            return Err(bad("match[]", "expected a vector selector"));
        };
        let series = matching(samples, &selector)?;
        found.extend(
            series.iter().filter(|series| series.lives(start, end)).map(|series| (*series.labels).clone()),
        );
    }
    Ok(found)
}

fn labels(samples: &Samples, parameters: &Parameters<'_>, now: i64) -> Result<Json, EvalError> {
    let found = selected(samples, parameters, now, false)?;
    let names: BTreeSet<&str> = found.iter().flat_map(Labels::iter).map(|(name, _)| name).collect();
    Ok(json!(names))
}

fn label_values(
    samples: &Samples,
    name: &str,
    parameters: &Parameters<'_>,
    now: i64,
) -> Result<Json, EvalError> {
    let found = selected(samples, parameters, now, false)?;
    let values: BTreeSet<&str> =
        found.iter().map(|labels| labels.get(name)).filter(|value| !value.is_empty()).collect();
    Ok(json!(values))
}

fn series(samples: &Samples, parameters: &Parameters<'_>, now: i64) -> Result<Json, EvalError> {
    let found = selected(samples, parameters, now, true)?;
    Ok(Json::Array(found.iter().map(metric).collect()))
}
