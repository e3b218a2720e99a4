//! Which panes a view has, and where they are.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::api::ReleaseStatus;
use crate::app::changes;
use crate::app::state::located::ReleaseId;
use crate::app::state::rows::QueueGroup;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::{Focus, View};
use crate::ui::layout::{self, Needs, SMALLEST, is_wide, take_bottom, take_left, take_top};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::theme::Theme;
use crate::ui::{banners, footer, overlays, panes, shell, tour};

/// Draws the whole screen into that area.
pub fn draw(buf: &mut Buffer, area: Rect, store: &Store, theme: &Theme) {
    let mut ctx = Ctx::new(store, theme, false);
    // A theme may have a background of its own, which lies below everything.
    buf.set_style(area, theme.text);
    let needs = needs(store);
    let Some((shell, below)) = parts(area, store, needs) else {
        too_small(buf, area, &ctx);
        return;
    };
    tour::draw(buf, below, &ctx);
    ctx.boxed = is_wide(shell.body);
    shell::header(buf, shell.header, &ctx);
    if shell.banner.height > 0 {
        banners::draw(buf, shell.banner, &ctx);
    }
    lay_out((shell.body, needs), store, &mut |pane, area, grid| {
        if !area.is_empty() {
            (pane.draw)(buf, area, &Ctx { grid, ..ctx });
        }
    });
    for overlay in &store.ui.overlays {
        overlays::draw(buf, shell.body, &ctx, overlay);
    }
    if shell.status.height > 0 {
        shell::status(buf, shell.status, &ctx);
    }
    footer::draw(buf, shell.footer, &ctx);
    if theme.glyphs.is_ascii() {
        spell_out(buf, area);
    }
}

/// Replaces the typographic characters of texts by ASCII, where a terminal has no others. Names and messages stay as they are.
fn spell_out(buf: &mut Buffer, area: Rect) {
    for position in area.positions() {
        let Some(cell) = buf.cell_mut(position) else { continue };
        let plain = match cell.symbol() {
            "·" | "•" | "–" | "—" | "−" => "-",
            "…" => "~",
            "→" | "›" | "»" => ">",
            "←" | "‹" | "«" => "<",
            "’" | "‘" => "'",
            "“" | "”" => "\"",
            "↑" => "^",
            "↓" => "v",
            "✔" | "✓" => "+",
            "✘" | "✗" | "×" => "x",
            _ => continue,
        };
        cell.set_symbol(plain);
    }
}

/// The lines around the screen, and the rows of the tour below it.
fn parts(area: Rect, store: &Store, needs: Needs) -> Option<(layout::Shell, Rect)> {
    let mut shell = layout::shell(area, needs)?;
    let rows = tour::rows(store, shell.body);
    let below = take_bottom(&mut shell.body, rows);
    Some((shell, below))
}

fn too_small(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (width, height) = SMALLEST;
    let text = crate::ui::format::Short::of(format_args!(
        "terminal too small: {}x{}, needs {width}x{height}",
        area.width, area.height
    ));
    crate::ui::chrome::sentence(buf, area, ctx.theme.text, text.as_str());
}

/// Where the view is, without the lines around it.
#[must_use]
pub fn body(area: Rect, store: &Store) -> Option<Rect> {
    parts(area, store, needs(store)).map(|(shell, _)| shell.body)
}

/// What the layout depends on, besides the size.
#[must_use]
pub fn needs(store: &Store) -> Needs {
    let rows = &store.rows;
    let live = rows.queue.iter().filter(|row| row.group != QueueGroup::Finished).count();
    Needs {
        environments: rows.environment_lines.len(),
        // One line for what has just ended; the rest of the past is a key press away.
        queue: live + usize::from(live < rows.queue.len()),
        is_asked: !rows.inbox.is_empty(),
        banners: banners::count(store),
        status: shell::has_status(store),
        panes: rows.panes.len(),
        tour: store.tour.is_some(),
    }
}

