//! The inbox: everything that waits for us, everywhere, oldest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::inbox::InboxRow;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::ui::chrome::{Chrome, Freshness, grey, stand_in};
use crate::ui::format::{Short, width};
use crate::ui::layout::{scrolled, take_bottom};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "inbox",
    focus: Some(Focus::Inbox),
    whole: Some(|view| matches!(view, View::Inbox(_))),
    rows: visible_rows,
    draw,
};

const EMPTY: &str = "Nothing waits for you: no approval, no checklist, no review and no decision is yours to give now. \
                     esc goes back; what waits for others is in the queue, and w there says for whom.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let rows = &store.rows.inbox;
    let freshness = ctx.worst(WatchedKind::Releases);
    // It spans environments: production's frame belongs to what shows production alone.
    let chrome = Chrome { tier: None, freshness, ..ctx.chrome(Some(Focus::Inbox), Freshness::Timeless) };
    let (dot, count) = (theme.glyphs.dot, rows.len());
    let places = match store.clusters.len() {
        1 => Short::of(format_args!("oldest first {dot} all environments")),
        several => Short::of(format_args!("oldest first {dot} {several} clusters")),
    };
    let title = format_args!("Needs you {dot} {count}");
    let inner = chrome.draw(buf, area, title, (theme.muted, format_args!("{}", places.as_str())));
    if stand_in(buf, inner, theme, freshness, rows.is_empty().then_some(EMPTY)) {
        return;
    }
    let columns = Columns::of(rows, inner.width);
    let View::Inbox(view) = store.ui.view() else { return };
    let mut inner = inner;
    let rows_below = detail_rows(store, inner.height);
    let below = take_bottom(&mut inner, rows_below);
    items(buf, below, ctx);
    let first = scrolled(view.cursor.offset, view.cursor.index, usize::from(inner.height));
    for ((nth, row), at) in rows.iter().enumerate().skip(first).zip(0..inner.height) {
        let selected = view.cursor.selected.as_ref() == Some(&row.key);
        let line = Rect { y: inner.y + at, height: 1, ..inner };
        columns.row(buf, line, ctx, (row, nth, selected));
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// Rows below the list, for what is open of the chosen checklist.
fn detail_rows(store: &Store, height: u16) -> u16 {
    let open = store.selected_item().map_or(0, |row| row.open.len());
    let wanted = if open == 0 { 0 } else { u16::try_from(open + 1).unwrap_or(u16::MAX) };
    wanted.min(height / 2)
}

/// What is open of the chosen checklist, the item that the key ticks pointed at.
fn items(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let theme = ctx.theme;
    let Some(row) = ctx.store.selected_item().filter(|_| area.height > 0) else { return };
    let key = ctx.store.keymap.keys("approve").first().map(ToString::to_string).unwrap_or_default();
    let mut pen = Pen::new(buf, area, 0);
    pen.fmt(
        theme.muted,
        format_args!(" not ticked yet for {}; {key} ticks the first, :check NAME another:", row.version),
    );
    let room = usize::from(area.height - 1);
    for (nth, item) in row.open.iter().take(room).enumerate() {
        let at = u16::try_from(nth + 1).unwrap_or(u16::MAX);
        let mut pen = Pen::new(buf, area, at);
        let hidden = row.open.len() - nth - 1;
        if nth + 1 == room && hidden > 0 {
            pen.fmt(theme.muted, format_args!("   and {} more", hidden + 1));
            return;
        }
        pen.put(theme.accent, if nth == 0 { " " } else { "  " });
        pen.put(theme.accent, if nth == 0 { theme.glyphs.current } else { "" }).skip(1);
        let room = pen.room();
        pen.cut(room, theme.text, theme, item);
    }
}

/// Widths of the columns, so that every row has the same ones.
struct Columns {
    application: u16,
    version: u16,
    environment: u16,
    /// Room for words before the ages.
    words: bool,
}

impl Columns {
    fn of(rows: &[InboxRow], cells: u16) -> Self {
        let widest = |of: fn(&InboxRow) -> &str, least: u16, most: u16| {
            rows.iter().map(|row| width(of(row))).max().unwrap_or(least).clamp(least, most)
        };
        let most = if cells < 100 { 10 } else { 24 };
        Self {
            application: widest(|row| &row.application, 7, most),
            version: widest(|row| &row.version, 6, most),
            environment: widest(|row| &row.environment.key.name, 7, most),
            words: cells >= 100,
        }
    }

    fn row(
        &self,
        buf: &mut Buffer,
        line: Rect,
        ctx: &Ctx<'_>,
        (row, nth, selected): (&InboxRow, usize, bool),
    ) {
        let (theme, now) = (ctx.theme, ctx.store.now);
        let (pointer, over) = ctx.selection(selected, Focus::Inbox);
        let mut pen = Pen::new(buf, line, 0);
        pen.put(theme.accent, pointer);
        if nth < 9 {
            pen.fmt(theme.key, format_args!("{} ", nth + 1));
        } else {
            pen.skip(2);
        }
        let (waits, expires) = if self.words { ("waits ", "expires in ") } else { ("", "exp ") };
        let left = row.expires.map_or_else(
            || Short::of(format_args!("")),
            |at| Short::of(format_args!("{expires}{}", Age::between(now, at))),
        );
        let soon = row.expires.is_some_and(|at| Age::between(now, at).seconds() < 3_600);
        let room = if self.words { 17 } else { 9 };
        pen.last(
            if soon { theme.warning } else { theme.muted },
            format_args!("{:>room$}", left.as_str(), room = room),
        );
        let waited = row.since.map_or_else(
            || Short::of(format_args!("")),
            |since| Short::of(format_args!("{waits}{}", Age::between(since, now))),
        );
        pen.last(
            theme.text,
            format_args!("{:>room$}", waited.as_str(), room = if self.words { 11 } else { 5 }),
        );
        if self.words && ctx.store.clusters.len() > 1 {
            let context = ctx.store.cluster(row.environment.cluster).map_or("", |cluster| &cluster.context);
            pen.last(theme.muted, format_args!("{}", crate::ui::format::head(context, 20)));
        }
        pen.left(7, theme.title, theme, row.key.word()).skip(1);
        pen.left(self.application, theme.text, theme, &row.application).skip(1);
        pen.left(self.version, theme.title, theme, &row.version).skip(1);
        pen.left(self.environment, theme.tier(row.tier), theme, &row.environment.key.name).skip(1);
        let room = pen.room();
        pen.cut(room, theme.text, theme, &row.missing);
        if let Some(style) = over {
            buf.set_style(line, style);
        }
    }
}

/// Rows of the list where the pane has this area.
fn visible_rows(area: Rect, store: &Store, boxed: bool) -> u16 {
    let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
    inner - detail_rows(store, inner)
}
