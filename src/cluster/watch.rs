//! Follows a set of objects for as long as the session lasts: list, watch, and again after whatever breaks.
//!
//! Owns freshness: a feed is live while its watch is open *and* the server answers probes; everything else says since when it
//! is stale, why, and when the next try is due. Objects become rows here; nothing else keeps them. Must not know screens.

mod backoff;
mod oddities;
mod pulse;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};

pub use backoff::Backoff;
pub use pulse::{Pulse, probe};

use oddities::Oddities;

use super::client::READ_TIMEOUT;
use super::error::{Error, Kind};
use super::releases::PAGE;
use crate::api::Stored;
use crate::domain::undecodable::Undecodable;
use crate::domain::watch_state::WatchState;
use crate::time::Clock;

/// A watch that the server has not ended by then is broken: it ends every watch after 290 s itself.
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(305);
/// A watch that ended sooner than this did not work.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);
/// How long to wait at most before looking again for something that is not installed.
const MISSING_RETRY: Duration = Duration::from_secs(5);

/// What a feed says.
#[derive(Clone, Debug, PartialEq)]
pub enum Update<K, V> {
    /// These are all of them.
    Reset(Vec<(K, V)>),
    /// These are some of a long list; more of it comes, unless it breaks off.
    Part {
        /// The list begins with these.
        first: bool,
        /// The objects.
        rows: Vec<(K, V)>,
    },
    /// These are the last of a list that came in parts: what was in none of them is gone.
    Rest(Vec<(K, V)>),
    /// This one is new or changed.
    Applied(K, V),
    /// This one is gone.
    Deleted(K),
    /// These are all objects that cannot be decoded, or only in part. Those that cannot be decoded at all are in no other update.
    Undecodable(Vec<Undecodable>),
    /// The feed's freshness has changed.
    State(WatchState),
}

/// An update and the scope that it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchMessage<K, V> {
    /// The namespace that is followed, or empty for the whole cluster.
    pub scope: Box<str>,
    /// What is new.
    pub update: Update<K, V>,
}

/// How an object becomes a row with its key.
pub type ToRow<W, K, V> = Arc<dyn Fn(W) -> (K, V) + Send + Sync>;

/// One set of objects to follow.
pub struct WatchTarget<W, K, V> {
    /// The objects, through the client for watches.
    pub api: Api<Stored<W>>,
    /// As sentences name them, such as `pods`.
    pub what: String,
    /// The namespace, or empty for the whole cluster.
    pub scope: Box<str>,
    /// Key and row of an object.
    pub row: ToRow<W, K, V>,
    /// Where updates go; the feed ends when nobody listens any more.
    pub sink: mpsc::Sender<WatchMessage<K, V>>,
}

/// Nobody listens any more.
struct Closed;

impl<W, K, V> WatchTarget<W, K, V>
where
    W: Resource + Clone + Debug + DeserializeOwned + 'static,
{
    /// Follows the objects until nobody listens. Each failure is reported as a state and tried again with growing delays.
    pub async fn follow(self, pulse: watch::Receiver<Pulse>, clock: Clock) {
        let sink = self.sink.clone();
        let following = Following {
            feed: self,
            pulse,
            clock,
            version: None,
            oddities: Oddities::default(),
            in_step: None,
            backoff: Backoff::default(),
            failures: 0,
        };
        tokio::select! {
            () = sink.closed() => {}
            _ = following.run() => {}
        }
    }
}

struct Following<W, K, V> {
    feed: WatchTarget<W, K, V>,
    pulse: watch::Receiver<Pulse>,
    clock: Clock,
    version: Option<String>,
    oddities: Oddities,
    in_step: Option<DateTime<Utc>>,
    backoff: Backoff,
    failures: u32,
}

