//! What a Prometheus tells of a rule from its first evaluation to its firing: kept by the real one and by the embedded world's.

use std::time::Duration;

use serde_json::Value;

/// The rule that is loaded: true of everything, pending for a while.
pub const ALERT: &str = "ContractAlways";
/// Its expression.
pub const EXPR: &str = "vector(1) > 0";
/// How long it is pending, in seconds.
pub const PENDING_SECS: u32 = 10;

/// Follows the rule until it fires; panics where an answer has another shape than Prometheus documents. The rule must have the
/// label `severity: page` and the annotation `summary: "value is {{ $value }}"`.
pub async fn follow(base: &str) {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    let get = |path: &str| {
        let request = client.get(format!("{base}/api/v1/{path}")).send();
        async move {
            let answer = request.await.expect("an answer");
            (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
        }
    };
    let mut seen = Vec::new();
    let mut firing = Value::Null;
    for _ in 0..1_200 {
        let (code, told) = get("alerts").await;
        assert_eq!((code, &told["status"]), (200, &Value::from("success")), "{told}");
        let alerts = told["data"]["alerts"].as_array().expect("a list");
        let ours = alerts.iter().find(|alert| alert["labels"]["alertname"] == ALERT);
        let state = ours.map_or("inactive", |alert| alert["state"].as_str().expect("a state"));
        if seen.last().is_none_or(|last| last != state) {
            seen.push(state.to_owned());
        }
        if state == "firing" {
            firing = ours.cloned().expect("it fires");
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(seen.ends_with(&["pending".to_owned(), "firing".to_owned()]), "{seen:?}");
    let keys: Vec<&String> = {
        let mut keys: Vec<&String> = firing.as_object().expect("an object").keys().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys, ["activeAt", "annotations", "labels", "state", "value"]);
    assert_eq!(firing["labels"], serde_json::json!({"alertname": ALERT, "severity": "page"}));
    assert_eq!(firing["annotations"], serde_json::json!({"summary": "value is 1"}));
    assert_eq!(firing["value"], "1e+00");
    let since = firing["activeAt"].as_str().expect("an instant");
    chrono::DateTime::parse_from_rfc3339(since).expect("an instant");
    let (_, told) = get("rules?type=alert").await;
    let groups = told["data"]["groups"].as_array().expect("groups");
    let rules = groups.iter().flat_map(|group| {
        for key in ["name", "file", "interval", "limit", "rules", "evaluationTime", "lastEvaluation"] {
            assert!(!group[key].is_null(), "{key}: {group}");
        }
        group["rules"].as_array().expect("rules")
    });
    let rule = rules.into_iter().find(|rule| rule["name"] == ALERT).expect("the rule");
    for (key, expected) in [("state", "firing"), ("query", EXPR), ("health", "ok"), ("type", "alerting")] {
        assert_eq!(rule[key], expected, "{rule}");
    }
    assert_eq!(rule["duration"].as_f64(), Some(f64::from(PENDING_SECS)));
    assert_eq!(rule["labels"], serde_json::json!({"severity": "page"}));
    assert_eq!(rule["alerts"][0]["activeAt"], firing["activeAt"]);
    for key in ["annotations", "evaluationTime", "lastEvaluation"] {
        assert!(!rule[key].is_null(), "{key}: {rule}");
    }
    let (_, recording) = get("rules?type=record").await;
    let recording = recording["data"]["groups"].as_array().expect("groups");
    assert!(
        recording.iter().all(|group| group["rules"].as_array().is_none_or(Vec::is_empty)),
        "{recording:?}"
    );
    let (code, refused) = get("rules?type=other").await;
    assert_eq!((code, &refused["errorType"]), (400, &Value::from("bad_data")), "{refused}");
}
