//! The pods' table: orders, labels, inversion, columns, and what is not known of usage.

use super::keys::{press, typed};
use crate::app::fixtures::{World, environment_id, planera, pod};
use crate::app::rows::pods::list;
use crate::app::state::event::MetricsEvent;
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::ClusterId;
use crate::app::state::pod_sort::PodSort;
use crate::app::state::store::Store;
use crate::domain::pod_row::{PodHealth, PodRow};
use crate::domain::usage::Usage;

/// Three pods that differ in everything.
fn three() -> World {
    let mut world = planera();
    for (nth, name) in ["backend-x-aaaaa", "backend-x-bbbbb", "backend-x-ccccc"].into_iter().enumerate() {
        let mut row = pod("production", "backend", name, ["v1", "v3", "v2"][nth]);
        row.ip = ["10.0.0.10", "10.0.0.9", "10.0.0.11"][nth].into();
        row.node = ["node-2", "node-3", "node-1"][nth].into();
        row.labels = format!("app=backend\nteam={}", ["red", "blue", "red"][nth]).into();
        world = world.with_pod(row);
    }
    world
}

fn names(store: &Store) -> String {
    let ends =
        store.rows.pods.iter().filter_map(|id| id.key.name.strip_prefix("backend-x-")).map(|end| &end[..1]);
    ends.collect()
}

fn usage(store: &mut Store, result: Result<Vec<(Box<str>, Usage)>, String>) {
    let namespace = environment_id("production").key.namespace;
    crate::app::update(
        store,
        Event::Cluster(ClusterId(0), ClusterEvent::Metrics(MetricsEvent::Usage { namespace, result })),
    );
}

#[test]
fn every_column_orders_both_ways() {
    for (sort, expected) in [
        ("name", "abc"),
        ("version", "acb"),
        ("node", "cab"),
        ("ip", "bac"),
        ("digest", "abc"),
        ("owner", "abc"),
    ] {
        let (mut store, _) = typed(three(), &format!("tab : sort space {sort} enter"));
        assert_eq!(names(&store), expected, "{sort}");
        press(&mut store, "~");
        assert_eq!(names(&store), expected.chars().rev().collect::<String>(), "{sort} reversed");
    }
    let (store, _) = typed(three(), "tab : sort space colour enter");
    assert!(store.toasts.back().unwrap().text.starts_with("pods are sorted by health, name, age"));
}

/// The list is made anew only where a change may move a pod: forgetting a column here would leave a wrong order on the screen.
#[test]
fn a_pod_that_changes_stands_where_a_list_made_anew_has_it() {
    let changes: [fn(&mut PodRow); 13] = [
        |row| row.health = PodHealth::Failing,
        |row| row.restarts = 9,
        |row| row.ready = 0,
        |row| row.created = None,
        |row| row.version = "v9".into(),
        |row| row.status = "Aborted".into(),
        |row| row.track = "canary".into(),
        |row| row.owner = "backend-canary".into(),
        |row| row.template_hash = "fffff".into(),
        |row| row.node = "node-9".into(),
        |row| row.ip = "10.0.0.99".into(),
        |row| row.digest = "ffff".into(),
        |row| row.labels = "team=blue".into(),
    ];
    for sort in PodSort::ALL {
        for filter in ["", "/ node-2 enter", "/ -l space team=red enter"] {
            for (number, change) in changes.iter().enumerate() {
                let (mut store, _) =
                    typed(three(), &format!("tab : sort space {} enter {filter}", sort.id()));
                let mut pods = store.clusters[0].pods.rows().iter();
                let (key, row) = pods.find(|(key, _)| key.name.ends_with("-aaaaa")).unwrap();
                let (key, mut row) = (key.clone(), row.clone());
                change(&mut row);
                let event = ClusterEvent::Pods(Delta::Applied(key, row));
                crate::app::update(&mut store, Event::Cluster(ClusterId(0), event));
                let anew = list(&store);
                let (rows, told) = (&store.rows, (sort, filter, number));
                assert_eq!(rows.pods, anew.pods, "{told:?}");
                assert_eq!((rows.pods_total, rows.pods_failing), (anew.total, anew.failing), "{told:?}");
            }
        }
    }
}

#[test]
fn usage_orders_and_its_absence_has_a_reason() {
    let (mut store, _) = typed(three(), "tab : sort space memory enter");
    let of = |name: &str, cpu, memory| (name.into(), Usage { cpu, memory });
    usage(
        &mut store,
        Ok(vec![of("backend-x-aaaaa", 9, 1), of("backend-x-bbbbb", 1, 3), of("backend-x-ccccc", 5, 2)]),
    );
    assert_eq!(names(&store), "bca");
    press(&mut store, ": sort space cpu enter");
    assert_eq!(names(&store), "acb");
    usage(&mut store, Err("this cluster has no metrics API".into()));
    let namespace = environment_id("production").key.namespace;
    let known = &store.clusters[0].usage[&namespace];
    assert_eq!((known.pods.len(), known.error.as_deref()), (3, Some("this cluster has no metrics API")));
}

#[test]
fn pods_are_filtered_by_labels_status_address_and_their_absence() {
    for (filter, expected) in [
        ("-l team=red", "ac"),
        ("-l team!=red", "b"),
        ("!-l team=red", "b"),
        ("-l team=red,node=node-1", "c"),
        ("-l team", "abc"),
        ("-l !team", ""),
        ("-l ip=10.0.0.9", "b"),
        ("10.0.0.1", "ac"),
        ("node-3", "b"),
        ("!running", ""),
    ] {
        let keys = filter.replace(' ', " space ");
        let (store, _) = typed(three(), &format!("tab : sort space name enter / {keys} enter"));
        assert_eq!(names(&store), expected, "{filter}");
    }
}

#[test]
fn other_columns_come_and_go() {
    let (mut store, _) = typed(three(), "tab o");
    assert!(store.ui.pods_wide);
    press(&mut store, "o");
    assert!(!store.ui.pods_wide);
}
