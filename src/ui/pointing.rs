//! What lies under the mouse: which pane, and which line of its list.
//!
//! Owns the way back from a place on the screen. It goes by the same arithmetic as drawing, and draws nothing.

use ratatui::layout::Rect;

use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::{Focus, View};
use crate::ui::layout::{self, is_wide, scrolled};
use crate::ui::{panes, screens};

/// The pane at that column and row of the terminal, and the line of its list, counted from the list's first.
#[must_use]
pub(crate) fn hit(store: &Store, column: u16, row: u16) -> Option<(Focus, Option<usize>)> {
    if matches!(store.ui.overlay(), Some(Overlay::Help { .. })) {
        return Some((Focus::Help, None));
    }
    let (width, height) = store.size;
    let body = screens::body(Rect::new(0, 0, width, height), store)?;
    let boxed = is_wide(body);
    let within = |area: Rect| {
        let columns = area.left()..area.right();
        columns.contains(&column) && (area.top()..area.bottom()).contains(&row)
    };
    if !matches!(store.ui.view(), View::Home) {
        let focus = store.ui.focus;
        return within(body).then(|| (focus, line(store, focus, (body, boxed), row)));
    }
    let home = layout::home(body, screens::needs(store));
    [(Focus::Environments, home.environments), (Focus::Pods, home.pods), (Focus::Queue, home.queue)]
        .into_iter()
        .find(|(_, area)| within(*area))
        .map(|(focus, area)| (focus, line(store, focus, (area, home.boxed), row)))
}

