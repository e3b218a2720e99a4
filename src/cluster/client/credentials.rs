//! The credentials of one context, shared by its clients and renewed while they live.
//!
//! Owns when a credential plugin runs: once at the start, again before what it issued ends, and after the server has refused it
//! (401), at most once per delay. A renewal replaces the clients at once for all who hold them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderValue, Request, Response, StatusCode, header};
use kube::client::Body;
use kube::{Client, Config};
use secrecy::SecretString;
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};
use tower::BoxError;

use super::super::error::{Error, Kind};
use super::READ_TIMEOUT;
use super::connection::{Connection, Method, bearer, read_token};
use super::plugin::Issued;
use crate::time::Clock;

/// Before the end of what a plugin issued, from when it is renewed: at most this, at most a quarter of its life.
const LEAD: TimeDelta = TimeDelta::seconds(30);
/// What a plugin issued is used for this long, whatever it says about its end.
const AT_LEAST: TimeDelta = TimeDelta::seconds(10);
/// How old what was read of a token file may be.
const FILE_AGE: TimeDelta = TimeDelta::seconds(10);
/// Between two renewals after a 401, and between two tries of a plugin that fails: doubling up to `LONGEST_DELAY`.
const DELAY: Duration = Duration::from_secs(10);
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// Which of the two clients.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Ends by itself when the server is silent.
    Requests,
    /// May be silent for as long as nothing happens.
    Watches,
}

/// Clients with the credentials that hold now.
struct Given {
    generation: u64,
    header: Option<HeaderValue>,
    requests: Client,
    watches: Client,
    /// From when they are renewed, and from when they are useless.
    renew: Option<DateTime<Utc>>,
    ends: Option<DateTime<Utc>>,
}

#[derive(Default)]
struct State {
    given: Option<Arc<Given>>,
    /// The last failure of the plugin, and until when it is not tried again.
    failure: Option<(Error, Duration)>,
    failures: u32,
    /// Renewals after a 401 since the server last accepted anything, and when the next one is allowed.
    refusals: u32,
    next_after_refusal: Option<Duration>,
    /// The credentials whose refusal began the last renewal: whoever was refused with them too waits for it.
    refused: Option<u64>,
}

/// The credentials of one context.
pub(super) struct Credentials {
    connection: Connection,
    clock: Clock,
    state: Mutex<State>,
    /// Held by the one who renews.
    turn: Arc<Turns<()>>,
}

