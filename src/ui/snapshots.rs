//! Tests of panes and screens over a test terminal: every pane and every screen, empty, live, stale and in error.

use chrono::TimeDelta;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

mod compared;
mod metrics;
mod mono;
mod parted;
mod pictures;
mod recorded;
mod sentences;
mod talk;
mod toured;
mod windows;

use compared::differences;
use metrics::zoomed;
use talk::{logs, with_alerts, with_events};
use windows::windows;

use crate::app::fixtures::{World, burning, environment_id, now, progressive, release_id};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::event::{ClusterEvent, Event};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::state::text_view::{TextBody, TextView};
use crate::app::state::view::{EventsView, Focus, Listed, ReleaseView, ServerWord, View, WhyView};
use crate::domain::watch_state::WatchState;
use crate::ui::pane::Ctx;
use crate::ui::panes::PANES;
use crate::ui::render;
use crate::ui::theme::Theme;

const SIZES: [(u16, u16); 2] = [(80, 24), (200, 60)];
const VIEWS: [&str; 14] = [
    "alerts",
    "home",
    "release",
    "rollback",
    "inbox",
    "why",
    "changes",
    "events",
    "zoom",
    "text",
    "logs",
    "matrix",
    "dora",
    "differences",
];

/// The screen of that store as a buffer.
fn screen(store: &Store, theme: &Theme, (width, height): (u16, u16)) -> Buffer {
    let mut store = store.clone();
    store.size = (width, height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| render(frame, &store, theme)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows of a buffer as text.
fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for row in buf.content.chunks(usize::from(buf.area.width.max(1))) {
        let mut skip = 0;
        let mut line = String::new();
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = crate::ui::format::width(cell.symbol()).max(1);
            }
            skip -= 1;
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A world in each of the four states that a pane can be in.
fn states() -> [(&'static str, World); 4] {
    let mut stale = with_alerts(with_events(burning()));
    for feed in WatchedKind::ALL {
        stale = stale.lost(feed, 14);
    }
    let mut error = World::live();
    for feed in WatchedKind::ALL {
        let outcome = match feed {
            WatchedKind::Pods | WatchedKind::Workloads => WatchState::Denied {
                reason: "You may not list pods here: ask for the role release-cockpit-viewer.".into(),
            },
            WatchedKind::Metrics | WatchedKind::Controller | WatchedKind::Alerts => WatchState::Stale {
                since: None,
                reason: "Prometheus does not answer: connection refused".into(),
                retry_at: Some(now() + TimeDelta::seconds(3)),
            },
            _ => WatchState::Missing {
                reason:
                    "Release Cockpit's objects are not installed here: release-cockpit manifests | kubectl \
                         apply -f -"
                        .into(),
            },
        };
        error.send(Event::Cluster(ClusterId(0), ClusterEvent::Watch(feed, outcome)));
    }
    [("empty", World::live()), ("live", live()), ("stale", stale), ("error", error)]
}

/// Burning, seen by someone who looks at pods.
fn live() -> World {
    let mut world = with_alerts(with_events(burning()));
    world.store.ui.focus = Focus::Pods;
    world
}

fn open(mut store: Store, view: &str) -> Store {
    let id = release_id("production", "production-v1-8-2-cc");
    match view {
        "release" => {
            let view = ReleaseView { id, timeline_offset: 0, gates_offset: 0, plan_offset: None };
            store.ui.views.push(View::Release(view));
            store.ui.focus = Focus::Plan;
            store = World { store }.settled().store;
        }
        "text" => {
            let lines = ["apiVersion: v1", "kind: Pod", "metadata:", "  name: backend-7f9c6d-2xk4p"];
            let body = TextBody::Lines(lines.map(Into::into).into());
            let title = "YAML · backend-7f9c6d-2xk4p".into();
            store.ui.views.push(View::Text(TextView::new(
                title,
                crate::app::state::effect::RequestId(0),
                body,
            )));
            store.ui.focus = Focus::Text;
        }
        "logs" => store = logs(store),
        "differences" => store = differences(store),
        "events" => {
            let environment = environment_id("production");
            store.ui.views.push(View::Events(EventsView { environment, warnings: false, offset: 0 }));
            store.ui.focus = Focus::Events;
            store = World { store }.settled().store;
        }
        "alerts" => store = World { store }.typing("a").store,
        "inbox" => store = World { store }.typing("i").store,
        "matrix" => store = World { store }.typing("M").store,
        "dora" => store = World { store }.typing("N").store,
        "why" => {
            let ours = Some("you asked for it: someone else must approve".into());
            let reason = "SelfApproval: alice asked for this release".into();
            let server = ServerWord::Refuses { what: "your approval", reason };
            store.ui.views.push(View::Why(WhyView { id, ours, server, offset: 0 }));
            store.ui.focus = Focus::Why;
        }
        "changes" => {
            let environment = environment_id("production");
            store.ui.views.push(View::Listed(Listed { name: "changes", environment, offset: 0 }));
            store.ui.focus = Focus::Changes;
            store = World { store }.settled().store;
        }
        "zoom" => store = zoomed(store, "errorRate"),
        "rollback" => {
            let mut world = World { store };
            world.store.ui.environments.selected = Some(environment_id("production"));
            world = world.typing("R");
            if !matches!(world.store.ui.view(), View::Rollback(_)) {
                // Nothing is known yet, so that the key refuses: the view is drawn as it would be when it loses its data.
                world.store.ui.views.push(View::Rollback(crate::app::state::view::RollbackView {
                    environment: environment_id("production"),
                    versions: Vec::new(),
                    last_known_good: None,
                    already: None,
                    preview: Vec::new(),
                    cursor: crate::app::state::cursor::Cursor::default(),
                }));
            }
            store = world.store;
        }
        _ => {}
    }
    store
}

/// The view that a pane is part of.
fn view_of(pane: &crate::ui::pane::Pane) -> &'static str {
    match pane.id {
        "summary" | "plan" | "outlook" | "tracks" | "analysis" | "gates" | "timeline" | "warnings" => {
            "release"
        }
        "rollback" => "rollback",
        "inbox" => "inbox",
        "matrix" => "matrix",
        "dora" => "dora",
        "why" => "why",
        "changes" => "changes",
        "events" => "events",
        "alerts" | "alert" => "alerts",
        "differences" => "differences",
        "zoom" => "zoom",
        "text" => "text",
        "logs" => "logs",
        _ => "home",
    }
}

#[test]
fn ascii_screens_are_ascii() {
    let theme = Theme::named("mono").ascii();
    for view in ["home", "release"] {
        let store = open(live().store, view);
        let shown = text(&screen(&store, &theme, (80, 24)));
        let odd: Vec<char> = shown.chars().filter(|c| !c.is_ascii()).collect();
        assert!(odd.is_empty(), "{odd:?}\n{shown}");
    }
    for view in VIEWS {
        for size in SIZES {
            let shown = text(&screen(&open(live().store, view), &theme, size));
            let odd: Vec<char> = shown.chars().filter(|c| !c.is_ascii()).collect();
            assert!(odd.is_empty(), "{view}: {odd:?}\n{shown}");
        }
    }
    for (name, world) in windows() {
        let shown = text(&screen(&world.store, &theme, (100, 30)));
        let odd: Vec<char> = shown.chars().filter(|c| !c.is_ascii()).collect();
        assert!(odd.is_empty(), "{name}: {odd:?}\n{shown}");
    }
    for (state, world) in progressive() {
        let shown = text(&screen(&open(world.store, "release"), &theme, (80, 24)));
        let odd: Vec<char> = shown.chars().filter(|c| !c.is_ascii()).collect();
        assert!(odd.is_empty(), "{state}: {odd:?}\n{shown}");
    }
}

#[test]
fn the_mono_theme_has_no_colour_anywhere() {
    let theme = Theme::named("mono");
    for (_, world) in states().into_iter().chain(windows()).chain(progressive()) {
        for view in VIEWS {
            let buf = screen(&open(world.store.clone(), view), &theme, (120, 40));
            let coloured = buf.content.iter().find(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
            assert_eq!(coloured, None);
        }
    }
}

#[test]
fn any_size_draws_without_harm() {
    let theme = Theme::named("dark");
    let beside = progressive().into_iter().filter(|(name, _)| *name == "canary-drift");
    let states: Vec<Store> = states().into_iter().chain(beside).map(|(_, world)| world.store).collect();
    let worlds = states.iter().flat_map(|store| VIEWS.map(|view| open(store.clone(), view)));
    for store in worlds.chain(windows().into_iter().map(|(_, world)| world.store)) {
        for width in (0..=40).chain([41, 60, 79, 109, 110, 111]) {
            for height in (0..=12).chain([13, 19, 20, 21, 22, 30]) {
                let area = Rect::new(0, 0, width, height);
                crate::ui::screens::draw(&mut Buffer::empty(area), area, &store, &theme);
            }
        }
    }
}

#[test]
fn every_pane_takes_any_area() {
    let theme = Theme::named("dark");
    for (_, world) in states() {
        for pane in PANES {
            let store = open(world.store.clone(), view_of(pane));
            for (width, height) in (0..30).flat_map(|width| (0..6).map(move |height| (width, height))) {
                for boxed in [false, true] {
                    let mut buf = Buffer::empty(Rect::new(0, 0, 40, 10));
                    let area = Rect::new(3, 2, width, height);
                    (pane.draw)(&mut buf, area, &Ctx::new(&store, &theme, boxed));
                }
            }
        }
    }
}

#[test]
fn a_tiny_terminal_says_what_it_needs() {
    let shown = text(&screen(&live().store, &Theme::named("dark"), (20, 5)));
    let sentence = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(sentence, "terminal too small: 20x5, needs 40x10");
}

#[test]
fn production_is_said_in_words_on_every_screen() {
    for view in ["home", "release", "rollback"] {
        let mut world = live();
        world.store.ui.environments.selected = Some(environment_id("production"));
        for size in [(40, 10), (80, 24), (200, 60)] {
            let shown = text(&screen(&open(world.store.clone(), view), &Theme::named("mono"), size));
            assert!(shown.contains("▌PROD▐"), "{view} {size:?}\n{shown}");
        }
    }
}

/// Writes pictures of every screen into the directory that `LOOK` names, for eyes.
#[test]
fn look() {
    let Ok(dir) = std::env::var("LOOK") else { return };
    let home = states().into_iter().map(|(name, world)| (name, "home", world.store));
    let release = [("live", "release", live().store), ("live", "rollback", live().store)];
    let windows = windows().into_iter().map(|(name, world)| (name, "home", world.store));
    for (name, view, store) in home.chain(release).chain(windows) {
        let store = open(store, view);
        for theme in ["dark", "light", "mono", "high-contrast"] {
            for (width, height) in [(80, 24), (120, 36), (200, 60)] {
                let buf = screen(&store, &Theme::named(theme), (width, height));
                let file = format!("{dir}/{view}-{name}-{theme}-{width}");
                std::fs::write(format!("{file}.svg"), crate::ui::svg::buffer_to_svg(&buf)).unwrap();
            }
        }
    }
}
