//! A server that stands for the world outside: it keeps every request in full and answers as it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub method: String,
    /// Path with query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is answered: status, headers, body; nothing at all for silence.
pub type Answer = Option<(u16, Vec<(&'static str, String)>, Vec<u8>)>;

/// Status and JSON.
#[allow(clippy::unnecessary_wraps, reason = "an answer may also be silence")]
pub fn json(status: u16, body: &Value) -> Answer {
    Some((status, vec![("content-type", "application/json".into())], body.to_string().into_bytes()))
}

/// A status with a text.
#[allow(clippy::unnecessary_wraps, reason = "an answer may also be silence")]
pub fn text(status: u16, body: &str) -> Answer {
    Some((status, Vec::new(), body.as_bytes().to_vec()))
}

/// A server on a free port of the loopback; it ends with the test's runtime.
pub struct Ear {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    count: watch::Receiver<usize>,
}

impl Ear {
    pub async fn open(answer: impl Fn(&Heard) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (counted, count) = watch::channel(0);
        let (kept, answer, counted) = (heard.clone(), Arc::new(answer), Arc::new(counted));
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (kept, answer, counted) = (kept.clone(), answer.clone(), counted.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
                let path = parts.uri.path_and_query().unwrap().to_string();
                let heard = Heard { method: parts.method.to_string(), path, headers: parts.headers, body };
                kept.lock().unwrap().push(heard.clone());
                counted.send_modify(|count| *count += 1);
                let Some((status, headers, body)) = answer(&heard) else {
                    return std::future::pending().await;
                };
                let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, heard, count }
    }

    /// Every request so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Every request, once there are that many.
    pub async fn heard_at_least(&self, count: usize) -> Vec<Heard> {
        let mut seen = self.count.clone();
        let enough = seen.wait_for(|so_far| *so_far >= count);
        let patience = std::time::Duration::from_secs(120);
        let waited = tokio::time::timeout(patience, enough).await;
        assert!(waited.is_ok(), "only heard {:#?}", self.heard());
        self.heard()
    }
}
