//! What the pods of the namespace that one looks at use: asked for now and then, of the metrics API, since it cannot be watched, or of
//! Prometheus where there is none.

use std::time::Duration;

use super::{Asking, Closed, Inputs, SHORTEST};
use crate::api::{Environment, EnvironmentKey};
use crate::app::state::event::ClusterEvent;
use crate::app::state::event::MetricsEvent;
use crate::domain::series::unix;
use crate::domain::usage::Usage;
use crate::metrics::pod_usage;

/// Time between two questions, on the session's clock; metrics-server itself measures every 15 s.
const INTERVAL: Duration = Duration::from_secs(15);
/// How much longer than that of a pane's the shortest time between two questions is.
const SLOWER: u32 = 5;

pub(super) async fn run(asking: &Asking, (environments, mut subscriptions): Inputs) -> Result<(), Closed> {
    loop {
        let looked_at = subscriptions.borrow_and_update().focus.clone();
        if let Some(key) = &looked_at {
            let environment = environments.borrow().get(key).cloned();
            let result = ask(asking, key, environment.as_deref()).await;
            let namespace = key.namespace.clone();
            asking.out.send(ClusterEvent::Metrics(MetricsEvent::Usage { namespace, result })).await?;
        }
        let pause = tokio::time::sleep(asking.context.clock.wall(INTERVAL).max(SHORTEST * SLOWER));
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                changed = subscriptions.changed() => {
                    changed.map_err(|_| Closed)?;
                    let now = subscriptions.borrow_and_update().focus.clone();
                    if now.as_ref().map(|key| &key.namespace) != looked_at.as_ref().map(|key| &key.namespace) {
                        break;
                    }
                }
            }
        }
    }
}

/// The metrics API's answer, or Prometheus', or why there is neither.
async fn ask(
    asking: &Asking,
    key: &EnvironmentKey,
    environment: Option<&Environment>,
) -> Result<Vec<(Box<str>, Usage)>, String> {
    let refusal = match asking.context.cluster.pod_usage(&key.namespace).await {
        Ok(usage) => return Ok(usage),
        Err(error) => error,
    };
    let Some((environment, prometheus)) = environment.and_then(|found| Some((found, asking.client(found)?)))
    else {
        return Err(refusal.to_string());
    };
    let now = unix(asking.context.clock.now());
    let answer = match prometheus {
        Ok(prometheus) => pod_usage(&prometheus, environment, now).await,
        Err(error) => Err(error),
    };
    answer.map_err(|error| format!("{refusal}; {error}"))
}
