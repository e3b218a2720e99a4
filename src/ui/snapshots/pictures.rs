//! Which panes, screens and windows are recorded, in which states and sizes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::recorded::Pictures;
use super::{SIZES, VIEWS, live, open, screen, states, text, view_of};
use crate::app::fixtures::{environment_id, progressive};
use crate::ui::pane::Ctx;
use crate::ui::panes::PANES;
use crate::ui::theme::Theme;

/// The states beside the live one in which a view looks different enough to be recorded at 80x24.
fn other_states(view: &str) -> &'static [&'static str] {
    match view {
        "home" | "release" => &["empty", "stale", "error"],
        "alerts" | "logs" | "rollback" => &["empty"],
        "differences" | "zoom" => &["stale"],
        "text" => &[],
        _ => &["error"],
    }
}

/// Every view live in both sizes, and in some other states.
pub(super) fn screens() -> Pictures {
    let theme = Theme::named("dark");
    let mut pictures = Pictures::default();
    for (state, world) in states() {
        for view in VIEWS {
            let store = open(world.store.clone(), view);
            for (nth, size) in SIZES.into_iter().enumerate() {
                if state == "live" || nth == 0 && other_states(view).contains(&state) {
                    let name = format!("{view}-{state}-{}x{}", size.0, size.1);
                    pictures.add(name, text(&screen(&store, &theme, size)));
                }
            }
        }
    }
    pictures
}

/// Every pane in each state in which it looks different, unless a screen that it fills is recorded in that state.
pub(super) fn panes() -> Pictures {
    let theme = Theme::named("mono");
    let mut pictures = Pictures::default();
    for pane in PANES {
        let mut known = Pictures::default();
        for (state, world) in states() {
            let store = open(world.store, view_of(pane));
            let mut shown = String::new();
            for (area, boxed) in [(Rect::new(0, 0, 80, 8), false), (Rect::new(0, 0, 110, 12), true)] {
                let mut buf = Buffer::empty(area);
                (pane.draw)(&mut buf, area, &Ctx::new(&store, &theme, boxed));
                shown.push_str(&text(&buf));
                shown.push_str("\n\n");
            }
            let fills = pane.whole.is_some();
            let on_screen = fills && (state == "live" || other_states(view_of(pane)).contains(&state));
            if !on_screen && !known.has(&shown) {
                pictures.add(format!("{}-{state}", pane.id), shown.clone());
            }
            known.add(state.to_owned(), shown);
        }
    }
    pictures
}

/// A canary or green workload beside the stable one, in each situation.
pub(super) fn tracks() -> Pictures {
    let mut pictures = Pictures::default();
    for (state, mut world) in progressive() {
        world.store.ui.environments.selected = Some(environment_id("production"));
        for view in ["home", "release", "changes"] {
            let store = open(world.store.clone(), view);
            let shown = text(&screen(&store, &Theme::named("dark"), SIZES[0]));
            assert_eq!(
                shown,
                text(&screen(&store, &Theme::named("mono"), SIZES[0])),
                "words do not depend on colour"
            );
            pictures.add(format!("{view}-{state}-80x24"), shown);
            if state == "canary-analysis-fails" {
                let name = format!("{view}-{state}-200x60");
                pictures.add(name, text(&screen(&store, &Theme::named("dark"), SIZES[1])));
            }
        }
    }
    pictures
}

/// Every window at 80x24, and those that use the room at 200x60.
pub(super) fn windows() -> Pictures {
    let theme = Theme::named("dark");
    let mut pictures = Pictures::default();
    for (name, world) in super::windows::windows() {
        pictures.add(format!("{name}-80x24"), text(&screen(&world.store, &theme, SIZES[0])));
        if ["help", "palette", "banners", "approve-typed", "wide-columns"].contains(&name) {
            pictures.add(format!("{name}-200x60"), text(&screen(&world.store, &theme, SIZES[1])));
        }
    }
    pictures
}

/// The two main screens in ASCII.
pub(super) fn ascii() -> Pictures {
    let mut pictures = Pictures::default();
    for view in ["home", "release"] {
        let store = open(live().store, view);
        let shown = text(&screen(&store, &Theme::named("mono").ascii(), SIZES[0]));
        pictures.add(format!("{view}-80x24"), shown);
    }
    pictures
}
