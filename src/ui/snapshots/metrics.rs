//! Metric panes, one by one and alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::recorded::Pictures;
use super::windows::changed;
use super::{SIZES, differences, screen, text, with_alerts, with_events};
use crate::api::environment::{MetricPane, MetricUnit, NoData, Slo, Worse};
use crate::app::fixtures::{World, ago, burning, chords, environment_id, now};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::event::MetricsEvent;
use crate::app::state::event::{ClusterEvent, Event, ZoomPart};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::app::state::zoom::{Compare, ZoomView};
use crate::app::update;
use crate::domain::burn_rate;
use crate::domain::measure::{Measurement, Reading};
use crate::domain::pane::Content;
use crate::domain::series::{Series, Subject, unix};
use crate::ui::pane::Ctx;
use crate::ui::panes;
use crate::ui::theme::Theme;

/// The store with that pane of production alone on the screen, and what the server answers: what the pane itself has, or its failure.
pub(super) fn zoomed(store: Store, pane: &str) -> Store {
    let mut store = store;
    let environment = environment_id("production");
    store.ui.metric = pane.into();
    store.ui.views.push(View::Zoom(ZoomView {
        environment: environment.clone(),
        pane: pane.into(),
        range: 2,
        compare: Compare::Nothing,
        cursor: None,
        curve: None,
    }));
    store.ui.focus = Focus::Zoom;
    answered(store, "")
}

/// The store after these keys, and after everything that the zoomed pane then asks for was answered.
fn answered(mut store: Store, keys: &str) -> Store {
    let (width, height) = store.size;
    let mut effects = update(&mut store, Event::Resize { width: width + 1, height });
    effects.extend(update(&mut store, Event::Resize { width, height }));
    for chord in chords(keys) {
        effects.extend(update(&mut store, Event::Key { chord, repeat: false }));
    }
    let wishes = effects.into_iter().filter_map(|effect| match effect {
        Effect::Background(BackgroundEffect::Zoom { wish, .. }) => wish,
        _ => None,
    });
    for wish in wishes.collect::<Vec<_>>() {
        let known = store.clusters[0].metrics.get(&(wish.environment.clone(), wish.pane.clone())).cloned();
        let Some(known) = known else { continue };
        let shift = wish.baseline.map(|baseline| baseline.shift(now()));
        for (part, shift) in [(ZoomPart::Present, Some(0.0)), (ZoomPart::Baseline, shift)] {
            let Some(shift) = shift else { continue };
            let calm = if part == ZoomPart::Baseline { 0.5 } else { 1.0 };
            let mut series = known.series.clone();
            for (at, value) in series.iter_mut().flat_map(|series| &mut series.points) {
                *at -= shift;
                *value *= calm;
            }
            let at = known.at.unwrap_or(now());
            let result = known.error.clone().map_or(Ok(series), Err);
            let event = ClusterEvent::Metrics(MetricsEvent::Zoomed {
                wish: wish.clone(),
                part,
                at,
                result,
                partial: None,
            });
            update(&mut store, Event::Cluster(ClusterId(0), event));
        }
    }
    store
}

/// Production burns, promises 99.9 %, and has panes of its own.
fn world() -> World {
    let mut world = changed(burning(), "production", |environment| {
        let metrics = environment.spec.metrics.get_or_insert_default();
        metrics.slo = Some(Slo {
            objective: 99.9,
            errors: None,
            total: None,
            window: None,
            min_requests: None,
            no_data: NoData::Hold,
        });
        metrics.panes = vec![
            MetricPane {
                name: "connections".into(),
                title: Some("DB connections".into()),
                expression: Some("sum by (pool) (pg_stat_activity_count)".into()),
                warn: Some(60.0),
                critical: Some(80.0),
                legend: Some("{{pool}}".into()),
                ..MetricPane::default()
            },
            MetricPane {
                name: "throughput".into(),
                title: Some("Orders".into()),
                expression: Some("sum(rate(orders_total[1m]))".into()),
                unit: Some(MetricUnit::PerSecond),
                critical: Some(50.0),
                worse: Worse::Lower,
                ..MetricPane::default()
            },
        ];
    });
    world.store.ui.environments.selected = Some(environment_id("production"));
    world.settled()
}

/// A curve of thirty minutes around a value, in waves.
fn curve(label: &str, middle: f64, swing: f64) -> Series {
    let points = (0..=180_u32).map(|n| {
        let at = unix(now()) - 10.0 * f64::from(180 - n);
        (at, middle + swing * (f64::from(n) / 20.0).sin())
    });
    let subject = match label {
        "backend" | "frontend" => Subject::Component(label.into()),
        pod if pod.starts_with("backend-") => Subject::Pod(pod.into()),
        _ => Subject::Whole,
    };
    Series { label: label.into(), subject, points: points.collect(), step: 10.0, ..Series::default() }
}

