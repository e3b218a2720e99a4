//! Events of Kubernetes, of the namespaces that a view wants them of.

use std::collections::BTreeSet;

use tokio::sync::watch;

use super::watcher::{Ground, Watcher};
use super::{Closed, Out, Wishes, kinds};
use crate::app::state::cluster_state::{Feed, FeedState};
use crate::app::state::event::ClusterEvent;
use crate::domain::event_row::{EventKey, EventRow};

pub(super) async fn run(ground: Ground, wishes: watch::Receiver<Wishes>, out: Out) {
    let _: Result<(), Closed> = follow(&ground, wishes, &out).await;
}

async fn follow(ground: &Ground, mut wishes: watch::Receiver<Wishes>, out: &Out) -> Result<(), Closed> {
    let mut watcher: Watcher<EventKey, EventRow> = Watcher::new();
    let mut followed: BTreeSet<Box<str>> = BTreeSet::new();
    loop {
        let wanted = wishes.borrow_and_update().events.clone();
        if wanted != followed {
            let names: Vec<&str> = wanted.iter().map(|namespace| &**namespace).collect();
            for delta in watcher.keep_only(&names) {
                out.send(ClusterEvent::Events(delta)).await?;
            }
            if wanted.is_empty() || followed.is_empty() {
                out.state(Feed::Events, FeedState::Connecting).await?;
            }
            for namespace in names {
                watcher.follow(ground, &kinds::events(), namespace);
            }
            followed = wanted;
        }
        tokio::select! {
            changed = wishes.changed() => changed.map_err(|_| Closed)?,
            news = watcher.next() => out.news(Feed::Events, news, ClusterEvent::Events).await?,
        }
    }
}
