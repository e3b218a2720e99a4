//! A metric pane alone: what the keys do, and what is fetched for it.

use chrono::{DateTime, TimeDelta};

use crate::app::fixtures::{World, ago, burning, chords, environment_id, now};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::event::MetricsEvent;
use crate::app::state::event::{ClusterEvent, Event, ZoomPart};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::state::view::View;
use crate::app::state::zoom::{Baseline, Compare, ZoomQuery, ZoomView};
use crate::app::update;
use crate::domain::series::Series;

#[expect(clippy::option_option, reason = "no wish was sent, or the wish for nothing")]
/// Types, and gives the last wish that was sent; absent: none was.
fn wished(store: &mut Store, keys: &str) -> Option<Option<ZoomQuery>> {
    let mut wishes = Vec::new();
    for chord in chords(keys) {
        for effect in update(store, Event::Key { chord, repeat: false }) {
            if let Effect::Background(BackgroundEffect::Zoom { wish, .. }) = effect {
                wishes.push(wish);
            }
        }
    }
    wishes.pop()
}

fn production() -> Store {
    let mut world = burning();
    world.store.ui.environments.selected = Some(environment_id("production"));
    world.store.ui.environments.held = true;
    world.settled().store
}

fn view(store: &Store) -> &ZoomView {
    match store.ui.view() {
        View::Zoom(view) => view,
        other => panic!("no pane is zoomed: {other:?}"),
    }
}

#[test]
fn a_pane_is_asked_for_while_it_is_alone_and_not_longer() {
    let mut store = production();
    let wish = ZoomQuery {
        environment: environment_id("production").key,
        pane: "errorRate".into(),
        range: 1_800,
        second: None,
        baseline: None,
    };
    assert_eq!(wished(&mut store, "z"), Some(Some(wish.clone())));
    assert_eq!(wished(&mut store, "m"), Some(Some(ZoomQuery { pane: "latency".into(), ..wish.clone() })));
    let hour = ZoomQuery { pane: "latency".into(), range: 3_600, ..wish };
    assert_eq!(wished(&mut store, "r"), Some(Some(hour)));
    assert_eq!(wished(&mut store, "left right j k"), None, "looking asks for nothing");
    assert_eq!(wished(&mut store, "esc"), Some(None));
}

#[test]
fn every_range_is_visited_and_a_strange_one_is_refused_with_those_there_are() {
    let mut store = World { store: production() }.typing("z").store;
    let mut words = Vec::new();
    for _ in 0..10 {
        words.push(view(&store).word());
        store = World { store }.typing("r").store;
    }
    assert_eq!(words, ["30m", "1h", "3h", "6h", "12h", "1d", "2d", "7d", "5m", "15m"]);
    store = World { store }.typing(": range space 6h enter").store;
    assert_eq!(view(&store).word(), "6h");
    store = World { store }.typing(": range space 9h enter").store;
    assert_eq!(view(&store).word(), "6h");
    let said = &store.toasts.back().unwrap().text;
    assert_eq!(said, "range: `9h` cannot be shown; there are 5m, 15m, 30m, 1h, 3h, 6h, 12h, 1d, 2d, 7d");
}

#[test]
fn a_comparison_ends_where_the_newest_release_began() {
    let mut store = World { store: production() }.typing("z").store;
    let baseline = |wish: Option<Option<ZoomQuery>>| wish.unwrap().unwrap().baseline;
    let began = crate::app::zoom::newest_release(&store, &environment_id("production")).unwrap();
    assert_eq!(&*began.1, "v1.8.2");
    assert_eq!(baseline(wished(&mut store, "b")), Some(Baseline::Until(began.0)));
    assert_eq!(view(&store).compare, Compare::Before);
    assert_eq!(baseline(wished(&mut store, "b")), Some(Baseline::Ago(86_400)));
    assert_eq!(baseline(wished(&mut store, "b")), None);
    assert!((Baseline::Until(ago(90)).shift(now()) - 90.0).abs() < 1e-9);
}

#[test]
fn the_cursor_goes_from_sample_to_sample_and_back_to_the_present() {
    let mut store = World { store: production() }.typing("z").store;
    let newest = DateTime::from_timestamp(now().timestamp() / 10 * 10, 0).unwrap();
    for (keys, back) in [
        ("left", Some(0)),
        ("left", Some(10)),
        ("shift-left", Some(110)),
        ("right", Some(100)),
        ("shift-right", Some(0)),
        ("right", None),
        ("right", None),
        ("shift-left", Some(90)),
    ] {
        store = World { store }.typing(keys).store;
        assert_eq!(view(&store).cursor, back.map(|back| newest - TimeDelta::seconds(back)), "{keys}");
    }
    for _ in 0..30 {
        store = World { store }.typing("shift-left").store;
    }
    assert!(view(&store).cursor.unwrap() >= now() - TimeDelta::minutes(30), "it stays in what is shown");
    store = World { store }.typing("r").store;
    assert_eq!(view(&store).cursor, None);
}

#[test]
fn a_curve_is_chosen_by_its_name() {
    let mut store = production();
    let wish = wished(&mut store, "z").unwrap().unwrap();
    let series = |labels: &[&str]| -> Vec<Series> {
        labels.iter().map(|label| Series { label: (*label).into(), ..Series::default() }).collect()
    };
    let tell = |store: &mut Store, labels: &[&str]| {
        let (wish, result) = (wish.clone(), Ok(series(labels)));
        let event = ClusterEvent::Metrics(MetricsEvent::Zoomed {
            wish,
            part: ZoomPart::Present,
            at: now(),
            result,
            partial: None,
        });
        update(store, Event::Cluster(ClusterId(0), event));
    };
    tell(&mut store, &["a", "b"]);
    store = World { store }.typing("j j").store;
    assert_eq!(view(&store).curve.as_deref(), Some("b"));
    tell(&mut store, &["b", "c"]);
    store = World { store }.typing("j").store;
    assert_eq!(view(&store).curve.as_deref(), Some("c"), "it is known by its name, not by its place");
    store = World { store }.typing("k k k").store;
    assert_eq!(view(&store).curve, None);
}

#[test]
fn an_answer_to_an_older_wish_is_dropped() {
    let mut store = production();
    let wish = wished(&mut store, "z").unwrap().unwrap();
    wished(&mut store, "r");
    let event = ClusterEvent::Metrics(MetricsEvent::Zoomed {
        wish,
        part: ZoomPart::Present,
        at: now(),
        result: Ok(Vec::new()),
        partial: None,
    });
    update(&mut store, Event::Cluster(ClusterId(0), event));
    assert_eq!(store.clusters[0].zoomed, None);
}

#[test]
fn a_pane_is_zoomed_by_name_and_an_unknown_one_is_named() {
    let mut store = World { store: production() }.typing(": zoom space cpulimit enter").store;
    assert_eq!(&*view(&store).pane, "cpuLimit");
    store = World { store }.typing("esc : zoom space oops enter").store;
    assert_eq!(store.ui.view(), &View::Home);
    let said = &store.toasts.back().unwrap().text;
    assert!(said.starts_with("zoom: there is no pane `oops`; there are errorRate, latency"), "{said}");
}
