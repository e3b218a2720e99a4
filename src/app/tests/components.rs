//! One component alone: how it is chosen, what it narrows, and what it never does.

use proptest::prelude::*;

use super::differences::compared;
use super::keys::{press, typed};
use crate::api::ReleaseKey;
use crate::app::fixtures::{
    World, ago, alert, burning, canary_paused, environment, environment_id, event, planera, pod,
};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, FetchText};
use crate::app::state::rows::Rows;
use crate::app::state::saved_state::SavedState;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::View;
use crate::app::{components, place, saved_state};
use crate::domain::series::{Series, Subject};

fn curve(component: &str, track: &str) -> Series {
    let subject = Subject::Component(component.into());
    Series { label: format!("{component} {track}").into(), subject, ..Series::default() }
}

fn alone(store: &Store, environment: &str) -> Option<String> {
    components::alone(store, &environment_id(environment)).map(|component| component.name.to_string())
}

fn pods(store: &Store) -> String {
    let names = store.rows.pods.iter().map(|id| id.key.name.split('-').next().unwrap_or_default());
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    format!("{} {}/{:?}", names.join(" "), store.rows.pods_total, store.rows.pods_whole)
}

/// Keys typed in calm planera, production selected; what is shown alone there, and what was said.
#[test]
fn a_component_is_chosen_by_key_and_by_name() {
    for (keys, expected) in [
        ("", None),
        ("C down enter", Some("backend")),
        ("C down down enter", Some("frontend")),
        ("C front enter", Some("frontend")),
        ("C back tab enter", Some("backend")),
        (": component space frontend enter", Some("frontend")),
        // it stands on what is shown now, and the first one is all of them
        ("C front enter C enter", Some("frontend")),
        ("C front enter C up up enter", None),
        ("C front enter C all enter", None),
        (": component space backend enter : component space all enter", None),
        ("C front esc", None),
        ("C front enter C back esc", Some("frontend")),
        ("C nothing enter", None),
        ("C front enter : component space nothing enter", Some("frontend")),
        // by environment
        ("1 C front enter", None),
        ("C front enter 1 C back enter 2", Some("frontend")),
    ] {
        let (store, _) = typed(planera(), &format!("2 {keys}"));
        assert_eq!(alone(&store, "production").as_deref(), expected, "{keys}");
        assert_eq!(store.ui.overlay(), None, "{keys}");
    }
    let (store, _) = typed(planera(), "2 : component space back-end enter");
    let said = &store.toasts.back().unwrap().text;
    assert_eq!(said, "component: there is no `back-end` in production; there are all, backend, frontend");
}

#[test]
fn the_list_tells_how_each_component_fares() {
    let (store, _) = typed(planera(), "2 C");
    let Some(Overlay::Palette(palette)) = store.ui.overlay() else { panic!("{:?}", store.ui.overlay()) };
    let told: Vec<(&str, &str)> =
        palette.choices.iter().map(|choice| (&*choice.completion, &*choice.help)).collect();
    assert_eq!(
        told,
        [
            ("component all", "every component of production"),
            ("component backend", "v1.8.1 healthy 3/3 pods"),
            ("component frontend", "v1.8.1 healthy 3/3 pods"),
        ]
    );
}

#[test]
fn pods_are_of_that_component_and_all_environments_are_not_narrowed() {
    let (mut store, _) = typed(planera(), "2 C back enter");
    assert_eq!(pods(&store), "backend 3/Some(6)");
    press(&mut store, "1");
    assert_eq!(pods(&store), "backend frontend 6/None");
    press(&mut store, "0");
    assert_eq!(store.rows.pods_total, 12);
    press(&mut store, "2");
    assert_eq!(pods(&store), "backend 3/Some(6)");
    // whoever chooses a component wants to see it
    press(&mut store, "0 C front enter");
    assert_eq!(pods(&store), "frontend 3/Some(6)");
    press(&mut store, "tab / 2xk4p enter");
    assert_eq!((store.rows.pods.len(), store.rows.pods_total), (1, 3));
}

#[test]
fn curves_are_of_that_component_and_undivided_ones_say_so() {
    let mut world = planera();
    world = world.with_curves(
        "production",
        "errorRate",
        vec![
            curve("frontend", "stable"),
            curve("backend", "stable"),
            curve("frontend", "canary"),
            curve("backend", "canary"),
        ],
    );
    let ready = vec![Series { label: "ready".into(), ..Series::default() }];
    world = world.with_curves("production", "activePods", ready);
    let shown = |store: &Store, pane: &str| {
        let id = environment_id("production");
        let series = &store.clusters[0].metrics[&(id.key.clone(), pane.into())].series;
        let (whose, shown) = components::curves(store, &id, series);
        let labels: Vec<&str> = shown.iter().map(|curve| &*curve.label).collect();
        format!("{}: {}", whose.unwrap_or("-"), labels.join(", "))
    };
    let (mut store, _) = typed(world, "2");
    let all = "-: backend stable, backend canary, frontend stable, frontend canary";
    assert_eq!(shown(&store, "errorRate"), all);
    press(&mut store, "C front enter");
    assert_eq!(shown(&store, "errorRate"), "frontend: frontend stable, frontend canary");
    assert_eq!(shown(&store, "latency"), "frontend: ", "its curve is the backend's");
    assert_eq!(shown(&store, "activePods"), "all components: ready");
}

