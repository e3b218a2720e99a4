//! What we may do in each environment: asked when one appears, every few minutes, and after a refusal.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;

use super::watcher::WatchContext;
use super::{Closed, Environments, Out, Subscriptions};
use crate::api::EnvironmentKey;
use crate::app::state::event::ClusterEvent;

/// How soon to ask again after a question that was not answered.
const RETRY: Duration = Duration::from_secs(5);

/// What a person needs to leave for a pod.
const LEAVING: [&str; 2] = ["pods/exec", "pods/portforward"];

type Inputs = (watch::Receiver<Environments>, watch::Receiver<Subscriptions>);

pub(super) async fn run(context: WatchContext, interval: Duration, inputs: Inputs, out: Out) {
    let _: Result<(), Closed> = follow(&context, interval, inputs, &out).await;
}

async fn follow(context: &WatchContext, interval: Duration, inputs: Inputs, out: &Out) -> Result<(), Closed> {
    let (mut environments, mut subscriptions) = inputs;
    let mut asked: BTreeSet<EnvironmentKey> = BTreeSet::new();
    let mut rechecked = subscriptions.borrow().permissions;
    loop {
        // What stands in for environments has no name, and nothing is permitted in it.
        let named = |key: &&EnvironmentKey| !key.name.is_empty();
        let keys: Vec<EnvironmentKey> =
            environments.borrow_and_update().keys().filter(named).cloned().collect();
        asked.retain(|key| keys.contains(key));
        let mut failed = false;
        for key in keys {
            if asked.contains(&key) {
                continue;
            }
            match context.cluster.permissions(&key).await {
                Ok(allowed) => {
                    if let Ok(allowed) = context.cluster.pod_access(&key.namespace, &LEAVING).await {
                        let namespace = key.namespace.clone();
                        out.send(ClusterEvent::PodAccess { namespace, allowed }).await?;
                    }
                    asked.insert(key.clone());
                    let allowed = allowed.into_iter().collect();
                    out.send(ClusterEvent::Permissions { environment: key, allowed }).await?;
                }
                Err(error) => {
                    tracing::info!(environment = %key, %error, "permissions are not known");
                    failed = true;
                }
            }
        }
        let pause = if failed { RETRY } else { interval };
        tokio::select! {
            () = tokio::time::sleep(pause) => if !failed { asked.clear() },
            changed = environments.changed() => changed.map_err(|_| Closed)?,
            changed = subscriptions.changed() => {
                changed.map_err(|_| Closed)?;
                let now = subscriptions.borrow_and_update().permissions;
                if now != rechecked {
                    rechecked = now;
                    asked.clear();
                }
            }
        }
    }
}
