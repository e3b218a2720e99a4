//! Reading what a Prometheus answers, and recognising what is none.
//!
//! The results have the types of `prometheus-http-query`; the envelope around them is our own, because that crate drops `warnings`, `infos` and
//! the `isPartial` of `VictoriaMetrics`. No text of an answer that is not a Prometheus' is ever repeated: it may come from anywhere.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus_http_query::response::{Data, PromqlResult, Sample};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::error::{Error, Kind};
use crate::cluster::error::quote;

/// How much of a warning is repeated, in characters.
const REPEATED: usize = 160;

/// Labels of a result, sorted by name.
pub(super) type Labels = serde_json::Map<String, Value>;

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// For sentences.
    pub(super) media_type: &'static str,
    pub(super) body: Arc<str>,
}

/// One result: labels and samples.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) labels: Labels,
    /// Unix seconds and value; not a number where the server says so.
    pub(super) samples: Vec<(f64, f64)>,
}

/// The results of an answer, and what the server says about them.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Results {
    pub(super) found: Vec<Found>,
    pub(super) notes: Notes,
}

/// What the server says about its answer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Notes {
    /// What may be wrong with the results: Thanos and Prometheus say so of stores that did not answer.
    pub(super) warnings: Vec<String>,
    /// Remarks that leave the results whole.
    pub(super) infos: Vec<String>,
    /// What `VictoriaMetrics` says where some of its storage nodes did not answer.
    pub(super) is_partial: bool,
}

impl Notes {
    /// Why the answer is not the whole truth; nothing where it is.
    pub(super) fn partial(&self) -> Option<String> {
        if let Some(first) = self.warnings.first() {
            let first: String = quote(first).chars().take(REPEATED).collect();
            let more = self.warnings.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            return Some(format!("Prometheus answered with a warning: {first}{more}"));
        }
        self.is_partial.then(|| "some of its storage did not answer (isPartial)".to_owned())
    }
}

impl Results {
    /// The results, if they are the whole truth: nothing is judged by a part of it.
    pub(super) fn whole(self, query: &str) -> Result<Vec<Found>, Error> {
        match self.notes.partial() {
            None => Ok(self.found),
            Some(why) => Err(Error::new(
                Kind::Partial,
                format!("query {}: the answer is partial: {why}", quote(query)),
            )),
        }
    }
}

/// What every answer of Prometheus' HTTP API is wrapped in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<D> {
    status: String,
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
    #[serde(default)]
    is_partial: Option<bool>,
    data: Option<D>,
}

/// The type of a result, where the result itself is not understood.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    result_type: String,
    #[serde(rename = "result")]
    _result: IgnoredAny,
}

/// What is in the envelope, and what is said about it; the error is a sentence about `what`.
pub(super) fn open<D: DeserializeOwned>(what: &str, reply: &Reply) -> Result<(D, Notes), Error> {
    let Ok(envelope) = serde_json::from_str::<Envelope<D>>(&reply.body) else {
        return Err(misread(what, reply));
    };
    match envelope.data {
        Some(data) if envelope.status == "success" => {
            let notes = Notes {
                warnings: envelope.warnings.unwrap_or_default(),
                infos: envelope.infos.unwrap_or_default(),
                is_partial: envelope.is_partial.unwrap_or_default(),
            };
            Ok((data, notes))
        }
        _ => Err(refused(what, reply, envelope.error_type.as_deref(), envelope.error.as_deref())),
    }
}

/// Results out of an answer; `query` is the query's name for sentences.
pub(super) fn read(query: &str, reply: &Reply) -> Result<Results, Error> {
    let (result, notes) = open::<PromqlResult>(&format!("query {}", quote(query)), reply)?;
    let found = match result.into_inner().0 {
        Data::Vector(series) => series
            .into_iter()
            .map(prometheus_http_query::response::InstantVector::into_inner)
            .map(|(labels, sample)| found(labels, &[sample]))
            .collect(),
        Data::Matrix(series) => series
            .into_iter()
            .map(prometheus_http_query::response::RangeVector::into_inner)
            .map(|(labels, samples)| found(labels, &samples))
            .collect(),
        Data::Scalar(sample) => vec![found(HashMap::new(), &[sample])],
    };
    Ok(Results { found, notes })
}

fn found(labels: HashMap<String, String>, samples: &[Sample]) -> Found {
    let mut labels: Vec<_> = labels.into_iter().collect();
    labels.sort();
    Found {
        labels: labels.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
        samples: samples.iter().map(|sample| (sample.timestamp(), sample.value())).collect(),
    }
}

