//! When alerts of the environment that is looked at began and ceased to fire, as far back as its changes are listed.

use std::time::Duration;

use super::{Asking, Closed, Inputs, SHORTEST, focused};
use crate::api::{Environment, EnvironmentKey};
use crate::app::state::event::AlertingEvent;
use crate::app::state::event::ClusterEvent;
use crate::domain::alert_history::{self, Episode};
use crate::domain::series::unix;
use crate::metrics::{Curves, Error};

/// Time between two questions.
const EVERY: Duration = Duration::from_secs(15);
/// How far back changes are listed at least, in seconds.
const REACH: u32 = 3_600;

pub(super) async fn run(
    asking: &Asking,
    (mut environments, mut subscriptions): Inputs,
) -> Result<(), Closed> {
    let mut kept: Option<(EnvironmentKey, Curves)> = None;
    loop {
        let known = environments.borrow_and_update().clone();
        let wanted = subscriptions.borrow_and_update().clone();
        let range = wanted.zoom.as_ref().map_or(REACH, |zoom| zoom.range.max(REACH));
        let round = async {
            let Some((key, environment)) = focused(&known, &wanted) else { return Ok(()) };
            let Some(query) = alert_history::question(environment) else { return Ok(()) };
            let of = |(of, curves): &(EnvironmentKey, Curves)| {
                of == key && curves.is_of(&query, f64::from(range), None)
            };
            let fresh = || (key.clone(), Curves::new("alerts", query.clone(), f64::from(range)));
            let same = kept.take().filter(of);
            let (_, curves) = kept.insert(same.unwrap_or_else(fresh));
            let now = asking.context.clock.now();
            // what is not told changes nothing of what is listed: the feed of alerts says why
            let Ok(found) = ask(asking, environment, curves, unix(now)).await else { return Ok(()) };
            let all: Vec<&Environment> = known.values().map(|one| &**one).collect();
            let found = alert_history::of(environment, &all, found);
            asking
                .out
                .send(ClusterEvent::Alerting(AlertingEvent::AlertHistory { environment: key.clone(), found }))
                .await
        };
        tokio::select! {
            changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
            done = round => {
                done?;
                let until = tokio::time::Instant::now() + asking.plan.clock.wall(EVERY).max(SHORTEST);
                tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
                    changed = environments.changed() => changed.map_err(|_| Closed)?,
                }
            }
        }
    }
}

async fn ask(
    asking: &Asking,
    environment: &Environment,
    curves: &mut Curves,
    now: f64,
) -> Result<Vec<Episode>, Error> {
    let Some(prometheus) = asking.client(environment) else { return Ok(Vec::new()) };
    curves.fetch(&prometheus?, now).await?;
    let (step, span) = (curves.step(), (now - curves.range(), now));
    let episodes =
        curves.labelled().flat_map(|(labels, samples)| alert_history::episodes(&labels, samples, step, span));
    Ok(episodes.collect())
}
