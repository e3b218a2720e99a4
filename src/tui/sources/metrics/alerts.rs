//! Alerts: every Prometheus that an environment names is asked for all that are active, each for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::{Asking, Closed, Inputs, NOBODY, SHORTEST, others};
use crate::api::Environment;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::event::AlertingEvent;
use crate::app::state::event::ClusterEvent;
use crate::domain::alert_row::{AlertRow, owners};
use crate::domain::watch_state::WatchState;
use crate::metrics::{Error, Prometheus, Target};

/// Time between two rounds: rules are seldom evaluated more often.
const EVERY: Duration = Duration::from_secs(15);

type Sources = BTreeMap<Target, Arc<Environment>>;

pub(super) async fn run(
    asking: &Asking,
    (mut environments, mut subscriptions): Inputs,
) -> Result<(), Closed> {
    let mut refreshed = subscriptions.borrow().refresh;
    let mut heard: Option<DateTime<Utc>> = None;
    let mut told: Option<BTreeSet<Box<str>>> = None;
    loop {
        let known = environments.borrow_and_update().clone();
        let mut sources = Sources::new();
        for environment in known.values() {
            let Some(target) = Target::of(environment, &asking.plan.prometheus) else { continue };
            sources.entry(target).or_insert_with(|| Arc::clone(environment));
        }
        let names: BTreeSet<Box<str>> = sources.keys().map(|target| target.words().into()).collect();
        if told.as_ref() != Some(&names) {
            asking.out.send(ClusterEvent::Alerting(AlertingEvent::AlertSources(names.clone()))).await?;
            told = Some(names);
        }
        let known = &known;
        let mut asked: FuturesUnordered<_> = sources
            .iter()
            .map(|(target, environment)| async move {
                let prometheus = asking.client(environment).unwrap_or_else(|| Err(nobody()));
                (target, ask(prometheus, known).await)
            })
            .collect();
        let (mut answered, mut fault) = (sources.is_empty(), None);
        while let Some((target, answer)) = asked.next().await {
            let at = asking.context.clock.now();
            match &answer {
                Ok(_) => (answered, heard) = (true, Some(at)),
                Err(error) => fault = Some(error.to_string()),
            }
            let result = answer.map_err(|error| error.to_string());
            asking
                .out
                .send(ClusterEvent::Alerting(AlertingEvent::Alerts {
                    source: target.words().into(),
                    at,
                    result,
                }))
                .await?;
        }
        drop(asked);
        let pause = asking.plan.clock.wall(EVERY).max(SHORTEST);
        let state = match (fault, heard) {
            _ if sources.is_empty() => WatchState::Missing { reason: NOBODY.to_owned() },
            (Some(reason), since) if !answered => {
                let retry_at = Some(asking.context.clock.now() + EVERY);
                WatchState::Stale { since, reason, retry_at }
            }
            (_, Some(heard)) => WatchState::Live { heard },
            (_, None) => WatchState::Connecting,
        };
        // an environment that is not known yet says nothing of what there is
        if !known.is_empty() {
            asking.out.state(WatchedKind::Alerts, state).await?;
        }
        others::wait(pause, &mut refreshed, (&mut environments, &mut subscriptions)).await?;
    }
}

fn nobody() -> Error {
    Error::new(crate::metrics::Kind::Address, NOBODY)
}

/// What is active, and whose it is.
async fn ask(
    prometheus: Result<Prometheus, Error>,
    known: &super::Environments,
) -> Result<Vec<AlertRow>, Error> {
    let active = prometheus?.alerts().await?;
    let whose = |mut row: AlertRow| {
        row.environments = owners(known.values().map(|environment| &**environment), &row.labels);
        row.environments.retain(|key| !key.name.is_empty());
        row
    };
    Ok(active.alerts.iter().map(crate::metrics::ActiveAlert::row).map(whose).collect())
}
