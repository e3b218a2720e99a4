//! Events of Kubernetes, of the namespaces that a view wants them of.

use std::collections::BTreeSet;

use tokio::sync::watch;

use super::watcher::{WatchContext, Watcher};
use super::{Closed, Out, Subscriptions, kinds};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::event::ClusterEvent;
use crate::domain::event_row::{EventKey, EventRow};
use crate::domain::watch_state::WatchState;

pub(super) async fn run(context: WatchContext, subscriptions: watch::Receiver<Subscriptions>, out: Out) {
    let _: Result<(), Closed> = follow(&context, subscriptions, &out).await;
}

async fn follow(
    context: &WatchContext,
    mut subscriptions: watch::Receiver<Subscriptions>,
    out: &Out,
) -> Result<(), Closed> {
    let mut watcher: Watcher<EventKey, EventRow> = Watcher::new();
    let mut followed: BTreeSet<Box<str>> = BTreeSet::new();
    loop {
        let wanted = subscriptions.borrow_and_update().events.clone();
        if wanted != followed {
            let names: Vec<&str> = wanted.iter().map(|namespace| &**namespace).collect();
            for delta in watcher.keep_only(&names) {
                out.send(ClusterEvent::Events(delta)).await?;
            }
            if wanted.is_empty() || followed.is_empty() {
                out.state(WatchedKind::Events, WatchState::Connecting).await?;
            }
            for namespace in names {
                watcher.follow(context, &kinds::events(), namespace);
            }
            followed = wanted;
        }
        tokio::select! {
            changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
            news = watcher.next() => out.news(WatchedKind::Events, news, ClusterEvent::Events).await?,
        }
    }
}
