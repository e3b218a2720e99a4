//! A transport that perturbs what a controller asks of the API server, as its seed wants it.
//!
//! What becomes of a request depends on the seed, its kind (verb and resource) and how many of that kind came before: never on the clock.
//! Nothing is done that the API does not allow: a plain GET or LIST is never older than what was written before it, and the events of one
//! watch keep their order. What is old is what a watch has not reported yet.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body as Answer;
use futures::StreamExt;
use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::guard::Guard;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Pass,
    /// It arrives late.
    Delay(u64),
    /// It is never answered, and does not arrive.
    Hang,
    /// It is carried out, and never answered.
    Lose,
    /// The connection breaks before it arrives.
    Break,
    /// The connection breaks after it was carried out.
    BreakAfter,
    /// It arrives twice; the first answer is lost.
    Twice,
    /// The client gives up, then it is carried out.
    Late,
    /// It is refused.
    Refuse(u16),
}

/// What becomes of a piece of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Pass,
    Delay(u64),
    /// The watch ends.
    End,
    /// The connection breaks.
    Break,
    /// The history is no longer kept: the client lists anew.
    Gone,
}

/// Perturbs until [`Perturber::calm`], or until as many requests as its limit have come.
pub struct Perturber {
    seed: u64,
    /// Of a thousand requests, how many are perturbed.
    share: u64,
    limit: u64,
    is_on: AtomicBool,
    total: AtomicU64,
    counts: Mutex<BTreeMap<String, u64>>,
    /// How often the status of a release was written.
    steps: watch::Sender<u64>,
    guard: Guard,
    log: Mutex<Vec<String>>,
}

impl Perturber {
    pub fn new(seed: u64, share: u64, limit: u64, guard: Guard) -> Arc<Self> {
        Arc::new(Self {
            seed,
            share,
            limit,
            is_on: AtomicBool::new(true),
            total: AtomicU64::new(0),
            counts: Mutex::default(),
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

    /// What was perturbed, in order.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// What must not have been written.
    pub fn violations(&self) -> Vec<String> {
        self.guard.violations()
    }

    /// The client behind this transport.
    pub fn client(self: &Arc<Self>, inner: &Client) -> Client {
        let (inner, this) = (inner.clone(), self.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (inner, this) = (inner.clone(), this.clone());
            async move { this.send(&inner, request).await }
        });
        Client::new(service, "default")
    }

    async fn send(
        self: &Arc<Self>,
        inner: &Client,
        request: Request<Body>,
    ) -> Result<Response<Answer>, BoxError> {
        let kind = kind(request.method().as_str(), request.uri());
        if kind.starts_with("PATCH releases/status") {
            self.steps.send_modify(|steps| *steps += 1);
        }
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.calm();
        }
        let (parts, body) = request.into_parts();
        let bytes = body.collect_bytes().await?;
        let again = || {
            let mut request = Request::new(Body::from(bytes.clone()));
            *request.method_mut() = parts.method.clone();
            *request.uri_mut() = parts.uri.clone();
            *request.headers_mut() = parts.headers.clone();
            request
        };
        let fate = self.fate(&kind);
        if fate != Fate::Pass {
            self.note(format!("{kind}: {fate:?}"));
        }
        match fate {
            Fate::Hang => std::future::pending().await,
            Fate::Break => Err("connection reset by peer".into()),
            Fate::Refuse(code) => Ok(refusal(code)),
            Fate::Late => {
                let (late, inner, this) = (again(), inner.clone(), self.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(super::DEADLINES.request * 2).await;
                    drop(this.carry_out(&inner, late, &[]).await);
                });
                std::future::pending().await
            }
            Fate::Delay(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.answered(inner, again(), &bytes, &kind).await
            }
            Fate::Lose => {
                drop(self.carry_out(inner, again(), &bytes).await);
                std::future::pending().await
            }
            Fate::BreakAfter => {
                drop(self.carry_out(inner, again(), &bytes).await);
                Err("connection reset by peer".into())
            }
            Fate::Twice => {
                drop(self.carry_out(inner, again(), &bytes).await);
                self.answered(inner, again(), &bytes, &kind).await
            }
            Fate::Pass => self.answered(inner, again(), &bytes, &kind).await,
        }
    }

