//! The panes of the environment that is looked at: each is asked for as often as it says, and told as soon as it has answered.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{Answered, Asking, Closed, Inputs, NOBODY, curves, focused, joined, labelled, sides};
use crate::api::strategy::Track;
use crate::api::{Environment, EnvironmentKey};
use crate::app::state::cluster_state::WatchedKind;
use crate::domain::pane::{self, Content, PaneDefinition};
use crate::domain::series::unix;
use crate::domain::watch_state::WatchState;
use crate::metrics::{Curves, Error, Kind, Prometheus};

type Side = (Box<str>, Option<Track>);

pub(super) async fn run(
    asking: &Asking,
    (mut environments, mut subscriptions): Inputs,
) -> Result<(), Closed> {
    let mut this = Focused { asking, of: None, kept: HashMap::new(), due: HashMap::new(), heard: None };
    let mut refreshed = subscriptions.borrow().refresh;
    loop {
        let known = environments.borrow_and_update().clone();
        let wanted = subscriptions.borrow_and_update().clone();
        if wanted.refresh != refreshed {
            refreshed = wanted.refresh;
            this.kept.values_mut().for_each(Curves::forget);
            this.due.clear();
        }
        let environment = focused(&known, &wanted);
        this.look_at(environment.map(|(key, _)| key), wanted.second);
        // A new wish interrupts questions that are under way: their answers are about the wrong environment.
        tokio::select! {
            changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
            done = this.round(environment, wanted.second) => {
                let next = done?;
                tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
                    changed = environments.changed() => {
                        changed.map_err(|_| Closed)?;
                        this.due.clear();
                    }
                }
            }
        }
    }
}

struct Focused<'a> {
    asking: &'a Asking,
    /// The environment and the second track that what is kept is of.
    of: Option<(EnvironmentKey, Option<Track>)>,
    kept: HashMap<Side, Curves>,
    /// When each pane is asked for again; absent: now.
    due: HashMap<Box<str>, Instant>,
    heard: Option<DateTime<Utc>>,
}

/// What a pane has answered.
struct Answer {
    pane: PaneDefinition,
    kept: Vec<(Side, Curves)>,
    result: Result<Answered, Error>,
}

impl Focused<'_> {
    /// Of an environment that nobody looks at any more, nothing is kept.
    fn look_at(&mut self, key: Option<&EnvironmentKey>, second: Option<Track>) {
        let of = key.map(|key| (key.clone(), second));
        if self.of != of {
            if self.of.as_ref().map(|(key, _)| key) != key {
                self.kept.clear();
            }
            self.due.clear();
            self.of = of;
        }
    }

    /// Asks for every pane that is due, and says when the next one is.
    async fn round(
        &mut self,
        environment: Option<(&EnvironmentKey, &Arc<Environment>)>,
        second: Option<Track>,
    ) -> Result<Instant, Closed> {
        let Some((key, environment)) = environment else { return Ok(self.asking.next(None)) };
        let Some(prometheus) = self.asking.client(environment) else {
            let state = WatchState::Missing { reason: NOBODY.to_owned() };
            self.asking.out.state(WatchedKind::Metrics, state).await?;
            return Ok(self.asking.next(None));
        };
        let now = Instant::now();
        let due = |pane: &PaneDefinition| self.due.get(&pane.name).is_none_or(|at| *at <= now);
        let panes = pane::list(Some(&environment.spec)).into_iter();
        let mut asked: FuturesUnordered<_> = panes
            .filter(|pane| pane.content != Content::Objective && due(pane))
            .map(|pane| self.ask(pane, environment, prometheus.clone(), second))
            .collect();
        let mut results = Vec::new();
        while let Some(Answer { pane, kept, result }) = asked.next().await {
            self.kept.extend(kept);
            self.due
                .insert(pane.name.clone(), self.asking.next(pane.refresh.map(crate::api::Duration::to_std)));
            results.push(result.as_ref().map(|_| ()).map_err(Clone::clone));
            self.asking.tell(key, &pane.name, result).await?;
        }
        drop(asked);
        if !results.is_empty() {
            self.freshness(&results).await?;
        }
        Ok(self.due.values().min().copied().unwrap_or_else(|| self.asking.next(None)))
    }

    /// One pane, each track for itself. What is kept is lent as a copy, so that a question that is given up loses nothing.
    fn ask(
        &self,
        pane: PaneDefinition,
        environment: &Environment,
        prometheus: Result<Prometheus, Error>,
        second: Option<Track>,
    ) -> impl Future<Output = Answer> + use<> {
        let now = unix(self.asking.context.clock.now());
        let range = self.asking.plan.range.as_secs_f64();
        let lent: Vec<(Side, Result<Curves, Error>)> = sides(&pane, second)
            .into_iter()
            .map(|side| {
                let place = (pane.name.clone(), side);
                let kept = self.kept.get(&place).cloned();
                (place, curves(kept, environment, (&pane, side), range))
            })
            .collect();
        async move {
            if let Content::Nothing(why) = &pane.content {
                let result = Err(Error::new(Kind::Query, why.to_string()));
                return Answer { pane, kept: Vec::new(), result };
            }
            let asked = lent.into_iter().map(|(place, curves)| {
                let prometheus = prometheus.clone();
                async move {
                    let mut curves = curves.map_err(|error| (None, error))?;
                    let prometheus = prometheus.map_err(|error| (None, error))?;
                    match curves.fetch(&prometheus, now).await {
                        Ok(series) => {
                            let series = labelled(series, place.1);
                            let partial = curves.partial().map(Into::into);
                            Ok((Answered { series, partial }, (place, curves)))
                        }
                        Err(error) => Err((Some((place, curves)), error)),
                    }
                }
            });
            let mut kept = Vec::new();
            let mut answers = Vec::new();
            for answer in futures::future::join_all(asked).await {
                match answer {
                    Ok((answered, curves)) => {
                        kept.push(curves);
                        answers.push(Ok(answered));
                    }
                    Err((curves, error)) => {
                        kept.extend(curves);
                        answers.push(Err(error));
                    }
                }
            }
            Answer { pane, kept, result: joined(answers) }
        }
    }

    /// A wrong query is the query's fault; only a Prometheus that does not answer makes the feed stale.
    async fn freshness(&mut self, results: &[Result<(), Error>]) -> Result<(), Closed> {
        let now = self.asking.context.clock.now();
        let fault = results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .find(|error| error.kind() != Kind::Query);
        let answered = results.iter().any(|result| match result {
            Ok(()) => true,
            Err(error) => error.kind() == Kind::Query,
        });
        let state = match fault {
            Some(error) if !answered => WatchState::Stale {
                since: self.heard,
                reason: error.to_string(),
                retry_at: Some(now + self.asking.plan.refresh_metrics),
            },
            _ => {
                self.heard = Some(now);
                WatchState::Live { heard: now }
            }
        };
        self.asking.out.state(WatchedKind::Metrics, state).await
    }
}
