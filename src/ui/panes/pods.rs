//! Pods: what kubectl would say of each, which version it is, and the cause where something is wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::cluster_state::Feed;
use crate::app::located::PodId;
use crate::app::ui_state::Pane as Focus;
use crate::domain::age::Age;
use crate::domain::pod_row::{PodHealth, PodRow};
use crate::ui::chrome::{Freshness, grey, sentence, stand_in};
use crate::ui::format::Short;
use crate::ui::layout::scrolled;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;
use crate::ui::theme::Theme;

/// The pane.
pub static PANE: Pane = Pane { id: "pods", title: "Pods", focus: Some(Focus::Pods), min: (40, 3), draw };

/// Which columns there is room for.
#[derive(Clone, Copy)]
struct Columns {
    name: u16,
    status: u16,
    restarts: u16,
    version: u16,
    track: u16,
    node: u16,
}

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let cluster = store.focused_environment().map(|id| id.cluster);
    let freshness = match cluster {
        Some(cluster) if !store.ui.all_environments => ctx.freshness(cluster, Feed::Pods),
        _ => ctx.worst(Feed::Pods),
    };
    let inner = frame(buf, area, ctx, freshness);
    let rows = &store.rows.pods;
    if rows.is_empty() {
        let filter = store.ui.filter(Focus::Pods);
        if let (Some(filter), true) = (filter, store.rows.pods_total > 0) {
            let text = Short::of(format_args!("Nothing matches /{}: esc shows all.", filter.text()));
            sentence(buf, inner, theme.muted, text.as_str());
            return;
        }
        let why = if cluster.is_none() {
            "Select an environment to see its pods."
        } else {
            "No pods: nothing runs here yet. Press n to deploy a version."
        };
        stand_in(buf, inner, theme, freshness, Some(why));
        return;
    }
    if stand_in(buf, inner, theme, freshness, None) {
        return;
    }
    let columns = Columns::of(inner.width, has_tracks(ctx));
    let mut body = inner;
    if inner.height > 3 {
        columns.head(&mut Pen::new(buf, inner, 0), theme);
        body = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    list(buf, body, ctx, columns);
    if freshness.is_stale() {
        grey(buf, body, theme);
    }
}

fn frame(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, freshness: Freshness<'_>) -> Rect {
    let (store, theme) = (ctx.store, ctx.theme);
    let chrome =
        crate::ui::chrome::Chrome { freshness, ..ctx.chrome(Some(Focus::Pods), Freshness::Timeless) };
    let id = store.focused_environment();
    let place = match &id {
        _ if store.ui.all_environments => "all environments",
        Some(id) => &id.key.name,
        None if store.rows.pods_total > 0 => "all namespaces",
        None => "no environment",
    };
    let (shown, total, failing) = (store.rows.pods.len(), store.rows.pods_total, store.rows.pods_failing);
    let dot = theme.glyphs.dot;
    let bad = if failing > 0 {
        Short::of(format_args!(" {dot} {} {failing} failing", theme.glyphs.failing))
    } else {
        Short::of(format_args!(""))
    };
    let filtered = match store.ui.filter(Focus::Pods) {
        Some(filter) => Short::of(format_args!(" {dot} /{} {dot} {shown} of {total}", filter.text())),
        None => Short::of(format_args!(" {dot} {total}")),
    };
    let marked = store.ui.marked.len();
    let note = if marked > 0 {
        Short::of(format_args!("{marked} marked {dot} {}", store.ui.pod_sort.word()))
    } else {
        Short::of(format_args!("{}", store.ui.pod_sort.word()))
    };
    chrome.draw(
        buf,
        area,
        format_args!("Pods {dot} {place}{}{}", filtered.as_str(), bad.as_str()),
        (theme.muted, format_args!("{}", note.as_str())),
    )
}

/// The rows from the scroll position on, each with its cause below where there is room for all causes, or where it is selected.
fn list(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, columns: Columns) {
    let (store, cursor) = (ctx.store, &ctx.store.ui.pods);
    let rows = &store.rows.pods;
    let height = usize::from(body.height);
    let all = rows.len() + store.rows.pods_failing <= height;
    let has_cause = |id: &PodId| store.pod(id).is_some_and(|pod| !pod.cause.is_empty());
    // Where not every cause fits: the selected pod's and that of the row on top, which is the worst one.
    let selected_cause = height >= 3 && cursor.selected.as_ref().is_some_and(has_cause);
    let spare = height - usize::from(selected_cause && height > 0);
    let mut first = if all { 0 } else { scrolled(cursor.offset, cursor.index, spare) };
    let top_cause =
        height >= 5 && rows.first().is_some_and(has_cause) && rows.first() != cursor.selected.as_ref();
    if !all && first == 0 && top_cause && cursor.index + 1 >= spare {
        first = 1;
    }
    let mut row = 0;
    for (at, id) in rows.iter().enumerate().skip(first) {
        if row >= body.height {
            return;
        }
        let Some(pod) = store.pod(id) else { continue };
        let selected = cursor.selected.as_ref() == Some(id);
        columns.row(buf, Rect { y: body.y + row, height: 1, ..body }, ctx, (id, pod, selected));
        row += 1;
        let wanted = all || (selected && selected_cause) || (at == 0 && top_cause);
        if wanted && !pod.cause.is_empty() && row < body.height {
            cause(&mut Pen::new(buf, body, row), ctx, pod);
            row += 1;
        }
    }
}