/// What is no envelope with such data: a refusal, another type of result, or no Prometheus at all.
fn misread(what: &str, reply: &Reply) -> Error {
    if let Ok(envelope) = serde_json::from_str::<Envelope<Shape>>(&reply.body) {
        return match envelope.data {
            Some(data) if envelope.status == "success" => {
                let known = ["vector", "matrix", "scalar", "string"];
                match known.into_iter().find(|known| *known == data.result_type) {
                    Some("string") => Error::new(
                        Kind::Query,
                        format!("{what}: it gives a string, and a pane needs numbers"),
                    ),
                    Some(_) => shape(what),
                    None => not_prometheus(reply),
                }
            }
            _ => refused(what, reply, envelope.error_type.as_deref(), envelope.error.as_deref()),
        };
    }
    match serde_json::from_str::<Envelope<IgnoredAny>>(&reply.body) {
        Ok(Envelope { status, data: Some(_), .. }) if status == "success" => shape(what),
        Ok(Envelope { error_type, error, .. }) => {
            refused(what, reply, error_type.as_deref(), error.as_deref())
        }
        Err(_) => not_prometheus(reply),
    }
}

fn shape(what: &str) -> Error {
    Error::new(Kind::NotPrometheus, format!("{what}: the answer has a shape that is not understood"))
}

/// An error that Prometheus itself states has a type; anything else is not repeated.
fn refused(what: &str, reply: &Reply, error_type: Option<&str>, error: Option<&str>) -> Error {
    let (Some(error_type), Some(error)) = (error_type.filter(|text| is_type(text)), error) else {
        return not_prometheus(reply);
    };
    let words = quote(error);
    let (kind, sentence) = match error_type {
        "timeout" | "canceled" => (Kind::Slow, format!("{what}: Prometheus gave up on it ({words})")),
        "unavailable" | "internal" => (Kind::Server, format!("Prometheus fails: {words}")),
        _ => (Kind::Query, format!("{what}: {words}")),
    };
    Error::new(kind, sentence)
}

/// As Prometheus, Thanos, Mimir and `VictoriaMetrics` write it: a word in small letters, or the status.
fn is_type(text: &str) -> bool {
    let is_word = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'));
    is_word && (3..=32).contains(&text.len())
}

