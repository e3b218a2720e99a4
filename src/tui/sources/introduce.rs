//! Says who we are to a cluster, as soon as it answers and whenever it comes back.

use super::watcher::WatchContext;
use super::{Closed, Out};
use crate::app::state::cluster_state::CurrentUser;
use crate::app::state::event::ClusterEvent;
use crate::cluster::watch::{Backoff, Pulse};
use crate::sanitize;

pub(super) async fn run(mut context: WatchContext, out: Out) {
    let _: Result<(), Closed> = introduce(&mut context, &out).await;
}

async fn introduce(context: &mut WatchContext, out: &Out) -> Result<(), Closed> {
    let mut backoff = Backoff::default();
    loop {
        wait_for(context, |pulse| matches!(pulse, Pulse::Alive { .. })).await?;
        let answers = tokio::join!(context.cluster.identity(), context.cluster.server_version());
        let (Ok(identity), Ok(version)) = answers else {
            tokio::time::sleep(backoff.next_delay()).await;
            continue;
        };
        backoff.reset();
        // Names are compared with what policies say: they are shown sanitised, and a name that this changes is no match anyway.
        let groups = identity.groups.iter().map(|group| sanitize::line(group).into()).collect();
        let identity = CurrentUser { user: sanitize::line(&identity.user).into(), groups };
        out.send(ClusterEvent::Connected { identity, server_version: version.into() }).await?;
        wait_for(context, |pulse| matches!(pulse, Pulse::Silent { .. })).await?;
    }
}

async fn wait_for(context: &mut WatchContext, condition: impl FnMut(&Pulse) -> bool) -> Result<(), Closed> {
    context.pulse.wait_for(condition).await.map(|_| ()).map_err(|_| Closed)
}
