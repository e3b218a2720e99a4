//! Numbers: whole curves of the environment that is looked at, the newest value of all others.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use tokio::sync::watch;

use super::watcher::Ground;
use super::{Closed, Environments, Out, Plan, Wishes};
use crate::api::strategy::Track;
use crate::api::{Environment, EnvironmentKey};
use crate::app::cluster_state::{Feed, FeedState};
use crate::app::event::ClusterEvent;
use crate::domain::series::{Series, unix};
use crate::metrics::{Curves, Error, Kind, Prometheus, Target, instant, queries};

/// The queries that panes show.
const SHOWN: [&str; 2] = ["errorRate", "latency"];
/// What is asked besides while two versions share the traffic: how much of it there is.
const SHARED: &str = "requestRate";
/// What in a template tells one track from the other.
const PER_TRACK: [&str; 3] = ["{{track}}", "{{workload}}", "{{pods}}"];
/// Rounds of the environment that is looked at for one of all others.
const OTHERS_EVERY: u32 = 3;
/// Shortest time between two rounds on the wall, however fast the session's clock runs.
const SHORTEST: Duration = Duration::from_secs(1);
/// Questions about environments that nobody looks at, at the same time.
const AT_ONCE: usize = 4;

/// A template that names its track exactly.
const EXACT: &str = "=\"{{track}}\"";

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
    curves: HashMap<(EnvironmentKey, &'static str, Option<Track>), Curves>,
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
                done = self.round(&known, (wanted.focus.as_ref(), wanted.second)) => {
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

    async fn round(
        &mut self,
        known: &Environments,
        (focus, second): (Option<&EnvironmentKey>, Option<Track>),
    ) -> Result<(), Closed> {
        let focused = focus.and_then(|key| known.get_key_value(key)).or_else(|| known.first_key_value());
        if let Some((key, environment)) = focused {
            self.focused(key, environment, second).await?;
        }
        let others = self.rounds.is_multiple_of(OTHERS_EVERY);
        self.rounds = self.rounds.wrapping_add(1);
        if others {
            let skipped = focused.map(|(key, _)| key);
            self.others(known.iter().filter(|(key, _)| Some(*key) != skipped)).await?;
        }
        Ok(())
    }

    async fn focused(
        &mut self,
        key: &EnvironmentKey,
        environment: &Arc<Environment>,
        second: Option<Track>,
    ) -> Result<(), Closed> {
        let Some(prometheus) = self.client(environment) else {
            let reason =
                "no Prometheus is known: set spec.metrics.prometheus of the Environment, or --prometheus";
            return self.out.state(Feed::Metrics, FeedState::Missing { reason: reason.to_owned() }).await;
        };
        let now = unix(self.ground.clock.now());
        let range = self.plan.range.as_secs_f64();
        let names = SHOWN.into_iter().chain(second.map(|_| SHARED));
        let wanted: Vec<(&'static str, Option<Track>)> = names
            .flat_map(|name| sides(environment, name, second).into_iter().map(move |side| (name, side)))
            .collect();
        let mut asked = Vec::new();
        for (name, side) in wanted {
            let kept = self.curves.remove(&(key.clone(), name, side));
            let curves = curves(kept, environment, (name, side), range);
            let prometheus = prometheus.clone();
            asked.push(async move {
                match (curves, prometheus) {
                    (Ok(mut curves), Ok(prometheus)) => {
                        let answer = curves.fetch(&prometheus, now).await;
                        (name, side, Some(curves), answer)
                    }
                    (Err(error), _) | (_, Err(error)) => (name, side, None, Err(error)),
                }
            });
        }
        let answers = futures::future::join_all(asked).await;
        let mut results = Vec::new();
        let mut told: Vec<(&'static str, Result<Vec<Series>, Error>)> = Vec::new();
        for (name, side, curves, answer) in answers {
            if let Some(curves) = curves {
                self.curves.insert((key.clone(), name, side), curves);
            }
            results.push(answer.as_ref().map(|_| ()).map_err(Clone::clone));
            let answer = answer.map(|series| labelled(series, side));
            match told.iter_mut().find(|(known, _)| *known == name) {
                Some((_, whole)) => join(whole, answer),
                None => told.push((name, answer)),
            }
        }
        for (name, answer) in told {
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
                    let answer = match query(&environment, name, None) {
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

/// Of which tracks a query is asked: of both while there are two and the template tells them apart, else of everything at once.
fn sides(environment: &Environment, name: &str, second: Option<Track>) -> Vec<Option<Track>> {
    let template = queries::template(&environment.spec, name).unwrap_or_default();
    let told_apart = PER_TRACK.iter().any(|placeholder| template.contains(placeholder));
    match second.filter(|_| told_apart) {
        Some(track) => vec![Some(Track::Stable), Some(track)],
        None => vec![None],
    }
}

/// The curves of one track, named after it.
fn labelled(mut series: Vec<Series>, side: Option<Track>) -> Vec<Series> {
    let Some(track) = side else { return series };
    let alone = series.len() == 1;
    for curve in &mut series {
        curve.label = if alone { track.as_str().into() } else { format!("{} {track}", curve.label).into() };
    }
    series
}

/// What both tracks answered; a failure of one is a failure of the whole, so that half a picture never passes for a whole one.
fn join(whole: &mut Result<Vec<Series>, Error>, answer: Result<Vec<Series>, Error>) {
    match (whole.as_mut(), answer) {
        (Ok(all), Ok(series)) => all.extend(series),
        (Ok(_), Err(error)) => *whole = Err(error),
        (Err(_), _) => {}
    }
}

/// The kept curves where they are of the environment's present query, else new ones.
fn curves(
    kept: Option<Curves>,
    environment: &Environment,
    (name, side): (&'static str, Option<Track>),
    range: f64,
) -> Result<Curves, Error> {
    let query = query(environment, name, side)?;
    Ok(kept.filter(|curves| curves.is_of(&query)).unwrap_or_else(|| Curves::new(name, query, range)))
}

fn query(environment: &Environment, name: &str, side: Option<Track>) -> Result<String, Error> {
    let template = queries::template(&environment.spec, name).unwrap_or_default();
    let everything = queries::Values::of(environment);
    let track = match side {
        Some(track) => track.as_str(),
        // An exact matcher matches no expression; where one version runs alone, all of it is stable.
        None if template.contains(EXACT) => Track::Stable.as_str(),
        None => everything.track,
    };
    queries::render(name, template, &queries::Values { track, ..everything })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn environment(error_rate: &str) -> Environment {
        serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": "production", "namespace": "shop"},
            "spec": {"application": "shop", "tier": "production", "components": [],
                     "metrics": {"queries": {"errorRate": error_rate}}},
        }))
        .unwrap()
    }

    #[test]
    fn each_track_is_asked_for_itself_where_the_query_tells_them_apart() {
        let tracked = environment("sum(rate(errors{track=~\"{{track}}\"}[1m]))");
        let plain = environment("sum(rate(errors[1m]))");
        let canary = Some(Track::Canary);
        assert_eq!(sides(&tracked, "errorRate", canary), [Some(Track::Stable), canary]);
        assert_eq!(sides(&tracked, "errorRate", None), [None]);
        assert_eq!(sides(&plain, "errorRate", canary), [None]);
        assert_eq!(sides(&plain, "latency", Some(Track::Green)), [Some(Track::Stable), Some(Track::Green)]);
        let asked = query(&tracked, "errorRate", canary).unwrap();
        assert_eq!(asked, "sum(rate(errors{track=~\"canary\"}[1m]))");
        assert_eq!(query(&tracked, "errorRate", None).unwrap(), "sum(rate(errors{track=~\".*\"}[1m]))");
    }

    #[test]
    fn a_query_that_names_its_track_exactly_is_asked_of_the_stable_one() {
        let exact = environment("sum(rate(errors{track=\"{{track}}\"}[1m]))");
        assert_eq!(query(&exact, "errorRate", None).unwrap(), "sum(rate(errors{track=\"stable\"}[1m]))");
        assert_eq!(
            query(&exact, "errorRate", Some(Track::Green)).unwrap(),
            "sum(rate(errors{track=\"green\"}[1m]))"
        );
    }

    #[test]
    fn curves_are_named_after_their_track_and_one_failure_is_the_whole_answers() {
        let series = |label: &str| Series { label: label.into(), ..Series::default() };
        let labels =
            |series: Vec<Series>| series.into_iter().map(|s| s.label.into()).collect::<Vec<String>>();
        assert_eq!(labels(labelled(vec![series("backend")], Some(Track::Canary))), ["canary"]);
        let two = labelled(vec![series("backend"), series("frontend")], Some(Track::Stable));
        assert_eq!(labels(two), ["backend stable", "frontend stable"]);
        assert_eq!(labels(labelled(vec![series("backend")], None)), ["backend"]);
        let mut whole = Ok(vec![series("stable")]);
        join(&mut whole, Ok(vec![series("canary")]));
        assert_eq!(whole.as_ref().map(Vec::len).ok(), Some(2));
        join(&mut whole, Err(Error::new(Kind::Query, "no such function".to_owned())));
        join(&mut whole, Ok(vec![series("canary")]));
        assert!(whole.is_err());
    }
}
