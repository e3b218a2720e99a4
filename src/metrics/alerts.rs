//! Prometheus' alerts API.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::error::{Error, Kind};
use crate::domain::alert_row::{AlertRow, Words};
use crate::sanitize::line;

/// An alert that Prometheus counts as active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveAlert {
    /// Its name.
    pub name: String,
    /// Whether it fires; else it is pending.
    pub is_firing: bool,
    /// Since when its condition holds.
    pub since: DateTime<Utc>,
    /// Every label, its name among them.
    pub labels: BTreeMap<String, String>,
    /// What its author says of it.
    pub annotations: BTreeMap<String, String>,
}

impl ActiveAlert {
    /// As people look at it: nothing in it harms a terminal. Whose it is, is not known yet.
    #[must_use]
    pub fn row(&self) -> AlertRow {
        let words = |words: &BTreeMap<String, String>| -> Words {
            words.iter().map(|(name, value)| (line(name).into(), line(value).into())).collect()
        };
        AlertRow {
            name: line(&self.name).into(),
            is_firing: self.is_firing,
            since: self.since,
            labels: words(&self.labels),
            annotations: words(&self.annotations),
            environments: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    alerts: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    state: String,
    active_at: DateTime<Utc>,
}

/// Alerts out of status and body.
pub(super) fn read(status: u16, body: &str) -> Result<Vec<ActiveAlert>, Error> {
    let Ok(envelope) = serde_json::from_str::<Envelope>(body) else {
        return Err(super::answer::not_prometheus(status, body));
    };
    let data = match envelope.data {
        Some(data) if envelope.status == "success" => data,
        _ => {
            let words = crate::cluster::error::quote(&envelope.error);
            return Err(Error::new(Kind::Server, format!("Prometheus does not tell its alerts: {words}")));
        }
    };
    let alerts = data.alerts.into_iter().filter(|alert| matches!(alert.state.as_str(), "firing" | "pending"));
    Ok(alerts
        .map(|alert| ActiveAlert {
            name: alert.labels.get("alertname").cloned().unwrap_or_default(),
            is_firing: alert.state == "firing",
            since: alert.active_at,
            labels: alert.labels,
            annotations: alert.annotations,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answer_is_read() {
        // from Prometheus' documentation of GET /api/v1/alerts
        let body = r#"{"data": {"alerts": [{"activeAt": "2018-07-04T20:27:12.60602144+02:00", "annotations": {},
            "labels": {"alertname": "my-alert"}, "state": "firing", "value": "1e+00"}]}, "status": "success"}"#;
        let alerts = read(200, body).unwrap();
        assert_eq!(alerts.len(), 1);
        assert_eq!((alerts[0].name.as_str(), alerts[0].is_firing), ("my-alert", true));
        assert_eq!(alerts[0].since.timestamp(), 1_530_728_832);
        assert!(read(200, r#"{"status": "success", "data": {"alerts": [{"labels": {}}]}}"#).is_err());
        let odd = ActiveAlert {
            annotations: BTreeMap::from([("summary".to_owned(), "\u{1b}[2Jgone".to_owned())]),
            ..alerts[0].clone()
        };
        assert_eq!(odd.row().summary(), "gone");
        assert!(read(200, r#"{"status": "error", "error": "off"}"#).unwrap_err().to_string().contains("off"));
        assert_eq!(read(404, "404 page not found").unwrap_err().kind(), Kind::Address);
    }
}
