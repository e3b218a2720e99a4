//! A transport that perturbs what controllers ask of the API server, as its seed wants it.
//!
//! What becomes of a request depends on the seed, the replica that asks, the kind (verb and resource) and how many of that kind came before:
//! never on the clock. Nothing is done that the API does not allow:
//!
//! - A plain GET or LIST is a quorum read: it is never older than what was written before it.
//! - A GET or LIST with `resourceVersion=0` may be answered from the cache of any API server, in an older state and even in one older than
//!   the answer before: the simulator does that itself (`Running::lag_caches`).
//! - The events of one watch keep their order and leave none out; those of different watches reach a client in any order, since each
//!   lags as it likes. What is old is what a watch has not reported yet.
//! - A watch may start from any version that is still kept: one that resumes before the last event that it delivered delivers the events since
//!   again. It never resumes before the list that it belongs to.
//! - A request may be carried out though the client never sees the answer, twice where a proxy repeats it, and after the client has given
//!   up on it (see [`Fate::of`] for the one exception).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body as Answer, Bytes};
use futures::StreamExt;
use http::{Request, Response, StatusCode, Uri};
use kube::Client;
use kube::client::Body;
use release_cockpit::controller::Deadlines;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::fate::{Fate, Turn};
use super::guard::Guard;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The longest way of a request or an answer where nothing is perturbed, in milliseconds.
const WAY: u64 = 12;

/// Perturbs until [`Perturber::calm`], or until as many requests as its limit have come.
pub struct Perturber {
    seed: u64,
    /// Of a thousand requests, how many are perturbed.
    share: u64,
    limit: u64,
    is_on: AtomicBool,
    total: AtomicU64,
    counts: Mutex<BTreeMap<String, u64>>,
    /// The versions that each watch has delivered since its list.
    delivered: Mutex<BTreeMap<String, Vec<u64>>>,
    /// How often the status of a release was written.
    steps: watch::Sender<u64>,
    guard: Option<Guard>,
    log: Mutex<Vec<String>>,
}

/// A request that a replica makes.
struct Asked {
    who: &'static str,
    kind: String,
    method: http::Method,
    uri: Uri,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Asked {
    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// One watch among those of a replica.
    fn watched(&self) -> String {
        format!("{} {}", self.who, self.uri.path())
    }
}

impl Perturber {
    pub fn new(seed: u64, share: u64, limit: u64, guard: Option<Guard>) -> Arc<Self> {
        Arc::new(Self {
            seed,
            share,
            limit,
            is_on: AtomicBool::new(true),
            total: AtomicU64::new(0),
            counts: Mutex::default(),
            delivered: Mutex::default(),
            steps: watch::Sender::new(0),
            guard,
            log: Mutex::default(),
        })
    }

    pub fn calm(&self) {
        self.is_on.store(false, Ordering::Relaxed);
    }

    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// How often the status of a release was written, as it changes.
    pub fn steps(&self) -> watch::Receiver<u64> {
        self.steps.subscribe()
    }

    /// How many requests have come.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// What was perturbed, in order.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// What must not have been written.
    pub fn violations(&self) -> Vec<String> {
        self.guard.as_ref().map(Guard::violations).unwrap_or_default()
    }

    /// The versions for which the world was changed, in order.
    pub fn executed(&self) -> Vec<String> {
        self.guard.as_ref().map(Guard::executed).unwrap_or_default()
    }

    /// The client of a replica behind this transport.
    pub fn client(self: &Arc<Self>, who: &'static str, inner: &Client) -> Client {
        let (inner, this) = (inner.clone(), self.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (inner, this) = (inner.clone(), this.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await?;
                let kind = kind(parts.method.as_str(), &parts.uri);
                let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
                this.send(&inner, Asked { who, kind, method, uri, headers, body }).await
            }
        });
        Client::new(service, "default")
    }