/// The line of a list at that row of the terminal.
fn line(store: &Store, focus: Focus, (area, boxed): (Rect, bool), row: u16) -> Option<usize> {
    let top = area.y + 1;
    // frame or title, and the head where there is one
    let listed = |head: u16, visible: u16, (offset, index): (usize, usize)| {
        let at = row.checked_sub(top + head).filter(|at| *at < visible)?;
        Some(scrolled(offset, index, usize::from(visible)) + usize::from(at))
    };
    match (focus, store.ui.view()) {
        (Focus::Environments, View::Home) => {
            let visible = (panes::environments::PANE.rows)(area, store, boxed);
            let first = if boxed { area.y + 2 } else { area.y };
            let at = row.checked_sub(first).filter(|at| *at < visible)?;
            Some(panes::environments::first_line(store, visible) + usize::from(at))
        }
        (Focus::Pods, View::Home) => {
            let visible = (panes::pods::PANE.rows)(area, store, boxed);
            let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
            let at = row.checked_sub(top + (inner - visible)).filter(|at| *at < visible)?;
            panes::pods::rows(store, visible).get(usize::from(at)).copied()
        }
        (Focus::Queue, View::Home) => {
            let cursor = &store.ui.queue;
            listed(0, (panes::queue::PANE.rows)(area, store, boxed), (cursor.offset, cursor.index))
        }
        (_, View::Inbox(view)) => {
            listed(0, (panes::inbox::PANE.rows)(area, store, boxed), (view.cursor.offset, view.cursor.index))
        }
        (_, View::Rollback(view)) => listed(
            0,
            (panes::rollback::PANE.rows)(area, store, boxed),
            (view.cursor.offset, view.cursor.index),
        ),
        // sentences about a side stand above the list, as many rows as they need
        (_, View::Differences(view)) if view.left.fault.is_none() && view.right.fault.is_none() => listed(
            1,
            (panes::differences::PANE.rows)(area, store, boxed),
            (view.cursor.offset, view.cursor.index),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, burning, environment_id, planera};
    use crate::app::state::effect::BackgroundEffect;
    use crate::app::state::effect::Effect;
    use crate::app::state::event::Event;
    use crate::app::state::pointing::Pointed;
    use crate::app::update;
    use crate::ui::theme::Theme;

    const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

    /// The rows of the screen as they are drawn.
    fn drawn(world: &mut World, (width, height): (u16, u16)) -> Vec<String> {
        world.send(Event::Resize { width, height });
        let heights = crate::ui::heights(&world.store).into_iter().collect();
        world.send(Event::Viewport(heights));
        let backend = ratatui::backend::TestBackend::new(width, height);
        let mut terminal = ratatui::Terminal::new(backend).unwrap();
        let theme = Theme::named("mono");
        terminal.draw(|frame| crate::ui::render(frame, &world.store, &theme)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        buffer
            .content
            .chunks(usize::from(width))
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect()
    }

    /// Clicks on the first character of that text, below that row.
    fn click(world: &mut World, size: (u16, u16), text: &str, below: usize) {
        let rows = drawn(world, size);
        let found =
            rows.iter().enumerate().skip(below).find_map(|(row, line)| Some((row, line.find(text)?, line)));
        let (row, at, line) = found.unwrap_or_else(|| panic!("{text} is not on the screen: {rows:#?}"));
        let column = u16::try_from(line[..at].chars().count()).unwrap();
        let (pane, line) = hit(&world.store, column, u16::try_from(row).unwrap()).unwrap();
        world.send(Event::Pointer { pane, what: Pointed::Click(line) });
    }

    #[test]
    fn a_click_selects_what_is_drawn_there() {
        for size in SIZES {
            let mut world = burning().typing("2");
            click(&mut world, size, "staging", 1);
            assert_eq!(world.store.ui.environments.selected, Some(environment_id("staging")), "{size:?}");
            assert_eq!(world.store.ui.focus, Focus::Environments);
            let mut world = burning().typing("2");
            // a line below a pod that tells its cause belongs to it
            for name in ["backend-7f9c6d-9qqlm", "frontend-7f9c6d-2xk4p", "exit 137"] {
                click(&mut world, size, name, 5);
                let chosen = world.store.ui.pods.selected.as_ref().unwrap().key.name.to_string();
                let expected = if name == "exit 137" { "backend-5b8f77-t7vzd" } else { name };
                assert_eq!((world.store.ui.focus, chosen.as_str()), (Focus::Pods, expected), "{size:?}");
            }
            click(&mut world, size, "staging    ", 15);
            let chosen = world.store.ui.queue.selected.as_ref().unwrap().key.name.to_string();
            assert_eq!(
                (world.store.ui.focus, chosen.as_str()),
                (Focus::Queue, "staging-v1-8-2-aa"),
                "{size:?}"
            );
        }
    }

    #[test]
    fn the_wheel_moves_in_the_pane_under_it() {
        let mut world = planera().typing("2");
        world.send(Event::Pointer { pane: Focus::Pods, what: Pointed::Down });
        assert_eq!((world.store.ui.focus, world.store.ui.pods.index), (Focus::Pods, 3));
        world.send(Event::Pointer { pane: Focus::Pods, what: Pointed::Up });
        assert_eq!(world.store.ui.pods.index, 0);
    }

    /// Wherever it points, in every view and above every window: nothing is sent, opened or closed.
    #[test]
    fn the_mouse_changes_nothing() {
        for keys in ["2", "2 n", "2 R", "2 R enter", "i", "M", "2 X", "2 E", "?", "2 A", "2 : d e p"] {
            for (width, height) in SIZES {
                let mut world = planera().typing(keys);
                drawn(&mut world, (width, height));
                let before = (world.store.ui.views.len(), world.store.ui.overlays.clone());
                for row in (0..height).step_by(3) {
                    for column in (0..width).step_by(17) {
                        let Some((pane, line)) = hit(&world.store, column, row) else { continue };
                        for what in [Pointed::Click(line), Pointed::Down, Pointed::Up] {
                            let effects = update(&mut world.store, Event::Pointer { pane, what });
                            let sends = effects.iter().any(|effect| {
                                matches!(
                                    effect,
                                    Effect::Background(
                                        BackgroundEffect::CreateRelease { .. }
                                            | BackgroundEffect::CreateAction { .. }
                                    )
                                )
                            });
                            assert!(!sends, "{keys} at {column},{row}");
                        }
                    }
                }
                let count = world.store.ui.overlays.len();
                assert_eq!((world.store.ui.views.len(), count), (before.0, before.1.len()), "{keys}");
            }
        }
    }
}
