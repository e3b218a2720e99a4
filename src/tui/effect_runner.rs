//! What a session has outside of its store: clusters that are followed and requests on their way.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::effects::{self, Request};
use super::logs::Logs;
use super::sources::{Plan, Source};
use super::{Options, files};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::RequestId;
use crate::app::state::event::{ClusterEvent, Event};
use crate::app::state::located::ClusterId;
use crate::domain::diagnosis::WorkloadEvidence;
use crate::domain::pod_row::PodKey;
use crate::domain::workload_row::WorkloadKey;

/// Clusters that are followed and requests on their way.
pub(super) struct EffectRunner {
    sources: Vec<Source>,
    sender: mpsc::Sender<Event>,
    /// Requests that change something.
    mutations: JoinSet<Option<ClusterId>>,
    /// Requests that only look; aborted at the end.
    looks: JoinSet<Option<ClusterId>>,
    /// Logs that are followed for open views.
    logs: Logs,
}

impl EffectRunner {
    /// Nothing is followed yet.
    pub(super) fn new(sender: mpsc::Sender<Event>) -> Self {
        Self {
            sources: Vec::new(),
            sender,
            mutations: JoinSet::new(),
            looks: JoinSet::new(),
            logs: Logs::default(),
        }
    }

    /// Begins to connect.
    pub(super) fn follow(&mut self, options: &Options) {
        self.sources = plans(options).map(|plan| Source::start(plan, self.sender.clone())).collect();
    }

    /// Starts a background task for an effect. The result, if any, arrives as an event.
    pub(super) fn perform(&mut self, effect: BackgroundEffect) {
        match effect {
            BackgroundEffect::CreateRelease { cluster, release, dry_run, request } => {
                self.send(cluster, Request::Release { release, dry_run }, request);
            }
            BackgroundEffect::CreateAction { cluster, action, dry_run, request } => {
                self.send(cluster, Request::Action { action, dry_run }, request);
            }
            BackgroundEffect::Fetch { cluster, what, request } => {
                self.send(cluster, Request::Text(what), request);
            }
            BackgroundEffect::Portray { cluster, environment, request } => {
                self.send(cluster, Request::Snapshot(environment), request);
            }
            BackgroundEffect::Silence { cluster, to, ask, request } => {
                self.send(cluster, Request::Silence { to, ask }, request);
            }
            BackgroundEffect::FollowEvents { cluster, namespaces } => {
                if let Some(source) = self.sources.get(usize::from(cluster.0)) {
                    source.follow_events(namespaces);
                }
            }
            BackgroundEffect::FollowLog { cluster, ask, view } => {
                let cluster = self.cluster(cluster);
                self.logs.follow(cluster, ask, view, self.sender.clone());
            }
            BackgroundEffect::EndLogs(view) => self.logs.end(view),
            BackgroundEffect::Save { path, text } => {
                let events = self.sender.clone();
                self.looks.spawn(async move {
                    files::save(path, text, events).await;
                    None
                });
            }
            BackgroundEffect::Focus { cluster, environment, second } => {
                if let Some(source) = self.sources.get(usize::from(cluster.0)) {
                    source.focus(environment, second);
                }
            }
            BackgroundEffect::Zoom { cluster, wish } => {
                if let Some(source) = self.sources.get(usize::from(cluster.0)) {
                    source.zoom(wish.as_ref());
                }
            }
            BackgroundEffect::Examine { cluster, pod, crashed } => self.examine(cluster, pod, crashed),
            BackgroundEffect::ExamineWorkload { cluster, workload } => {
                self.examine_workload(cluster, workload);
            }
            BackgroundEffect::RefreshMetrics => self.sources.iter().for_each(Source::refresh),
        }
    }

    fn send(&mut self, id: ClusterId, request: Request, request_id: RequestId) {
        let cluster = self.cluster(id);
        let events = self.sender.clone();
        let tasks = if request.is_mutation() { &mut self.mutations } else { &mut self.looks };
        tasks.spawn(async move {
            let denied = effects::perform(cluster, request, request_id, events).await;
            denied.then_some(id)
        });
    }

    fn cluster(&self, id: ClusterId) -> Option<crate::cluster::Cluster> {
        self.sources.get(usize::from(id.0)).and_then(|source| source.cluster.borrow().clone())
    }

    /// Reads what there is to know about a pod; the answer is an event, and nothing follows where there is no connection yet.
    fn examine(&mut self, id: ClusterId, pod: PodKey, crashed: bool) {
        let Some(cluster) = self.cluster(id) else { return };
        let events = self.sender.clone();
        self.looks.spawn(async move {
            let evidence = cluster.examine(&pod, crashed).await;
            // The loop is gone: so is whoever wanted to know.
            let _ = events.send(Event::Cluster(id, ClusterEvent::Examined(pod, evidence))).await;
            None
        });
    }

    /// Reads what a workload does not tell by itself; the answer is an event, as that of [`Self::examine`] is.
    fn examine_workload(&mut self, id: ClusterId, key: WorkloadKey) {
        let Some(cluster) = self.cluster(id) else { return };
        let events = self.sender.clone();
        self.looks.spawn(async move {
            let found = cluster.workload_row(&key.namespace, key.kind, &key.name).await.ok().flatten();
            let evidence = found.map(|row| WorkloadEvidence {
                said: row.facts.said.clone(),
                budgets: row.facts.budgets.clone(),
            });
            let event = ClusterEvent::WorkloadExamined(key, evidence.unwrap_or_default());
            let _ = events.send(Event::Cluster(id, event)).await;
            None
        });
    }

    /// Waits until a request has ended; one that was denied says that permissions have changed. Pending for ever while there is none.
    pub(super) async fn one_ended(&mut self) {
        let done = tokio::select! {
            Some(done) = self.mutations.join_next() => done,
            Some(done) = self.looks.join_next() => done,
            else => std::future::pending().await,
        };
        let denied = done.ok().flatten();
        if let Some(source) = denied.and_then(|id| self.sources.get(usize::from(id.0))) {
            source.recheck_permissions();
        }
    }

    /// No request is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.mutations.is_empty() && self.looks.is_empty()
    }

    /// What still runs and must not be cut off.
    pub(super) fn part(&mut self) -> impl Future<Output = ()> + use<> {
        let mut mutations = std::mem::take(&mut self.mutations);
        async move { while mutations.join_next().await.is_some() {} }
    }
}

fn plans(options: &Options) -> impl Iterator<Item = Plan> {
    let Options { clusters, .. } = options;
    (0_u16..).map(ClusterId).zip(clusters).map(move |(id, (_, connect))| Plan {
        id,
        connect: connect.clone(),
        namespaces: options.namespaces.clone(),
        controller_namespace: options.controller_namespace.clone(),
        prometheus: options.prometheus.clone(),
        alertmanager: options.alertmanager.clone(),
        range: options.range,
        refresh_metrics: options.refresh_metrics,
        queries_at_once: options.queries_at_once,
        refresh_permissions: options.refresh_permissions,
        clock: options.clock.clone(),
    })
}