/// Takes a pane of the visible view, its area, and the columns and lines of metric panes in it.
type Put<'a> = &'a mut dyn FnMut(&'static Pane, Rect, (u16, u16));

/// Hands out the panes of the visible view with their areas: a view that one pane fills is that pane's row in [`panes::PANES`].
fn lay_out((body, needs): (Rect, Needs), store: &Store, put: Put<'_>) {
    match store.ui.view() {
        View::Home => home(body, needs, put),
        View::Release(view) => release(body, Opened { store, id: &view.id }, put),
        view if view.is_list(changes::NAME) => changes(body, put),
        View::Alerts(_) => alerts(body, store, put),
        view => {
            let whole = panes::PANES.iter().find(|pane| pane.whole.is_some_and(|whole| whole(view)));
            if let Some(pane) = whole {
                put(pane, body, (1, 1));
            }
        }
    }
}

fn home(body: Rect, needs: Needs, put: Put<'_>) {
    let home = layout::home(body, needs);
    put(&panes::environments::PANE, home.environments, (1, 1));
    put(&panes::metrics::PANE, home.metrics, home.grid);
    put(&panes::pods::PANE, home.pods, (1, 1));
    put(&panes::queue::PANE, home.queue, (1, 1));
}

/// Where the panes of the release view are; those without height are not shown.
#[derive(Default)]
struct Release {
    summary: Rect,
    plan: Rect,
    outlook: Rect,
    metrics: Rect,
    /// Rows of metric panes.
    lines: u16,
    tracks: Rect,
    analysis: Rect,
    gates: Rect,
    timeline: Rect,
}

/// The release that is open.
#[derive(Clone, Copy)]
struct Opened<'a> {
    store: &'a Store,
    id: &'a ReleaseId,
}

impl<'a> Opened<'a> {
    fn status(self) -> Option<&'a ReleaseStatus> {
        self.store.release(self.id)?.status.as_ref()
    }
}

/// What the layout of the release view depends on, besides its size.
struct Wanted {
    plan: u16,
    gates: u16,
    /// Rows of the tracks' content; 0 where one version runs alone.
    tracks: u16,
    analyses: usize,
    /// A gate is still shut: what it waits for matters more than what has happened.
    waits: bool,
    /// Nothing follows any more.
    ended: bool,
}

impl Wanted {
    fn of(release: Opened<'_>, cells: u16, boxed: bool) -> Self {
        let count = |items: usize| u16::try_from(items).unwrap_or(u16::MAX);
        let Some(status) = release.status() else {
            return Self { plan: 1, gates: 1, tracks: 0, analyses: 0, waits: true, ended: true };
        };
        let plan = status.plan.as_ref().map_or(1, |plan| count(plan.steps.len()));
        let beside = !status.tracks.is_empty();
        Self {
            plan: plan.saturating_add(count(status.components.len().max(status.tracks.len()))),
            gates: count(status.gates.len() * 2 + status.approvals.len()),
            tracks: if beside {
                panes::tracks::wanted((release.store, release.id), status, cells, boxed)
            } else {
                0
            },
            analyses: status.analysis.len(),
            waits: status.gates.iter().any(|gate| gate.state != crate::api::release::GateState::Pass),
            ended: status.phase.is_final() || status.plan.is_none(),
        }
    }
}

impl Release {
    fn of(body: Rect, release: Opened<'_>) -> Self {
        if is_wide(body) { Self::wide(body, release) } else { Self::compact(body, release) }
    }

    fn wide(body: Rect, release: Opened<'_>) -> Self {
        let half = body.width / 2;
        let wanted = Wanted::of(release, half.saturating_sub(2), true);
        let mut rest = body;
        let summary = take_top(&mut rest, 3);
        let mut top = take_top(&mut rest, body.height.saturating_sub(3) * 11 / 20);
        let mut plan = take_left(&mut top, body.width * 2 / 5);
        let outlook = take_bottom(&mut plan, if wanted.ended { 0 } else { 4 });
        let analyses = panes::analysis::lines(wanted.analyses, rest.height >= 20);
        let most = wanted.tracks.max(analyses);
        let beside = if most == 0 { 0 } else { most.saturating_add(2).min(rest.height / 2) };
        let mut beside = take_top(&mut rest, beside);
        let tracks = take_left(&mut beside, half);
        let gates = take_left(&mut rest, half);
        let (metrics, lines) = (top, 2);
        Self { summary, plan, outlook, metrics, lines, tracks, analysis: beside, gates, timeline: rest }
    }

