//! Which panes a view has, and where they are.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::api::ReleaseStatus;
use crate::app::rows::QueueGroup;
use crate::app::store::Store;
use crate::app::ui_state::{MetricPane, Overlay, Pane as Focus, View};
use crate::ui::layout::{self, Needs, SMALLEST, is_wide, take_left, take_top};
use crate::ui::pane::Ctx;
use crate::ui::theme::Theme;
use crate::ui::{banners, overlays, panes, shell};

/// Draws the whole screen into that area.
pub fn draw(buf: &mut Buffer, area: Rect, store: &Store, theme: &Theme) {
    let mut ctx = Ctx { store, theme, boxed: false };
    // A theme may have a background of its own, which lies below everything.
    buf.set_style(area, theme.text);
    let needs = needs(store);
    let Some(shell) = layout::shell(area, needs) else {
        too_small(buf, area, &ctx);
        return;
    };
    ctx.boxed = is_wide(shell.body);
    shell::header(buf, shell.header, &ctx);
    if shell.banner.height > 0 {
        banners::draw(buf, shell.banner, &ctx);
    }
    match store.ui.view() {
        View::Home => home(buf, shell.body, &ctx, needs),
        View::Release(_) => release(buf, shell.body, &ctx),
        View::Rollback(_) => (panes::rollback::PANE.draw)(buf, shell.body, &ctx),
        View::Inbox(_) => (panes::inbox::PANE.draw)(buf, shell.body, &ctx),
        View::Why(_) => (panes::why::PANE.draw)(buf, shell.body, &ctx),
        View::Text(_) => (panes::text::PANE.draw)(buf, shell.body, &ctx),
    }
    for overlay in &store.ui.overlays {
        overlays::draw(buf, shell.body, &ctx, overlay);
    }
    if shell.status.height > 0 {
        shell::status(buf, shell.status, &ctx);
    }
    shell::footer(buf, shell.footer, &ctx);
}

fn too_small(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (width, height) = SMALLEST;
    let text = crate::ui::format::Short::of(format_args!(
        "terminal too small: {}x{}, needs {width}x{height}",
        area.width, area.height
    ));
    crate::ui::chrome::sentence(buf, area, ctx.theme.text, text.as_str());
}

fn needs(store: &Store) -> Needs {
    let rows = &store.rows;
    let live = rows.queue.iter().filter(|row| row.group != QueueGroup::Finished).count();
    Needs {
        environments: rows.environments.len(),
        // One line for what has just ended; the rest of the past is a key press away.
        queue: live + usize::from(live < rows.queue.len()),
        needs_me: !rows.inbox.is_empty(),
        banners: banners::count(store),
        status: shell::has_status(store),
    }
}

fn home(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, needs: Needs) {
    let home = layout::home(body, needs);
    let shown = |area: Rect| area.height > 0 && area.width > 0;
    if shown(home.environments) {
        (panes::environments::PANE.draw)(buf, home.environments, ctx);
    }
    let (first, second) = match (shown(home.second), ctx.store.ui.metric) {
        (false, MetricPane::Latency) => (MetricPane::Latency, MetricPane::ErrorRate),
        _ => (MetricPane::ErrorRate, MetricPane::Latency),
    };
    for (area, metric) in [(home.first, first), (home.second, second)] {
        if shown(area) {
            panes::metrics::draw(buf, area, ctx, metric);
        }
    }
    if shown(home.pods) {
        (panes::pods::PANE.draw)(buf, home.pods, ctx);
    }
    if shown(home.queue) {
        (panes::queue::PANE.draw)(buf, home.queue, ctx);
    }
}

/// Where the panes of the release view are.
struct Release {
    summary: Rect,
    plan: Rect,
    first: Rect,
    second: Rect,
    gates: Rect,
    timeline: Rect,
}

