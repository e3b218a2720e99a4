//! The chosen alert: what its author says of it, and its labels.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::alerts::look;
use crate::app::state::alerts::AlertLine;
use crate::domain::age::Age;
use crate::ui::chrome::{Freshness, grey, sentence};
use crate::ui::format::{Short, width};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "alert", draw, ..Pane::ROW };

/// Annotations that stand on the first line already.
const SAID: [&str; 1] = ["summary"];

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (theme, dot) = (ctx.theme, ctx.theme.glyphs.dot);
    let Some(line) = ctx.store.selected_alert() else {
        ctx.chrome(None, Freshness::Timeless).draw(
            buf,
            area,
            format_args!("Alert"),
            (theme.muted, format_args!("")),
        );
        return;
    };
    let alert = &line.alert;
    let (glyph, style) = look(ctx, line);
    let title = Short::of(format_args!("{} {dot} {}", alert.name, line.told_by.join(" ")));
    let mut chrome = ctx.chrome(None, Freshness::Timeless);
    chrome.tier = line.tier;
    let hint = format_args!("s silences {dot} d tells all {dot} enter goes there");
    let inner = chrome.draw(buf, area, format_args!("{}", title.as_str()), (theme.muted, hint));
    let mut pen = Pen::new(buf, inner, 0);
    let age = Short::of(format_args!("{}", Age::between(alert.since, ctx.store.now)));
    pen.skip(1).put(style, glyph).skip(1);
    pen.fmt(style, format_args!("{} for {} ", line.state(), age.as_str()));
    pen.fmt(theme.muted, format_args!("since {} ", alert.since.format("%H:%M:%SZ")));
    let room = pen.room();
    pen.cut(room, theme.text, theme, alert.summary());
    let mut rest = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    handled(buf, &mut rest, ctx, line);
    labels(buf, &mut rest, ctx, line);
    for (name, text) in alert.annotations.iter().filter(|(name, _)| !SAID.contains(&&***name)) {
        if rest.height == 0 {
            break;
        }
        let cells = (width(name) + 2).min(rest.width);
        Pen::new(buf, rest, 0).skip(1).put(theme.muted, name);
        let beside = Rect { x: rest.x + cells, width: rest.width - cells, ..rest };
        let taken = sentence(buf, beside, theme.text, text).max(1);
        rest = Rect { y: rest.y + taken, height: rest.height.saturating_sub(taken), ..rest };
    }
    if line.lost {
        grey(buf, inner, theme);
    }
}

/// Who is told of it, or what keeps it quiet; a line for each.
fn handled(buf: &mut Buffer, rest: &mut Rect, ctx: &Ctx<'_>, line: &AlertLine) {
    let theme = ctx.theme;
    let Some(handled) = &line.handled else { return };
    let mut lines: Vec<String> = handled
        .silences
        .iter()
        .map(|silence| {
            format!(
                "silenced until {} by {}: {}",
                silence.until.format("%m-%d %H:%MZ"),
                silence.by,
                silence.comment
            )
        })
        .collect();
    if handled.is_inhibited {
        lines.push("inhibited: another alert that fires keeps it quiet".to_owned());
    }
    if lines.is_empty() && !handled.receivers.is_empty() {
        lines.push(format!("told to {}", handled.receivers.join(", ")));
    }
    for text in lines {
        if rest.height == 0 {
            return;
        }
        let mut pen = Pen::new(buf, *rest, 0);
        let room = pen.skip(1).room();
        pen.cut(room, theme.accent, theme, &text);
        *rest = Rect { y: rest.y + 1, height: rest.height - 1, ..*rest };
    }
}

/// Labels one after the other, as many lines as they need.
fn labels(buf: &mut Buffer, rest: &mut Rect, ctx: &Ctx<'_>, line: &AlertLine) {
    let theme = ctx.theme;
    let mut taken = 0;
    let mut column = 0;
    for (name, value) in line.alert.labels.iter().filter(|(name, _)| &***name != "alertname") {
        if taken >= rest.height {
            break;
        }
        let cells = width(name) + width(value) + 2;
        if column > 0 && column + cells > rest.width {
            (column, taken) = (0, taken + 1);
        }
        let mut pen = Pen::new(buf, *rest, taken);
        pen.skip(column + 1).fmt(theme.muted, format_args!("{name}="));
        let room = pen.room();
        pen.cut(room, theme.text, theme, value);
        column += cells;
    }
    let rows = (taken + u16::from(column > 0)).min(rest.height);
    *rest = Rect { y: rest.y + rows, height: rest.height - rows, ..*rest };
}
