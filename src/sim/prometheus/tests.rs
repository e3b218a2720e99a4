//! Queries over hand-made samples, with values computed by hand.

mod exposed;

use promql_parser::parser::parse;
use rstest::rstest;

use super::api::{Parameters, answer};
use super::eval::{Evaluator, Value};
use super::samples::{Labels, Samples};

/// Ten minutes of samples every ten seconds, from 0 to 600 s.
///
/// `requests{pod="a",code="200"}` rises by 1/s, `{pod="a",code="500"}` by 0.1/s, `{pod="b",code="200"}` by 2/s;
/// `weight{pod="a"}` is 3, `weight{pod="b"}` 5; `gone{pod="a"}` ends at 300 s; `le` buckets rise by 5, 9 and 10 a second.
fn samples() -> Samples {
    let mut samples = Samples::default();
    let mut add = |metric: &str, labels: &[(&str, &str)], value: &dyn Fn(f64) -> f64, end: Option<i64>| {
        let id = samples.series(Labels::new(metric, labels));
        for second in (0..=600_i64).step_by(10) {
            if end.is_some_and(|end| second >= end) {
                samples.mark_stale(id, second * 1_000);
                break;
            }
            samples.append(id, second * 1_000, value(second as f64));
        }
    };
    add("requests", &[("pod", "a"), ("code", "200")], &|t| t, None);
    add("requests", &[("pod", "a"), ("code", "500")], &|t| t * 0.1, None);
    add("requests", &[("pod", "b"), ("code", "200")], &|t| 2.0 * t, None);
    add("weight", &[("pod", "a")], &|_| 3.0, None);
    add("weight", &[("pod", "b")], &|_| 5.0, None);
    add("gone", &[("pod", "a")], &|t| t, Some(300));
    add("bucket", &[("le", "0.1")], &|t| 5.0 * t, None);
    add("bucket", &[("le", "0.5")], &|t| 9.0 * t, None);
    add("bucket", &[("le", "+Inf")], &|t| 10.0 * t, None);
    samples
}

/// The values of a query at 600 s, by the labels that are left.
fn values(query: &str) -> Vec<(String, f64)> {
    let samples = samples();
    let at = 600_000;
    let expr = parse(query).unwrap_or_else(|why| panic!("{query}: {why}"));
    match Evaluator::new(&samples, at, at).eval(&expr, at).unwrap_or_else(|why| panic!("{query}: {why}")) {
        Value::Scalar(number) => vec![(String::new(), number)],
        Value::Vector(points) => points
            .iter()
            .map(|point| {
                let labels: Vec<_> =
                    point.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                (labels.join(","), point.value)
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case("1 + 2 * 3 ^ 2", &[("", 19.0)])]
#[case("-weight{pod=\"a\"}", &[("pod=a", -3.0)])]
#[case("sum(weight)", &[("", 8.0)])]
#[case("avg(weight)", &[("", 4.0)])]
#[case("count(requests)", &[("", 3.0)])]
#[case("min by (code) (weight)", &[("", 3.0)])]
#[case("max without (pod) (weight)", &[("", 5.0)])]
#[case("quantile(0.5, weight)", &[("", 4.0)])]
#[case("topk(1, weight)", &[("__name__=weight,pod=b", 5.0)])]
#[case("bottomk(1, weight)", &[("__name__=weight,pod=a", 3.0)])]
#[case("stddev(weight)", &[("", 1.0)])]
#[case("sum by (pod) (rate(requests[1m]))", &[("pod=a", 1.1), ("pod=b", 2.0)])]
#[case("increase(requests{pod=\"b\"}[5m])", &[("code=200,pod=b", 600.0)])]
#[case("irate(requests{pod=\"b\"}[5m])", &[("code=200,pod=b", 2.0)])]
#[case("requests{pod=\"b\"} offset 5m", &[("__name__=requests,code=200,pod=b", 600.0)])]
#[case("requests{pod=\"b\"} @ 100", &[("__name__=requests,code=200,pod=b", 200.0)])]
#[case("requests{pod=~\"b|c\",code!~\"5..\"}", &[("__name__=requests,code=200,pod=b", 1200.0)])]
#[case("weight > 4", &[("__name__=weight,pod=b", 5.0)])]
#[case("weight > bool 4", &[("pod=a", 0.0), ("pod=b", 1.0)])]
#[case("4 < weight", &[("__name__=weight,pod=b", 5.0)])]
#[case("weight * on(pod) weight", &[("pod=a", 9.0), ("pod=b", 25.0)])]
#[case(
    "sum(rate(requests{code=~\"5..\"}[1m])) / sum(rate(requests[1m]))",
    &[("", 0.1 / 3.1)]
)]
#[case("requests * on(pod) group_left() weight",
    &[("code=200,pod=a", 1800.0), ("code=500,pod=a", 180.0), ("code=200,pod=b", 6000.0)])]
