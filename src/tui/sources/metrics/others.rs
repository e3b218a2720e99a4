//! The newest error rate and latency of every environment that nobody looks at.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;

use super::{Answered, Asking, Closed, Inputs, SHORTEST, focused, query};
use crate::api::{Environment, EnvironmentKey};
use crate::domain::pane::{self, ERROR_RATE, LATENCY, PaneDefinition};
use crate::domain::series::unix;
use crate::metrics::{Error, Prometheus, instant_in_part};

/// What the list of environments tells.
const TOLD: [&str; 2] = [ERROR_RATE, LATENCY];
/// Rounds of the environment that is looked at for one of all others.
const EVERY: u32 = 3;
/// Environments that are asked about at the same time.
const AT_ONCE: usize = 4;

pub(super) async fn run(
    asking: &Asking,
    (mut environments, mut subscriptions): Inputs,
) -> Result<(), Closed> {
    let mut refreshed = subscriptions.borrow().refresh;
    loop {
        let known = environments.borrow_and_update().clone();
        let looked_at = focused(&known, &subscriptions.borrow()).map(|(key, _)| key.clone());
        let now = unix(asking.context.clock.now());
        let mut asked = Vec::new();
        for (key, environment) in &known {
            if let Some(Ok(prometheus)) =
                asking.client(environment).filter(|_| Some(key) != looked_at.as_ref())
            {
                asked.push(ask(key.clone(), Arc::clone(environment), prometheus, now));
            }
        }
        let mut answers = futures::stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some((key, answers)) = answers.next().await {
            // The whole curves of an environment that has come into sight meanwhile must not give way to a single number.
            if subscriptions.borrow().focus.as_ref() == Some(&key) {
                continue;
            }
            for (name, answer) in answers {
                asking.tell(&key, name, answer).await?;
            }
        }
        let pause = asking.plan.clock.wall(asking.plan.refresh_metrics * EVERY).max(SHORTEST);
        wait(pause, &mut refreshed, (&mut environments, &mut subscriptions)).await?;
    }
}

/// Until the next round: sooner when environments have changed, or when somebody wants everything now.
pub(super) async fn wait(
    pause: Duration,
    refreshed: &mut u64,
    (environments, subscriptions): (
        &mut tokio::sync::watch::Receiver<super::Environments>,
        &mut tokio::sync::watch::Receiver<super::Subscriptions>,
    ),
) -> Result<(), Closed> {
    let until = tokio::time::Instant::now() + pause;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(until) => return Ok(()),
            changed = environments.changed() => return changed.map_err(|_| Closed),
            changed = subscriptions.changed() => {
                changed.map_err(|_| Closed)?;
                let now = subscriptions.borrow_and_update().refresh;
                if now != *refreshed {
                    *refreshed = now;
                    return Ok(());
                }
            }
        }
    }
}

async fn ask(
    key: EnvironmentKey,
    environment: Arc<Environment>,
    prometheus: Prometheus,
    now: f64,
) -> (EnvironmentKey, Vec<(&'static str, Result<Answered, Error>)>) {
    let panes = pane::list(Some(&environment.spec));
    let mut answers = Vec::new();
    for name in TOLD {
        let Some(pane) = panes.iter().find(|pane| *pane.name == *name) else { continue };
        answers.push((name, newest(&environment, pane, &prometheus, now).await));
    }
    (key, answers)
}

async fn newest(
    environment: &Environment,
    pane: &PaneDefinition,
    prometheus: &Prometheus,
    now: f64,
) -> Result<Answered, Error> {
    let query = query(environment, pane, None, 0.0)?;
    let (series, partial) = instant_in_part(prometheus, &pane.name, &query, now).await?;
    Ok(Answered { series, partial })
}
