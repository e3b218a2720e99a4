//! Two environments side by side: which ones, when each is read, and what is listed.

use chrono::TimeDelta;

use super::keys::press;
use crate::app::fixtures::{World, environment, now, planera, snapshot};
use crate::app::state::differences::Line;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::event::{Event, Outcome};
use crate::app::state::store::Store;
use crate::app::state::view::View;
use crate::app::update;

/// The readings that are asked for, by environment.
fn asked(effects: &[Effect]) -> Vec<(String, RequestId)> {
    let asked = |effect: &Effect| match effect {
        Effect::Background(BackgroundEffect::Portray { environment, request, .. }) => {
            Some((environment.name.to_string(), *request))
        }
        _ => None,
    };
    effects.iter().filter_map(asked).collect()
}

fn answer(store: &mut Store, request: RequestId, outcome: Outcome) -> Vec<Effect> {
    update(store, Event::RequestDone { request, outcome })
}

/// Production beside staging, both read.
pub(super) fn compared() -> Store {
    let mut store = planera().store();
    let effects = press(&mut store, "2 X");
    for (name, request) in asked(&effects) {
        answer(&mut store, request, Outcome::Snapshot(Box::new(snapshot(&name))));
    }
    store
}

fn listed(store: &Store) -> Vec<String> {
    let line = |line: &Line| match &line.row {
        Some(row) => format!("{} {}", row.verdict.sign(), row.what),
        None => line.key.0.to_string(),
    };
    store.rows.differences.lines.iter().map(line).collect()
}

/// Keys typed, and which two are compared.
#[test]
fn what_is_compared_is_what_a_version_comes_from_or_what_is_named() {
    for (keys, expected) in [
        ("2 X", "staging production"),
        ("1 X", "production staging"),
        ("1 : differences space production enter", "production staging"),
        ("1 : differences space production space staging enter", "production staging"),
        ("1 : differences space planera/production enter", "production staging"),
        ("1 : differences space nowhere enter", "there is no environment nowhere"),
        ("1 : differences space staging enter", "both are staging"),
        ("1 X X", "there is no other environment of this application"),
    ] {
        let store = planera().typing(keys).store();
        let found = match store.ui.view() {
            View::Differences(view) if !expected.contains(" is no ") => {
                let [left, right] = [&view.left, &view.right].map(|side| side.environment.key.name.clone());
                format!("{left} {right}")
            }
            _ => store.toasts.back().map(|toast| toast.text.clone()).unwrap_or_default(),
        };
        assert!(found.contains(expected), "{keys}: {found}");
    }
}

#[test]
fn the_key_turns_to_the_next_environment_of_the_application() {
    let mut world = World::live();
    for name in ["dev", "staging", "production"] {
        let object = environment(name).of("shop");
        world = world.with(if name == "production" { object.production() } else { object });
    }
    let left = |world: &World| match world.store.ui.view() {
        View::Differences(view) => view.left.environment.key.name.to_string(),
        other => panic!("{other:?}"),
    };
    world = world.typing(": differences space dev space staging enter");
    assert_eq!(left(&world), "dev");
    world = world.typing("X");
    assert_eq!(left(&world), "production");
    world = world.typing("X");
    assert_eq!(left(&world), "dev");
}

#[test]
fn an_environment_that_stands_alone_is_compared_with_nothing() {
    let store = World::live().with(environment("dev")).typing("1 X").store();
    assert_eq!(*store.ui.view(), View::Home);
    let store = World::live()
        .with(environment("dev").of("a"))
        .with(environment("prod").of("b"))
        .typing("1 X")
        .store();
    assert!(store.toasts.back().unwrap().text.contains("name one, as in :diff staging"));
}

