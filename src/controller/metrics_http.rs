//! Serves the controller's own metrics and its probes.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::context::Core;
use super::error::Error;
use super::may::May;

/// Takes the address, so that a wrong one is told at once.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Serves for as long as it is polled; without a listener it only waits.
pub(super) async fn serve(listener: Option<TcpListener>, core: Arc<Core>) {
    let Some(listener) = listener else { return pending().await };
    let (probed, watched) = (core.clone(), core.clone());
    let metrics = move || {
        let text = core.counters.text(core.running.counts());
        std::future::ready(
            ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        )
    };
    // a replica that waits for its turn is as ready as the one that leads: it can take over
    let ready = move || {
        let refused = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
        std::future::ready(match &*probed.may.borrow() {
            _ if probed.kill.is_cancelled() => refused("ending"),
            May::No(why) => refused(why),
            May::Unknown => refused("whether this replica may write is not known yet"),
            May::Yes => (StatusCode::OK, "ok".to_owned()),
        })
    };
    let health = move || {
        let stuck = watched.running.stuck();
        std::future::ready(match stuck {
            None => (StatusCode::OK, "ok".to_owned()),
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
        })
    };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .route("/readyz", get(ready));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::warn!(%error, "metrics are no longer served");
    }
    pending::<()>().await;
}
