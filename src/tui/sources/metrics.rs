//! Numbers: whole curves of the environment that is looked at, the newest value of all others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use tokio::sync::watch;

use super::watcher::Ground;
use super::{Closed, Environments, Out, Plan, Wishes};
use crate::api::{Environment, EnvironmentKey};
use crate::app::cluster_state::{Feed, FeedState};
use crate::app::event::ClusterEvent;
use crate::domain::series::{Series, unix};
use crate::metrics::{Curves, Error, Kind, Prometheus, Target, instant, queries};

/// The queries that panes show.
const SHOWN: [&str; 2] = ["errorRate", "latency"];
/// Rounds of the environment that is looked at for one of all others.
const OTHERS_EVERY: u32 = 3;
/// Shortest time between two rounds on the wall, however fast the session's clock runs.
const SHORTEST: Duration = Duration::from_secs(1);
/// Questions about environments that nobody looks at, at the same time.
const AT_ONCE: usize = 4;

type Inputs = (watch::Receiver<Environments>, watch::Receiver<Wishes>);

pub(super) async fn run(ground: Ground, plan: Plan, inputs: Inputs, out: Out) {
    let asker =
        Asker { ground, plan, out, clients: BTreeMap::new(), curves: HashMap::new(), heard: None, rounds: 0 };
    let _: Result<(), Closed> = asker.run(inputs).await;
}

struct Asker {
    ground: Ground,
    plan: Plan,
    out: Out,
    clients: BTreeMap<Target, Result<Prometheus, Error>>,
    curves: HashMap<(EnvironmentKey, &'static str), Curves>,
    heard: Option<DateTime<Utc>>,
    rounds: u32,
}

impl Asker {
    async fn run(mut self, (mut environments, mut wishes): Inputs) -> Result<(), Closed> {
        let mut refreshed = wishes.borrow().refresh;
        loop {
            let known = environments.borrow_and_update().clone();
            let wanted = wishes.borrow_and_update().clone();
            if wanted.refresh != refreshed {
                refreshed = wanted.refresh;
                self.curves.values_mut().for_each(Curves::forget);
                self.rounds = 0;
            }
            let pause = self.plan.clock.wall(self.plan.refresh_metrics).max(SHORTEST);
            // A new wish interrupts questions that are under way: their answers are about the wrong environment.
            tokio::select! {
                changed = wishes.changed() => changed.map_err(|_| Closed)?,
                done = self.round(&known, wanted.focus.as_ref()) => {
                    done?;
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        changed = wishes.changed() => changed.map_err(|_| Closed)?,
                        changed = environments.changed() => changed.map_err(|_| Closed)?,
                    }
                }
            }
        }
    }

    async fn round(&mut self, known: &Environments, focus: Option<&EnvironmentKey>) -> Result<(), Closed> {
        let focused = focus.and_then(|key| known.get_key_value(key)).or_else(|| known.first_key_value());
        if let Some((key, environment)) = focused {
            self.focused(key, environment).await?;
        }
        let others = self.rounds.is_multiple_of(OTHERS_EVERY);
        self.rounds = self.rounds.wrapping_add(1);
        if others {
            let skipped = focused.map(|(key, _)| key);
            self.others(known.iter().filter(|(key, _)| Some(*key) != skipped)).await?;
        }
        Ok(())
    }