impl Credentials {
    pub(super) fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self { connection, clock: Clock::system(), state: Mutex::default(), turn: Arc::default() })
    }

    /// Builds the clients: the plugin runs here for the first time.
    pub(super) async fn prepare(self: &Arc<Self>) -> Result<(), Error> {
        self.current().await.map(|_| ())
    }

    /// Builds the clients of credentials that need no plugin.
    pub(super) fn prepare_now(&self) -> Result<(), Error> {
        if matches!(self.connection.method, Method::Plugin(_)) {
            return Ok(());
        }
        self.build(Issued::default()).map(|_| ())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client over these credentials.
    pub(super) fn client(self: &Arc<Self>, purpose: Purpose) -> Client {
        let credentials = Arc::clone(self);
        let namespace = self.connection.config.default_namespace.clone();
        let service = tower::service_fn(move |request| {
            let credentials = Arc::clone(&credentials);
            async move { credentials.send(purpose, request).await }
        });
        Client::new(service, namespace)
    }

    async fn send(
        self: Arc<Self>,
        purpose: Purpose,
        request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let failed = |error: Error| -> BoxError { kube::Error::Service(Box::new(error)).into() };
        let given = self.current().await.map_err(failed)?;
        let again = copy(&request);
        // A 401 of what stands behind the server's proxy is not about us.
        let is_about_us = !request.uri().path().contains("/proxy/");
        let answer = self.ask(&given, purpose, request).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || !is_about_us {
            self.accepted();
            return Ok(answer);
        }
        match (self.after_refusal(given.generation).await, again) {
            (Some(renewed), Some(again)) => self.ask(&renewed, purpose, again).await,
            _ => Ok(answer),
        }
    }

    async fn ask(
        &self,
        given: &Given,
        purpose: Purpose,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        if let Some(value) = &given.header {
            request.headers_mut().insert(header::AUTHORIZATION, value.clone());
        }
        let client = match purpose {
            Purpose::Requests => &given.requests,
            Purpose::Watches => &given.watches,
        };
        client.send(request).await.map_err(|error| match &self.connection.proxy {
            Some(proxy) => {
                let error = Error::of_transport(&error).behind_proxy(&proxy.shown());
                kube::Error::Service(Box::new(error)).into()
            }
            None => error.into(),
        })
    }

    /// What holds now; renews it where it has ended.
    async fn current(self: &Arc<Self>) -> Result<Arc<Given>, Error> {
        let now = self.clock.now();
        let given = self.state().given.clone();
        if let Some(given) = given {
            let is = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
            if !is(given.renew) {
                return Ok(given);
            }
            if !is(given.ends) {
                // Still good: renewed beside the requests, by whoever comes first.
                if let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() {
                    let this = Arc::clone(self);
                    tokio::spawn(async move { this.renew(turn).await });
                }
                return Ok(given);
            }
            return self.renewed(Some(given.generation)).await;
        }
        self.renewed(None).await
    }

    /// Waits for credentials that are not those of this generation.
    async fn renewed(self: &Arc<Self>, old: Option<u64>) -> Result<Arc<Given>, Error> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let given = self.state().given.clone();
        if let Some(given) = given.filter(|given| Some(given.generation) != old) {
            return Ok(given);
        }
        // Not ended by a caller who gives up: the next one needs the same.
        let this = Arc::clone(self);
        tokio::spawn(async move { this.renew(turn).await }).await.unwrap_or_else(|_| {
            Err(Error::new(Kind::Credentials, "the kubeconfig's credentials could not be loaded"))
        })
    }

    async fn renew(self: Arc<Self>, _turn: OwnedMutexGuard<()>) -> Result<Arc<Given>, Error> {
        let issued = match &self.connection.method {
            Method::Plugin(plugin) => {
                if let Some((error, until)) = &self.state().failure
                    && self.clock.monotonic() < *until
                {
                    return Err(error.clone());
                }
                let issued = plugin.run().await;
                self.remember(issued.as_ref().err());
                issued?
            }
            _ => Issued::default(),
        };
        // Building a client reads the system's certificates, which blocks.
        let this = Arc::clone(&self);
        tokio::task::spawn_blocking(move || this.build(issued))
            .await
            .map_err(|_| Error::new(Kind::Credentials, "the kubeconfig's credentials could not be loaded"))?
    }

    fn remember(&self, failure: Option<&Error>) {
        let mut state = self.state();
        let Some(error) = failure else {
            (state.failure, state.failures) = (None, 0);
            return;
        };
        state.failure = Some((error.clone(), self.clock.monotonic() + delay(state.failures)));
        state.failures += 1;
    }

    /// New credentials after a 401; none where nothing can be renewed, or not yet.
    async fn after_refusal(self: &Arc<Self>, generation: u64) -> Option<Arc<Given>> {
        if matches!(self.connection.method, Method::Unchanged | Method::Fixed(_)) {
            return None;
        }
        {
            let mut state = self.state();
            if let Some(given) = state.given.clone().filter(|given| given.generation != generation) {
                return Some(given);
            }
            if state.refused != Some(generation) {
                if state.next_after_refusal.is_some_and(|next| self.clock.monotonic() < next) {
                    return None;
                }
                state.next_after_refusal = Some(self.clock.monotonic() + delay(state.refusals));
                state.refusals += 1;
                state.refused = Some(generation);
            }
        }
        self.renewed(Some(generation)).await.ok()
    }

    fn accepted(&self) {
        self.state().refusals = 0;
    }

    /// Makes clients of what was issued and hands them to everybody.
    fn build(&self, issued: Issued) -> Result<Arc<Given>, Error> {
        let before = self.state().given.clone();
        let now = self.clock.now();
        let (header, renew, ends) = match &self.connection.method {
            Method::Unchanged => (None, None, None),
            Method::Fixed(header) => (Some(header.clone()), None, None),
            Method::File(path, first) => {
                // A file that is gone for a moment leaves the last token in use.
                let last =
                    || before.as_ref().and_then(|given| given.header.clone()).or_else(|| first.clone());
                (read_token(path).ok().or_else(last), Some(now + FILE_AGE), None)
            }
            Method::Plugin(_) => {
                let header = issued.token.as_deref().map(bearer).transpose()?;
                let ends = issued.expires.map(|expires| expires.max(now + AT_LEAST));
                (header, ends.map(|ends| ends - LEAD.min((ends - now) / 4)), ends)
            }
        };
        let generation = before.as_ref().map_or(0, |before| before.generation + 1);
        // Connections live on where only the token is new.
        let kept = before.filter(|_| issued.identity.is_none());
        let (requests, watches) = match kept {
            Some(before) => (before.requests.clone(), before.watches.clone()),
            None => self.clients(issued.identity)?,
        };
        let given = Arc::new(Given { generation, header, requests, watches, renew, ends });
        self.state().given = Some(Arc::clone(&given));
        Ok(given)
    }

    fn clients(&self, identity: Option<(String, String)>) -> Result<(Client, Client), Error> {
        use base64::Engine as _;
        let encode = |pem: String| base64::engine::general_purpose::STANDARD.encode(pem);
        let mut config = self.connection.config.clone();
        if let Some((certificate, key)) = identity {
            config.auth_info.client_certificate_data = Some(encode(certificate));
            config.auth_info.client_key_data = Some(SecretString::from(encode(key)));
        }
        let build =
            |config: Config| Client::try_from(config).map_err(|error| Error::of(error, "the API server"));
        let mut for_requests = config.clone();
        for_requests.read_timeout = Some(READ_TIMEOUT);
        for_requests.reset_reader_on_write = true;
        Ok((build(for_requests)?, build(config)?))
    }
}

fn delay(times: u32) -> Duration {
    DELAY.saturating_mul(1 << times.min(5)).min(LONGEST_DELAY)
}

/// The same request once more; none where its body is a stream.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut again = Request::new(request.body().try_clone()?);
    request.method().clone_into(again.method_mut());
    request.uri().clone_into(again.uri_mut());
    request.headers().clone_into(again.headers_mut());
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_a_bound() {
        let all: Vec<u64> = (0..8).map(|times| delay(times).as_secs()).collect();
        assert_eq!(all, [10, 20, 40, 80, 160, 300, 300, 300]);
    }
}
