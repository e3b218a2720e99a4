//! PagerDuty, Events API v2: the secret is the routing key of a service. All news of one release or freeze is one incident, which good
//! news resolves.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::payload::payload;
use super::wire::post;
use super::{Channel, Destination, Error, Message};
use crate::api::environment::Notify;
use crate::domain::notice::{Notice, wants};
use crate::domain::timeline::cut;

/// Where events are sent; accounts in Europe have another address.
const ADDRESS: &str = "https://events.pagerduty.com/v2/enqueue";

/// An integration of PagerDuty.
pub(super) struct PagerDuty;

impl Channel for PagerDuty {
    fn name(&self) -> &'static str {
        "pagerduty"
    }

    fn settings(&self) -> &'static [&'static str] {
        &["url"]
    }

    fn destination(&self, notify: &Notify) -> Destination {
        Destination::of(notify, "url", ADDRESS)
    }

    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let url = message.url("url", ADDRESS)?;
            let key = message.secret(&url).await?;
            let body = body(message.notify, message.notice, key.reveal());
            message.send(post(url, &body)).await.map(drop)
        }
        .boxed()
    }
}

/// Good news resolves; but a rollback that nobody was called for is itself what people are called for.
fn resolves(notify: &Notify, notice: &Notice) -> bool {
    notice.ends && (notice.event != "RolledBack" || wants(notify, "RollingBack"))
}

fn body(notify: &Notify, notice: &Notice, routing_key: &str) -> Value {
    let dedup_key = format!("release-cockpit/{}", notice.incident);
    if resolves(notify, notice) {
        return json!({"routing_key": routing_key, "event_action": "resolve", "dedup_key": dedup_key});
    }
    let links: Vec<Value> =
        notice.url.iter().map(|url| json!({"href": url, "text": notice.application})).collect();
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "client": "Release Cockpit",
        "links": links,
        "payload": {
            "summary": cut(format!("{}: {}", notice.title, notice.sentence), 1000),
            "source": notice.environment.to_string(),
            "severity": notice.severity.as_str(),
            "timestamp": notice.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "component": notice.application,
            "group": notice.environment.name,
            "class": notice.event,
            "custom_details": payload(notice),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, environment};
    use crate::domain::notice::trial;

    #[test]
    fn good_news_resolves_what_somebody_was_called_for() {
        for (event, ends, on, expected) in [
            ("Succeeded", true, &[][..], true),
            ("Succeeded", true, &["Held"], true),
            ("RolledBack", true, &[], true),
            ("RolledBack", true, &["RollingBack", "RolledBack"], true),
            ("RolledBack", true, &["RolledBack", "Failed"], false),
            ("Unfrozen", true, &[], true),
            ("Failed", false, &[], false),
        ] {
            let notice = Notice { event, ends, ..trial(&environment(), "bob", at(0)) };
            let notify = Notify {
                channel: "pagerduty".into(),
                secret: None,
                config: std::collections::BTreeMap::new(),
                events: on.iter().map(ToString::to_string).collect(),
            };
            let body = body(&notify, &notice, "key");
            assert_eq!(body["event_action"] == "resolve", expected, "{event} {on:?}");
            assert_eq!(body["dedup_key"], format!("release-cockpit/{}", notice.incident));
        }
    }
}