/// With samples of every pane, and the state of the promise.
fn full() -> World {
    let pods = |middle: f64, swing: f64| {
        let names = ["backend-7f9c6d-2xk4p", "backend-7f9c6d-9qqlm", "backend-5b8f77-t7vzd"];
        let place = |index: usize| f64::from(u32::try_from(index).unwrap());
        names
            .iter()
            .enumerate()
            .map(|(i, name)| curve(name, middle + 0.1 * place(i), swing))
            .collect::<Vec<_>>()
    };
    let mut world = world()
        .with_curves("production", "requestRate", vec![curve("backend", 62.0, 8.0)])
        .with_curves("production", "cpuLimit", pods(0.7, 0.1))
        .with_curves("production", "memoryLimit", pods(0.4, 0.02))
        .with_curves("production", "cpuRequest", pods(1.4, 0.2))
        .with_curves("production", "memoryRequest", pods(0.8, 0.04))
        .with_curves("production", "activePods", vec![curve("activePods", 6.0, 0.0)])
        .with_curves("production", "restarts", vec![curve("backend-5b8f77-t7vzd", 2.0, 2.0)])
        .with_curves("production", "latencyP50", vec![curve("backend", 0.03, 0.002)])
        .with_curves("production", "latencyP99", vec![curve("backend", 0.4, 0.05)])
        .with_curves(
            "production",
            "connections",
            vec![curve("orders", 74.0, 10.0), curve("users", 20.0, 3.0)],
        )
        .with_curves("production", "throughput", vec![curve("throughput", 55.0, 15.0)]);
    let environment = world.store.environment(&environment_id("production")).unwrap().clone();
    let slo = environment.spec.metrics.as_ref().unwrap().slo.clone().unwrap();
    let mut found = Measurement::default();
    for (name, _) in burn_rate::question(&environment, &slo).unwrap().queries {
        let (reading, window) = name.split_once('/').unwrap();
        let hours: f64 = match window {
            "5m" => 1.0 / 12.0,
            "30m" => 0.5,
            "1d" => 24.0,
            "3d" => 72.0,
            "30d" => 720.0,
            other => other.trim_end_matches('h').parse().unwrap(),
        };
        let failed = if hours <= 1.0 { 0.018 } else { 0.018 / hours };
        let ratio = if reading == "errors" { failed } else { 1.0 };
        found.0.insert(name.clone(), Reading::Number(36_000.0 * hours * ratio));
    }
    let result = Ok(burn_rate::assess(&slo, &found));
    let event = ClusterEvent::Metrics(MetricsEvent::Objective {
        environment: environment.key(),
        at: ago(20),
        result,
    });
    world.send(Event::Cluster(ClusterId(0), event));
    world
}

/// Answers without a sample, of every pane.
fn nothing() -> World {
    let world = world();
    let names: Vec<String> = world.store.rows.panes.iter().map(|pane| pane.name.to_string()).collect();
    names.iter().fold(world, |world, name| world.with_curves("production", name, Vec::new()))
}

/// Every query is refused.
fn failed() -> World {
    let mut world = world();
    let panes = world.store.rows.panes.clone();
    let environment = environment_id("production").key;
    world.store.clusters[0].metrics.clear();
    for pane in panes {
        let why = format!("query {}: unknown function with name \"rat\"", pane.name);
        let event = match pane.content {
            Content::Objective => ClusterEvent::Metrics(MetricsEvent::Objective {
                environment: environment.clone(),
                at: ago(2),
                result: Err(why),
            }),
            _ => ClusterEvent::Metrics(MetricsEvent::Metrics {
                environment: environment.clone(),
                query: pane.name,
                at: ago(2),
                result: Err(why),
                partial: None,
            }),
        };
        world.send(Event::Cluster(ClusterId(0), event));
    }
    world
}

