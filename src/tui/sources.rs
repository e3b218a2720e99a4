//! Where events come from: one task per cluster, so that a dead one never delays another.
//!
//! Owns what is watched and asked: environments, releases and actions of the whole cluster or of the namespaces that we may see;
//! pods and workloads of the namespaces that have environments, or of the context's own where there are none to be had.

mod events;
mod introduce;
mod kinds;
mod lease;
mod merged;
mod metrics;
mod permissions;
mod subscriptions;
mod watcher;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube::Resource;
use subscriptions::Subscriptions;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;
use watcher::{Kind, News, WatchContext, Watcher};

use crate::api::strategy::Track;
use crate::api::{Environment, EnvironmentKey, Release, ReleaseAction, ReleaseKey};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::ClusterId;
use crate::app::state::zoom::ZoomQuery;
use crate::cluster::watch::{Backoff, Pulse, on_clock, probe};
use crate::cluster::{Cluster, ConnectOptions, Kind as ClusterKind, workload_row};
use crate::domain::pod_row::{PodKey, PodRow};
use crate::domain::watch_state::WatchState;
use crate::domain::workload_kind;
use crate::domain::workload_row::{WorkloadKey, WorkloadRow};
use crate::metrics::Address;
use crate::time::Clock;

/// Namespaces that are looked into at most where the whole cluster may not be read.
const MOST_NAMESPACES: usize = 64;
/// How long a credential plugin that failed is left alone.
const PLUGIN_DELAY: Duration = Duration::from_secs(15);

/// What to follow of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) id: ClusterId,
    pub(super) connect: ConnectOptions,
    /// Namespaces to look into; empty: all.
    pub(super) namespaces: Vec<String>,
    pub(super) controller_namespace: String,
    pub(super) prometheus: Address,
    pub(super) alertmanager: Address,
    /// How far back curves reach.
    pub(super) range: Duration,
    pub(super) refresh_metrics: Duration,
    /// Queries that one Prometheus is asked at the same time.
    pub(super) queries_at_once: usize,
    pub(super) refresh_permissions: Duration,
    pub(super) clock: Clock,
}

/// A cluster that is being followed; ends when dropped.
pub(super) struct Source {
    /// The connection, once there is one.
    pub(super) cluster: watch::Receiver<Option<Cluster>>,
    subscriptions: watch::Sender<Subscriptions>,
    _task: AbortOnDropHandle<()>,
}

impl Source {
    /// Begins to follow.
    pub(super) fn start(plan: Plan, events: mpsc::Sender<Event>) -> Self {
        let (cluster_sender, cluster) = watch::channel(None);
        let (subscriptions, inbox) = watch::channel(Subscriptions::default());
        let out = Out { id: plan.id, events };
        let task = tokio::spawn(async move {
            // Nobody listens any more: the session is over.
            let _: Result<(), Closed> = run(plan, cluster_sender, inbox, out).await;
        });
        Self { cluster, subscriptions, _task: AbortOnDropHandle::new(task) }
    }

    /// Keep the curves of this environment fresh, each track's for itself while there are second workloads.
    pub(super) fn focus(&self, environment: EnvironmentKey, second: Option<Track>) {
        self.subscriptions.send_if_modified(|wanted| {
            let changed = wanted.focus.as_ref() != Some(&environment) || wanted.second != second;
            (wanted.focus, wanted.second) = (Some(environment), second);
            changed
        });
    }

    /// Follow the events of these namespaces, and of no others.
    pub(super) fn follow_events(&self, namespaces: BTreeSet<Box<str>>) {
        self.subscriptions.send_modify(|wanted| wanted.events = namespaces);
    }

    /// Keep the curves of this zoomed pane fresh, or of none.
    pub(super) fn zoom(&self, query: Option<&ZoomQuery>) {
        self.subscriptions.send_if_modified(|wanted| {
            let is_new = wanted.zoom.as_ref() != query;
            wanted.zoom = query.cloned();
            is_new
        });
    }

    /// Fetch curves now.
    pub(super) fn refresh(&self) {
        self.subscriptions.send_modify(|wanted| wanted.refresh += 1);
    }

    /// Ask for permissions again.
    pub(super) fn recheck_permissions(&self) {
        self.subscriptions.send_modify(|wanted| wanted.permissions += 1);
    }
}

/// Nobody listens any more.
pub(super) struct Closed;

/// Events of one cluster on their way to the loop.
#[derive(Clone)]
pub(super) struct Out {
    id: ClusterId,
    events: mpsc::Sender<Event>,
}

impl Out {
    async fn send(&self, event: ClusterEvent) -> Result<(), Closed> {
        self.events.send(Event::Cluster(self.id, event)).await.map_err(|_| Closed)
    }

    async fn state(&self, feed: WatchedKind, state: WatchState) -> Result<(), Closed> {
        self.send(ClusterEvent::Watch(feed, state)).await
    }