#[case("weight and weight{pod=\"a\"}", &[("__name__=weight,pod=a", 3.0)])]
#[case("weight unless weight{pod=\"a\"}", &[("__name__=weight,pod=b", 5.0)])]
#[case("weight{pod=\"a\"} or weight", &[("__name__=weight,pod=a", 3.0), ("__name__=weight,pod=b", 5.0)])]
#[case("histogram_quantile(0.5, sum by (le) (rate(bucket[1m])))", &[("", 0.1)])]
#[case("histogram_quantile(0.7, sum by (le) (rate(bucket[1m])))", &[("", 0.3)])]
#[case("histogram_quantile(0.99, sum by (le) (rate(bucket[1m])))", &[("", 0.5)])]
#[case("clamp_max(weight, 4)", &[("pod=a", 3.0), ("pod=b", 4.0)])]
#[case("clamp(weight, 4, 4.5)", &[("pod=a", 4.0), ("pod=b", 4.5)])]
#[case("vector(7)", &[("", 7.0)])]
#[case("scalar(weight{pod=\"a\"})", &[("", 3.0)])]
#[case("time()", &[("", 600.0)])]
#[case("absent(nothing{x=\"y\"})", &[("x=y", 1.0)])]
#[case("absent(weight)", &[])]
#[case("gone", &[])]
#[case("gone offset 5m", &[])]
#[case("gone offset 301s", &[("__name__=gone,pod=a", 290.0)])]
#[case("max_over_time(weight{pod=\"a\"}[1m])", &[("pod=a", 3.0)])]
#[case("avg_over_time(requests{pod=\"b\"}[20s])", &[("code=200,pod=b", 1190.0)])]
#[case("label_replace(weight{pod=\"a\"}, \"x\", \"$1-\", \"pod\", \"(.*)\")", &[("__name__=weight,pod=a,x=a-", 3.0)])]
#[case("max_over_time(sum(weight)[1m:10s])", &[("", 8.0)])]
#[case("round(weight{pod=\"a\"} / 2)", &[("pod=a", 2.0)])]
#[case("0 / 0 != bool 0 / 0", &[("", 1.0)])]
fn a_query_has_the_value_that_the_hand_computes(#[case] query: &str, #[case] expected: &[(&str, f64)]) {
    let found = values(query);
    assert_eq!(found.len(), expected.len(), "{query}: {found:?}");
    for ((labels, value), (wanted_labels, wanted)) in found.iter().zip(expected) {
        assert_eq!(labels, wanted_labels, "{query}");
        assert!((value - wanted).abs() < 1e-9, "{query}: {value} is not {wanted}");
    }
}