    fn compact(body: Rect, release: Opened<'_>) -> Self {
        let wanted = Wanted::of(release, body.width, false);
        let mut rest = body;
        let summary = take_top(&mut rest, if body.height >= 16 { 3 } else { 2 });
        let height = rest.height;
        let metric = match height {
            0..12 => 0,
            26.. if wanted.tracks > 0 => 6,
            _ => 1,
        };
        let (metrics, lines) = (take_top(&mut rest, metric), 1);
        let outlook = take_top(&mut rest, u16::from(!wanted.ended && height >= 12));
        let plan = wanted.plan.saturating_add(1);
        let tracks = |wanted: u16| if wanted == 0 { 0 } else { wanted.saturating_add(1) };
        if wanted.tracks == 0 && wanted.analyses == 0 {
            let plan = take_top(&mut rest, plan.clamp(2, (height / 2).max(2)));
            let gates = wanted.gates.saturating_add(1).clamp(2, (height / 3).max(2));
            let gates = take_top(&mut rest, gates);
            return Self { summary, plan, outlook, metrics, lines, gates, timeline: rest, ..Self::default() };
        }
        let plan = take_top(&mut rest, plan.clamp(2, (height * 2 / 5).max(2)));
        let tracks = take_top(&mut rest, tracks(wanted.tracks).min(height / 3));
        let lines = panes::analysis::lines(wanted.analyses, false);
        let lines = if lines == 0 { 0 } else { lines.saturating_add(1).min(height / 4) };
        let analysis = take_top(&mut rest, lines);
        // What holds it stands before what has happened; where nothing holds it, a line says so.
        let gates = match (wanted.waits, wanted.gates) {
            (true, gates) => gates.saturating_add(1).min((rest.height / 2).max(2)),
            (false, 0) => 0,
            (false, _) => 1,
        };
        let gates = take_top(&mut rest, gates);
        Self { summary, plan, outlook, metrics, lines, tracks, analysis, gates, timeline: rest }
    }
}

/// Takes the rows of what the cluster warns of away from the release view; none where it warns of nothing.
fn warnings_area(rest: &mut Rect, store: &Store, boxed: bool) -> Rect {
    let wanted = panes::warnings::wanted(&store.rows.warnings, boxed);
    take_bottom(rest, wanted.min(rest.height / 4))
}

fn release(mut body: Rect, opened: Opened<'_>, put: Put<'_>) {
    let boxed = is_wide(body);
    let warnings = warnings_area(&mut body, opened.store, boxed);
    put(&panes::warnings::PANE, warnings, (1, 1));
    let areas = Release::of(body, opened);
    put(&panes::summary::PANE, areas.summary, (1, 1));
    put(&panes::plan::PANE, areas.plan, (1, 1));
    put(&panes::metrics::PANE, areas.metrics, (1, areas.lines));
    put(&panes::outlook::PANE, areas.outlook, (1, 1));
    put(&panes::tracks::PANE, areas.tracks, (1, 1));
    put(&panes::analysis::PANE, areas.analysis, (1, 1));
    put(&panes::gates::PANE, areas.gates, (1, 1));
    put(&panes::timeline::PANE, areas.timeline, (1, 1));
}

/// Metrics with their markers, and below them what the markers stand for.
fn changes(body: Rect, put: Put<'_>) {
    let mut list = body;
    let top = take_top(&mut list, (body.height * 2 / 5).clamp(1, 18));
    put(&panes::metrics::PANE, top, if is_wide(body) { (2, 1) } else { (1, 1) });
    put(&panes::changes::PANE, list, (1, 1));
}

/// The list, and below it what the chosen one says.
fn alerts(body: Rect, store: &Store, put: Put<'_>) {
    let (list, chosen) = panes::alerts::areas(body, store);
    put(&panes::alerts::PANE, list, (1, 1));
    put(&panes::alert::PANE, chosen, (1, 1));
}

/// Rows that the panes of the visible view show in a terminal of the store's size: what paging and scrolling go by.
#[must_use]
pub fn heights(store: &Store) -> BTreeMap<Focus, u16> {
    let needs = needs(store);
    let (width, height) = store.size;
    let Some((shell, _)) = parts(Rect::new(0, 0, width, height), store, needs) else {
        return BTreeMap::new();
    };
    let boxed = is_wide(shell.body);
    let mut heights = BTreeMap::new();
    lay_out((shell.body, needs), store, &mut |pane, area, _| {
        if let Some(focus) = pane.focus {
            heights.insert(focus, (pane.rows)(area, store, boxed));
        }
    });
    if let Some(Overlay::Help { .. }) = store.ui.overlay() {
        heights.insert(Focus::Help, shell.body.height.saturating_sub(2));
    }
    heights
}
