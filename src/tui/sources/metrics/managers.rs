//! Alertmanagers: what each of them does with alerts, and its silences.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::{Asking, Closed, Inputs, SHORTEST, others};
use crate::api::EnvironmentKey;
use crate::api::environment::AlertmanagerRef;
use crate::app::state::event::AlertingEvent;
use crate::app::state::event::ClusterEvent;
use crate::domain::silence::{Handling, Silence};
use crate::metrics::{Error, Target, alertmanager_of};

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(15);

pub(super) async fn run(
    asking: &Asking,
    (mut environments, mut subscriptions): Inputs,
) -> Result<(), Closed> {
    let mut refreshed = subscriptions.borrow().refresh;
    let mut told: Option<BTreeSet<Box<str>>> = None;
    loop {
        let known = environments.borrow_and_update().clone();
        let mut managers: BTreeMap<Target, (AlertmanagerRef, BTreeSet<EnvironmentKey>)> = BTreeMap::new();
        for (key, environment) in known.iter().filter(|(key, _)| !key.name.is_empty()) {
            let found = alertmanager_of(environment, &asking.plan.alertmanager);
            let Some((reference, target)) =
                found.and_then(|found| Some((found.clone(), Target::of_alertmanager(&found)?)))
            else {
                continue;
            };
            managers.entry(target).or_insert_with(|| (reference, BTreeSet::new())).1.insert(key.clone());
        }
        let names: BTreeSet<Box<str>> = managers.keys().map(|target| target.words().into()).collect();
        if told.as_ref() != Some(&names) {
            asking
                .out
                .send(ClusterEvent::Alerting(AlertingEvent::AlertmanagerSources(names.clone())))
                .await?;
            told = Some(names);
        }
        let mut asked: FuturesUnordered<_> = managers
            .into_iter()
            .map(|(target, (reference, environments))| async move {
                let result = ask(asking, &target).await.map_err(|error| error.to_string());
                let at = asking.context.clock.now();
                ClusterEvent::Alerting(AlertingEvent::Alertmanager {
                    name: target.words().into(),
                    reference,
                    environments,
                    at,
                    result,
                })
            })
            .collect();
        while let Some(event) = asked.next().await {
            asking.out.send(event).await?;
        }
        drop(asked);
        let pause = asking.plan.clock.wall(EVERY).max(SHORTEST);
        others::wait(pause, &mut refreshed, (&mut environments, &mut subscriptions)).await?;
    }
}

async fn ask(asking: &Asking, target: &Target) -> Result<(Vec<Handling>, Vec<Silence>), Error> {
    let alertmanager = target.open_alertmanager(&asking.context.cluster)?;
    tokio::try_join!(alertmanager.handled(), alertmanager.silences())
}
