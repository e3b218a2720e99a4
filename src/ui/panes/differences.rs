//! What differs between two environments, side by side, and the chosen setting of both in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::components;
use crate::app::state::differences::{Differences, DifferencesView, Line, Side};
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::domain::difference::{Row, Verdict};
use crate::ui::chrome::{Freshness, sentence};
use crate::ui::format::{Short, width};
use crate::ui::layout::{scrolled, take_bottom, take_top};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;
use crate::ui::theme::Theme;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "differences",
    focus: Some(Focus::Differences),
    whole: Some(|view| matches!(view, View::Differences(_))),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
};

/// Rows of the chosen setting: two for each side.
const DETAIL: u16 = 4;

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Differences(view) = ctx.store.ui.view() else { return };
    let (store, theme, dot) = (ctx.store, ctx.theme, ctx.theme.glyphs.dot);
    let listed = &store.rows.differences;
    let counts = listed.counts;
    let filter = match store.ui.filter(Focus::Differences) {
        Some(filter) => Short::of(format_args!(" {dot} /{}", filter.text())),
        None => Short::of(format_args!("")),
    };
    let is_read = view.left.snapshot.is_some() && view.right.snapshot.is_some();
    // before the places, which the columns name as well
    let alone = match components::alone(store, &view.right.environment) {
        Some(component) => Short::of(format_args!(" {dot} {}", component.name)),
        None => Short::of(format_args!("")),
    };
    let hidden = match listed.hidden {
        0 => Short::of(format_args!("")),
        hidden => Short::of(format_args!(" {dot} {hidden} hidden")),
    };
    let note = match (is_read, counts.unknown) {
        (false, _) => Short::of(format_args!("")),
        (true, 0) => {
            Short::of(format_args!("{} differ{} {dot} {} same", counts.differ, hidden.as_str(), counts.same))
        }
        (true, unknown) => Short::of(format_args!(
            "{} differ{} {dot} {unknown} unknown {dot} {} same",
            counts.differ,
            hidden.as_str(),
            counts.same
        )),
    };
    let (left, right) = (name(ctx, &view.left, view), name(ctx, &view.right, view));
    let title = format_args!("Differences{} {dot} {left} and {right}{}", alone.as_str(), filter.as_str());
    let chrome = ctx.chrome(Some(Focus::Differences), freshness(ctx, view));
    let mut body = chrome.draw(buf, area, title, (theme.muted, format_args!("{}", note.as_str())));
    faults(buf, &mut body, ctx, view);
    if let Some(words) = nothing(view, listed) {
        let place = Rect { x: body.x + 1, width: body.width.saturating_sub(1), ..body };
        sentence(buf, place, theme.muted, &words);
        return;
    }
    let boxed_rows = visible_rows(area, ctx.boxed);
    if body.height > boxed_rows + DETAIL {
        let detail = take_bottom(&mut body, DETAIL);
        let chosen = listed.lines.get(view.cursor.index).and_then(|line| line.row.as_ref());
        full(buf, detail, ctx, (chosen, &left, &right));
    }
    let columns = Columns::of(&listed.lines, body.width);
    let head = take_top(&mut body, 1);
    columns.head(&mut Pen::new(buf, head, 0), theme, [&left, &right]);
    let first = scrolled(view.cursor.offset, view.cursor.index, usize::from(body.height));
    for ((nth, line), at) in listed.lines.iter().enumerate().skip(first).zip(0..body.height) {
        let place = Rect { y: body.y + at, height: 1, ..body };
        columns.line(buf, place, ctx, (line, nth == view.cursor.index));
    }
}

/// What an environment is called; with its cluster, where both are in different ones.
fn name(ctx: &Ctx<'_>, side: &Side, view: &DifferencesView) -> String {
    let id = &side.environment;
    let other = if side.environment == view.left.environment { &view.right } else { &view.left };
    if id.cluster != other.environment.cluster {
        let context = ctx.store.cluster(id.cluster).map_or("", |cluster| &cluster.context);
        format!("{}@{context}", id.key.name)
    } else if id.key.name == other.environment.key.name {
        id.key.to_string()
    } else {
        id.key.name.to_string()
    }
}

/// As fresh as the older side.
fn freshness<'a>(ctx: &Ctx<'a>, view: &'a DifferencesView) -> Freshness<'a> {
    let ages = [&view.left, &view.right].map(|side| side.at.map(|at| Age::between(at, ctx.store.now)));
    let [Some(left), Some(right)] = ages else {
        let fault = view.left.fault.as_deref().or(view.right.fault.as_deref());
        return fault.map_or(Freshness::Connecting, |reason| Freshness::Stale {
            age: None,
            reason,
            retry: None,
        });
    };
    let age = left.max(right);
    match view.left.fault.as_deref().or(view.right.fault.as_deref()) {
        Some(reason) => Freshness::Stale { age: Some(age), reason, retry: None },
        // it is read anew every few seconds: only what is older is news
        None => Freshness::Live(Age::of(chrono::TimeDelta::zero())),
    }
}

