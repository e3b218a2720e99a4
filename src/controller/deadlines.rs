//! Deadlines of requests, reconciles and stops.
//!
//! Owns the limits and the client that keeps them. Every time here is wall time, however fast the world's clock runs.

use std::time::Duration;

use kube::Client;
use kube::client::Body;
use kube::runtime::watcher;

/// How long the controller waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// One request, from the first byte sent to the last byte of the answer; of a watch, the beginning of the answer.
    pub request: Duration,
    /// One reconcile of a release or an environment.
    pub reconcile: Duration,
    /// The time within which a stop (freeze, deny, stop, pause, abort, reject) must be judged.
    pub stop: Duration,
    /// The longest silence of a watch before it is opened again.
    pub watch: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(15),
            reconcile: Duration::from_secs(60),
            stop: Duration::from_secs(5),
            watch: Duration::from_secs(30),
        }
    }
}

impl Deadlines {
    /// How to watch, so that the server ends a watch before it has been silent for too long; one that does not end is opened anew.
    pub(super) fn watcher(&self) -> watcher::Config {
        let seconds = self.watch.as_secs().clamp(1, 290);
        watcher::Config::default().timeout(u32::try_from(seconds).unwrap_or(290))
    }

    /// The time for the nth attempt to judge a stop, from 0: half the deadline at first, so that one lost answer still leaves time for
    /// another attempt, then twice as long each time, up to a whole reconcile.
    pub(super) fn of_stop(&self, attempt: u32) -> Duration {
        let half = self.stop / 2;
        half.saturating_mul(1 << attempt.min(8)).min(self.reconcile.max(half))
    }
}

/// A request that was not answered in time.
#[derive(Debug, thiserror::Error)]
#[error("the API server did not answer within {} s", .0.as_secs_f64())]
struct Unanswered(Duration);

/// A client whose requests end by themselves. A watch must begin to answer in time; afterwards it may be silent.
pub(super) fn bounded(client: &Client, limit: Duration) -> Client {
    let namespace = client.default_namespace().to_owned();
    let inner = client.clone();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let inner = inner.clone();
        async move {
            let is_watch = is_watch(request.uri());
            let answer = async {
                let answer = inner.send(request).await?;
                if is_watch {
                    return Ok(answer);
                }
                let (parts, body) = answer.into_parts();
                Ok(http::Response::from_parts(parts, Body::from(body.collect_bytes().await?)))
            };
            match tokio::time::timeout(limit, answer).await {
                Ok(answer) => answer
                    .map_err(|error: kube::Error| Box::<dyn std::error::Error + Send + Sync>::from(error)),
                Err(_) => Err(Unanswered(limit).into()),
            }
        }
    });
    Client::new(service, namespace)
}

fn is_watch(uri: &http::Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1")))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use kube::api::ListParams;

    use super::*;

    #[test]
    fn the_first_attempt_at_a_stop_leaves_time_for_a_second() {
        let deadlines = Deadlines::default();
        let seconds: Vec<f64> = (0..7).map(|attempt| deadlines.of_stop(attempt).as_secs_f64()).collect();
        assert_eq!(seconds, [2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0]);
    }

    #[test]
    fn only_watches_may_be_silent() {
        for (uri, expected) in [
            ("/api/v1/pods?watch=true&resourceVersion=1", true),
            ("/api/v1/pods?limit=500&watch=1", true),
            ("/api/v1/pods?labelSelector=watch%3Dtrue", false),
            ("/api/v1/pods", false),
        ] {
            assert_eq!(is_watch(&uri.parse().unwrap()), expected, "{uri}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_ends_with_a_sentence() {
        let (service, mut handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
        let client = bounded(&Client::new(service, "shop"), Duration::from_secs(15));
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        let lost = async {
            let (_request, answer) = handle.next_request().await.unwrap();
            // the answer is never sent, but the connection stays open
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(answer);
        };
        let params = ListParams::default();
        let (listed, ()) = tokio::join!(maps.list(&params), lost);
        let error = listed.unwrap_err();
        assert!(error.to_string().contains("did not answer within 15 s"), "{error}");
    }
}
