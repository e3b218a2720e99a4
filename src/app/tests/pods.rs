//! The pods' table: orders, labels, inversion, columns, and what is not known of usage.

use super::keys::{press, typed};
use crate::app::cluster_state::ClusterId;
use crate::app::event::{ClusterEvent, Event};
use crate::app::fixtures::{World, environment_id, planera, pod};
use crate::app::store::Store;
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
    crate::app::update(store, Event::Cluster(ClusterId(0), ClusterEvent::Usage { namespace, result }));
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