impl Release {
    fn of(body: Rect, status: Option<&ReleaseStatus>) -> Self {
        let count = |items: usize| u16::try_from(items).unwrap_or(u16::MAX);
        let plan = status.and_then(|status| status.plan.as_ref()).map_or(1, |plan| count(plan.steps.len()));
        let plan = plan.saturating_add(status.map_or(0, |status| count(status.components.len())));
        let gates = status.map_or(1, |status| count(status.gates.len() * 2 + status.approvals.len()));
        let mut rest = body;
        let summary = take_top(&mut rest, if body.height >= 16 { 3 } else { 2 });
        if is_wide(body) {
            let mut top = take_top(&mut rest, body.height.saturating_sub(3) * 11 / 20);
            let plan = take_left(&mut top, body.width * 2 / 5);
            let half = top.height / 2;
            let first = take_top(&mut top, half);
            let gates = take_left(&mut rest, body.width / 2);
            return Self { summary, plan, first, second: top, gates, timeline: rest };
        }
        let height = rest.height;
        let metric = take_top(&mut rest, u16::from(height >= 12));
        let plan = take_top(&mut rest, plan.saturating_add(1).clamp(2, (height / 2).max(2)));
        let gates = take_top(&mut rest, gates.saturating_add(1).clamp(2, (height / 3).max(2)));
        Self { summary, plan, first: metric, second: Rect::default(), gates, timeline: rest }
    }
}

fn release(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let status = ctx.store.release(&view.id).and_then(|release| release.status.as_ref());
    let areas = Release::of(body, status);
    (panes::summary::PANE.draw)(buf, areas.summary, ctx);
    (panes::plan::PANE.draw)(buf, areas.plan, ctx);
    panes::metrics::draw(buf, areas.first, ctx, MetricPane::ErrorRate);
    if areas.second.height > 0 {
        panes::metrics::draw(buf, areas.second, ctx, MetricPane::Latency);
    }
    (panes::gates::PANE.draw)(buf, areas.gates, ctx);
    (panes::timeline::PANE.draw)(buf, areas.timeline, ctx);
}

/// Rows that the panes of the visible view show in a terminal of the store's size: what paging and scrolling go by.
#[must_use]
pub fn heights(store: &Store) -> BTreeMap<Focus, u16> {
    let needs = needs(store);
    let (width, height) = store.size;
    let Some(shell) = layout::shell(Rect::new(0, 0, width, height), needs) else { return BTreeMap::new() };
    let boxed = is_wide(shell.body);
    let framed = |area: Rect| area.height.saturating_sub(if boxed { 2 } else { 1 });
    let mut heights = match store.ui.view() {
        View::Home => {
            let home = layout::home(shell.body, needs);
            BTreeMap::from([
                (Focus::Environments, panes::environments::visible_rows(home.environments, boxed)),
                (Focus::Pods, panes::pods::visible_rows(home.pods, boxed)),
                (Focus::Queue, panes::queue::visible_rows(home.queue, boxed)),
            ])
        }
        View::Release(view) => {
            let areas = Release::of(shell.body, store.release(&view.id).and_then(|r| r.status.as_ref()));
            BTreeMap::from([
                (Focus::Plan, framed(areas.plan)),
                (Focus::Gates, framed(areas.gates)),
                (Focus::Timeline, framed(areas.timeline)),
            ])
        }
        View::Rollback(_) => {
            BTreeMap::from([(Focus::Candidates, panes::rollback::visible_rows(shell.body, boxed))])
        }
        View::Inbox(_) => BTreeMap::from([(Focus::Inbox, panes::inbox::visible_rows(shell.body, boxed))]),
        View::Why(_) => BTreeMap::from([(Focus::Why, framed(shell.body))]),
        View::Text(_) => BTreeMap::from([(Focus::Text, framed(shell.body))]),
    };
    if let Some(Overlay::Help { .. }) = store.ui.overlay() {
        heights.insert(Focus::Help, shell.body.height.saturating_sub(2));
    }
    heights
}