    async fn news<K, V>(
        &self,
        feed: WatchedKind,
        news: News<K, V>,
        event: fn(Delta<K, V>) -> ClusterEvent,
    ) -> Result<(), Closed> {
        for delta in news.deltas {
            self.send(event(delta)).await?;
        }
        if let Some(all) = news.undecodable {
            self.send(ClusterEvent::Undecodable(feed, all)).await?;
        }
        match news.state {
            Some(state) => self.state(feed, state).await,
            None => Ok(()),
        }
    }
}

type Environments = BTreeMap<EnvironmentKey, Arc<Environment>>;

async fn run(
    plan: Plan,
    connected: watch::Sender<Option<Cluster>>,
    subscriptions: watch::Receiver<Subscriptions>,
    out: Out,
) -> Result<(), Closed> {
    let cluster = connect(&plan, &out).await?;
    connected.send_replace(Some(cluster.clone()));
    let (pulse_sender, pulse) = watch::channel(Pulse::Unknown);
    let (environments, known) = watch::channel(Environments::new());
    let context = WatchContext { cluster, pulse, clock: plan.clock.clone() };
    // Aborted together with this task, which holds them.
    let _tasks = [
        tokio::spawn(probe(context.cluster.clone(), context.clock.clone(), pulse_sender)),
        tokio::spawn(introduce::run(context.clone(), out.clone())),
        tokio::spawn(lease::run(context.clone(), plan.controller_namespace.clone(), out.clone())),
        tokio::spawn(permissions::run(
            context.clone(),
            plan.refresh_permissions,
            (known.clone(), subscriptions.clone()),
            out.clone(),
        )),
        tokio::spawn(events::run(context.clone(), subscriptions.clone(), out.clone())),
        tokio::spawn(metrics::run(context.clone(), plan.clone(), (known, subscriptions), out.clone())),
    ]
    .map(AbortOnDropHandle::new);
    Following::new(plan, context, environments, out).run().await
}

/// Connects, however long it takes. Only what the configuration says can fail here: no request is sent yet.
async fn connect(plan: &Plan, out: &Out) -> Result<Cluster, Closed> {
    let mut backoff = Backoff::default();
    loop {
        let error = match Cluster::connect(&plan.connect).await {
            Ok(cluster) => return Ok(cluster.with_namespaces(plan.namespaces.iter().cloned())),
            Err(error) => error,
        };
        let mut delay = backoff.next_delay();
        if error.kind() == &ClusterKind::Credentials {
            // Another run of a credential plugin may open another browser window.
            delay = delay.max(PLUGIN_DELAY);
        }
        for feed in WatchedKind::ALL {
            let retry_at = Some(plan.clock.now() + on_clock(&plan.clock, delay));
            out.state(feed, WatchState::Stale { since: None, reason: error.to_string(), retry_at }).await?;
        }
        tokio::time::sleep(delay).await;
    }
}

/// The watches of one cluster.
struct Following {
    plan: Plan,
    context: WatchContext,
    known: watch::Sender<Environments>,
    out: Out,
    environments: Watcher<EnvironmentKey, Arc<Environment>>,
    releases: Watcher<ReleaseKey, Arc<Release>>,
    actions: Watcher<ReleaseKey, Arc<ReleaseAction>>,
    pods: Watcher<PodKey, PodRow>,
    workloads: Watcher<WorkloadKey, WorkloadRow>,
    /// Namespaces that stand in for the whole cluster; asked for once.
    candidates: Option<BTreeSet<String>>,
    /// Environments cannot be had: the context's namespace is shown instead.
    blind: bool,
}

impl Following {
    fn new(plan: Plan, context: WatchContext, known: watch::Sender<Environments>, out: Out) -> Self {
        Self {
            plan,
            context,
            known,
            out,
            environments: Watcher::new(),
            releases: Watcher::new(),
            actions: Watcher::new(),
            pods: Watcher::new(),
            workloads: Watcher::new(),
            candidates: None,
            blind: false,
        }
    }

    async fn run(mut self) -> Result<(), Closed> {
        let given: Vec<String> = self.plan.namespaces.clone();
        let scopes = if given.is_empty() { vec![String::new()] } else { given };
        for namespace in &scopes {
            self.environments.follow(&self.context, &kinds::environments(), namespace);
            self.releases.follow(&self.context, &kinds::releases(), namespace);
            self.actions.follow(&self.context, &kinds::actions(), namespace);
        }
        loop {
            tokio::select! {
                news = self.environments.next() => self.on_environments(news).await?,
                news = self.releases.next() => {
                    if news.denied_at_large {
                        let namespaces = self.candidates().await;
                        instead(&mut self.releases, &self.context, &kinds::releases(), &namespaces);
                        continue;
                    }
                    self.out.news(WatchedKind::Releases, news, ClusterEvent::Releases).await?;
                }
                news = self.actions.next() => {
                    if news.denied_at_large {
                        let namespaces = self.candidates().await;
                        instead(&mut self.actions, &self.context, &kinds::actions(), &namespaces);
                        continue;
                    }
                    self.out.news(WatchedKind::Actions, news, ClusterEvent::Actions).await?;
                }
                news = self.pods.next() => self.out.news(WatchedKind::Pods, news, ClusterEvent::Pods).await?,
                news = self.workloads.next() => {
                    self.out.news(WatchedKind::Workloads, news, ClusterEvent::Workloads).await?;
                }
            }
        }
    }

