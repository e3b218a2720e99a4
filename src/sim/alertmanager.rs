//! The embedded world's Alertmanager: API v2 over the alerts that its Prometheus fires, with routes, inhibition and silences. What it
//! refuses, and in which words, is what version 0.28.1 does.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::Method;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::scenario::Routing;

/// An answer: HTTP status and JSON.
pub(super) type Answer = (u16, Json);

/// Silences, and what becomes of alerts.
#[derive(Debug)]
pub(super) struct Alertmanager {
    routing: Routing,
    silences: BTreeMap<String, Silence>,
    made: u64,
}

#[derive(Clone, Debug)]
struct Silence {
    matchers: Vec<Matcher>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    created_by: String,
    comment: String,
}

#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Postable {
    id: Option<String>,
    matchers: Vec<Matcher>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    created_by: String,
    comment: String,
}

type Labels = BTreeMap<String, String>;

impl Alertmanager {
    /// Nothing is silenced.
    #[must_use]
    pub(super) fn new(routing: Routing) -> Self {
        Self { routing, silences: BTreeMap::new(), made: 0 }
    }

    /// Answers a request for `/api/v2/…`; `alerts` are those of `/api/v1/alerts` of its Prometheus.
    pub(super) fn answer(
        &mut self,
        (method, path): (&Method, &str),
        body: &[u8],
        alerts: &Json,
        now: DateTime<Utc>,
    ) -> Answer {
        let path = path.trim_matches('/');
        match (method, path) {
            (&Method::GET, "api/v2/status") => (
                200,
                json!({
                    "cluster": {"status": "disabled", "peers": []}, "config": {"original": ""}, "uptime": stamp(now),
                    "versionInfo": {"version": "0.28.1", "branch": "HEAD", "revision": "simulated", "buildDate": "", "buildUser": "", "goVersion": ""}
                }),
            ),
            (&Method::GET, "api/v2/receivers") => (
                200,
                json!(self.routing.receivers().iter().map(|name| json!({"name": name})).collect::<Vec<_>>()),
            ),
            (&Method::GET, "api/v2/alerts") => (200, self.alerts(alerts, now)),
            (&Method::GET, "api/v2/silences") => (
                200,
                json!(self.silences.iter().map(|(id, silence)| silence.told(id, now)).collect::<Vec<_>>()),
            ),
            (&Method::POST, "api/v2/silences") => self.create(body, now),
            _ => match (method, path.strip_prefix("api/v2/silence/")) {
                (&Method::GET | &Method::DELETE, Some(id)) if !is_uuid(id) => {
                    let why = format!("silenceID in path must be of type uuid: \"{id}\"");
                    (422, json!({"code": 601, "message": why}))
                }
                (&Method::GET, Some(id)) => match self.silences.get(id) {
                    Some(silence) => (200, silence.told(id, now)),
                    None => (404, Json::Null),
                },
                (&Method::DELETE, Some(id)) => match self.silences.get_mut(id) {
                    Some(silence) => {
                        silence.ends_at = silence.ends_at.min(now);
                        silence.updated_at = now;
                        (200, Json::Null)
                    }
                    None => (404, Json::Null),
                },
                _ => (404, json!({"code": 404, "message": format!("path /{path} was not found")})),
            },
        }
    }