    async fn focused(&mut self, key: &EnvironmentKey, environment: &Arc<Environment>) -> Result<(), Closed> {
        let Some(prometheus) = self.client(environment) else {
            let reason =
                "no Prometheus is known: set spec.metrics.prometheus of the Environment, or --prometheus";
            return self.out.state(Feed::Metrics, FeedState::Missing { reason: reason.to_owned() }).await;
        };
        let now = unix(self.ground.clock.now());
        let range = self.plan.range.as_secs_f64();
        let mut taken: Vec<(&'static str, Result<Curves, Error>)> = Vec::new();
        for name in SHOWN {
            let kept = self.curves.remove(&(key.clone(), name));
            taken.push((name, curves(kept, environment, name, range)));
        }
        let asked = taken.into_iter().map(|(name, curves)| {
            let prometheus = prometheus.clone();
            async move {
                match (curves, prometheus) {
                    (Ok(mut curves), Ok(prometheus)) => {
                        let answer = curves.fetch(&prometheus, now).await;
                        (name, Some(curves), answer)
                    }
                    (Err(error), _) | (_, Err(error)) => (name, None, Err(error)),
                }
            }
        });
        let answers = futures::future::join_all(asked).await;
        let mut results = Vec::new();
        for (name, curves, answer) in answers {
            if let Some(curves) = curves {
                self.curves.insert((key.clone(), name), curves);
            }
            results.push(answer.as_ref().map(|_| ()).map_err(Clone::clone));
            self.tell(key, name, answer).await?;
        }
        self.freshness(&results).await
    }

    async fn others(
        &mut self,
        environments: impl Iterator<Item = (&EnvironmentKey, &Arc<Environment>)>,
    ) -> Result<(), Closed> {
        let now = unix(self.ground.clock.now());
        let mut asked = Vec::new();
        for (key, environment) in environments {
            let Some(Ok(prometheus)) = self.client(environment) else { continue };
            for name in SHOWN {
                let (key, environment, prometheus) =
                    (key.clone(), Arc::clone(environment), prometheus.clone());
                asked.push(async move {
                    let answer = match query(&environment, name) {
                        Ok(query) => instant(&prometheus, name, &query, now).await,
                        Err(error) => Err(error),
                    };
                    (key, name, answer)
                });
            }
        }
        let mut answers = futures::stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some((key, name, answer)) = answers.next().await {
            self.tell(&key, name, answer).await?;
        }
        Ok(())
    }

    async fn tell(
        &self,
        key: &EnvironmentKey,
        name: &'static str,
        answer: Result<Vec<Series>, Error>,
    ) -> Result<(), Closed> {
        let event = ClusterEvent::Metrics {
            environment: key.clone(),
            query: name.into(),
            at: self.ground.clock.now(),
            result: answer.map_err(|error| error.to_string()),
        };
        self.out.send(event).await
    }

    /// A wrong query is the query's fault; only a Prometheus that does not answer makes the feed stale.
    async fn freshness(&mut self, results: &[Result<(), Error>]) -> Result<(), Closed> {
        let now = self.ground.clock.now();
        let fault = results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .find(|error| error.kind() != Kind::Query);
        let answered = results.iter().any(|result| match result {
            Ok(()) => true,
            Err(error) => error.kind() == Kind::Query,
        });
        let state = match fault {
            Some(error) if !answered => FeedState::Stale {
                since: self.heard,
                reason: error.to_string(),
                retry_at: Some(now + self.plan.refresh_metrics),
            },
            _ => {
                self.heard = Some(now);
                FeedState::Live { heard: now }
            }
        };
        self.out.state(Feed::Metrics, state).await
    }

    /// The client of the environment's Prometheus, opened once; none where nobody names one.
    fn client(&mut self, environment: &Environment) -> Option<Result<Prometheus, Error>> {
        let target = Target::of(environment, &self.plan.prometheus)?;
        let cluster = &self.ground.cluster;
        Some(self.clients.entry(target).or_insert_with_key(|target| target.open(cluster)).clone())
    }
}

/// The kept curves where they are of the environment's present query, else new ones.
fn curves(
    kept: Option<Curves>,
    environment: &Environment,
    name: &'static str,
    range: f64,
) -> Result<Curves, Error> {
    let query = query(environment, name)?;
    Ok(kept.filter(|curves| curves.is_of(&query)).unwrap_or_else(|| Curves::new(name, query, range)))
}

fn query(environment: &Environment, name: &str) -> Result<String, Error> {
    let template = queries::template(&environment.spec, name).unwrap_or_default();
    queries::render(name, template, &queries::Values::of(environment))
}