    async fn send(self: &Arc<Self>, inner: &Client, mut asked: Asked) -> Result<Response<Answer>, BoxError> {
        if asked.kind.starts_with("PATCH releases/status") {
            self.steps.send_modify(|steps| *steps += 1);
        }
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.calm();
        }
        self.on_the_way(&asked).await;
        let fate = self.fate(&asked);
        if fate != Fate::Pass {
            self.note(&asked, &format!("{fate:?}"));
        }
        match fate {
            Fate::Hang => std::future::pending().await,
            Fate::Break => Err("connection reset by peer".into()),
            Fate::Refuse(code) => Ok(refusal(code)),
            Fate::Late => {
                let (inner, this) = (inner.clone(), self.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(Deadlines::default().request * 2).await;
                    drop(this.carry_out(&inner, &asked).await);
                });
                std::future::pending().await
            }
            Fate::Delay(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.answered(inner, &asked).await
            }
            Fate::Lose => {
                drop(self.carry_out(inner, &asked).await);
                std::future::pending().await
            }
            Fate::BreakAfter => {
                drop(self.carry_out(inner, &asked).await);
                Err("connection reset by peer".into())
            }
            Fate::Twice => {
                drop(self.carry_out(inner, &asked).await);
                self.answered(inner, &asked).await
            }
            Fate::Again(events) => {
                self.rewind(&mut asked, events);
                self.answered(inner, &asked).await
            }
            Fate::Pass => self.answered(inner, &asked).await,
        }
    }

    /// What every request and every answer takes.
    async fn on_the_way(&self, asked: &Asked) {
        let millis = self.draw(asked.who, &format!("{} way", asked.kind)) % WAY;
        tokio::time::sleep(Duration::from_millis(1 + millis)).await;
    }

    async fn carry_out(&self, inner: &Client, asked: &Asked) -> Result<Response<Body>, BoxError> {
        if let Some(guard) = &self.guard {
            guard.before(asked.method.as_str(), &asked.uri, &asked.body);
        }
        if asked.kind.starts_with("LIST") {
            // what a watch delivers afterwards belongs to this list
            self.delivered.lock().unwrap().remove(&asked.watched());
        }
        Ok(inner.send(asked.request()).await?)
    }

    async fn answered(self: &Arc<Self>, inner: &Client, asked: &Asked) -> Result<Response<Answer>, BoxError> {
        let (parts, body) = self.carry_out(inner, asked).await?.into_parts();
        self.on_the_way(asked).await;
        let body =
            if asked.kind.starts_with("WATCH") { self.watched(asked, body) } else { Answer::new(body) };
        Ok(Response::from_parts(parts, body))
    }

    /// The pieces of a watch, each of which has a turn of its own.
    fn watched(self: &Arc<Self>, asked: &Asked, body: Body) -> Answer {
        let stream =
            http_body_util::BodyExt::into_data_stream(body).map(|piece| piece.map_err(BoxError::from));
        let (this, who, kind, key) = (self.clone(), asked.who, asked.kind.clone(), asked.watched());
        if let Some(version) = parameter(&asked.uri, "resourceVersion").and_then(|text| text.parse().ok()) {
            self.deliver(&key, version);
        }
        let pieces = futures::stream::unfold((Box::pin(stream), false), move |(mut stream, is_over)| {
            let (this, kind, key) = (this.clone(), kind.clone(), key.clone());
            async move {
                if is_over {
                    return None;
                }
                let piece = stream.next().await?;
                let turn = this.turn(who, &kind);
                if turn != Turn::Pass {
                    this.log.lock().unwrap().push(format!("{who} {kind}: {turn:?}"));
                }
                match turn {
                    Turn::End => return None,
                    Turn::Break => return Some((Err("connection reset by peer".into()), (stream, true))),
                    Turn::Gone => return Some((Ok(gone()), (stream, true))),
                    Turn::Silent => std::future::pending().await,
                    Turn::Delay(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
                    Turn::Pass => {}
                }
                for version in piece.as_deref().map(versions).unwrap_or_default() {
                    this.deliver(&key, version);
                }
                Some((piece, (stream, false)))
            }
        });
        Answer::from_stream(pieces)
    }

    fn deliver(&self, watch: &str, version: u64) {
        let mut delivered = self.delivered.lock().unwrap();
        let known = delivered.entry(watch.to_owned()).or_default();
        if known.last() != Some(&version) {
            known.push(version);
        }
    }

    /// Makes a watch resume before the last events that it delivered.
    fn rewind(&self, asked: &mut Asked, events: usize) {
        let delivered = self.delivered.lock().unwrap();
        let known = delivered.get(&asked.watched()).map(Vec::as_slice).unwrap_or_default();
        if let Some(version) = known.len().checked_sub(1 + events).and_then(|index| known.get(index)) {
            asked.uri = with(&asked.uri, "resourceVersion", &version.to_string());
        }
    }

    /// A number that depends on the seed, who asks, a kind and how many of that kind came before.
    fn draw(&self, who: &str, kind: &str) -> u64 {
        let kind = format!("{who} {kind}");
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(kind.clone()).or_default();
        *count += 1;
        let mut hasher = DefaultHasher::new();
        (self.seed, kind, *count).hash(&mut hasher);
        hasher.finish()
    }

    fn is_spared(&self, kind: &str) -> bool {
        // who asks for its own rights only begins later
        !self.is_on() || kind.contains("selfsubject")
    }

    fn fate(&self, asked: &Asked) -> Fate {
        let drawn = self.draw(asked.who, &asked.kind);
        if self.is_spared(&asked.kind) || drawn % 1000 >= self.share {
            return Fate::Pass;
        }
        Fate::of(&asked.kind, drawn / 1000)
    }

    fn turn(&self, who: &str, kind: &str) -> Turn {
        let drawn = self.draw(who, &format!("{kind} piece"));
        if self.is_spared(kind) || drawn % 1000 >= self.share * 2 {
            return Turn::Pass;
        }
        Turn::of(drawn / 1000)
    }

    fn note(&self, asked: &Asked, what: &str) {
        self.log.lock().unwrap().push(format!("{} {}: {what}", asked.who, asked.kind));
    }
}

