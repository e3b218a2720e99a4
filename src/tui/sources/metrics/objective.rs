//! The promise to users of the environment that is looked at: how fast its error budget burns.

use std::time::Duration;

use super::{Asking, Closed, Inputs, NOBODY, SHORTEST, focused};
use crate::api::Environment;
use crate::api::environment::Slo;
use crate::app::state::event::ClusterEvent;
use crate::app::state::event::MetricsEvent;
use crate::domain::burn_rate::Assessment;
use crate::domain::series::unix;
use crate::metrics;

/// Time between two asks: the shortest window is five minutes.
const EVERY: Duration = Duration::from_secs(60);

pub(super) async fn run(
    asking: &Asking,
    (mut environments, mut subscriptions): Inputs,
) -> Result<(), Closed> {
    loop {
        let known = environments.borrow_and_update().clone();
        let wanted = subscriptions.borrow_and_update().clone();
        let pause = asking.plan.clock.wall(EVERY).max(SHORTEST);
        let looked_at = focused(&known, &wanted);
        let round = async {
            let Some((key, environment)) = looked_at else { return Ok(()) };
            let Some(slo) = environment.spec.metrics.as_ref().and_then(|metrics| metrics.slo.as_ref()) else {
                return Ok(());
            };
            let result = ask(asking, environment, slo).await;
            let at = asking.context.clock.now();
            asking
                .out
                .send(ClusterEvent::Metrics(MetricsEvent::Objective { environment: key.clone(), at, result }))
                .await
        };
        tokio::select! {
            changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
            done = round => {
                done?;
                let until = tokio::time::Instant::now() + pause;
                loop {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => break,
                        changed = environments.changed() => {
                            changed.map_err(|_| Closed)?;
                            break;
                        }
                        changed = subscriptions.changed() => {
                            changed.map_err(|_| Closed)?;
                            let new = subscriptions.borrow_and_update();
                            if new.focus != wanted.focus || new.refresh != wanted.refresh {
                                break;
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn ask(asking: &Asking, environment: &Environment, slo: &Slo) -> Result<Assessment, String> {
    let prometheus = asking.client(environment).ok_or_else(|| NOBODY.to_owned())?;
    let prometheus = prometheus.map_err(|error| error.to_string())?;
    let now = unix(asking.context.clock.now());
    metrics::objective(&prometheus, environment, slo, now).await.map_err(|error| error.to_string())
}
