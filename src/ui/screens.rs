//! Which panes a view has, and where they are.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::api::ReleaseStatus;
use crate::app::state::located::ReleaseId;
use crate::app::state::rows::QueueGroup;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::{Pane as Focus, View};
use crate::ui::layout::{self, Needs, SMALLEST, is_wide, take_bottom, take_left, take_top};
use crate::ui::pane::Ctx;
use crate::ui::theme::Theme;
use crate::ui::{banners, footer, overlays, panes, shell, tour};

/// Draws the whole screen into that area.
pub fn draw(buf: &mut Buffer, area: Rect, store: &Store, theme: &Theme) {
    let mut ctx = Ctx { store, theme, boxed: false };
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
    match store.ui.view() {
        View::Home => home(buf, shell.body, &ctx, needs),
        View::Release(_) => release(buf, shell.body, &ctx),
        View::Rollback(_) => (panes::rollback::PANE.draw)(buf, shell.body, &ctx),
        View::Inbox(_) => (panes::inbox::PANE.draw)(buf, shell.body, &ctx),
        View::Why(_) => (panes::why::PANE.draw)(buf, shell.body, &ctx),
        View::Changes(_) => changes(buf, shell.body, &ctx),
        View::Events(_) => (panes::events::PANE.draw)(buf, shell.body, &ctx),
        View::Alerts(_) => alerts(buf, shell.body, &ctx),
        View::Differences(_) => (panes::differences::PANE.draw)(buf, shell.body, &ctx),
        View::Zoom(_) => (panes::zoom::PANE.draw)(buf, shell.body, &ctx),
        View::Matrix => (panes::matrix::PANE.draw)(buf, shell.body, &ctx),
        View::Numbers(_) => (panes::numbers::PANE.draw)(buf, shell.body, &ctx),
        View::Text(_) => (panes::text::PANE.draw)(buf, shell.body, &ctx),
        View::Logs(_) => (panes::logs::PANE.draw)(buf, shell.body, &ctx),
    }
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
        needs_me: !rows.inbox.is_empty(),
        banners: banners::count(store),
        status: shell::has_status(store),
        panes: rows.panes.len(),
        tour: store.tour.is_some(),
    }
}

fn home(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, needs: Needs) {
    let home = layout::home(body, needs);
    let shown = |area: Rect| area.height > 0 && area.width > 0;
    if shown(home.environments) {
        (panes::environments::PANE.draw)(buf, home.environments, ctx);
    }
    if shown(home.metrics) {
        panes::metrics::grid(buf, home.metrics, ctx, home.grid);
    }
    if shown(home.pods) {
        (panes::pods::PANE.draw)(buf, home.pods, ctx);
    }
    if shown(home.queue) {
        (panes::queue::PANE.draw)(buf, home.queue, ctx);
    }
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

fn release(buf: &mut Buffer, mut body: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let warnings = warnings_area(&mut body, ctx.store, ctx.boxed);
    if warnings.height > 0 {
        (panes::warnings::PANE.draw)(buf, warnings, ctx);
    }
    let areas = Release::of(body, Opened { store: ctx.store, id: &view.id });
    (panes::summary::PANE.draw)(buf, areas.summary, ctx);
    (panes::plan::PANE.draw)(buf, areas.plan, ctx);
    if areas.metrics.height > 0 {
        panes::metrics::grid(buf, areas.metrics, ctx, (1, areas.lines));
    }
    for (area, pane) in [
        (areas.outlook, &panes::outlook::PANE),
        (areas.tracks, &panes::tracks::PANE),
        (areas.analysis, &panes::analysis::PANE),
        (areas.gates, &panes::gates::PANE),
        (areas.timeline, &panes::timeline::PANE),
    ] {
        if area.height > 0 {
            (pane.draw)(buf, area, ctx);
        }
    }
}

/// Metrics with their markers, and below them what the markers stand for.
fn changes(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>) {
    let (top, list) = changes_areas(body);
    panes::metrics::grid(buf, top, ctx, if is_wide(body) { (2, 1) } else { (1, 1) });
    (panes::changes::PANE.draw)(buf, list, ctx);
}

/// Where the metrics are, and the list.
fn changes_areas(body: Rect) -> (Rect, Rect) {
    let mut rest = body;
    let top = take_top(&mut rest, (body.height * 2 / 5).clamp(1, 18));
    (top, rest)
}

/// The list, and below it what the chosen one says.
fn alerts(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>) {
    let (list, chosen) = panes::alerts::areas(body, ctx.store);
    (panes::alerts::PANE.draw)(buf, list, ctx);
    if chosen.height > 0 {
        (panes::alert::PANE.draw)(buf, chosen, ctx);
    }
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
            let mut body = shell.body;
            warnings_area(&mut body, store, boxed);
            let areas = Release::of(body, Opened { store, id: &view.id });
            BTreeMap::from([
                (Focus::Plan, framed(areas.plan)),
                (Focus::Gates, framed(areas.gates)),
                (Focus::Timeline, framed(areas.timeline)),
            ])
        }
        View::Rollback(_) => {
            BTreeMap::from([(Focus::Candidates, panes::rollback::visible_rows(shell.body, boxed))])
        }
        View::Inbox(_) => {
            BTreeMap::from([(Focus::Inbox, panes::inbox::visible_rows(shell.body, store, boxed))])
        }
        View::Why(_) => BTreeMap::from([(Focus::Why, framed(shell.body))]),
        View::Changes(_) => {
            let (_, list) = changes_areas(shell.body);
            BTreeMap::from([(Focus::Changes, panes::changes::visible_rows(list, boxed))])
        }
        View::Events(_) => BTreeMap::from([(Focus::Events, panes::events::visible_rows(shell.body, boxed))]),
        View::Alerts(_) => {
            let (list, _) = panes::alerts::areas(shell.body, store);
            BTreeMap::from([(Focus::Alerts, panes::alerts::visible_rows(list, boxed))])
        }
        View::Differences(_) => {
            BTreeMap::from([(Focus::Differences, panes::differences::visible_rows(shell.body, boxed))])
        }
        View::Matrix => BTreeMap::from([(Focus::Matrix, panes::matrix::visible_rows(shell.body, boxed))]),
        View::Numbers(_) => {
            BTreeMap::from([(Focus::Numbers, panes::numbers::visible_rows(shell.body, boxed))])
        }
        View::Text(_) | View::Logs(_) => BTreeMap::from([(Focus::Text, framed(shell.body))]),
        View::Zoom(_) => BTreeMap::from([(Focus::Zoom, framed(shell.body))]),
    };
    if let Some(Overlay::Help { .. }) = store.ui.overlay() {
        heights.insert(Focus::Help, shell.body.height.saturating_sub(2));
    }
    heights
}