#[test]
fn only_what_differs_is_listed_unless_all_is_wanted() {
    let mut store = compared();
    let lines = listed(&store);
    for wanted in
        ["component backend", "~ version", "~ env LOG_LEVEL", "- FEATURE_BOARD", "~ KEY", "? all of it"]
    {
        assert!(lines.iter().any(|line| line == wanted), "{wanted} is not in {lines:?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("  ")), "{lines:?}");
    press(&mut store, "=");
    assert!(listed(&store).contains(&"  FEATURE_CALENDAR".to_owned()));
    press(&mut store, "=");
    assert_eq!(listed(&store), lines);
}

#[test]
fn the_filter_looks_into_names_and_values() {
    for (filter, expected) in [
        ("/ p o o l enter", vec!["ConfigMap app", "~ DB_POOL_SIZE"]),
        ("/ d e b u g enter", vec!["component backend", "~ env LOG_LEVEL"]),
        ("/ z z z enter", vec![]),
    ] {
        let mut store = compared();
        press(&mut store, filter);
        assert_eq!(listed(&store), expected, "{filter}");
        press(&mut store, "esc");
        assert!(listed(&store).len() > 5 && matches!(store.ui.view(), View::Differences(_)), "{filter}");
    }
}

/// A side that does not answer is told of, is asked again, and keeps nothing from the other one.
#[test]
fn a_dead_side_delays_nothing() {
    let mut store = planera().store();
    let requests = asked(&press(&mut store, "2 X"));
    let [(left, first), (right, second)] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((left.as_str(), right.as_str()), ("staging", "production"));
    answer(&mut store, *second, Outcome::Snapshot(Box::new(snapshot("production"))));
    assert!(listed(&store).is_empty());
    assert!(asked(&answer(&mut store, *first, Outcome::Refused("connection refused".into()))).is_empty());
    let View::Differences(view) = store.ui.view() else { panic!() };
    assert_eq!(view.left.fault.as_deref(), Some("connection refused"));
    assert!(view.right.snapshot.is_some() && view.right.fault.is_none());

    let again = asked(&update(&mut store, Event::Tick(now() + TimeDelta::seconds(6))));
    let [(name, request)] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!(name, "staging");
    answer(&mut store, *request, Outcome::Snapshot(Box::new(snapshot("staging"))));
    assert!(listed(&store).len() > 5);
    // what was read stays while newer readings fail
    let renewed = asked(&update(&mut store, Event::Tick(now() + TimeDelta::seconds(22))));
    assert_eq!(renewed.len(), 2);
    answer(&mut store, renewed[0].1, Outcome::Refused("timed out".into()));
    assert!(listed(&store).len() > 5);
}

#[test]
fn nothing_is_read_once_it_is_left() {
    let mut store = compared();
    assert!(asked(&update(&mut store, Event::Tick(now() + TimeDelta::seconds(1)))).is_empty());
    assert_eq!(asked(&press(&mut store, "ctrl-r")).len(), 2);
    press(&mut store, "esc");
    assert_eq!(*store.ui.view(), View::Home);
    assert!(asked(&update(&mut store, Event::Tick(now() + TimeDelta::seconds(60)))).is_empty());
}

#[test]
fn what_is_copied_is_what_the_row_says() {
    let mut store = compared();
    let copied = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Terminal(TerminalEffect::Copy(text))] => text.clone(),
        other => panic!("{other:?}"),
    };
    press(&mut store, "/ LOG_LEVEL enter j");
    let row = "planera-staging/staging@prod-eu: debug\nplanera-production/production@prod-eu: info";
    assert_eq!(copied(press(&mut store, "c")), format!("component backend: env LOG_LEVEL\n{row}"));
    press(&mut store, "k");
    let heading =
        "component backend: planera-staging/staging@prod-eu and planera-production/production@prod-eu";
    assert_eq!(copied(press(&mut store, "c")), heading);
    // what only one side has
    press(&mut store, "esc esc / BOARD enter j");
    let copied = copied(press(&mut store, "c"));
    assert!(copied.ends_with("prod-eu: on\nplanera-production/production@prod-eu: nothing"), "{copied}");
}