#[rstest]
#[case("api/v1/query", &[("query", "sum(")], 400, "bad_data")]
#[case("api/v1/query", &[("query", "double_exponential_smoothing(weight[5m], 0.5, 0.5)")], 400, "bad_data")]
#[case("api/v1/query", &[("query", "weight + on(code) weight")], 422, "execution")]
#[case("api/v1/query", &[("query", "1"), ("time", "yesterday")], 400, "bad_data")]
#[case("api/v1/query_range", &[("query", "1"), ("start", "0"), ("end", "10"), ("step", "0")], 400, "bad_data")]
#[case("api/v1/query_range", &[("query", "1"), ("start", "10"), ("end", "0"), ("step", "1")], 400, "bad_data")]
#[case("api/v1/query_range", &[("query", "1"), ("start", "0"), ("end", "100000"), ("step", "1")], 400, "bad_data")]
#[case("api/v1/query_range", &[("query", "weight[5m]"), ("start", "0"), ("end", "10"), ("step", "1")], 400, "bad_data")]
#[case("api/v1/series", &[], 400, "bad_data")]
fn what_cannot_be_answered_is_refused_in_prometheus_form(
    #[case] path: &str,
    #[case] parameters: &[(&str, &str)],
    #[case] code: u16,
    #[case] kind: &str,
) {
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (status, body) = answer(&samples(), path, &Parameters(&parameters), 600_000);
    let body = body.unwrap();
    assert_eq!(
        (status, body["status"].as_str(), body["errorType"].as_str()),
        (code, Some("error"), Some(kind)),
        "{body}"
    );
}

#[test]
fn a_range_query_has_a_point_at_every_step_and_none_after_the_end_of_a_series() {
    let pairs = [("query", "gone"), ("start", "270"), ("end", "330"), ("step", "10s")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (status, body) = answer(&samples(), "/api/v1/query_range", &Parameters(&pairs), 0);
    assert_eq!(status, 200);
    let body = body.unwrap();
    assert_eq!(body["data"]["resultType"], "matrix");
    assert_eq!(
        body["data"]["result"][0]["values"],
        serde_json::json!([[270.0, "270"], [280.0, "280"], [290.0, "290"]])
    );
}

#[test]
fn labels_and_their_values_are_listed() {
    let list = |path: &str| answer(&samples(), path, &Parameters(&[]), 600_000).1.unwrap()["data"].clone();
    assert_eq!(list("api/v1/labels"), serde_json::json!(["__name__", "code", "le", "pod"]));
    assert_eq!(list("api/v1/label/pod/values"), serde_json::json!(["a", "b"]));
    assert_eq!(answer(&samples(), "api/v1/nothing", &Parameters(&[]), 0).0, 404);
}

/// Errors beyond the limit make the rule fire after its time, by the world's own evaluator.
#[test]
fn an_error_rate_over_its_limit_fires() {
    let rule = crate::domain::alert_rules::rules(&crate::domain::alert_rules::tests::with_everything())
        .unwrap()
        .remove(0);
    let lasting = rule.lasting.unwrap();
    let told = serde_json::json!({"alert": rule.alert, "expr": rule.expr, "for": lasting.to_string(), "labels": rule.labels});
    for (failing, expected) in [(0.04, "inactive"), (0.2, "firing")] {
        let rules = super::Rules::read(&[serde_json::from_value(told.clone()).unwrap()]).unwrap();
        let mut samples = super::Samples::with(rules);
        let namespace = crate::domain::fixtures::environment().metadata.namespace.unwrap();
        let series = |samples: &mut super::Samples, code: &str| {
            let labels = [
                ("namespace", namespace.as_str()),
                ("component", "backend"),
                ("track", "stable"),
                ("code", code),
            ];
            samples.series(super::Labels::new("http_requests_total", &labels))
        };
        let (good, bad) = (series(&mut samples, "200"), series(&mut samples, "500"));
        for step in 0..200_i64 {
            #[expect(clippy::cast_precision_loss, reason = "few")]
            let requests = step as f64 * 100.0;
            samples.append(good, step * 5_000, requests * (1.0 - failing));
            samples.append(bad, step * 5_000, requests * failing);
            samples.evaluate_rules(step * 5_000);
        }
        let alerts = samples.rules().alerts();
        let state = alerts["alerts"][0]["state"].as_str().unwrap_or("inactive");
        assert_eq!(state, expected, "{failing}: {alerts}");
    }
}
