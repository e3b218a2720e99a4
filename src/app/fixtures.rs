//! Worlds for tests, built in words: `environment("production").production().running("v1.8.1")`.
//!
//! [`World`] builds a store by the same events that a session sends, so that every test also folds.

mod alerts;
mod differences;
mod objects;
mod progressive;
mod story;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::{Environment, EnvironmentKey, Release, ReleaseAction, Verb};
use crate::app::state::cluster_state::{ControllerHealth, CurrentUser, WatchedKind};
use crate::app::state::event::AlertingEvent;
use crate::app::state::event::MetricsEvent;
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::store::Store;
use crate::app::update;
use crate::domain::alert_row::AlertRow;
use crate::domain::event_row::EventRow;
use crate::domain::pod_row::{PodKey, PodRow};
use crate::domain::series::{Series, Subject, unix};
use crate::domain::watch_state::WatchState;
use crate::domain::workload_row::{WorkloadKey, WorkloadRow};

pub(crate) use alerts::alert;
pub(crate) use differences::snapshot;
pub(crate) use objects::{environment, event, pod, release, release_action};
pub(crate) use progressive::{canary_paused, progressive};
pub(crate) use story::{burning, planera};

/// The instant at which every fixture lives.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-20T14:03:22Z").unwrap().to_utc()
}

/// That many seconds before [`now`].
pub(crate) fn ago(seconds: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(seconds)
}

/// The id of an environment of the application `planera` in the first cluster.
pub(crate) fn environment_id(name: &str) -> EnvironmentId {
    EnvironmentId::new(ClusterId(0), EnvironmentKey::new(format!("planera-{name}"), name))
}

/// The id of a release into that environment of `planera` in the first cluster.
pub(crate) fn release_id(environment: &str, name: &str) -> ReleaseId {
    ReleaseId::new(ClusterId(0), crate::api::ReleaseKey::new(format!("planera-{environment}"), name))
}

/// A store in the making: one cluster, everything live, alice connected.
pub(crate) struct World {
    /// The store so far.
    pub store: Store,
}

impl World {
    /// One cluster `prod-eu`, connected as alice of the team leads, every feed live, the controller leading.
    pub(crate) fn live() -> Self {
        let mut world = Self { store: Store::new(["prod-eu".into()], "test") };
        world.send(Event::Tick(now()));
        world.send(Event::Resize { width: 120, height: 40 });
        world = world.connected_as("alice", &["team-leads"]);
        for feed in WatchedKind::ALL {
            world.cluster(ClusterEvent::Watch(feed, WatchState::Live { heard: now() }));
        }
        world.cluster(ClusterEvent::Controller(ControllerHealth {
            leader: Some("release-cockpit-0".into()),
            renewed: Some(ago(1)),
            duration_seconds: 15,
        }));
        world
    }

    /// The store of a session that has connected to nothing yet.
    pub(crate) fn connecting() -> Self {
        let mut world = Self { store: Store::new(["prod-eu".into()], "test") };
        world.send(Event::Tick(now()));
        world
    }

    /// Connected as someone else.
    pub(crate) fn connected_as(mut self, user: &str, groups: &[&str]) -> Self {
        self.cluster(ClusterEvent::Connected {
            identity: CurrentUser { user: user.into(), groups: groups.iter().map(|g| (*g).into()).collect() },
            server_version: "v1.36.2".into(),
        });
        self
    }

    /// With this environment, its workloads at full strength, and every permission there.
    pub(crate) fn with(mut self, environment: impl Into<Environment>) -> Self {
        let environment = environment.into();
        let key = environment.key();
        for component in &environment.spec.components {
            let current = environment
                .status
                .as_ref()
                .and_then(|status| status.current.iter().find(|current| current.component == component.name));
            let image = current.map_or_else(|| format!("{}:v1.0.0", component.image), |c| c.image.clone());
            let row = WorkloadRow {
                key: WorkloadKey {
                    namespace: key.namespace.clone(),
                    kind: component.workload.kind,
                    name: component.workload.name.as_str().into(),
                },
                desired: 3,
                updated: 3,
                ready: 3,
                available: 3,
                images: Box::new([(component.container.as_str().into(), image.as_str().into())]),
                revision: 41,
                progress_reason: "NewReplicaSetAvailable".into(),
                phase: "".into(),
                observed: true,
                created: Some(ago(86_400 * 30)),
                facts: Arc::default(),
            };
            self.cluster(ClusterEvent::Workloads(Delta::Applied(row.key.clone(), row)));
        }
        self.cluster(ClusterEvent::Permissions { environment: key.clone(), allowed: Verb::ALL.to_vec() });
        self.cluster(ClusterEvent::Environments(Delta::Applied(key, Arc::new(environment))));
        self
    }

    /// With this release.
    pub(crate) fn with_release(mut self, release: impl Into<Release>) -> Self {
        self.apply_release(release);
        self
    }

