//! Which alerts a scope has, each once, the worst first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::{EnvironmentKey, Tier};
use crate::app::state::alerts::{AlertId, AlertLine, AlertScope};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::store::Store;
use crate::app::{alerting, components};
use crate::domain::alert_row::{AlertRow, Severity};

/// The alerts of a scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Within {
    /// The worst first.
    pub lines: Vec<AlertLine>,
    /// How many more there are of namespaces that are not ours.
    pub elsewhere: usize,
    /// How many more there are of other components than the one that is shown alone.
    pub hidden: usize,
}

/// The alerts in that scope. Those of one environment are of the component that is shown alone in it.
#[must_use]
pub(crate) fn within(store: &Store, scope: &AlertScope) -> Within {
    let mut lines = lines(store);
    let all = lines.len();
    let (mut elsewhere, mut hidden) = (0, 0);
    match scope {
        AlertScope::Environments => {
            lines.retain(|line| !line.alert.is_elsewhere());
            elsewhere = all - lines.len();
        }
        AlertScope::One(id) => {
            lines.retain(|line| line.id.cluster == id.cluster && line.alert.environments.contains(&id.key));
            let own = lines.len();
            lines.retain(|line| components::shows_alert(store, id, &line.alert));
            hidden = own - lines.len();
        }
        AlertScope::Everything => {}
    }
    lines.sort_by(|a, b| order(a).cmp(&order(b)));
    Within { lines, elsewhere, hidden }
}

type Order<'a> = (bool, bool, Severity, Reverse<Option<Tier>>, Reverse<DateTime<Utc>>, &'a AlertId);

/// What is kept quiet comes last; what fires before what does not yet, the worst first, production first, the newest first.
fn order(line: &AlertLine) -> Order<'_> {
    let alert = &line.alert;
    (
        line.quiet().is_some(),
        !alert.is_firing,
        alert.severity(),
        Reverse(line.tier),
        Reverse(alert.since),
        &line.id,
    )
}

/// Every alert once: what several tell of, as the servers of a pair do, is one, and told by all of them.
fn lines(store: &Store) -> Vec<AlertLine> {
    let mut found: BTreeMap<AlertId, AlertLine> = BTreeMap::new();
    for (id, cluster) in store.clusters() {
        for (source, told) in &cluster.alerts {
            for alert in &told.alerts {
                let line = line((id, cluster), alert, (source, told.error.is_some()));
                match found.entry(line.id.clone()) {
                    Entry::Vacant(place) => {
                        place.insert(line);
                    }
                    Entry::Occupied(mut place) => place.get_mut().join(line),
                }
            }
        }
    }
    found.into_values().collect()
}

fn line(
    (id, cluster): (ClusterId, &ClusterState),
    alert: &Arc<AlertRow>,
    (source, lost): (&str, bool),
) -> AlertLine {
    let environment = alert.environments.iter().max_by_key(|key| tier(cluster, key));
    AlertLine {
        id: AlertId { cluster: id, labels: alert.labels.clone() },
        told_by: vec![source.into()],
        tier: environment.and_then(|key| tier(cluster, key)),
        environment: environment.map(|key| EnvironmentId::new(id, key.clone())),
        alert: Arc::clone(alert),
        lost,
        handled: alerting::handling(cluster, &alert.labels),
    }
}

impl AlertLine {
    /// Takes in what somebody else tells of the same alert: who still answers counts before who does not, and who has seen more of it
    /// before who has seen less.
    fn join(&mut self, other: Self) {
        let weight = |line: &Self| (!line.lost, line.alert.is_firing, Reverse(line.alert.since));
        let told_by = [self.told_by.as_slice(), &other.told_by].concat();
        if weight(&other) > weight(self) {
            *self = other;
        }
        self.told_by = told_by;
    }
}

fn tier(cluster: &ClusterState, key: &EnvironmentKey) -> Option<Tier> {
    cluster.environments.get(key).map(|environment| environment.spec.tier)
}
