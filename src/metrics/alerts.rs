//! Prometheus' alerts API.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::answer::{self, Reply};
use super::error::Error;
use crate::domain::alert_row::{AlertRow, Labels};
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
        let words = |words: &BTreeMap<String, String>| -> Labels {
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

/// The active alerts of a Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActiveAlerts {
    /// Those that are understood.
    pub alerts: Vec<ActiveAlert>,
    /// Names of those that are not; empty where not even the name is.
    pub unread: Vec<String>,
    /// Why these may not be all.
    pub partial: Option<String>,
}

impl ActiveAlerts {
    /// Why the alerts are not all that are active; nothing where they are.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let unread = || match self.unread.len() {
            0 => None,
            1 => Some("one alert is not understood".to_owned()),
            count => Some(format!("{count} alerts are not understood")),
        };
        self.partial.clone().or_else(unread)
    }
}

#[derive(Deserialize)]
struct Data {
    alerts: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    state: String,
    active_at: DateTime<Utc>,
}

/// Alerts out of an answer, each by itself: one that is not understood is lost alone.
pub(super) fn read(reply: &Reply) -> Result<ActiveAlerts, Error> {
    let (data, notes) = answer::open::<Data>("alerts", reply)?;
    let mut read = ActiveAlerts { partial: notes.partial(), ..ActiveAlerts::default() };
    for alert in data.alerts {
        let named = alert.pointer("/labels/alertname").and_then(Value::as_str).unwrap_or_default().to_owned();
        match serde_json::from_value::<Entry>(alert) {
            Ok(Entry { labels, annotations, state, active_at }) => {
                if matches!(state.as_str(), "firing" | "pending") {
                    read.alerts.push(ActiveAlert {
                        name: named,
                        is_firing: state == "firing",
                        since: active_at,
                        labels: labels.unwrap_or_default(),
                        annotations: annotations.unwrap_or_default(),
                    });
                }
            }
            Err(_) => read.unread.push(line(&named).into_owned()),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Kind;

    fn read(status: u16, body: &str) -> Result<ActiveAlerts, Error> {
        super::read(&Reply { status, media_type: "application/json", body: body.into() })
    }

    #[test]
    fn the_documented_answer_is_read() {
        // from Prometheus' documentation of GET /api/v1/alerts
        let body = r#"{"data": {"alerts": [{"activeAt": "2018-07-04T20:27:12.60602144+02:00", "annotations": {},
            "labels": {"alertname": "my-alert"}, "state": "firing", "value": "1e+00"}]}, "status": "success"}"#;
        let alerts = read(200, body).unwrap().alerts;
        assert_eq!(alerts.len(), 1);
        assert_eq!((alerts[0].name.as_str(), alerts[0].is_firing), ("my-alert", true));
        assert_eq!(alerts[0].since.timestamp(), 1_530_728_832);
        let odd = ActiveAlert {
            annotations: BTreeMap::from([("summary".to_owned(), "\u{1b}[2Jgone".to_owned())]),
            ..alerts[0].clone()
        };
        assert_eq!(odd.row().summary(), "gone");
        let off = r#"{"status": "error", "errorType": "unavailable", "error": "off"}"#;
        assert!(read(503, off).unwrap_err().to_string().contains("off"));
        assert_eq!(read(404, "404 page not found").unwrap_err().kind(), Kind::Address);
    }

    #[test]
    fn an_alert_that_is_not_understood_is_lost_alone() {
        let body = r#"{"status": "success", "data": {"alerts": [
            {"labels": {"alertname": "Odd"}, "annotations": null, "state": "firing"},
            {"labels": {"alertname": "Whole"}, "annotations": null, "state": "firing", "activeAt": "2018-07-04T20:27:12Z"},
            {"labels": null, "state": 7}, "nonsense",
            {"labels": {"alertname": "Pending"}, "state": "pending", "activeAt": "2018-07-04T20:27:12Z"}]}}"#;
        let read = read(200, body).unwrap();
        let names: Vec<&str> = read.alerts.iter().map(|alert| alert.name.as_str()).collect();
        assert_eq!(names, ["Whole", "Pending"]);
        assert_eq!(read.unread, ["Odd", "", ""]);
        assert_eq!(read.partial, None);
    }
}
