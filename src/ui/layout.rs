//! Which pane goes where. Pure arithmetic over the size and a few facts; panes fold to one line before they vanish.
//!
//! ```text
//! compact                         wide
//! header                          header
//! environments                    environments │ metric │ metric …
//! one metric                      pods
//! pods                            queue
//! queue                           status
//! status, footer                  footer
//! ```

use ratatui::layout::Rect;

/// The smallest terminal that can be used.
pub(crate) const SMALLEST: (u16, u16) = (40, 10);

/// What the layout of the home screen depends on, besides its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Environments that exist.
    pub environments: usize,
    /// Releases in the queue.
    pub queue: usize,
    /// Something waits for this person: the queue is never folded.
    pub is_asked: bool,
    /// Lines that everybody must see: lost connections, freezes and the like.
    pub banners: usize,
    /// There is something to say on the status line.
    pub status: bool,
    /// Metric panes that exist.
    pub panes: usize,
    /// A tour is on, which takes rows below the view.
    pub tour: bool,
}

/// Where the panes of the home screen are. An area without a height is not shown; one line is a folded pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Home {
    /// Panes have frames on four sides.
    pub boxed: bool,
    /// Environments.
    pub environments: Rect,
    /// The metric panes.
    pub metrics: Rect,
    /// Columns and rows of metric panes.
    pub grid: (u16, u16),
    /// Pods.
    pub pods: Rect,
    /// The release queue.
    pub queue: Rect,
}

/// The lines around every screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shell {
    /// Where am I, who am I, how fresh is all this.
    pub header: Rect,
    /// What everybody must see.
    pub banner: Rect,
    /// The screen.
    pub body: Rect,
    /// Messages, what is pending, what is being typed.
    pub status: Rect,
    /// What can be pressed.
    pub footer: Rect,
}

/// The lines around every screen; `None` when the terminal is too small for anything.
#[must_use]
pub(crate) fn shell(area: Rect, needs: Needs) -> Option<Shell> {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return None;
    }
    let mut rest = area;
    let header = take_top(&mut rest, 1);
    let footer = take_bottom(&mut rest, 1);
    let status = take_bottom(&mut rest, u16::from(needs.status));
    let most = if area.height >= 20 { 3 } else { 1 };
    let banner = take_top(&mut rest, rows(needs.banners).min(most));
    Some(Shell { header, banner, body: rest, status, footer })
}

/// There is room for frames and for panes side by side.
#[must_use]
pub(crate) const fn is_wide(body: Rect) -> bool {
    body.width >= 110 && body.height >= 20
}

/// The home screen.
#[must_use]
pub(crate) fn home(body: Rect, needs: Needs) -> Home {
    if is_wide(body) { home_wide(body, needs) } else { home_compact(body, needs) }
}

fn home_wide(body: Rect, needs: Needs) -> Home {
    let mut rest = body;
    let wanted = rows(needs.environments).saturating_add(2).max(body.height / 4);
    // Two rows of charts, where pods and queue keep as much room as a usual terminal has in all.
    let lines = if body.height >= 44 { 2 } else { 1 };
    let wanted = if lines == 2 { wanted.max(body.height / 3) } else { wanted };
    let mut top = take_top(&mut rest, wanted.clamp(6, body.height * 2 / 5));
    let queue =
        take_bottom(&mut rest, rows(needs.queue).saturating_add(2).clamp(4, (body.height / 4).max(4)));
    let environments =
        take_left(&mut top, if body.width < 150 { 54 } else { (body.width * 36 / 100).min(76) });
    let columns = (top.width / 40).clamp(2, 4);
    let panes = rows(needs.panes).max(1);
    let grid = if panes < columns * 2 { (columns.min(panes), 1) } else { (columns, lines) };
    Home { boxed: true, environments, metrics: top, grid, pods: rest, queue }
}