    fn create(&mut self, body: &[u8], now: DateTime<Utc>) -> Answer {
        let wanted: Postable = match serde_json::from_slice(body) {
            Ok(wanted) => wanted,
            Err(why) => return (422, json!({"code": 602, "message": format!("in body: {why}")})),
        };
        let empty = |matcher: &Matcher| !matcher.is_regex && matcher.is_equal && matcher.value.is_empty();
        let broken = wanted
            .matchers
            .iter()
            .position(|matcher| matcher.is_regex && Regex::new(&matcher.value).is_err());
        let wrong = match broken {
            Some(nth) => {
                Some(format!("invalid silence: invalid label matcher {nth}: invalid regular expression"))
            }
            None if wanted.matchers.iter().all(empty) => {
                Some("invalid silence: at least one matcher must not match the empty string".to_owned())
            }
            None if wanted.ends_at <= wanted.starts_at => {
                Some("Failed to create silence: start time must be before end time".to_owned())
            }
            None if wanted.ends_at <= now => {
                Some("Failed to create silence: end time can't be in the past".to_owned())
            }
            None => None,
        };
        if let Some(wrong) = wrong {
            return (400, json!(wrong));
        }
        let id = if let Some(id) = wanted.id.filter(|id| !id.is_empty()) {
            if !self.silences.contains_key(&id) {
                return (404, json!("silence not found"));
            }
            id
        } else {
            self.made += 1;
            format!("{:08x}-0000-4000-8000-{:012x}", now.timestamp() & 0xffff_ffff, self.made)
        };
        let silence = Silence {
            matchers: wanted.matchers,
            starts_at: wanted.starts_at.max(now),
            ends_at: wanted.ends_at,
            updated_at: now,
            created_by: wanted.created_by,
            comment: wanted.comment,
        };
        self.silences.insert(id.clone(), silence);
        (200, json!({"silenceID": id}))
    }

