//! Whether anybody executes releases: the controller's lease, asked for every few seconds.

use std::time::Duration;

use super::watcher::WatchContext;
use super::{Closed, Out};
use crate::app::state::cluster_state::{ControllerHealth, WatchedKind};
use crate::app::state::event::ClusterEvent;
use crate::cluster::Kind;
use crate::cluster::lease::LeaseWatch;
use crate::cluster::watch::{Backoff, on_clock};
use crate::domain::watch_state::WatchState;

/// Time between two questions, on the session's clock.
const INTERVAL: Duration = Duration::from_secs(5);
/// The same while nobody leads: a controller that comes up is news.
const SOON: Duration = Duration::from_secs(1);
/// Shortest time between two questions on the wall, however fast the session's clock runs.
const SHORTEST: Duration = Duration::from_millis(500);

pub(super) async fn run(context: WatchContext, namespace: String, out: Out) {
    let _: Result<(), Closed> = follow(&context, &namespace, &out).await;
}

async fn follow(context: &WatchContext, namespace: &str, out: &Out) -> Result<(), Closed> {
    let mut backoff = Backoff::default();
    let mut heard = None;
    let mut seen = LeaseWatch::default();
    loop {
        let answer = context.cluster.leader(namespace).await;
        let now = context.clock.now();
        let delay = match answer {
            Ok(leader) => {
                backoff.reset();
                heard = Some(now);
                let leads = leader.identity.is_some();
                let renewed = seen.renewed(&leader, now);
                let health = ControllerHealth {
                    leader: leader.identity.map(Into::into),
                    renewed,
                    duration_seconds: leader.duration_seconds,
                };
                out.send(ClusterEvent::Controller(health)).await?;
                out.state(WatchedKind::Controller, WatchState::Live { heard: now }).await?;
                let interval = if leads { INTERVAL } else { SOON };
                context.clock.wall(interval).max(SHORTEST)
            }
            Err(error) => {
                let delay = backoff.next_delay().max(SHORTEST);
                let reason = error.to_string();
                let state = match error.kind() {
                    Kind::Denied => WatchState::Denied { reason },
                    Kind::NotFound => WatchState::Missing { reason },
                    _ => WatchState::Stale {
                        since: heard,
                        reason,
                        retry_at: Some(now + on_clock(&context.clock, delay)),
                    },
                };
                out.state(WatchedKind::Controller, state).await?;
                delay
            }
        };
        tokio::time::sleep(delay).await;
    }
}
