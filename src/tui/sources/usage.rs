//! What the pods of the namespace that one looks at use: asked for now and then, since the metrics API cannot be watched.

use std::time::Duration;

use tokio::sync::watch;

use super::watcher::Ground;
use super::{Closed, Out, Wishes};
use crate::app::event::ClusterEvent;

/// Time between two questions, on the session's clock; metrics-server itself measures every 15 s.
const INTERVAL: Duration = Duration::from_secs(15);
/// Shortest time between two questions on the wall, however fast the session's clock runs.
const SHORTEST: Duration = Duration::from_secs(5);

pub(super) async fn run(ground: Ground, wishes: watch::Receiver<Wishes>, out: Out) {
    let _: Result<(), Closed> = follow(&ground, wishes, &out).await;
}

async fn follow(ground: &Ground, mut wishes: watch::Receiver<Wishes>, out: &Out) -> Result<(), Closed> {
    loop {
        let focus = wishes.borrow_and_update().focus.clone();
        if let Some(focus) = &focus {
            let namespace = focus.namespace.clone();
            let result = ground.cluster.pod_usage(&namespace).await.map_err(|error| error.to_string());
            out.send(ClusterEvent::Usage { namespace, result }).await?;
        }
        let pause = tokio::time::sleep(ground.clock.wall(INTERVAL).max(SHORTEST));
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => break,
                changed = wishes.changed() => {
                    changed.map_err(|_| Closed)?;
                    let now = wishes.borrow_and_update().focus.clone();
                    if now.as_ref().map(|key| &key.namespace) != focus.as_ref().map(|key| &key.namespace) {
                        break;
                    }
                }
            }
        }
    }
}