fn worlds() -> [(&'static str, World); 4] {
    let stale = full().lost(WatchedKind::Metrics, 14);
    [("ok", full()), ("empty", nothing()), ("stale", stale), ("error", failed())]
}

/// All metric panes below each other, in each state.
pub(super) fn panes() -> Pictures {
    let theme = Theme::named("mono");
    let mut pictures = Pictures::default();
    for (state, world) in worlds() {
        let store = &world.store;
        let mut shown = String::new();
        for pane in &store.rows.panes {
            for (area, boxed) in [(Rect::new(0, 0, 42, 8), true), (Rect::new(0, 0, 100, 9), false)] {
                let mut buf = Buffer::empty(area);
                let ctx = Ctx::new(store, &theme, boxed);
                panes::metrics::draw(&mut buf, area, &ctx, (pane, boxed));
                shown.push_str(&text(&buf));
                shown.push('\n');
            }
        }
        pictures.add(state.to_owned(), shown);
    }
    pictures.add("home-200x60".to_owned(), text(&screen(&full().store, &theme, SIZES[1])));
    pictures
}

/// A pane alone: each kind of content once, a curve and the objective in every state, and a comparison.
pub(super) fn zooms() -> Pictures {
    let theme = Theme::named("mono");
    let mut pictures = Pictures::default();
    for (state, world) in worlds() {
        for pane in ["cpuLimit", "slo", "throughput"] {
            let store = zoomed(world.store.clone(), pane);
            if state == "ok" || pane == "slo" {
                pictures.add(format!("{pane}-{state}-80x24"), text(&screen(&store, &theme, SIZES[0])));
            }
        }
    }
    let store = zoomed(full().store, "slo");
    pictures.add("slo-ok-200x60".to_owned(), text(&screen(&store, &theme, SIZES[1])));
    for theme in [Theme::named("mono"), Theme::named("mono").ascii()] {
        let kind = if theme.glyphs.braille { "unicode" } else { "ascii" };
        let store = answered(zoomed(full().store, "connections"), "b");
        let store = World { store }.typing("j shift-left shift-left left").store;
        let shown = text(&screen(&store, &theme, SIZES[0]));
        assert!(kind == "unicode" || shown.is_ascii(), "{shown}");
        pictures.add(format!("compared-{kind}-80x24"), shown);
    }
    pictures
}

/// One component alone: on the home screen, zoomed, with curves of others only, with curves that nobody tells apart, and in its list.
pub(super) fn alone() -> Pictures {
    let theme = Theme::named("mono");
    let mut pictures = Pictures::default();
    let both = vec![curve("backend", 62.0, 8.0), curve("frontend", 20.0, 2.0)];
    let world = || with_events(full()).with_curves("production", "requestRate", both.clone());
    for (state, keys) in [
        ("list", "2 C"),
        ("home", "2 C back enter esc"),
        ("of-others", "2 C front enter esc"),
        ("undivided", "2 : component space backend enter esc m m m m m m"),
        ("events", "2 E C back enter esc"),
        ("no-events", "2 E C front enter esc"),
        ("changes", "2 h C back enter esc"),
        ("alerts", "2 C back enter : alerts space production enter"),
        ("alerts-of-others", "2 C front enter : alerts space production enter"),
        ("release", "2 tab tab enter C back enter esc"),
    ] {
        let world = if state.starts_with("alerts") { with_alerts(world()) } else { world() };
        let store = world.typing(keys).settled().store;
        pictures.add(format!("{state}-80x24"), text(&screen(&store, &theme, SIZES[0])));
    }
    for (state, keys) in [("zoom", "C front enter esc"), ("zoom-of-others", "m m C front enter esc")] {
        let store = World { store: answered(zoomed(world().store, "requestRate"), keys) };
        pictures.add(format!("{state}-80x24"), text(&screen(&store.store, &theme, SIZES[0])));
    }
    for (state, keys) in [("differences", "C back enter esc"), ("differences-of-others", "C front enter esc")]
    {
        let world = World { store: differences(world().store) }.typing(keys);
        pictures.add(format!("{state}-80x24"), text(&screen(&world.store, &theme, SIZES[0])));
    }
    pictures
}

#[test]
fn home_shows_as_many_panes_as_it_has_room_for() {
    let theme = Theme::named("mono");
    let mut world = full();
    let count = |world: &World, size| {
        let shown = text(&screen(&world.store, &theme, size));
        world.store.rows.panes.iter().filter(|pane| shown.contains(&*pane.title)).count()
    };
    assert_eq!((count(&world, (80, 24)), count(&world, (160, 40)), count(&world, (200, 60))), (1, 2, 6));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..world.store.rows.panes.len() {
        let shown = text(&screen(&world.store, &theme, SIZES[0]));
        seen.extend(
            world.store.rows.panes.iter().filter(|pane| shown.contains(&*pane.title)).map(|p| p.name.clone()),
        );
        world = world.typing("m");
    }
    assert_eq!(seen.len(), world.store.rows.panes.len(), "{seen:?}");
}