    fn alerts(&self, alerts: &Json, now: DateTime<Utc>) -> Json {
        let firing: Vec<(&Json, Labels)> = alerts["alerts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|alert| alert["state"] == "firing")
            .map(|alert| (alert, serde_json::from_value(alert["labels"].clone()).unwrap_or_default()))
            .collect();
        let told = firing.iter().map(|(alert, labels)| {
            let silenced: Vec<&String> = self
                .silences
                .iter()
                .filter(|(_, silence)| silence.holds(labels, now))
                .map(|(id, _)| id)
                .collect();
            let inhibited: Vec<String> = firing
                .iter()
                .filter(|(_, source)| source != labels && self.routing.inhibits(source, labels))
                .map(|(_, source)| fingerprint(source))
                .collect();
            let state = if silenced.is_empty() && inhibited.is_empty() { "active" } else { "suppressed" };
            json!({
                "labels": labels, "annotations": alert["annotations"], "startsAt": alert["activeAt"],
                "updatedAt": stamp(now), "endsAt": stamp(now + TimeDelta::minutes(4)), "generatorURL": "",
                "fingerprint": fingerprint(labels), "receivers": [{"name": self.routing.receiver(labels)}],
                "status": {"state": state, "silencedBy": silenced, "inhibitedBy": inhibited, "mutedBy": []}
            })
        });
        told.collect()
    }
}

impl Silence {
    fn holds(&self, labels: &Labels, now: DateTime<Utc>) -> bool {
        self.starts_at <= now
            && now < self.ends_at
            && self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    fn told(&self, id: &str, now: DateTime<Utc>) -> Json {
        let state = match () {
            () if now >= self.ends_at => "expired",
            () if now < self.starts_at => "pending",
            () => "active",
        };
        json!({
            "id": id, "status": {"state": state}, "updatedAt": stamp(self.updated_at), "comment": self.comment,
            "createdBy": self.created_by, "startsAt": stamp(self.starts_at), "endsAt": stamp(self.ends_at),
            "matchers": self.matchers
        })
    }
}

impl Matcher {
    fn matches(&self, labels: &Labels) -> bool {
        let have = labels.get(&self.name).map_or("", String::as_str);
        let found = if self.is_regex {
            Regex::new(&format!("^(?:{})$", self.value)).is_ok_and(|wanted| wanted.is_match(have))
        } else {
            have == self.value
        };
        found == self.is_equal
    }
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| hex(part))
}

/// FNV-1a over the labels: any stable number does.
fn fingerprint(labels: &Labels) -> String {
    let bytes =
        labels.iter().flat_map(|(name, value)| name.bytes().chain([0xff]).chain(value.bytes()).chain([0xff]));
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn firing() -> Json {
        let alert = |name: &str, severity: &str| {
            json!({"labels": {"alertname": name, "severity": severity, "namespace": "shop"},
            "annotations": {}, "state": "firing", "activeAt": "2027-01-15T08:00:00Z", "value": "1e+00"})
        };
        json!({"alerts": [alert("Errors", "critical"), alert("Slow", "warning")]})
    }

    fn world() -> Alertmanager {
        let routing = json!({
            "receiver": "slack", "routes": [{"match": {"severity": "critical"}, "receiver": "pagerduty"}],
            "inhibit": [{"source": {"severity": "critical"}, "target": {"alertname": "Slow"}, "equal": ["namespace"]}],
        });
        Alertmanager::new(serde_json::from_value(routing).unwrap())
    }

    fn ask(world: &mut Alertmanager, method: &Method, path: &str, body: &Json, now: i64) -> Answer {
        world.answer((method, path), body.to_string().as_bytes(), &firing(), at(now))
    }

    #[test]
    fn a_silence_holds_until_it_ends_or_is_ended() {
        let mut world = world();
        let body = json!({"matchers": [{"name": "alertname", "value": "Err.*", "isRegex": true, "isEqual": true}],
            "startsAt": at(0), "endsAt": at(60), "createdBy": "alice", "comment": "known"});
        let (code, made) = ask(&mut world, &Method::POST, "/api/v2/silences", &body, 0);
        assert_eq!(code, 200, "{made}");
        let id = made["silenceID"].as_str().unwrap().to_owned();
        let states = |world: &mut Alertmanager, now: i64| -> Vec<String> {
            let (_, told) = ask(world, &Method::GET, "/api/v2/alerts", &Json::Null, now);
            told.as_array()
                .unwrap()
                .iter()
                .map(|alert| alert["status"]["state"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(states(&mut world, 59), ["suppressed", "suppressed"]);
        assert_eq!(states(&mut world, 60), ["active", "suppressed"], "the other one is inhibited");
        let (_, told) = ask(&mut world, &Method::GET, "/api/v2/alerts", &Json::Null, 10);
        assert_eq!(told[0]["status"]["silencedBy"], json!([id]));
        assert_eq!(
            (&told[0]["receivers"][0]["name"], &told[1]["receivers"][0]["name"]),
            (&json!("pagerduty"), &json!("slack"))
        );
        assert_eq!(
            ask(&mut world, &Method::DELETE, &format!("/api/v2/silence/{id}"), &Json::Null, 20).0,
            200
        );
        assert_eq!(states(&mut world, 20), ["active", "suppressed"]);
        let (_, told) = ask(&mut world, &Method::GET, "/api/v2/silences", &Json::Null, 20);
        assert_eq!(
            (&told[0]["status"]["state"], &told[0]["createdBy"]),
            (&json!("expired"), &json!("alice"))
        );
    }

    #[test]
    fn what_alertmanager_refuses_is_refused() {
        let mut world = world();
        let silence = |value: &str, ends: i64, comment: &str| {
            json!({"matchers": [{"name": "a", "value": value, "isRegex": false}],
            "startsAt": at(0), "endsAt": at(ends), "createdBy": "alice", "comment": comment})
        };
        for (body, code, words) in [
            (silence("", 60, "x"), 400, "must not match the empty string"),
            (silence("b", -60, "x"), 400, "start time must be before end time"),
            (silence("b", 60, ""), 200, "silenceID"),
            (json!({}), 422, "602"),
        ] {
            let (found, told) = ask(&mut world, &Method::POST, "/api/v2/silences", &body, 0);
            assert!(found == code && told.to_string().contains(words), "{found} {told}");
        }
        for (id, code) in [("nothing", 422), ("7c0d5f4e-1111-4222-8333-444455556666", 404)] {
            assert_eq!(
                ask(&mut world, &Method::DELETE, &format!("/api/v2/silence/{id}"), &Json::Null, 0).0,
                code
            );
        }
    }
}
