//! Slack, through an incoming webhook: the secret is its whole URL. Whatever takes Slack's messages takes these.

use std::fmt::Write as _;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::payload::facts;
use super::wire::post;
use super::{Channel, Destination, Error, Message};
use crate::api::environment::Notify;
use crate::domain::notice::{Notice, Severity};
use crate::domain::timeline::cut;

/// An incoming webhook of Slack.
pub(super) struct Slack;

impl Channel for Slack {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn settings(&self) -> &'static [&'static str] {
        &[]
    }

    fn destination(&self, _: &Notify) -> Destination {
        Destination::InSecret
    }

    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let url = message.secret_url().await?;
            message.send(post(url, &body(message.notice))).await.map(drop)
        }
        .boxed()
    }
}

/// Slack's three characters that mean something.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const fn colour(notice: &Notice) -> &'static str {
    match notice.severity {
        Severity::Info if notice.ends => "#2eb67d",
        Severity::Info => "#36c5f0",
        Severity::Warning => "#ecb22e",
        Severity::Error | Severity::Critical => "#e01e5a",
    }
}

fn body(notice: &Notice) -> Value {
    let title = escaped(&notice.title);
    let mut text = format!("*{title}*\n{}", escaped(&notice.sentence));
    if let Some(command) = &notice.command {
        let _ = write!(text, "\n`{}`", escaped(command));
    }
    let mut small: Vec<String> =
        facts(notice).iter().map(|(name, value)| format!("*{name}* {}", escaped(value))).collect();
    small.extend(notice.url.iter().map(|url| escaped(url)));
    small.extend(notice.contacts.iter().map(|(who, how)| format!("*{}* {}", escaped(who), escaped(how))));
    // Slack takes at most 3,000 characters in a section, and ten elements in a context
    let small = cut(small.join("  ·  "), 2900);
    json!({
        "text": title,
        "attachments": [{
            "color": colour(notice),
            "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, 2900)}},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": small}]},
            ],
        }],
    })
}