    async fn on_environments(&mut self, news: News<EnvironmentKey, Arc<Environment>>) -> Result<(), Closed> {
        if news.denied_at_large {
            let namespaces = self.candidates().await;
            instead(&mut self.environments, &self.context, &kinds::environments(), &namespaces);
            return Ok(());
        }
        for delta in &news.deltas {
            self.remember(delta);
        }
        match &news.state {
            Some(WatchState::Missing { .. } | WatchState::Denied { .. }) => self.blind = true,
            Some(WatchState::Live { .. }) => self.blind = false,
            _ => {}
        }
        self.out.news(WatchedKind::Environments, news, ClusterEvent::Environments).await?;
        self.follow_namespaces().await
    }

    /// Keeps the environments at hand for metrics and permissions, which need no news of a mere status.
    fn remember(&self, delta: &Delta<EnvironmentKey, Arc<Environment>>) {
        self.known.send_if_modified(|known| match delta {
            Delta::Reset(all) => {
                let next: Environments = all.iter().cloned().collect();
                let same = next.len() == known.len()
                    && next.iter().all(|(key, new)| known.get(key).is_some_and(|old| old.spec == new.spec));
                *known = next;
                !same
            }
            Delta::Applied(key, new) => {
                let old = known.insert(key.clone(), Arc::clone(new));
                old.is_none_or(|old| old.spec != new.spec)
            }
            Delta::Deleted(key) => known.remove(key).is_some(),
        });
    }

    /// Pods and workloads of the namespaces that are looked at now, and of no others.
    async fn follow_namespaces(&mut self) -> Result<(), Closed> {
        let mut wanted: BTreeSet<String> = self
            .known
            .borrow()
            .keys()
            .filter(|key| !key.name.is_empty())
            .map(|key| key.namespace.to_string())
            .collect();
        let blind = wanted.is_empty() && self.blind;
        if blind {
            wanted.extend(self.plan.namespaces.iter().cloned());
            if wanted.is_empty() {
                wanted.insert(self.context.cluster.namespace().to_owned());
            }
        }
        self.stand_in(if blind { &wanted } else { const { &BTreeSet::new() } });
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        for delta in self.pods.keep_only(&names) {
            self.out.send(ClusterEvent::Pods(delta)).await?;
        }
        for delta in self.workloads.keep_only(&names) {
            self.out.send(ClusterEvent::Workloads(delta)).await?;
        }
        for namespace in names {
            self.pods.follow(&self.context, &kinds::pods(), namespace);
            for row in &workload_kind::KINDS {
                let kind = row.kind;
                let entry = Arc::new(move |workload| workload_row::entry(kind, &workload));
                let followed = Kind::one_of(workload_row::resource(row), entry);
                self.workloads.follow(&self.context, &followed, namespace);
            }
        }
        Ok(())
    }

    /// Lets nameless environments stand in for those that cannot be had, so that a namespace's numbers can be asked for. They
    /// never reach the screen as environments.
    fn stand_in(&self, namespaces: &BTreeSet<String>) {
        self.known.send_if_modified(|known| {
            let before = known.len();
            known.retain(|key, _| !key.name.is_empty() || namespaces.contains(&*key.namespace));
            let mut changed = known.len() != before;
            for namespace in namespaces {
                let key = EnvironmentKey::new(namespace.as_str(), "");
                if !known.contains_key(&key)
                    && let Some(environment) = kinds::nameless(namespace)
                {
                    known.insert(key, Arc::new(environment));
                    changed = true;
                }
            }
            changed
        });
    }

    async fn candidates(&mut self) -> BTreeSet<String> {
        if let Some(candidates) = &self.candidates {
            return candidates.clone();
        }
        let mut found = self.context.cluster.candidate_namespaces().await;
        while found.len() > MOST_NAMESPACES {
            found.pop_last();
        }
        self.candidates.insert(found).clone()
    }
}

/// Follows these namespaces instead of the whole cluster.
fn instead<W, K, V>(
    watcher: &mut Watcher<K, V>,
    context: &WatchContext,
    kind: &Kind<W, K, V>,
    namespaces: &BTreeSet<String>,
) where
    W: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
    K: Clone + Ord + Send + 'static,
    V: Send + 'static,
{
    let names: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    // Nothing is gone with a scope that could not be read.
    let _ = watcher.keep_only(&names);
    for namespace in names {
        watcher.follow(context, kind, namespace);
    }
}
