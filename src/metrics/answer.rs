//! Reading what a Prometheus answers, and recognising what is none.

use serde::Deserialize;
use serde_json::Value;

use super::error::{Error, Kind};
use crate::cluster::error::quote;

/// Labels of a result, in the server's order.
pub(super) type Labels = serde_json::Map<String, Value>;

/// One result: labels and samples.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) labels: Labels,
    /// Unix seconds and value; not a number where the server says so.
    pub(super) samples: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status: String,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    metric: Labels,
    value: Option<Sample>,
    #[serde(default)]
    values: Vec<Sample>,
}

/// A timestamp and a number that is written as text.
#[derive(Deserialize)]
struct Sample(f64, String);

impl Sample {
    fn read(&self) -> (f64, f64) {
        // Rust reads Prometheus' own spellings of infinity and of no number.
        (self.0, self.1.parse().unwrap_or(f64::NAN))
    }
}

/// Results out of status and body; `query` is the query's name for sentences.
pub(super) fn read(query: &str, status: u16, body: &str) -> Result<Vec<Found>, Error> {
    let Ok(envelope) = serde_json::from_str::<Envelope>(body) else {
        return Err(not_prometheus(status, body));
    };
    if envelope.status != "success" {
        return Err(refused(query, &envelope));
    }
    let Some(data) = envelope.data else { return Err(not_prometheus(status, body)) };
    match data.result_type.as_str() {
        "vector" | "matrix" => entries(query, data.result),
        "scalar" => {
            let sample: Sample = serde_json::from_value(data.result).map_err(|_| shape(query))?;
            Ok(vec![Found { labels: Labels::new(), samples: vec![sample.read()] }])
        }
        other => Err(Error::new(
            Kind::Query,
            format!("query {}: it gives a {}, and a pane needs numbers", quote(query), quote(other)),
        )),
    }
}

fn entries(query: &str, result: Value) -> Result<Vec<Found>, Error> {
    let entries: Vec<Entry> = serde_json::from_value(result).map_err(|_| shape(query))?;
    Ok(entries
        .into_iter()
        .map(|entry| {
            let samples = entry.values.iter().chain(entry.value.as_ref()).map(Sample::read).collect();
            Found { labels: entry.metric, samples }
        })
        .collect())
}

fn shape(query: &str) -> Error {
    Error::new(
        Kind::NotPrometheus,
        format!("query {}: the answer has a shape that is not understood", quote(query)),
    )
}

fn refused(query: &str, envelope: &Envelope) -> Error {
    let words = quote(&envelope.error);
    let (kind, sentence) = match envelope.error_type.as_str() {
        "timeout" | "canceled" => {
            (Kind::Slow, format!("query {}: Prometheus gave up on it ({words})", quote(query)))
        }
        "unavailable" | "internal" => (Kind::Server, format!("Prometheus fails: {words}")),
        _ => (Kind::Query, format!("query {}: {words}", quote(query))),
    };
    Error::new(kind, sentence)
}

pub(super) fn not_prometheus(status: u16, body: &str) -> Error {
    let start = body.trim_start();
    match status {
        401 => Error::new(
            Kind::Denied,
            "Prometheus wants a login (401): give a URL that needs none, or use its Service",
        ),
        403 => Error::new(Kind::Denied, "Prometheus refuses us (403): ask its owner for access"),
        404 => Error::new(
            Kind::Address,
            "there is no Prometheus at that address (404): check the path of its URL",
        ),
        502..=504 => Error::new(
            Kind::Down,
            format!("Prometheus is down behind its proxy ({status}): {}", first(start)),
        ),
        500.. => Error::new(Kind::Server, format!("Prometheus fails ({status}): {}", first(start))),
        _ if start.starts_with('<') => Error::new(
            Kind::NotPrometheus,
            "it answers HTML: is this the URL of Prometheus or of a login page?",
        ),
        _ => Error::new(
            Kind::NotPrometheus,
            format!("it does not answer as Prometheus does ({status}): {}", first(start)),
        ),
    }
}

fn first(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.trim().is_empty() { "it gives no reason".to_owned() } else { quote(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_matrices_and_scalars() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"track":"canary"},"value":[1.5,"0.25"]}]}}"#;
        let found = read("q", 200, vector).unwrap();
        assert_eq!((found[0].labels["track"].as_str(), found[0].samples[0]), (Some("canary"), (1.5, 0.25)));
        let matrix = r#"{"status":"success","warnings":["w"],"data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2,"NaN"],[3,"+Inf"]]}]}}"#;
        let found = read("q", 200, matrix).unwrap();
        assert!(found[0].samples[1].1.is_nan() && found[0].samples[2].1.is_infinite());
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[7,"8"]}}"#;
        assert_eq!(read("q", 200, scalar).unwrap()[0].samples, [(7.0, 8.0)]);
        let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(read("q", 200, empty).unwrap(), []);
    }

    #[test]
    fn each_failure_has_its_sentence() {
        for (status, body, kind, part) in [
            (200, "<!DOCTYPE html><title>Sign in</title>", Kind::NotPrometheus, "answers HTML"),
            (200, "\n  <html>", Kind::NotPrometheus, "login page"),
            (200, "ok", Kind::NotPrometheus, "not answer as Prometheus does (200): ok"),
            (200, "{}", Kind::NotPrometheus, "{}"),
            (401, "<html>", Kind::Denied, "login"),
            (403, "no", Kind::Denied, "403"),
            (404, "404 page not found", Kind::Address, "path"),
            (503, "<html>", Kind::Down, "503"),
            (502, "", Kind::Down, "no reason"),
            (500, "boom\u{1b}[2J", Kind::Server, "boom"),
            (
                400,
                r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error: unexpected <aggr:sum>"}"#,
                Kind::Query,
                "query q: 1:5: parse error",
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
                r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#,
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
            let error = read("q", status, body).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(part) && !error.to_string().contains('\u{1b}'), "{error}");
        }
    }
}
