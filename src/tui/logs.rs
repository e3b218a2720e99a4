//! Logs that are followed: a task per pod, which ends with the view that wanted it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::app::state::effect::RequestId;
use crate::app::state::event::Event;
use crate::app::state::logs::LogNews;
use crate::cluster::logs::{Fate, LogSource};
use crate::cluster::watch::Backoff;
use crate::cluster::{Cluster, Kind};
use crate::domain::log::LogAsk;

/// Every log that is followed, by the view that wants it.
#[derive(Default)]
pub(super) struct Logs {
    open: BTreeMap<RequestId, JoinSet<()>>,
}

impl Logs {
    /// Follows the containers of a pod.
    pub(super) fn follow(
        &mut self,
        cluster: Option<Cluster>,
        ask: LogAsk,
        view: RequestId,
        events: mpsc::Sender<Event>,
    ) {
        let tasks = self.open.entry(view).or_default();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            // The loop is gone: so is whoever wanted to know.
            let _ = pod(cluster, ask, &Out { view, events }).await;
        });
    }

    /// Ends whatever is followed for a view.
    pub(super) fn end(&mut self, view: RequestId) {
        self.open.remove(&view);
    }
}

/// Where news go.
struct Out {
    view: RequestId,
    events: mpsc::Sender<Event>,
}

/// Nobody listens any more.
struct Closed;

impl Out {
    async fn send(&self, pod: &str, container: &str, news: LogNews) -> Result<(), Closed> {
        let (pod, container) = (pod.into(), container.into());
        self.events.send(Event::Log { view: self.view, pod, container, news }).await.map_err(|_| Closed)
    }
}

async fn pod(cluster: Option<Cluster>, ask: LogAsk, out: &Out) -> Result<(), Closed> {
    let name = ask.pod.name.clone();
    let Some(cluster) = cluster else {
        let reason = "the cluster is not connected yet".to_owned();
        return out.send(&name, "", LogNews::Lost(reason)).await;
    };
    let containers = match cluster.log_containers(&ask.pod, ask.what.all_containers).await {
        Ok(containers) => containers,
        Err(error) => return out.send(&name, "", LogNews::Lost(error.to_string())).await,
    };
    let source = |container| LogSource { pod: ask.pod.clone(), container, what: ask.what, after: None };
    let all = containers.into_iter().map(|container| one(&cluster, source(container), out));
    join_all(all).await.into_iter().collect()
}

/// Follows one container over its restarts and over lost connections. A stream that ends is opened again behind its last line, after
/// a delay that grows while nothing comes.
async fn one(cluster: &Cluster, mut source: LogSource, out: &Out) -> Result<(), Closed> {
    let (pod, container) = (source.pod.name.clone(), source.container.clone());
    let mut backoff = Backoff::default();
    loop {
        let ended = match cluster.open_log(&source).await {
            Ok(mut log) => {
                out.send(&pod, &container, LogNews::Opened).await?;
                loop {
                    match log.next_lines().await {
                        Ok(lines) if lines.is_empty() => break None,
                        Ok(mut lines) => {
                            let newest: Option<DateTime<Utc>> = lines.iter().filter_map(|line| line.at).max();
                            // The server counts in whole seconds: what is known already comes again.
                            lines.retain(|line| {
                                source.after.is_none_or(|after| line.at.is_none_or(|at| at > after))
                            });
                            backoff.reset();
                            if !lines.is_empty() {
                                out.send(&pod, &container, LogNews::Lines(lines)).await?;
                            }
                            source.after = newest.max(source.after);
                        }
                        Err(error) => break Some(error),
                    }
                }
            }
            Err(error) => Some(error),
        };
        if let Some(error) = &ended {
            out.send(&pod, &container, LogNews::Lost(error.to_string())).await?;
            if error.kind() == &Kind::Denied {
                return Ok(());
            }
        }
        // A run that is over writes no more.
        if !source.what.follow || source.what.previous {
            return if ended.is_some() { Ok(()) } else { out.send(&pod, &container, LogNews::Ended).await };
        }
        match cluster.log_fate(&source.pod, &container).await {
            Fate::Over => return out.send(&pod, &container, LogNews::Ended).await,
            Fate::Denied => return Ok(()),
            Fate::GoesOn => tokio::time::sleep(backoff.next_delay()).await,
        }
    }
}
