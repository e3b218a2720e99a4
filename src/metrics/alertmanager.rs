//! One Alertmanager (API v2): which alerts it keeps quiet, who is told of them, and silences.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::Method;
use serde::{Deserialize, Serialize};

use super::answer::Reply;
use super::client::Prometheus;
use super::error::{Error, Kind};
use crate::cluster::error::quote;
use crate::domain::silence::{Handling, Matcher, NewSilence, Silence};
use crate::sanitize::line;

/// One Alertmanager. Cheap to clone.
#[derive(Clone)]
pub struct Alertmanager(pub(super) Prometheus);

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was made; the silence's id.
    Done(String),
    /// It was not, for this reason.
    Refused(String),
    /// It may or may not have been.
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAlert {
    labels: BTreeMap<String, String>,
    status: WireStatus,
    #[serde(default)]
    receivers: Vec<WireReceiver>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatus {
    #[serde(default)]
    silenced_by: Vec<String>,
    #[serde(default)]
    inhibited_by: Vec<String>,
}

#[derive(Deserialize)]
struct WireReceiver {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSilence {
    id: String,
    status: WireState,
    matchers: Vec<WireMatcher>,
    ends_at: DateTime<Utc>,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
struct WireState {
    state: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    /// Absent before Alertmanager 0.22.
    #[serde(default = "yes")]
    is_equal: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostableSilence<'a> {
    matchers: Vec<WireMatcher>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    created_by: &'a str,
    comment: &'a str,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "silenceID")]
    silence_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireVersion {
    version_info: BTreeMap<String, String>,
}

impl Alertmanager {
    /// What it does with each alert that it knows.
    pub async fn handled(&self) -> Result<Vec<Handling>, Error> {
        let alerts: Vec<WireAlert> = self.get("alerts").await?;
        Ok(alerts.into_iter().map(WireAlert::read).collect())
    }

    /// Silences that hold now, or will.
    pub async fn silences(&self) -> Result<Vec<Silence>, Error> {
        let silences: Vec<WireSilence> = self.get("silences").await?;
        Ok(silences
            .into_iter()
            .filter(|silence| silence.status.state != "expired")
            .map(WireSilence::read)
            .collect())
    }

    /// Its version.
    pub async fn version(&self) -> Result<String, Error> {
        let status: WireVersion = self.get("status").await?;
        Ok(line(status.version_info.get("version").map_or("unknown", |version| version)).into_owned())
    }

    /// Makes a silence, once: it is never sent twice by itself.
    pub async fn silence(&self, wanted: &NewSilence) -> Changed {
        let silence = PostableSilence {
            matchers: wanted.matchers.iter().map(WireMatcher::of).collect(),
            starts_at: wanted.from,
            ends_at: wanted.until,
            created_by: &wanted.by,
            comment: &wanted.comment,
        };
        let Ok(body) = serde_json::to_string(&silence) else {
            return Changed::Refused("the silence cannot be written".to_owned());
        };
        self.change(Method::POST, "silences", Some(body)).await.map_or_else(
            |error| error,
            |answer| match serde_json::from_str::<Created>(&answer) {
                Ok(created) => Changed::Done(line(&created.silence_id).into_owned()),
                Err(_) => Changed::Unknown("the Alertmanager answers without the silence's id".to_owned()),
            },
        )
    }

    /// Ends a silence now.
    pub async fn expire(&self, id: &str) -> Changed {
        let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_id {
            return Changed::Refused(format!("`{}` is not the id of a silence", quote(id)));
        }
        let answer = self.change(Method::DELETE, &format!("silence/{id}"), None).await;
        answer.map_or_else(|error| error, |_| Changed::Done(id.to_owned()))
    }

    async fn change(&self, method: Method, path: &str, body: Option<String>) -> Result<String, Changed> {
        match self.0.call(method, &format!("/api/v2/{path}"), body).await {
            Ok(Reply { status: 200..=299, body, .. }) => Ok(body.to_string()),
            Ok(Reply { status: 404, body, .. }) if body.trim().is_empty() => {
                Err(Changed::Refused("the Alertmanager does not know that silence".to_owned()))
            }
            Ok(Reply { status: status @ 400..=499, media_type, body }) => {
                let why = message(&body).unwrap_or_else(|| media_type.to_owned());
                Err(Changed::Refused(format!("the Alertmanager refuses it ({status}): {why}")))
            }
            Ok(Reply { status, media_type, .. }) => {
                Err(Changed::Unknown(format!("the Alertmanager failed ({status}, {media_type})")))
            }
            Err(error) if matches!(error.kind(), Kind::Denied | Kind::Address) => {
                Err(Changed::Refused(format!(
                    "{error}; silences need create and delete on services/proxy: the role release-cockpit-silences holds both"
                )))
            }
            // nothing was listening, so that nothing has arrived
            Err(error) if error.to_string().contains("connection refused") => {
                Err(Changed::Refused(error.to_string()))
            }
            Err(error) => Err(Changed::Unknown(error.to_string())),
        }
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, path: &str) -> Result<T, Error> {
        let reply = self.0.call(Method::GET, &format!("/api/v2/{path}"), None).await?;
        if !(200..300).contains(&reply.status) {
            let Reply { status, media_type, .. } = reply;
            return Err(Error::new(Kind::Server, format!("Alertmanager answers {status} ({media_type})")));
        }
        serde_json::from_str(&reply.body).map_err(|_| {
            Error::new(Kind::NotPrometheus, "something answers there, but it is no Alertmanager with API v2")
        })
    }
}

/// What an Alertmanager says of a refusal: a text in quotes, or an object with a message. Anything else is not repeated.
fn message(body: &str) -> Option<String> {
    let said: serde_json::Value = serde_json::from_str(body).ok()?;
    said.as_str().or_else(|| said.get("code").and(said.get("message"))?.as_str()).map(quote)
}

impl WireAlert {
    fn read(self) -> Handling {
        Handling {
            labels: self.labels.iter().map(|(name, value)| (line(name).into(), line(value).into())).collect(),
            silenced_by: self.status.silenced_by.iter().map(|id| line(id).into()).collect(),
            is_inhibited: !self.status.inhibited_by.is_empty(),
            receivers: self.receivers.iter().map(|receiver| line(&receiver.name).into()).collect(),
        }
    }
}

impl WireSilence {
    fn read(self) -> Silence {
        Silence {
            id: line(&self.id).into(),
            matchers: self.matchers.into_iter().map(WireMatcher::read).collect(),
            until: self.ends_at,
            by: line(&self.created_by).into(),
            comment: line(&self.comment).into(),
        }
    }
}

impl WireMatcher {
    fn of(matcher: &Matcher) -> Self {
        let Matcher { name, value, is_regex, is_equal } = matcher.clone();
        Self { name, value, is_regex, is_equal }
    }

    fn read(self) -> Matcher {
        let (name, value) = (line(&self.name).into_owned(), line(&self.value).into_owned());
        Matcher { name, value, is_regex: self.is_regex, is_equal: self.is_equal }
    }
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_documents_is_read() {
        // from Alertmanager's OpenAPI document, version 2
        let alert = r#"{"annotations": {}, "endsAt": "2026-11-20T14:00:00Z", "fingerprint": "af", "receivers": [{"name": "pagerduty"}],
            "startsAt": "2026-11-20T13:00:00Z", "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": ["7c-1"], "state": "suppressed"},
            "updatedAt": "2026-11-20T13:00:00Z", "generatorURL": "", "labels": {"alertname": "A"}}"#;
        let read = serde_json::from_str::<WireAlert>(alert).unwrap().read();
        assert!(read.is_suppressed() && !read.is_inhibited);
        assert_eq!((&*read.silenced_by[0], &*read.receivers[0]), ("7c-1", "pagerduty"));
        let silence = r#"{"id": "7c-1", "status": {"state": "active"}, "updatedAt": "2026-11-20T13:00:00Z", "comment": "known\u001b[2J",
            "createdBy": "alice", "endsAt": "2026-11-20T15:00:00Z", "startsAt": "2026-11-20T13:00:00Z",
            "matchers": [{"isRegex": false, "name": "alertname", "value": "A"}]}"#;
        let read = serde_json::from_str::<WireSilence>(silence).unwrap().read();
        assert_eq!((&*read.comment, read.matchers[0].to_string()), ("known", "alertname=\"A\"".to_owned()));
    }
}
