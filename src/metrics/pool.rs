//! One client per Prometheus, and one request for all who ask the same at the same time.
//!
//! Releases of an environment ask alike: what was answered a moment ago is given again, and who asks while somebody is asking
//! waits for that answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::alerts::{self, ActiveAlerts};
use super::answer::Reply;
use super::client::Prometheus;
use super::error::Error;
use super::{Target, answer, reading};
use crate::cluster::Cluster;
use crate::domain::measure::{Counter, Reading};
use crate::time::Clock;

/// How long an answer is given again.
const SHARED: TimeDelta = TimeDelta::seconds(2);
/// Answers above which old ones are dropped.
const MANY: usize = 256;

type Answer = Result<Reply, Error>;
type Slot = Arc<tokio::sync::Mutex<Option<(DateTime<Utc>, Answer)>>>;

/// Clients and their latest answers.
pub struct Pool {
    cluster: Cluster,
    clock: Clock,
    clients: Mutex<BTreeMap<Target, Prometheus>>,
    answers: Mutex<HashMap<(Target, String), Slot>>,
}

impl Pool {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(cluster: Cluster, clock: Clock) -> Self {
        Self { cluster, clock, clients: Mutex::default(), answers: Mutex::default() }
    }

    /// The newest value of a query; `name` is for sentences. A partial answer is an error.
    pub async fn read(&self, target: &Target, name: &str, query: &str) -> Result<Reading, Error> {
        let reply = self.shared(target, ("query", &[("query", query.to_owned())])).await?;
        answer::read(name, &reply)?.whole(name).map(|found| reading::of(&found))
    }

    /// Every series of a query at that instant, as counters; `name` is for sentences. A partial answer is an error.
    pub async fn counters(
        &self,
        target: &Target,
        name: &str,
        query: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<Counter>, Error> {
        let time = format!("{:.3}", crate::domain::series::unix(at));
        let reply = self.shared(target, ("query", &[("query", query.to_owned()), ("time", time)])).await?;
        answer::read(name, &reply)?.whole(name).map(|found| reading::counters(&found))
    }

    /// Every alert that is pending or fires.
    pub async fn alerts(&self, target: &Target) -> Result<ActiveAlerts, Error> {
        alerts::read(&self.shared(target, ("alerts", &[])).await?)
    }

    async fn shared(&self, target: &Target, (kind, parameters): (&str, &[(&'static str, String)])) -> Answer {
        let prometheus = self.client(target)?;
        let slot = self.slot(target, &format!("{kind} {parameters:?}"));
        let mut kept = slot.lock().await;
        if let Some((at, body)) = &*kept
            && (self.clock.now() - *at).abs() < SHARED
        {
            return body.clone();
        }
        let body = prometheus.fetch(kind, parameters).await;
        *kept = Some((self.clock.now(), body.clone()));
        body
    }

    fn slot(&self, target: &Target, question: &str) -> Slot {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MANY {
            let now = self.clock.now();
            answers.retain(|_, slot| {
                // whoever asks right now holds the lock
                slot.try_lock()
                    .map_or(true, |kept| kept.as_ref().is_some_and(|(at, _)| (now - *at).abs() < SHARED))
            });
        }
        answers.entry((target.clone(), question.to_owned())).or_default().clone()
    }

    fn client(&self, target: &Target) -> Result<Prometheus, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(target) {
            return Ok(known.clone());
        }
        let opened = target.open(&self.cluster)?;
        clients.insert(target.clone(), opened.clone());
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::get;

    use super::*;

    /// A Prometheus that counts how often it is asked.
    async fn serve(asked: Arc<AtomicUsize>) -> Target {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = move || {
            let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
            let body =
                format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[1,"{count}"]}}}}"#);
            std::future::ready(body)
        };
        let router = Router::new().route("/api/v1/query", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Target::Url(url)
    }

    fn pool(clock: Clock) -> Pool {
        rustls::crypto::ring::default_provider().install_default().ok();
        let (service, handle) = tower_test::mock::pair::<
            ::http::Request<kube::client::Body>,
            ::http::Response<kube::client::Body>,
        >();
        drop(handle);
        let cluster = Cluster::from_client(kube::Client::new(service, "default"), "test");
        let allowed = crate::domain::address::Allowed::parse(&["127.0.0.1"]).unwrap();
        Pool::new(cluster.with_outbound(crate::cluster::outbound::Outbound::new(allowed)), clock)
    }

    #[tokio::test]
    async fn equal_questions_at_the_same_time_are_asked_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let target = serve(asked.clone()).await;
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let pool = pool(clock.clone());
        let all = futures::future::join_all((0..20).map(|_| pool.read(&target, "up", "up"))).await;
        assert!(all.iter().all(|reading| *reading == Ok(Reading::Number(1.0))), "{all:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert_eq!(pool.read(&target, "down", "down").await, Ok(Reading::Number(2.0)), "another question");
        clock.advance(std::time::Duration::from_secs(2));
        assert_eq!(pool.read(&target, "up", "up").await, Ok(Reading::Number(3.0)), "later");
    }
}