impl<W, K, V> Following<W, K, V>
where
    W: Resource + Clone + Debug + DeserializeOwned + 'static,
{
    async fn run(mut self) -> Result<(), Closed> {
        loop {
            self.wait_for_server().await?;
            let long_enough = self.clock.now() + on_clock(&self.clock, SHORTEST_WATCH);
            match self.once().await? {
                Ok(()) if self.clock.now() >= long_enough => self.succeeded(),
                Ok(()) => tokio::time::sleep(self.backoff.next_delay()).await,
                Err(error) => self.failed(error).await?,
            }
        }
    }

    fn succeeded(&mut self) {
        self.backoff.reset();
        self.failures = 0;
    }

    async fn send(&self, update: Update<K, V>) -> Result<(), Closed> {
        let heard = WatchMessage { scope: self.feed.scope.clone(), update };
        self.feed.sink.send(heard).await.map_err(|_| Closed)
    }

    async fn live(&mut self, heard: DateTime<Utc>) -> Result<(), Closed> {
        self.in_step = Some(heard);
        self.send(Update::State(WatchState::Live { heard })).await
    }

    /// Waits while probes fail, so that one black hole is not asked by every feed.
    async fn wait_for_server(&mut self) -> Result<(), Closed> {
        loop {
            let pulse = self.pulse.borrow_and_update().clone();
            let Pulse::Silent { reason, retry_at } = pulse else { return Ok(()) };
            let state = WatchState::Stale { since: self.in_step, reason, retry_at: Some(retry_at) };
            self.send(Update::State(state)).await?;
            if self.pulse.changed().await.is_err() {
                return Err(Closed);
            }
        }
    }

    /// One list if needed, and one watch until it ends.
    async fn once(&mut self) -> Result<Result<(), Error>, Closed> {
        if self.version.is_none() {
            match self.list().await? {
                Ok(version) => self.version = Some(version),
                Err(error) => return Ok(Err(error)),
            }
            self.live(self.clock.now()).await?;
        }
        self.watch().await
    }

    /// Lists all objects, telling each page as it comes; gives back the version of the list.
    async fn list(&mut self) -> Result<Result<String, Error>, Closed> {
        self.oddities.clear();
        let mut params = ListParams::default().limit(PAGE);
        let mut first = true;
        loop {
            let page = match bounded(self.feed.api.list(&params), &self.feed.what).await {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            let mut rows = Vec::with_capacity(page.items.len());
            for item in page.items {
                self.oddities.examine(&self.feed.what, &item);
                rows.extend(item.readable().ok().map(&*self.feed.row));
            }
            let Some(token) = page.metadata.continue_.filter(|token| !token.is_empty()) else {
                self.send(if first { Update::Reset(rows) } else { Update::Rest(rows) }).await?;
                self.tell_undecodable().await?;
                return Ok(Ok(page.metadata.resource_version.unwrap_or_default()));
            };
            self.send(Update::Part { first, rows }).await?;
            params = params.continue_token(&token);
            first = false;
        }
    }

    async fn watch(&mut self) -> Result<Result<(), Error>, Closed> {
        let params = WatchParams::default();
        let version = self.version.clone().unwrap_or_default();
        let api = self.feed.api.clone();
        let events = match bounded(api.watch(&params, &version), &self.feed.what).await {
            Ok(events) => events,
            Err(error) => return Ok(Err(error)),
        };
        let mut events = std::pin::pin!(events);
        self.live(self.clock.now()).await?;
        loop {
            let event = tokio::select! {
                event = tokio::time::timeout(IDLE_LIMIT, events.next()) => event,
                changed = self.pulse.changed() => {
                    if changed.is_err() {
                        return Err(Closed);
                    }
                    let pulse = self.pulse.borrow_and_update().clone();
                    match pulse {
                        Pulse::Alive { heard } => self.live(heard).await?,
                        // The watch is given up: after a black hole nobody knows whether its connection still lives.
                        Pulse::Silent { .. } => {
                            self.pulse.mark_changed();
                            return Ok(Ok(()));
                        }
                        Pulse::Unknown => {}
                    }
                    continue;
                }
            };
            let Ok(Some(event)) = event else { return Ok(Ok(())) };
            match event.map_err(|error| Error::of(error, &self.feed.what)) {
                Ok(event) => {
                    if let Err(error) = self.take(event).await? {
                        return Ok(Err(error));
                    }
                    if self.version.is_none() {
                        return Ok(Ok(()));
                    }
                }
                // One event that cannot be read must not hide all the others.
                Err(error) if error.kind() == &Kind::Protocol => {
                    tracing::warn!(what = self.feed.what, %error, "an object is skipped");
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Sends what cannot be decoded, where that is news.
    async fn tell_undecodable(&mut self) -> Result<(), Closed> {
        match self.oddities.news() {
            Some(all) => self.send(Update::Undecodable(all)).await,
            None => Ok(()),
        }
    }

    /// An object changed, or is gone. One that can no longer be decoded has no key by which its row could be taken away: the list is
    /// read anew, once.
    async fn changed(&mut self, object: Stored<W>, is_gone: bool) -> Result<(), Closed> {
        self.remember(object.meta().resource_version.as_deref());
        let had_no_row = self.oddities.has_no_row(&object);
        if is_gone {
            self.oddities.forget(&object);
        } else {
            self.oddities.examine(&self.feed.what, &object);
        }
        match object {
            Stored::Readable(object) => {
                let (key, row) = (self.feed.row)(object);
                self.send(if is_gone { Update::Deleted(key) } else { Update::Applied(key, row) }).await?;
            }
            Stored::Unreadable(_) if !had_no_row => self.version = None,
            Stored::Unreadable(_) => {}
        }
        self.tell_undecodable().await
    }

    async fn take(&mut self, event: WatchEvent<Stored<W>>) -> Result<Result<(), Error>, Closed> {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => self.changed(object, false).await?,
            WatchEvent::Deleted(object) => self.changed(object, true).await?,
            WatchEvent::Bookmark(bookmark) => self.remember(Some(&bookmark.metadata.resource_version)),
            WatchEvent::Error(status) => return Ok(Err(Error::of_status(&status, &self.feed.what))),
        }
        Ok(Ok(()))
    }

    fn remember(&mut self, version: Option<&str>) {
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            self.version = Some(version.to_owned());
        }
    }

    /// Reports a failure and waits for the next try, which a server that is back brings forward.
    async fn failed(&mut self, error: Error) -> Result<(), Closed> {
        self.failures += 1;
        if error.kind() == &Kind::Gone {
            self.version = None;
            // Listing again at once is right the first time; a server that keeps forgetting is given time.
            if self.failures == 1 {
                return Ok(());
            }
        }
        if self.failures > 1 {
            self.version = None;
        }
        let mut delay = self.backoff.next_delay();
        let state = match error.kind() {
            Kind::Denied => WatchState::Denied { reason: error.to_string() },
            Kind::NotInstalled | Kind::NotFound => {
                delay = delay.min(MISSING_RETRY);
                self.version = None;
                self.send(Update::Reset(Vec::new())).await?;
                WatchState::Missing { reason: error.to_string() }
            }
            _ => WatchState::Stale {
                since: self.in_step,
                reason: error.to_string(),
                retry_at: Some(self.clock.now() + on_clock(&self.clock, delay)),
            },
        };
        tracing::info!(what = self.feed.what, scope = &*self.feed.scope, %error, "a feed failed");
        self.send(Update::State(state)).await?;
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(()),
            () = pulse::back(&mut self.pulse) => Ok(()),
        }
    }
}

/// A span of the wall as this clock counts it, which may run faster.
#[must_use]
pub fn on_clock(clock: &Clock, wall: Duration) -> Duration {
    let second = clock.wall(Duration::from_secs(1)).as_secs_f64();
    if second > 0.0 { wall.div_f64(second) } else { wall }
}

async fn bounded<T>(request: impl Future<Output = kube::Result<T>>, what: &str) -> Result<T, Error> {
    match tokio::time::timeout(READ_TIMEOUT, request).await {
        Ok(answer) => answer.map_err(|error| Error::of(error, what)),
        Err(_) => Err(Error::timeout(READ_TIMEOUT.as_secs())),
    }
}