fn home_compact(body: Rect, needs: Needs) -> Home {
    let mut rest = body;
    let height = body.height;
    let queue_rows = if needs.queue == 0 { 2 } else { rows(needs.queue) };
    let queue = match height {
        0..=11 if !needs.is_asked => 1,
        0..=11 => 2,
        _ => 1 + queue_rows.min((height / 5).max(2)),
    };
    let queue = take_bottom(&mut rest, queue);
    // Sentences that stand in for missing lists need more than a row.
    let wanted = if needs.environments == 0 { 3 } else { rows(needs.environments) };
    let environments = take_top(&mut rest, wanted.clamp(1, (height / 4).max(1)));
    let metric = match height {
        0..=10 => 0,
        // who is led around sees the curves that are told of, at the cost of pods
        15..=17 if needs.tour => 5,
        11..=17 => 1,
        18..=29 => 5,
        _ => (height / 6).clamp(5, 9),
    };
    let lines = if height >= 34 && needs.panes > 1 { 2 } else { 1 };
    let metrics = take_top(&mut rest, metric * lines);
    Home { boxed: false, environments, metrics, grid: (1, lines), pods: rest, queue }
}

/// The cells of a grid, row by row; together they are the whole area.
pub(crate) fn cells(area: Rect, (columns, lines): (u16, u16)) -> impl Iterator<Item = Rect> {
    let edge = |length: u16, of: u16, nth: u16| {
        u16::try_from(u32::from(length) * u32::from(nth) / u32::from(of.max(1))).unwrap_or(length)
    };
    (0..lines).flat_map(move |line| {
        let (top, bottom) = (edge(area.height, lines, line), edge(area.height, lines, line + 1));
        (0..columns).map(move |column| {
            let (left, right) = (edge(area.width, columns, column), edge(area.width, columns, column + 1));
            Rect { x: area.x + left, y: area.y + top, width: right - left, height: bottom - top }
        })
    })
}

/// A count as rows.
fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Cuts rows off the top of `area`.
pub(crate) fn take_top(area: &mut Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    let top = Rect { height, ..*area };
    *area = Rect { y: area.y + height, height: area.height - height, ..*area };
    top
}

/// Cuts rows off the bottom of `area`.
pub(crate) fn take_bottom(area: &mut Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    *area = Rect { height: area.height - height, ..*area };
    Rect { y: area.y + area.height, height, ..*area }
}

/// Cuts columns off the left of `area`.
pub(crate) fn take_left(area: &mut Rect, width: u16) -> Rect {
    let width = width.min(area.width);
    let left = Rect { width, ..*area };
    *area = Rect { x: area.x + width, width: area.width - width, ..*area };
    left
}

/// A window of at most that size in the middle of `area`.
#[must_use]
pub(crate) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// The first visible row so that the selected one is seen, as near as possible to `offset`.
#[must_use]
pub(crate) const fn scrolled(offset: usize, selected: usize, height: usize) -> usize {
    if height == 0 || selected < offset {
        selected
    } else if selected >= offset + height {
        selected + 1 - height
    } else {
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_cover_the_body_without_overlap_at_every_size() {
        for width in SMALLEST.0..220 {
            for height in SMALLEST.1..80 {
                for queue in [0, 3, 50] {
                    let needs = Needs {
                        environments: 3,
                        queue,
                        is_asked: queue == 3,
                        banners: queue,
                        status: true,
                        panes: 3 + queue,
                        tour: queue == 0,
                    };
                    let shell = shell(Rect::new(0, 0, width, height), needs).unwrap();
                    let home = home(shell.body, needs);
                    let mut panes = vec![home.environments, home.pods, home.queue];
                    panes.extend(cells(home.metrics, home.grid));
                    let cells: u32 = panes.iter().map(|area| area.area()).sum();
                    assert_eq!(cells, shell.body.area(), "{width}x{height}: {home:?}");
                    for (at, a) in panes.iter().enumerate() {
                        for b in &panes[at + 1..] {
                            assert!(!a.intersects(*b), "{width}x{height}: {home:?}");
                        }
                    }
                    assert!(home.queue.height >= 1);
                    assert!(!needs.is_asked || home.queue.height >= 2, "the queue is folded: {home:?}");
                }
            }
        }
    }

    #[test]
    fn a_terminal_that_is_too_small_has_no_layout() {
        assert_eq!(shell(Rect::new(0, 0, 20, 5), Needs::default()), None);
    }

    #[test]
    fn the_selected_row_is_always_visible() {
        for (offset, selected, height, expected) in
            [(0, 0, 5, 0), (0, 5, 5, 1), (7, 3, 5, 3), (2, 4, 5, 2), (0, 9, 1, 9)]
        {
            assert_eq!(scrolled(offset, selected, height), expected);
        }
    }
}