pub(super) fn not_prometheus(reply: &Reply) -> Error {
    let Reply { status, media_type, body } = reply;
    match status {
        300..=399 => Error::new(
            Kind::Address,
            format!(
                "it redirects to another address ({status}), which is not followed: give the final URL of Prometheus"
            ),
        ),
        401 => Error::new(
            Kind::Denied,
            "Prometheus wants a login (401): give a URL that needs none, or use its Service",
        ),
        403 => Error::new(Kind::Denied, "Prometheus refuses us (403): ask its owner for access"),
        404 => Error::new(
            Kind::Address,
            "there is no Prometheus at that address (404): check the path of its URL",
        ),
        502..=504 => {
            Error::new(Kind::Down, format!("Prometheus is down behind its proxy ({status}, {media_type})"))
        }
        500.. => Error::new(Kind::Server, format!("Prometheus fails ({status}, {media_type})")),
        _ if body.trim_start().starts_with('<') => Error::new(
            Kind::NotPrometheus,
            "it answers HTML: is this the URL of Prometheus or of a login page?",
        ),
        _ => Error::new(
            Kind::NotPrometheus,
            format!("it does not answer as Prometheus does ({status}, {media_type})"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::metrics) fn reply(status: u16, body: &str) -> Reply {
        Reply { status, media_type: "application/json", body: body.into() }
    }

    fn read(status: u16, body: &str) -> Result<Results, Error> {
        super::read("q", &reply(status, body))
    }

    #[test]
    fn vectors_matrices_and_scalars() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"track":"canary","a":"b"},"value":[1.5,"0.25"]}]}}"#;
        let found = read(200, vector).unwrap().whole("q").unwrap();
        assert_eq!((found[0].labels["track"].as_str(), found[0].samples[0]), (Some("canary"), (1.5, 0.25)));
        assert_eq!(found[0].labels.keys().collect::<Vec<_>>(), ["a", "track"]);
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2,"NaN"],[3,"+Inf"]]}]}}"#;
        let found = read(200, matrix).unwrap().found;
        assert!(found[0].samples[1].1.is_nan() && found[0].samples[2].1.is_infinite());
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[7,"8"]}}"#;
        assert_eq!(read(200, scalar).unwrap().found[0].samples, [(7.0, 8.0)]);
        let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(read(200, empty).unwrap(), Results::default());
    }

    #[test]
    fn a_partial_answer_says_so_and_is_not_the_whole_truth() {
        let body = |more: &str| {
            format!(r#"{{"status":"success",{more}"data":{{"resultType":"scalar","result":[7,"8"]}}}}"#)
        };
        for (more, expected) in [
            ("", None),
            (r#""warnings":null,"infos":null,"#, None),
            (r#""warnings":[],"isPartial":false,"#, None),
            (r#""infos":["PromQL info: metric might not be a counter"],"#, None),
            (r#""isPartial":true,"#, Some("some of its storage did not answer (isPartial)")),
            (
                r#""warnings":["store 10.0.0.1: deadline exceeded"],"#,
                Some("a warning: store 10.0.0.1: deadline exceeded"),
            ),
            (r#""warnings":["one","two","three"],"isPartial":true,"#, Some("a warning: one (and 2 more)")),
        ] {
            let results = read(200, &body(more)).unwrap();
            assert_eq!(results.found.len(), 1, "{more}");
            let partial = results.notes.partial();
            assert_eq!(partial.is_some(), expected.is_some(), "{more}");
            assert!(expected.is_none_or(|part| partial.unwrap().ends_with(part)), "{more}");
            match (results.whole("q"), expected) {
                (Ok(_), None) => {}
                (Err(error), Some(part)) => {
                    assert_eq!(error.kind(), Kind::Partial);
                    assert!(error.to_string().starts_with("query q: the answer is partial: "), "{error}");
                    assert!(error.to_string().ends_with(part), "{error}");
                }
                other => panic!("{more}: {other:?}"),
            }
        }
        let infos = read(200, &body(r#""infos":["a"],"#)).unwrap().notes.infos;
        assert_eq!(infos, ["a"]);
    }

    #[test]
    fn each_failure_has_its_sentence_and_no_foreign_text() {
        const SECRET: &str = "hunter2";
        for (status, body, kind, part) in [
            (200, "<!DOCTYPE html><title>hunter2</title>", Kind::NotPrometheus, "answers HTML"),
            (200, "\n  <html>", Kind::NotPrometheus, "login page"),
            (200, "hunter2", Kind::NotPrometheus, "not answer as Prometheus does (200, application/json)"),
            (200, r#"{"SecretAccessKey":"hunter2"}"#, Kind::NotPrometheus, "(200, "),
            (200, r#"{"status":"success","data":"hunter2"}"#, Kind::NotPrometheus, "shape"),
            (
                200,
                r#"{"status":"success","data":{"resultType":"hunter2","result":[]}}"#,
                Kind::NotPrometheus,
                "(200, ",
            ),
            (400, r#"{"status":"error","error":"hunter2"}"#, Kind::NotPrometheus, "(400, "),
            (
                400,
                r#"{"status":"error","errorType":"A hunter2","error":"hunter2"}"#,
                Kind::NotPrometheus,
                "(400, ",
            ),
            (302, "hunter2", Kind::Address, "final URL"),
            (401, "<html>", Kind::Denied, "login"),
            (403, "no", Kind::Denied, "403"),
            (404, "404 page not found", Kind::Address, "path"),
            (503, "<html>", Kind::Down, "503"),
            (502, "", Kind::Down, "behind its proxy"),
            (500, "hunter2\u{1b}[2J", Kind::Server, "fails (500"),
            (
                400,
                r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error: unexpected <aggr:sum>"}"#,
                Kind::Query,
                "query q: 1:5: parse error",
            ),
            (
                422,
                r#"{"status":"error","errorType":"422","error":"cannot parse"}"#,
                Kind::Query,
                "query q: cannot parse",
            ),
            (
                503,
                r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
                Kind::Slow,
                "gave up",
            ),
            (500, r#"{"status":"error","errorType":"internal","error":"disk"}"#, Kind::Server, "disk"),
            (
                200,
                r#"{"status":"success","data":{"resultType":"string","result":[1,"hunter2"]}}"#,
                Kind::Query,
                "numbers",
            ),
            (
                200,
                r#"{"status":"success","data":{"resultType":"vector","result":{"a":1}}}"#,
                Kind::NotPrometheus,
                "shape",
            ),
        ] {
            let error = read(status, body).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(part) && !error.to_string().contains('\u{1b}'), "{error}");
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
    }
}
