//! Telling people outside of the cluster: one port, one file per channel.
//!
//! Owns how each channel is spoken to. Must not know what is worth telling (`domain::notice`) nor who remembers it (the controller).
//! Secrets are read at the moment of use, only for the kind and host that they permit, and appear in no error: nothing that a channel answers is
//! repeated. A new channel is one file and one line in [`CHANNELS`].

use std::time::Duration;

use futures::future::BoxFuture;
use kube::Client;
use url::Url;

use crate::api::Environment;
use crate::api::environment::{Notify, SecretKeyRef};
use crate::cluster::outbound::Outbound;
use crate::cluster::secret::{Opened, SecretValue};
use crate::domain::address::{self, NoBase};
use crate::domain::notice::Notice;
use crate::domain::secret_use::{self, SecretUse};
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
pub struct Sender {
    /// Client of the cluster, for Secrets.
    pub client: Client,
    /// How servers are asked that Environments name.
    pub outbound: Outbound,
    /// For the time of a message, and of a server's wishes.
    pub clock: Clock,
    /// How long a channel may take to answer.
    pub patience: Duration,
}

impl Sender {
    /// A desk with the usual patience. Needs an installed TLS provider when it is used.
    #[must_use]
    pub const fn new(client: Client, clock: Clock, outbound: Outbound) -> Self {
        Self { client, outbound, clock, patience: PATIENCE }
    }
}

/// A way to reach people.
pub trait Channel: Send + Sync {
    /// Name of the channel, as `spec.notify` spells it.
    fn name(&self) -> &'static str;

    /// Keys that it understands under `config`.
    fn settings(&self) -> &'static [&'static str];

    /// Where the value of its Secret goes.
    fn destination(&self, notify: &Notify) -> Destination;

    /// Tells, once.
    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>>;
}

/// Where the value of a channel's Secret goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To this host, with its port where that is not the usual one.
    Host(String),
    /// To the host of the URL that it is.
    InSecret,
    /// Nowhere: the settings make no use of it, or name no server.
    None,
}

impl Destination {
    /// The host of an address in `config`, or of the usual one.
    fn of(notify: &Notify, key: &str, usual: &str) -> Self {
        let text = notify.config.get(key).map_or(usual, String::as_str);
        let host = text.trim().parse().ok().and_then(|url: Url| secret_use::host_of(&url));
        host.map_or(Self::None, Self::Host)
    }
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

/// What is told, through what.
pub struct Message<'a> {
    sender: &'a Sender,
    notify: &'a Notify,
    notice: &'a Notice,
    channel: &'static dyn Channel,
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

    fn reference(&self) -> Result<&SecretKeyRef, Error> {
        let sentence = || Error::Settings(format!("{} needs a secret", self.notify.channel));
        self.notify.secret.as_ref().ok_or_else(sentence)
    }

    /// The Secret's value, to be sent to the server of that URL, if the Secret permits it.
    async fn secret(&self, url: &Url) -> Result<SecretValue, Error> {
        self.secret_under(&self.reference()?.key, url).await
    }

    /// As [`Self::secret`], under another key of the same Secret.
    async fn secret_under(&self, key: &str, url: &Url) -> Result<SecretValue, Error> {
        let host = secret_use::host_of(url).ok_or_else(|| {
            Error::Settings(format!("the address of {} names no server", self.notify.channel))
        })?;
        Ok(self.opened().await?.value(key, self.channel.name(), &host)?)
    }

    /// The URL that the Secret holds, if it permits it.
    async fn secret_url(&self) -> Result<Url, Error> {
        Ok(self.opened().await?.url(&self.reference()?.key, self.channel.name())?.1)
    }

    async fn opened(&self) -> Result<Opened, Error> {
        let namespace = &self.notice.environment.namespace;
        Ok(Opened::read(&self.sender.client, namespace, &self.reference()?.name).await?)
    }

    /// The address in `config`, or the usual one.
    fn url(&self, key: &str, usual: &str) -> Result<Url, Error> {
        let wrong = |why: NoBase| Error::Settings(format!("config.{key}: {why}"));
        address::named_base(self.setting(key).unwrap_or(usual)).map_err(wrong)
    }
}

/// How the channels of an environment use Secrets.
pub fn secret_uses(environment: &Environment) -> impl Iterator<Item = SecretUse> + '_ {
    environment.spec.notify.iter().filter_map(|notify| {
        let channel = CHANNELS.iter().find(|channel| channel.name() == notify.channel)?;
        let secret = notify.secret.as_ref()?.name.clone();
        match channel.destination(notify) {
            Destination::Host(host) => {
                Some(SecretUse { secret, kind: notify.channel.clone(), host: Some(host) })
            }
            Destination::InSecret => Some(SecretUse { secret, kind: notify.channel.clone(), host: None }),
            Destination::None => None,
        }
    })
}

/// Tells one channel one piece of news, once. A later try is the caller's decision, by [`Error::is_transient`].
pub async fn tell(sender: &Sender, notify: &Notify, notice: &Notice) -> Result<(), Error> {
    let Some(&channel) = CHANNELS.iter().find(|channel| channel.name() == notify.channel) else {
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
    channel.tell(&Message { sender, notify, notice, channel }).await
}