#[test]
fn events_changes_logs_and_texts_are_of_that_component() {
    let mut restarted = pod("production", "frontend", "frontend-7f9c6d-2xk4p", "v1.8.1");
    (restarted.restarts, restarted.last_restart) = (1, Some(ago(60)));
    let world = planera()
        .with_event("production", event(20, "BackOff", "backend-7f9c6d-2xk4p", "Back-off"))
        .with_event("production", event(20, "Pulled", "frontend-7f9c6d-2xk4p", "Pulled"))
        .with_event("production", event(20, "Bound", "backends", "of nobody"))
        .with_pod(restarted);
    let reasons = |store: &Store| {
        let reasons: Vec<&str> = store.rows.events.iter().map(|group| &*group.reason).collect();
        format!("{} of {}", reasons.join(" "), store.rows.events_total)
    };
    let (mut store, _) = typed(world, "2 E C back enter");
    assert_eq!(reasons(&store), "BackOff of 3");
    assert_eq!(store.rows.changes.len(), 0);
    press(&mut store, "C front enter");
    assert_eq!(reasons(&store), "Pulled of 3");
    assert_eq!(store.rows.changes.len(), 1);
    press(&mut store, "esc esc L");
    let View::Logs(view) = store.ui.view() else { panic!("{:?}", store.ui.view()) };
    assert_eq!(view.subject.words(), "all pods of frontend");
    let (mut store, _) = typed(planera(), "2 C front enter");
    let asked = press(&mut store, "d");
    let described = asked.iter().find_map(|effect| match effect {
        Effect::Background(BackgroundEffect::Fetch {
            what: FetchText::WorkloadsDescribe(workloads), ..
        }) => Some(workloads),
        _ => None,
    });
    let names: Vec<&str> = described.unwrap().iter().map(|workload| &*workload.name).collect();
    assert_eq!(names, ["frontend"]);
    let asked = press(&mut store, "esc esc O");
    let objects = asked.iter().find_map(|effect| match effect {
        Effect::Background(BackgroundEffect::Fetch { what: FetchText::Objects(_, component), .. }) => {
            component.as_deref()
        }
        _ => None,
    });
    assert_eq!(objects, Some("frontend"));
}

#[test]
fn it_is_part_of_the_way_back_and_of_bookmarks() {
    for (keys, expected) in [
        ("2 C back enter [", "home of production"),
        ("2 C back enter [ ]", "home of production, backend alone"),
        ("2 C back enter C front enter [", "home of production, backend alone"),
        ("2 C back enter B b enter C all enter 1 ' b enter", "home of production, backend alone"),
        ("2 B w enter C back enter ' w enter", "home of production"),
        ("2 C back enter 1 [", "home of production, backend alone"),
        ("2 C back enter E", "events of production, backend alone"),
    ] {
        let (store, _) = typed(planera(), keys);
        assert_eq!(place::present(&store).unwrap().words(), expected, "{keys}");
    }
}

fn resumed(world: World, kept: SavedState) -> Store {
    let mut world = world;
    crate::app::saved_state::take(&mut world.store, kept);
    world.store.last_key = None;
    world.settled().store
}

#[test]
fn it_is_found_again_on_the_next_start_unless_something_burns() {
    let (store, _) = typed(planera(), "1 C back enter 2 C front enter");
    let kept = saved_state::of(&store, "");
    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<SavedState>(&text).unwrap(), kept);
    let after = resumed(planera(), kept.clone());
    let both = |store: &Store| ["staging", "production"].map(|name| alone(store, name));
    assert_eq!(both(&after), [Some("backend".to_owned()), Some("frontend".to_owned())]);
    assert_eq!(pods(&after), "frontend 3/Some(6)");
    let after = resumed(burning(), kept.clone());
    assert_eq!(both(&after), [None, None]);
    assert_eq!(pods(&after), "backend frontend 7/None");
    let mut elsewhere = kept;
    elsewhere.components.iter_mut().for_each(|kept| kept.context = "gone".to_owned());
    elsewhere.place = None;
    assert_eq!(both(&resumed(planera(), elsewhere)), [None, None]);
}

#[test]
fn a_component_that_vanishes_gives_way_to_all() {
    let (store, _) = typed(planera(), "2 C front enter");
    let world = World { store }.with(environment("production").production());
    assert_eq!(alone(&world.store, "production"), None);
    assert!(world.store.ui.alone.is_empty());
    assert_eq!(world.store.rows.pods_whole, None);
    let said = &world.store.toasts.back().unwrap().text;
    assert_eq!(said, "frontend is no component of production any more: all are shown");
}

