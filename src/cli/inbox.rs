//! `inbox`: what waits for us, by the very rules of the terminal's own inbox.

use std::sync::Arc;

use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Format, Inbox};
use super::output;
use super::session::{connect, in_sight, where_else};
use super::table::Table;
use crate::app::state::cluster_state::CurrentUser;
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::inbox::InboxRow;
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::update_all;
use crate::cluster::Cluster;
use crate::config::Settings;
use crate::domain::age::Age;
use crate::time::Clock;

/// `inbox`.
pub(super) async fn inbox(settings: &Settings, wanted: &Inbox) -> Result<Exit, CliError> {
    let contexts: Vec<Option<&String>> = match settings.contexts.as_slice() {
        [] => vec![None],
        several => several.iter().map(Some).collect(),
    };
    let clusters = contexts.into_iter().map(|context| connect(settings, context));
    let clusters = futures::future::try_join_all(clusters).await?;
    let store = look(&clusters, &settings.namespaces).await?;
    if wanted.output == Format::Json {
        let items: Vec<Value> = store.rows.inbox.iter().map(|row| as_json(&store, row)).collect();
        return output::json(&json!({"inbox": items})).map(|()| Exit::Ok);
    }
    let mut table = Table::new(["CLUSTER", "DO", "WHAT", "ENVIRONMENT", "MISSING", "WAITS", "EXPIRES"]);
    for row in &store.rows.inbox {
        table.row([
            context(&store, row),
            row.key.word(),
            &row.key.release().map_or_else(|| row.application.to_string(), |id| id.key.to_string()),
            &row.environment.key.to_string(),
            &row.missing,
            &row.since.map_or_else(String::new, |since| Age::between(since, store.now).to_string()),
            &row.expires.map_or_else(String::new, |at| Age::between(store.now, at).to_string()),
        ]);
    }
    if table.is_empty() {
        output::remark("nothing waits for you");
    } else {
        output::text(&table.to_string())?;
    }
    Ok(Exit::Ok)
}

/// The terminal's store, as these clusters are now.
pub(super) async fn look(clusters: &[Cluster], namespaces: &[String]) -> Result<Store, CliError> {
    let mut store = Store::new(clusters.iter().map(|cluster| cluster.context().into()), "cli");
    let seen = futures::future::try_join_all(clusters.iter().map(|cluster| see(cluster, namespaces))).await?;
    let mut events = vec![Event::Tick(Clock::system().now())];
    for (id, seen) in (0_u16..).map(ClusterId).zip(seen) {
        events.extend(seen.into_iter().map(|event| Event::Cluster(id, event)));
    }
    // what it would like to fetch is not for us
    let _ = update_all(&mut store, events);
    Ok(store)
}

async fn see(cluster: &Cluster, namespaces: &[String]) -> Result<Vec<ClusterEvent>, CliError> {
    let (environments, releases) =
        tokio::try_join!(cluster.environments(), cluster.releases()).map_err(where_else)?;
    output::not_understood(&environments);
    output::not_understood(&releases);
    let identity = cluster.identity().await?;
    let visible = |namespace: &Option<String>| in_sight(namespaces, namespace.as_deref());
    let environments: Vec<_> =
        environments.into_iter().filter(|e| visible(&e.metadata.namespace)).map(Arc::new).collect();
    let releases: Vec<_> =
        releases.into_iter().filter(|r| visible(&r.metadata.namespace)).map(Arc::new).collect();
    let identity = CurrentUser {
        user: identity.user.into(),
        groups: identity.groups.into_iter().map(String::into_boxed_str).collect(),
    };
    let permissions = environments.iter().map(|environment| async move {
        let environment = environment.key();
        let allowed = cluster.permissions(&environment).await?.into_iter().collect();
        Ok::<_, CliError>(ClusterEvent::Permissions { environment, allowed })
    });
    let mut events = futures::future::try_join_all(permissions).await?;
    events.push(ClusterEvent::Connected { identity, server_version: "".into() });
    for feed in crate::app::state::cluster_state::WatchedKind::ALL {
        let heard = Clock::system().now();
        events.push(ClusterEvent::Watch(feed, crate::domain::watch_state::WatchState::Live { heard }));
    }
    let keyed = environments.into_iter().map(|environment| (environment.key(), environment));
    events.push(ClusterEvent::Environments(Delta::Reset(keyed.collect())));
    let keyed = releases.into_iter().map(|release| (release.key(), release));
    events.push(ClusterEvent::Releases(Delta::Reset(keyed.collect())));
    Ok(events)
}

fn context<'a>(store: &'a Store, row: &InboxRow) -> &'a str {
    store.cluster(row.environment.cluster).map_or("", |cluster| &cluster.context)
}

fn as_json(store: &Store, row: &InboxRow) -> Value {
    json!({
        "cluster": context(store, row),
        "do": row.key.word(),
        "environment": row.environment.key.to_string(),
        "application": row.application,
        "release": row.key.release().map(|id| id.key.to_string()),
        "version": row.version,
        "missing": row.missing,
        "items": row.open,
        "since": row.since,
        "expires": row.expires,
    })
}
