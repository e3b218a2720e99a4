//! Telling people outside of the cluster: one port, one file per channel.
//!
//! Owns how each channel is spoken to. Must not know what is worth telling (`domain::notice`) nor who remembers it (the controller).
//! Secrets are read at the moment of use and appear in no error: whatever a channel answers is cleaned of them. A new channel is one
//! file and one line in [`CHANNELS`].

use std::time::Duration;

use futures::future::BoxFuture;
use kube::Client;

use crate::api::environment::Notify;
use crate::cluster::secret::{SecretValue, read_secret};
use crate::domain::notice::Notice;
use crate::time::Clock;

mod email;
mod error;
mod github_issue;
mod mqtt;
mod pagerduty;
mod payload;
mod slack;
mod webhook;
mod wire;

pub use error::Error;

/// How long a channel may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where telling happens from.
#[derive(Clone)]
pub struct Desk {
    /// Client of the cluster, for Secrets.
    pub client: Client,
    /// Client for the world outside; absent where none could be built.
    pub http: Option<reqwest::Client>,
    /// For the time of a message, and of a server's wishes.
    pub clock: Clock,
    /// How long a channel may take to answer.
    pub patience: Duration,
}

impl Desk {
    /// A desk with the usual patience and a client of its own. Needs an installed TLS provider.
    #[must_use]
    pub fn new(client: Client, clock: Clock) -> Self {
        let http = crate::cluster::web::client(0)
            .inspect_err(|error| tracing::warn!(%error, "nobody outside can be told"))
            .ok();
        Self { client, http, clock, patience: PATIENCE }
    }
}

/// A way to reach people.
pub trait Channel: Send + Sync {
    /// Name of the channel, as `spec.notify` spells it.
    fn name(&self) -> &'static str;

    /// Keys that it understands under `config`.
    fn settings(&self) -> &'static [&'static str];

    /// Tells, once.
    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>>;
}

/// Every channel.
pub static CHANNELS: &[&dyn Channel] = &[
    &slack::Slack,
    &pagerduty::PagerDuty,
    &email::Email,
    &webhook::Webhook,
    &github_issue::GithubIssue,
    &mqtt::Mqtt,
];

/// What is told, through what, with which secret.
pub struct Message<'a> {
    desk: &'a Desk,
    notify: &'a Notify,
    notice: &'a Notice,
    secret: Option<SecretValue>,
}

impl Message<'_> {
    /// What the environment sets for this channel.
    fn setting(&self, key: &str) -> Option<&str> {
        self.notify.config.get(key).map(String::as_str)
    }

    fn needed(&self, key: &str) -> Result<&str, Error> {
        let sentence = || Error::Settings(format!("{} needs config.{key}", self.notify.channel));
        self.setting(key).ok_or_else(sentence)
    }

    fn secret(&self) -> Result<&SecretValue, Error> {
        let sentence = || Error::Settings(format!("{} needs a secret", self.notify.channel));
        self.secret.as_ref().ok_or_else(sentence)
    }

    /// Another key of the same Secret.
    async fn other_secret(&self, key: &str) -> Result<SecretValue, Error> {
        let Some(reference) = &self.notify.secret else {
            return Err(Error::Settings(format!("{} needs a secret", self.notify.channel)));
        };
        Ok(read_secret(&self.desk.client, &self.notice.environment.namespace, &reference.name, key).await?)
    }
}

/// Tells one channel one piece of news, once. A later try is the caller's decision, by [`Error::is_transient`].
pub async fn tell(desk: &Desk, notify: &Notify, notice: &Notice) -> Result<(), Error> {
    let Some(channel) = CHANNELS.iter().find(|channel| channel.name() == notify.channel) else {
        let known: Vec<_> = CHANNELS.iter().map(|channel| channel.name()).collect();
        let sentence = format!("there is no channel {}; there are {}", notify.channel, known.join(", "));
        return Err(Error::Settings(sentence));
    };
    if let Some(unknown) = notify.config.keys().find(|key| !channel.settings().contains(&key.as_str())) {
        let known = match channel.settings() {
            [] => "it takes none".to_owned(),
            some => format!("it takes {}", some.join(", ")),
        };
        return Err(Error::Settings(format!("{} does not know config.{unknown}; {known}", notify.channel)));
    }
    let secret = match &notify.secret {
        Some(reference) => {
            let namespace = &notice.environment.namespace;
            Some(read_secret(&desk.client, namespace, &reference.name, &reference.key).await?)
        }
        None => None,
    };
    let message = Message { desk, notify, notice, secret };
    channel.tell(&message).await
}