fn cause(pen: &mut Pen<'_>, ctx: &Ctx<'_>, pod: &PodRow) {
    let theme = ctx.theme;
    pen.skip(3).put(theme.muted, theme.glyphs.elbow).put(theme.muted, " ");
    if let Some(at) = pod.last_restart {
        pen.last(theme.muted, format_args!("{} ago", Age::between(at, ctx.store.now)));
    }
    let room = pen.room();
    pen.cut(room, theme.failing, theme, &pod.cause);
}

/// Any pod of the list says which track it is on; looked up among the visible ones only.
fn has_tracks(ctx: &Ctx<'_>) -> bool {
    let cursor = &ctx.store.ui.pods;
    ctx.store
        .rows
        .pods
        .iter()
        .skip(cursor.offset)
        .take(60)
        .any(|id| ctx.store.pod(id).is_some_and(|pod| !pod.track.is_empty()))
}

impl Columns {
    fn of(cells: u16, tracks: bool) -> Self {
        let roomy = cells >= 100;
        let track = match (tracks, cells) {
            (false, _) | (_, 0..60) => 0,
            _ => 8,
        };
        let (status, restarts, version, node) = match cells {
            0..56 => (17, 4, 0, 0),
            56..100 => (17, 4, 9, 0),
            100..140 => (22, 9, 14, 0),
            _ => (24, 9, 18, 26),
        };
        // Pointer and mark, READY, AGE, and a gap after each column.
        let fixed = 2 + 6 + (status + 1) + restarts + 1 + 6;
        let optional =
            [version, track, node].iter().map(|width| if *width > 0 { width + 1 } else { 0 }).sum::<u16>();
        let most = if roomy { 48 } else { 40 };
        let name = cells.saturating_sub(fixed + optional + 1).clamp(8, most);
        Self { name, status, restarts, version, track, node }
    }

    fn head(self, pen: &mut Pen<'_>, theme: &Theme) {
        let style = theme.muted;
        let restarts = if self.restarts > 8 { "RESTARTS" } else { "RST" };
        pen.skip(2).left(self.name + 1, style, theme, "NAME");
        pen.right(5, style, format_args!("READY")).skip(1);
        pen.left(self.status + 1, style, theme, "STATUS");
        pen.right(self.restarts, style, format_args!("{restarts}")).skip(1);
        self.optional(pen, theme, style, ("VERSION", "TRACK", "NODE"));
        pen.right(6, style, format_args!("AGE"));
    }

    fn optional(self, pen: &mut Pen<'_>, theme: &Theme, style: Style, texts: (&str, &str, &str)) {
        if self.version > 0 {
            pen.left(self.version, style, theme, texts.0).skip(1);
        }
        if self.track > 0 {
            pen.left(self.track, style, theme, texts.1).skip(1);
        }
        if self.node > 0 {
            pen.name(self.node, style, theme, texts.2).skip(1);
        }
    }

    fn row(self, buf: &mut Buffer, line: Rect, ctx: &Ctx<'_>, (id, pod, selected): (&PodId, &PodRow, bool)) {
        let theme = ctx.theme;
        let (pointer, over) = ctx.selection(selected, Focus::Pods);
        let mark = if ctx.store.ui.marked.contains(id) { theme.glyphs.marked } else { " " };
        let mut pen = Pen::new(buf, line, 0);
        pen.put(theme.accent, pointer).put(theme.accent, mark);
        pen.name(self.name, theme.text, theme, &pod.key.name).skip(1);
        let ready = if pod.ready < pod.total { theme.warning } else { theme.text };
        pen.right(5, ready, format_args!("{}/{}", pod.ready, pod.total)).skip(1);
        let (glyph, style) = health(ctx, pod.health);
        pen.put(style, glyph).put(style, " ").left(self.status - 2, style, theme, &pod.status).skip(1);
        let restarted = if pod.restarts > 0 { theme.warning } else { theme.muted };
        pen.right(self.restarts, restarted, format_args!("{}", pod.restarts)).skip(1);
        self.optional(&mut pen, theme, theme.text, (&pod.version, &pod.track, &pod.node));
        match pod.created {
            Some(created) => {
                pen.right(6, theme.text, format_args!("{}", Age::between(created, ctx.store.now)))
            }
            None => pen.right(6, theme.unknown, format_args!("?")),
        };
        if let Some(style) = over {
            buf.set_style(line, style);
        }
    }
}

fn health(ctx: &Ctx<'_>, health: PodHealth) -> (&'static str, Style) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    match health {
        PodHealth::Failing => (glyphs.failing, theme.failing),
        PodHealth::Starting => (glyphs.moving, theme.warning),
        PodHealth::Terminating => (glyphs.waiting, theme.muted),
        PodHealth::Ready => (glyphs.healthy, theme.healthy),
        PodHealth::Completed => (glyphs.done, theme.muted),
    }
}

/// Rows of the list where the pane has this area.
#[must_use]
pub fn visible_rows(area: Rect, boxed: bool) -> u16 {
    let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
    if inner > 3 { inner - 1 } else { inner }
}