    async fn carry_out(
        &self,
        inner: &Client,
        request: Request<Body>,
        body: &[u8],
    ) -> Result<Response<Body>, kube::Error> {
        self.guard.before(request.method().as_str(), request.uri(), body).await;
        let answer = inner.send(request).await?;
        let (parts, body) = answer.into_parts();
        Ok(Response::from_parts(parts, body))
    }

    async fn answered(
        self: &Arc<Self>,
        inner: &Client,
        request: Request<Body>,
        body: &[u8],
        kind: &str,
    ) -> Result<Response<Answer>, BoxError> {
        let answer = self.carry_out(inner, request, body).await?;
        let (parts, body) = answer.into_parts();
        let stream =
            http_body_util::BodyExt::into_data_stream(body).map(|piece| piece.map_err(BoxError::from));
        let body = if kind.starts_with("WATCH") {
            let (this, kind) = (self.clone(), kind.to_owned());
            let pieces = futures::stream::unfold((Box::pin(stream), false), move |(mut stream, is_over)| {
                let (this, kind) = (this.clone(), kind.clone());
                async move {
                    if is_over {
                        return None;
                    }
                    let piece = stream.next().await?;
                    let turn = this.turn(&kind);
                    if turn != Turn::Pass {
                        this.note(format!("{kind}: {turn:?}"));
                    }
                    match turn {
                        Turn::Pass => Some((piece, (stream, false))),
                        Turn::Delay(millis) => {
                            tokio::time::sleep(Duration::from_millis(millis)).await;
                            Some((piece, (stream, false)))
                        }
                        Turn::End => None,
                        Turn::Break => Some((Err("connection reset by peer".into()), (stream, true))),
                        Turn::Gone => Some((Ok(gone()), (stream, true))),
                    }
                }
            });
            Answer::from_stream(pieces)
        } else {
            Answer::from_stream(stream)
        };
        Ok(Response::from_parts(parts, body))
    }

    /// A number that depends on the seed, a kind and how many of that kind came before.
    fn draw(&self, kind: &str) -> u64 {
        let count = {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(kind.to_owned()).or_default();
            *count += 1;
            *count
        };
        let mut hasher = DefaultHasher::new();
        (self.seed, kind, count).hash(&mut hasher);
        hasher.finish()
    }

    fn is_spared(&self, kind: &str) -> bool {
        // who asks for its own rights only begins later
        !self.is_on() || kind.contains("selfsubject")
    }

    fn fate(&self, kind: &str) -> Fate {
        let drawn = self.draw(kind);
        let is_watch = kind.starts_with("WATCH");
        if self.is_spared(kind) || drawn % 1000 >= self.share {
            return Fate::Pass;
        }
        let is_write = !kind.starts_with("GET") && !kind.starts_with("LIST") && !is_watch;
        // a change of the world that arrives after its deadline is not told from one that somebody else makes
        let may_be_late = is_write && kind.contains("/status");
        let drawn = drawn / 1000;
        match drawn % 12 {
            0 => Fate::Hang,
            1 | 2 if is_write => Fate::Lose,
            1 | 2 => Fate::Delay(20 + drawn / 12 % 100),
            3 => Fate::Break,
            4 if is_write => Fate::BreakAfter,
            5 if is_write => Fate::Twice,
            6 if may_be_late => Fate::Late,
            6 => Fate::Delay(drawn / 12 % 60),
            7 => Fate::Refuse(429),
            8 => Fate::Refuse(500),
            9 => Fate::Refuse(503),
            10 if is_write => Fate::Refuse(409),
            11 if is_watch => Fate::Refuse(410),
            _ => Fate::Delay(drawn / 12 % 30),
        }
    }

    fn turn(&self, kind: &str) -> Turn {
        let kind = format!("{kind} piece");
        let drawn = self.draw(&kind);
        if self.is_spared(&kind) || drawn % 1000 >= self.share * 2 {
            return Turn::Pass;
        }
        let drawn = drawn / 1000;
        match drawn % 8 {
            0 => Turn::End,
            1 => Turn::Break,
            2 => Turn::Gone,
            // as if the cache behind this watch lagged
            _ => Turn::Delay(10 + drawn / 8 % 250),
        }
    }

    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }
}

/// `VERB resource` or `VERB resource/subresource`; reads are GET, LIST or WATCH.
pub fn kind(method: &str, uri: &http::Uri) -> String {
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

fn gone() -> axum::body::Bytes {
    let event = json!({"type": "ERROR", "object": status(410, "Expired")});
    axum::body::Bytes::from(format!("{event}\n"))
}