/// Everything that is of the whole environment, and of all of them.
fn of_the_whole(store: &Store) -> Rows {
    let Rows { environments, environment_lines, queue, causes, inbox, banners, alerts, .. } =
        store.rows.clone();
    Rows { environments, environment_lines, queue, causes, inbox, banners, alerts, ..Rows::default() }
}

/// Alerts of production while the backend is shown alone in it.
#[test]
fn alerts_of_that_environment_are_of_that_component_and_the_list_of_all_is_not_narrowed() {
    let world = planera().with_alerts(vec![
        alert("Ours", &[("component", "backend")]).of("production"),
        alert("Theirs", &[("pod", "frontend-7f9c6d-2xk4p")]).of("production"),
        alert("Everybodys", &[]).of("production"),
        alert("Elsewhere", &[("component", "frontend")]).of("staging"),
    ]);
    let listed = |store: &Store| {
        let mut names: Vec<&str> = store.rows.alerts.iter().map(|line| &*line.alert.name).collect();
        names.sort_unstable();
        format!("{}; {} hidden", names.join(" "), store.rows.alerts_hidden)
    };
    let (mut store, _) = typed(world, "2 C back enter a");
    assert_eq!(listed(&store), "Elsewhere Everybodys Ours Theirs; 0 hidden");
    press(&mut store, ": alerts space production enter");
    assert_eq!(listed(&store), "Everybodys Ours; 1 hidden");
    // whoever chooses a component wants to see it
    press(&mut store, ": alerts space all enter : component space frontend enter");
    assert_eq!(listed(&store), "Everybodys Theirs; 1 hidden");
    press(&mut store, ": alerts space production enter C all enter");
    assert_eq!(listed(&store), "Everybodys Ours Theirs; 0 hidden");
}

#[test]
fn differences_are_of_that_component() {
    let told = |store: &Store| {
        let differences = &store.rows.differences;
        let sections: Vec<String> = differences
            .lines
            .iter()
            .filter(|line| line.row.is_none())
            .map(|line| line.key.0.to_string())
            .collect();
        format!("{}; {} hidden", sections.join(", "), differences.hidden)
    };
    let mut store = compared();
    let all = told(&store);
    assert!(all.contains("component backend") && all.ends_with("; 0 hidden"), "{all}");
    press(&mut store, "C front enter");
    let narrowed = told(&store);
    assert!(!narrowed.contains("component backend") && narrowed.contains("Environment"), "{narrowed}");
    assert!(!narrowed.ends_with("; 0 hidden"), "{narrowed}");
    press(&mut store, "C all enter");
    assert_eq!(told(&store), all);
}

/// A component may bear the word for all of them as its name.
#[test]
fn a_component_that_is_called_all_is_chosen_by_that_name() {
    let world = planera().with(environment("odd").component("all").component("web"));
    let (mut store, _) = typed(world, ": environment space odd enter : component space =all enter");
    assert_eq!(alone(&store, "odd").as_deref(), Some("all"));
    press(&mut store, "C");
    let Some(Overlay::Palette(palette)) = store.ui.overlay() else { panic!("{:?}", store.ui.overlay()) };
    let choices: Vec<&str> = palette.choices.iter().map(|choice| &*choice.completion).collect();
    assert_eq!(choices, ["component all", "component backend", "component =all", "component web"]);
    assert_eq!(palette.selected, 2);
    press(&mut store, "up up enter");
    assert_eq!(alone(&store, "odd"), None);
    press(&mut store, "C down down enter");
    assert_eq!(alone(&store, "odd").as_deref(), Some("all"));
    press(&mut store, ": component space =web enter");
    assert_eq!(alone(&store, "odd").as_deref(), Some("web"));
    press(&mut store, ": component space nothing enter");
    let said = &store.toasts.back().unwrap().text;
    assert_eq!(said, "component: there is no `nothing` in odd; there are all, backend, =all, web");
}

proptest! {
    /// Whatever is chosen where, the environments' rows, the queue, the inbox, banners, causes and alerts stay as they are.
    #[test]
    fn what_is_shown_alone_never_changes_an_environments_row(
        burns in 0..3_u8,
        chosen in proptest::collection::vec((1..3_u8, prop::sample::select(vec!["all", "backend", "frontend", "oops"])), 1..6),
    ) {
        let world = match burns {
            0 => planera(),
            1 => burning(),
            _ => canary_paused(),
        };
        let firing = alert("HighErrorRate", &[("component", "backend")]).of("production");
        let (mut store, _) = typed(world.with_alerts(vec![firing]), "2");
        let before = of_the_whole(&store);
        let releases: Vec<ReleaseKey> = store.clusters[0].releases.keys().cloned().collect();
        for (environment, component) in chosen {
            let effects = press(&mut store, &format!("{environment} : component space {component} enter"));
            let sent = |effect: &Effect| matches!(effect, Effect::Background(BackgroundEffect::CreateAction { .. } | BackgroundEffect::CreateRelease { .. }));
            prop_assert!(!effects.iter().any(sent));
            prop_assert_eq!(&of_the_whole(&store), &before);
        }
        prop_assert!(store.clusters[0].releases.keys().eq(&releases));
    }
}