/// A sentence for each side that could not be read.
fn faults(buf: &mut Buffer, body: &mut Rect, ctx: &Ctx<'_>, view: &DifferencesView) {
    for side in [&view.left, &view.right] {
        let Some(reason) = &side.fault else { continue };
        let theme = ctx.theme;
        let text = match side.at {
            Some(at) => {
                let age = Age::between(at, ctx.store.now);
                format!("{} {}: as it was {age} ago: {reason}", theme.glyphs.failing, name(ctx, side, view))
            }
            None => format!("{} {}: {reason}", theme.glyphs.failing, name(ctx, side, view)),
        };
        let place =
            Rect { x: body.x + 1, width: body.width.saturating_sub(1), height: body.height.min(2), ..*body };
        let rows = sentence(buf, place, theme.failing, &text);
        take_top(body, rows);
    }
}

/// What stands in for an empty list.
fn nothing(view: &DifferencesView, listed: &Differences) -> Option<String> {
    let sides = || [&view.left, &view.right].into_iter().filter(|side| side.snapshot.is_none());
    if sides().next().is_some() {
        let waits = sides().filter(|side| side.fault.is_none());
        let names: Vec<&str> = waits.map(|side| &*side.environment.key.name).collect();
        return Some(match names.as_slice() {
            [] => "There is nothing to compare: it is tried again every few seconds.".to_owned(),
            names => format!("Waiting for {}: there is nothing to compare yet.", names.join(" and ")),
        });
    }
    if !listed.lines.is_empty() {
        return None;
    }
    let (same, hidden) = (listed.counts.same, listed.hidden);
    Some(if view.all {
        "Nothing matches: esc shows all.".to_owned()
    } else if hidden > 0 {
        format!("Nothing of this component differs here; {hidden} of others: C shows all components.")
    } else {
        format!("Nothing differs here: what both have is the same ({same}). = lists it; esc clears a filter.")
    })
}

/// Cells of the columns.
struct Columns {
    what: u16,
    side: u16,
}

impl Columns {
    fn of(lines: &[Line], cells: u16) -> Self {
        let whats = lines.iter().filter_map(|line| line.row.as_ref()).map(|row| width(&row.what));
        let most = (cells * 2 / 5).max(12);
        let what = whats.max().unwrap_or(12).clamp(12, most);
        Self { what, side: cells.saturating_sub(what + 5) / 2 }
    }

    fn head(&self, pen: &mut Pen<'_>, theme: &Theme, [left, right]: [&str; 2]) {
        pen.skip(3).left(self.what, theme.muted, theme, "SETTING").skip(1);
        pen.left(self.side, theme.title, theme, left).skip(1);
        pen.left(self.side, theme.title, theme, right);
    }

    fn line(&self, buf: &mut Buffer, place: Rect, ctx: &Ctx<'_>, (line, chosen): (&Line, bool)) {
        let theme = ctx.theme;
        let (pointer, over) = ctx.selection(chosen, Focus::Differences);
        let mut pen = Pen::new(buf, place, 0);
        pen.put(theme.accent, pointer);
        match &line.row {
            None => {
                let heading = Short::of(format_args!("{}", line.key.0));
                let room = pen.room();
                pen.cut(room, theme.title, theme, heading.as_str());
            }
            Some(row) => self.row(&mut pen, theme, row),
        }
        if let Some(style) = over {
            buf.set_style(place, style);
        }
    }

    fn row(&self, pen: &mut Pen<'_>, theme: &Theme, row: &Row) {
        let style = look(theme, row.verdict);
        pen.put(style, row.verdict.sign()).skip(1);
        pen.name(self.what, theme.text, theme, &row.what).skip(1);
        for side in [&row.left, &row.right] {
            match side {
                Some(text) => pen.left(self.side, style, theme, text).skip(1),
                None => pen.left(self.side, theme.muted, theme, theme.glyphs.dot).skip(1),
            };
        }
    }
}

/// How a verdict looks; its sign says the same without colour.
fn look(theme: &Theme, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Same => theme.muted,
        Verdict::Differs => theme.warning,
        Verdict::OnlyLeft | Verdict::OnlyRight => theme.accent,
        Verdict::Unknown => theme.unknown,
    }
}

/// The chosen setting of both sides, without being cut where two rows are enough.
fn full(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, (row, left, right): (Option<&Row>, &str, &str)) {
    let theme = ctx.theme;
    let Some(row) = row else { return };
    let label = width(left).max(width(right)).min(area.width / 4);
    for (nth, (name, text)) in (0_u16..).zip([(left, &row.left), (right, &row.right)]) {
        let half = Rect { y: area.y + 2 * nth, height: 2, ..area };
        Pen::new(buf, half, 0).skip(1).left(label, theme.muted, theme, name);
        let skipped = (label + 2).min(half.width);
        let value = Rect { x: half.x + skipped, width: half.width - skipped, ..half };
        match text {
            Some(text) => sentence(buf, value, look(theme, row.verdict), text),
            None => sentence(buf, value, theme.muted, "does not have it"),
        };
    }
}

/// Rows of the list where the pane has this area.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
    let detail = if inner >= 12 { DETAIL } else { 0 };
    inner.saturating_sub(1 + detail)
}
