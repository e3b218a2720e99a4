//! Delivery numbers of every application, for the view that shows them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::api::{EnvironmentKey, Release, Tier};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::state::view::{DoraView, Focus, View};
use crate::app::state::view_row::{PlaceRow, ViewRow};
use crate::app::views;
use crate::domain::delivery::{Delivery, Period, delivery};

/// Days that a period can have; the key goes from one to the next.
pub(crate) const PERIODS: [u16; 3] = [30, 90, 7];

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "dora",
    is: |view| matches!(view, View::Dora(_)),
    panes: &[Focus::Dora],
    go: |store, step, height| {
        let Store { ui, rows, .. } = store;
        if let Some(View::Dora(view)) = ui.views.last_mut() {
            let applications: BTreeSet<&str> =
                rows.environments.iter().map(|row| &*row.application).collect();
            view.offset = step.scroll(view.offset, applications.len(), height);
        }
    },
    place: Some(PlaceRow {
        go: |store, _| {
            open(store);
            Some(())
        },
        ..PlaceRow::ROW
    }),
    ..ViewRow::ROW
};

/// Opens them; where they are open, shows the next period.
pub(super) fn open(store: &mut Store) {
    if let Some(View::Dora(view)) = store.ui.views.last_mut() {
        let at = PERIODS.iter().position(|days| *days == view.days).unwrap_or_default();
        view.days = PERIODS[(at + 1) % PERIODS.len()];
        store.dirty.screen = true;
    } else {
        views::push(store, View::Dora(DoraView { days: PERIODS[0], offset: 0 }));
    }
}

/// Every application by name with its numbers, over all clusters.
#[must_use]
pub(crate) fn list(store: &Store, days: u16) -> Vec<(String, Delivery)> {
    type Lane = (ClusterId, EnvironmentKey);
    let mut applications: BTreeMap<&str, Vec<(Lane, &Release)>> = BTreeMap::new();
    for (id, cluster) in store.clusters() {
        for environment in cluster.environments.values() {
            applications.entry(environment.spec.application.as_str()).or_default();
        }
        for release in cluster.releases.values() {
            let key = release.environment_key();
            let Some(environment) = cluster.environments.get(&key) else { continue };
            let releases = applications.entry(environment.spec.application.as_str()).or_default();
            releases.push(((id, key), release));
        }
    }
    let is_production = |(cluster, key): &Lane| {
        let environment = store.cluster(*cluster).and_then(|cluster| cluster.environments.get(key));
        environment.is_some_and(|environment| environment.spec.tier == Tier::Production)
    };
    let period = Period { until: store.now, length: TimeDelta::days(i64::from(days)) };
    let numbers = |releases: &[(Lane, &Release)]| delivery(releases, is_production, period);
    applications.iter().map(|(name, releases)| ((*name).to_owned(), numbers(releases))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::planera;

    #[test]
    fn the_key_opens_them_and_goes_through_the_periods() {
        for (keys, days) in [("N", 30), ("N N", 90), ("N N N", 7), ("N N N N", 30)] {
            let store = planera().typing(keys).store();
            assert_eq!(*store.ui.view(), View::Dora(DoraView { days, offset: 0 }), "{keys}");
        }
    }

    #[test]
    fn an_application_counts_what_succeeded_in_production() {
        let found = list(&planera().store, 30);
        let [(name, numbers)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((name.as_str(), numbers.deployments, numbers.succeeded), ("planera", 1, 1));
        assert_eq!(numbers.duration_seconds, Some(10));
    }
}