/// `VERB resource` or `VERB resource/subresource`; reads are GET, LIST or WATCH.
pub fn kind(method: &str, uri: &Uri) -> String {
    let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    // api/VERSION or apis/GROUP/VERSION
    let rest = parts.get(if parts[0] == "api" { 2 } else { 3 }..).unwrap_or_default();
    let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { &rest[2..] } else { rest };
    let resource = rest.first().copied().unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let verb = match method {
        "GET" if query.contains("watch=true") || query.contains("watch=1") => "WATCH",
        "GET" if rest.len() < 2 => "LIST",
        other => other,
    };
    rest.get(2).map_or_else(|| format!("{verb} {resource}"), |sub| format!("{verb} {resource}/{sub}"))
}

fn pairs(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='))
}

fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    pairs(uri).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The address with another value of that parameter.
fn with(uri: &Uri, name: &str, value: &str) -> Uri {
    let kept = pairs(uri).filter(|(key, _)| *key != name);
    let kept: Vec<_> = kept.map(|(key, value)| format!("{key}={value}")).collect();
    let query = kept.into_iter().chain([format!("{name}={value}")]);
    format!("{}?{}", uri.path(), query.collect::<Vec<_>>().join("&")).parse().unwrap()
}

/// The resource versions of events, of an object or of a list.
fn versions(text: &[u8]) -> Vec<u64> {
    let of = |line: &[u8]| {
        let value: Value = serde_json::from_slice(line).ok()?;
        let object = value.get("object").unwrap_or(&value);
        object["metadata"]["resourceVersion"].as_str()?.parse().ok()
    };
    text.split(|byte| *byte == b'\n').filter_map(of).collect()
}

fn refusal(code: u16) -> Response<Answer> {
    let reason = match code {
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let status = status(code, reason);
    Response::builder()
        .status(StatusCode::from_u16(code).unwrap())
        .header("content-type", "application/json")
        .body(Answer::from(status.to_string()))
        .unwrap()
}

fn status(code: u16, reason: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": format!("perturbed: {reason}"),
    })
}

fn gone() -> Bytes {
    let event = json!({"type": "ERROR", "object": status(410, "Expired")});
    Bytes::from(format!("{event}\n"))
}