    /// With this action.
    pub(crate) fn with_action(mut self, action: ReleaseAction) -> Self {
        let key = crate::api::ReleaseKey::new(
            action.metadata.namespace.as_deref().unwrap_or_default(),
            action.metadata.name.as_deref().unwrap_or_default(),
        );
        self.cluster(ClusterEvent::Actions(Delta::Applied(key, Arc::new(action))));
        self
    }

    /// With this pod.
    pub(crate) fn with_pod(mut self, pod: PodRow) -> Self {
        self.cluster(ClusterEvent::Pods(Delta::Applied(pod.key.clone(), pod)));
        self
    }

    /// With an event about a pod or another object of that environment.
    pub(crate) fn with_event(mut self, environment: &str, event: EventRow) -> Self {
        let namespace = environment_id(environment).key.namespace;
        let name = format!("{}.{}.{}", event.name, event.reason, event.message.len()).into();
        self.cluster(ClusterEvent::Events(Delta::Applied(PodKey { namespace, name }, event)));
        self
    }

    /// With these alerts, and no others, as its Prometheus tells them.
    pub(crate) fn with_alerts<A: Into<AlertRow>>(mut self, alerts: Vec<A>) -> Self {
        let alerts = alerts.into_iter().map(Into::into).collect();
        let source = "monitoring/prometheus:9090".into();
        self.cluster(ClusterEvent::Alerting(AlertingEvent::Alerts {
            source,
            at: ago(2),
            result: Ok(alerts),
        }));
        self
    }

    /// With only these permissions in an environment of `planera`.
    pub(crate) fn allowed(mut self, environment: &str, verbs: &[Verb]) -> Self {
        let environment = environment_id(environment).key;
        self.cluster(ClusterEvent::Permissions { environment, allowed: verbs.to_vec() });
        self
    }

    /// With a curve of 30 minutes, one value a sample, the last of them now.
    pub(crate) fn with_metric(self, environment: &str, query: &str, label: &str, values: &[f64]) -> Self {
        let step = 1_800.0 / f64::from(u32::try_from(values.len().max(1)).unwrap());
        let ages = (0_u32..).map(|back| unix(now()) - step * f64::from(back));
        let mut points: Vec<_> = ages.zip(values.iter().rev().copied()).collect();
        points.reverse();
        self.with_curves(
            environment,
            query,
            vec![Series {
                label: label.into(),
                subject: Subject::Component(label.into()),
                points,
                step,
                ..Series::default()
            }],
        )
    }

    /// With these curves.
    pub(crate) fn with_curves(mut self, environment: &str, query: &str, curves: Vec<Series>) -> Self {
        self.cluster(ClusterEvent::Metrics(MetricsEvent::Metrics {
            environment: environment_id(environment).key,
            query: query.into(),
            at: ago(2),
            result: Ok(curves),
            partial: None,
        }));
        self
    }

    /// With a feed that was lost.
    pub(crate) fn lost(mut self, feed: WatchedKind, seconds: i64) -> Self {
        self.cluster(ClusterEvent::Watch(
            feed,
            WatchState::Stale {
                since: Some(ago(seconds)),
                reason: "connection refused".into(),
                retry_at: Some(now() + TimeDelta::seconds(3)),
            },
        ));
        self
    }

    /// With a controller that renewed its lease that long ago.
    pub(crate) fn controller_silent(mut self, seconds: i64) -> Self {
        self.cluster(ClusterEvent::Controller(ControllerHealth {
            leader: Some("release-cockpit-0".into()),
            renewed: Some(ago(seconds)),
            duration_seconds: 15,
        }));
        self
    }

    /// After these keys, written as in a key map with blanks between; a word of several letters is typed letter by letter.
    pub(crate) fn typing(mut self, keys: &str) -> Self {
        for chord in chords(keys) {
            self.send(Event::Key { chord, repeat: false });
        }
        self
    }

    /// The store.
    pub(crate) fn store(self) -> Store {
        self.store
    }

    /// With its lists computed for the view that is open now.
    pub(crate) fn settled(mut self) -> Self {
        let (width, height) = self.store.size;
        self.send(Event::Resize { width: width + 1, height });
        self.send(Event::Resize { width, height });
        self
    }

    /// Sends an event; effects are dropped.
    pub(crate) fn send(&mut self, event: Event) {
        update(&mut self.store, event);
    }

    /// A release is new or has changed.
    pub(crate) fn apply_release(&mut self, release: impl Into<Release>) {
        let release = release.into();
        self.cluster(ClusterEvent::Releases(Delta::Applied(release.key(), Arc::new(release))));
    }

    pub(crate) fn cluster(&mut self, event: ClusterEvent) {
        self.send(Event::Cluster(ClusterId(0), event));
    }
}

/// Keys out of a sentence: `n v1.8.2 tab enter`; what is not a key's name is typed letter by letter.
pub(crate) fn chords(keys: &str) -> Vec<crate::config::key::KeyChord> {
    use crate::config::key::KeyChord;
    keys.split_whitespace()
        .flat_map(|word| match word.parse::<KeyChord>() {
            Ok(chord) => vec![chord],
            Err(_) => word.chars().map(KeyChord::char).collect(),
        })
        .collect()
}
