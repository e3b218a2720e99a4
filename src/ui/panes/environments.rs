//! Environments: which one burns, what runs there, what is on its way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::sections;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::health::{Health, Reading};
use crate::app::state::rows::EnvironmentRow;
use crate::app::state::sections::{EnvironmentLine, Heading};
use crate::app::state::store::Store;
use crate::app::state::view::Focus;
use crate::domain::age::Age;
use crate::domain::alert_row::AlertCount;
use crate::ui::chrome::{grey, sentence, stand_in};
use crate::ui::format::{Short, Unit, Value, width};
use crate::ui::layout::scrolled;
use crate::ui::pane::{Ctx, Pane, tier_word};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "environments",
    focus: Some(Focus::Environments),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
    ..Pane::ROW
};

const EMPTY: &str = "No Environment objects yet. An Environment names an application's components and who may release \
                     them: apply one with kubectl, see `release-cockpit manifests --help` for a first one.";

/// Widths of the columns, so that every row has the same ones.
struct Columns {
    name: u16,
    tier: u16,
    version: u16,
    pods: u16,
    status: u16,
    /// Cells of a reading, its label included.
    reading: u16,
    /// How many readings there is room for; the error rate comes first.
    readings: u16,
    labelled: bool,
}

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (theme, rows) = (ctx.theme, &ctx.store.rows.environments);
    let freshness = ctx.worst(WatchedKind::Environments);
    let mut inner = area;
    if ctx.boxed {
        let mut chrome = ctx.chrome(Some(Focus::Environments), freshness);
        // The list is of every tier; only what shows one environment's data is framed as production.
        chrome.tier = None;
        let count = rows.len();
        inner = chrome.draw(buf, area, format_args!("Environments"), (theme.muted, format_args!("{count}")));
    }
    if let (true, Some(filter)) = (rows.is_empty(), ctx.store.ui.filter(Focus::Environments)) {
        let text = Short::of(format_args!("Nothing matches /{}: esc shows all.", filter.text()));
        sentence(buf, inner, theme.muted, text.as_str());
        return;
    }
    if stand_in(buf, inner, theme, freshness, rows.is_empty().then_some(EMPTY)) {
        return;
    }
    let columns = Columns::of(rows, inner.width, ctx.boxed);
    if ctx.boxed && inner.height > 2 {
        columns.head(&mut Pen::new(buf, inner, 0), ctx);
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let cursor = &ctx.store.ui.environments;
    let lines = &ctx.store.rows.environment_lines;
    let index = sections::selected(ctx.store).unwrap_or(cursor.index);
    let first = first_line(ctx.store, inner.height);
    for ((nth, line), at) in lines.iter().enumerate().skip(first).zip(0..inner.height) {
        let place = Rect { y: inner.y + at, height: 1, ..inner };
        match line {
            EnvironmentLine::Environment(row) => {
                let Some(row) = rows.get(*row) else { continue };
                let selected = cursor.selected.as_ref() == Some(&row.id);
                columns.row(buf, place, ctx, (row, selected));
            }
            EnvironmentLine::Heading(heading) => self::heading(buf, place, ctx, (heading, nth == index)),
        }
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// The first line that is shown in so many rows.
#[must_use]
pub(crate) fn first_line(store: &Store, rows: u16) -> usize {
    let cursor = &store.ui.environments;
    let (offset, index) = match sections::selected(store) {
        // without headings a line is a row
        Some(line) if !store.sections.is_empty() => (0, line),
        _ => (cursor.offset, cursor.index),
    };
    scrolled(offset, index, usize::from(rows))
}

/// `- Payments 3`; folded `+ Sandboxes 4 ✘ degraded !2`, so that nothing that needs a look is hidden.
fn heading(buf: &mut Buffer, place: Rect, ctx: &Ctx<'_>, (heading, chosen): (&Heading, bool)) {
    let theme = ctx.theme;
    let (pointer, over) = ctx.selection(chosen && heading.folded, Focus::Environments);
    let mut pen = Pen::new(buf, place, 0);
    pen.put(theme.accent, pointer).put(theme.key, if heading.folded { "+ " } else { "- " });
    pen.put(theme.title, &heading.name).fmt(theme.muted, format_args!(" {}", heading.count));
    if heading.folded {
        let (glyph, style) = ctx.health(heading.worst.class());
        pen.put(style, "  ").put(style, glyph).put(style, " ").put(style, heading.worst.word());
        if heading.needs_me > 0 {
            pen.fmt(theme.accent, format_args!(" !{}", heading.needs_me));
        }
    }
    if let Some(style) = over {
        buf.set_style(place, style);
    }
}

impl Columns {
    fn of(rows: &[EnvironmentRow], cells: u16, boxed: bool) -> Self {
        let several = several_applications(rows);
        let longest = if rows.iter().any(|row| row.cluster.is_some()) && cells >= 100 { 36 } else { 28 };
        let name = rows.iter().map(|row| name_width(row, several)).max().unwrap_or(8).clamp(8, longest);
        let said = rows.iter().all(|row| row.name.contains(&tier_word(row.tier).to_ascii_lowercase()[..3]));
        let tier = if said { 0 } else { 5 };
        // Not by what runs: the column would widen when a second version appears, and everything behind it would jump.
        let version = match cells {
            0..76 => 8,
            76..100 => 10,
            _ => 12,
        };
        // A number that is cut would be another number.
        let wanted = rows.iter().filter_map(|row| row.pods).map(|(_, wanted)| wanted).max().unwrap_or(0);
        let pods = width(Short::of(format_args!("{wanted}/{wanted}")).as_str()).max(5);
        // Pointer, number, two gaps, pods with its gap.
        let fixed = 4 + name + 1 + tier + version + 1 + pods + 1;
        let (labelled, reading, readings) = match cells.saturating_sub(fixed) {
            left if left >= 12 + 24 + 4 && !boxed => (true, 12, 2),
            left if left >= 12 + 16 + 3 => (false, 8, 2),
            left if left >= 12 + 8 + 3 => (false, 8, 1),
            _ => (false, 0, 0),
        };
        let status = cells.saturating_sub(fixed + readings * reading + 3);
        Self { name, tier, version, pods, status, reading, readings, labelled }
    }

    fn head(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>) {
        let (theme, style) = (ctx.theme, ctx.theme.muted);
        pen.skip(4).left(self.name + 1, style, theme, "NAME");
        if self.tier > 0 {
            pen.left(self.tier, style, theme, "TIER");
        }
        pen.left(self.version + 1, style, theme, "VERSION");
        pen.right(self.pods, style, format_args!("PODS")).skip(1);
        pen.left(self.status, style, theme, "STATUS");
        if self.readings > 0 {
            pen.right(self.reading, style, format_args!("ERRORS"));
        }
        if self.readings > 1 {
            pen.right(self.reading, style, format_args!("P95"));
        }
    }

    fn row(&self, buf: &mut Buffer, line: Rect, ctx: &Ctx<'_>, (row, selected): (&EnvironmentRow, bool)) {
        let (theme, several) = (ctx.theme, several_applications(&ctx.store.rows.environments));
        let (pointer, over) = ctx.selection(selected, Focus::Environments);
        let mut pen = Pen::new(buf, line, 0);
        pen.put(theme.accent, pointer).fmt(theme.key, format_args!("{:<2}", row.number)).skip(1);
        let name = theme.tier(row.tier);
        let at = pen.column();
        // What tells two rows apart comes before the rest of their names.
        let cluster =
            row.cluster.as_ref().map_or(0, |cluster| (width(cluster) + 1).min((self.name / 2).max(6)));
        let cells = self.name - cluster;
        if several {
            pen.cut(cells.saturating_sub(4), theme.text, theme, &row.application)
                .put(theme.muted, theme.glyphs.dot);
            let left = cells.saturating_sub(pen.column() - at);
            pen.cut(left, name, theme, &row.name);
        } else {
            pen.cut(cells, name, theme, &row.name);
        }
        if let Some(context) = &row.cluster {
            pen.put(theme.muted, "@");
            let left = self.name.saturating_sub(pen.column() - at);
            pen.name(left, theme.muted, theme, context);
        }
        pen.to(at + self.name + 1);
        if self.tier > 0 {
            pen.left(self.tier, name, theme, tier_word(row.tier));
        }
        self.version(&mut pen, ctx, row);
        pods(&mut pen, ctx, row, self.pods);
        let at = pen.column();
        self.status(&mut pen, ctx, row);
        pen.to(at + self.status);
        if self.readings > 0 {
            self.reading(&mut pen, ctx, ("err", Unit::Ratio), row.error_rate);
        }
        if self.readings > 1 {
            self.reading(&mut pen, ctx, ("p95", Unit::Seconds), row.latency);
        }
        if row.needs_me > 0 {
            pen.fmt(theme.accent, format_args!(" !{}", row.needs_me));
        }
        if let Some(style) = over {
            buf.set_style(line, style);
        }
    }

    fn version(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, row: &EnvironmentRow) {
        let theme = ctx.theme;
        match &*row.versions {
            [] => pen.left(self.version + 1, theme.unknown, theme, "?"),
            [one] => pen.left(self.version, theme.text, theme, one).skip(1),
            [first, rest @ ..] => {
                let at = pen.column();
                let more = Short::of(format_args!("+{}", rest.len()));
                let cells = self.version.saturating_sub(width(more.as_str()));
                pen.cut(cells, theme.text, theme, first).put(theme.warning, more.as_str());
                pen.to(at + self.version + 1)
            }
        };
    }

    /// Word, weight, step, version: whatever there is room for, and never into the next column.
    fn status(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, row: &EnvironmentRow) {
        let theme = ctx.theme;
        let (glyph, style) = ctx.health(row.health.class());
        let end = pen.column() + self.status;
        pen.put(style, glyph).put(style, " ");
        let left = |pen: &Pen<'_>| end.saturating_sub(pen.column() + 1);
        let room = left(pen);
        pen.cut(room, style, theme, row.health.word());
        alerts(pen, ctx, row, left(pen));
        for (wanted, style, word) in [
            (row.frozen.is_some(), theme.warning, " FROZEN"),
            (row.debts > 0, theme.failing, " DEBT"),
            (row.unattested, theme.failing, " UNATTESTED"),
        ] {
            if wanted && left(pen) >= width(word) {
                pen.put(style, word);
            }
        }
        if let Some(active) = &row.active {
            let weight = active.weight.map(|weight| Short::of(format_args!(" {weight}%")));
            let step = active.steps.map(|(step, all)| Short::of(format_args!(" {step}/{all}")));
            for word in [weight, step].into_iter().flatten() {
                if left(pen) >= width(word.as_str()) {
                    pen.put(style, word.as_str());
                }
            }
            let room = left(pen);
            if room > 3 {
                pen.put(theme.muted, " ").put(theme.muted, theme.glyphs.arrow);
                pen.cut(room - 1, theme.text, theme, &active.version);
            }
        } else if let Some(failed) = &row.failed {
            if left(pen) > 3 {
                pen.put(theme.muted, " ");
                let room = left(pen);
                pen.cut(room, theme.text, theme, &failed.version);
            }
            if row.health != Health::Errored && left(pen) > 3 {
                pen.put(style, " ");
                let room = left(pen);
                pen.cut(room, theme.failing, theme, failed.phase.as_str());
            }
        } else if let Some(healthy) = row.healthy_for.filter(|_| row.health == Health::Healthy) {
            let text = Short::of(format_args!(" for {}", Age::of(healthy)));
            if width(text.as_str()) <= left(pen) {
                pen.put(theme.muted, text.as_str());
            }
        }
        if !row.reason.is_empty() && left(pen) > 8 {
            pen.put(style, ": ");
            let room = left(pen);
            pen.cut(room, theme.text, theme, &row.reason);
        }
    }

    fn reading(&self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, (label, unit): (&str, Unit), reading: Reading) {
        let theme = ctx.theme;
        let mut cells = self.reading;
        if self.labelled {
            pen.put(theme.muted, " ").put(theme.muted, label);
            cells -= 4;
        }
        match reading.value {
            None => pen.right(cells, theme.unknown, format_args!("no data")),
            Some(value) if reading.is_over() => {
                let glyph = theme.glyphs.failing;
                pen.right(cells, theme.failing, format_args!("{glyph}{}", Value(unit, value)))
            }
            Some(value) => pen.right(cells, theme.text, format_args!("{}", Value(unit, value))),
        };
    }
}

fn pods(pen: &mut Pen<'_>, ctx: &Ctx<'_>, row: &EnvironmentRow, cells: u16) {
    let style = match row.pods {
        Some((ready, wanted)) if ready < wanted => ctx.theme.warning,
        _ => ctx.theme.text,
    };
    match row.pods {
        Some((ready, wanted)) => pen.right(cells, style, format_args!("{ready}/{wanted}")),
        None => pen.right(cells, ctx.theme.unknown, format_args!("?")),
    };
    pen.skip(1);
}

/// How many alerts fire, in words or, where there is no room for them, as a number beside a glyph.
fn alerts(pen: &mut Pen<'_>, ctx: &Ctx<'_>, row: &EnvironmentRow, room: u16) {
    let Some(count) = row.alerts.filter(|count| count.firing > 0) else { return };
    let (glyph, style) = firing(ctx, count);
    let words = match count.firing {
        1 => Short::of(format_args!(" 1 alert")),
        several => Short::of(format_args!(" {several} alerts")),
    };
    let number = Short::of(format_args!(" {glyph}{}", count.firing));
    if let Some(word) = [words, number].iter().find(|word| width(word.as_str()) <= room) {
        pen.put(style, word.as_str());
    }
}

/// Glyph and style of alerts that fire.
pub(super) fn firing(ctx: &Ctx<'_>, count: AlertCount) -> (&'static str, Style) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    if count.is_critical { (glyphs.failing, theme.failing) } else { (glyphs.warning, theme.warning) }
}

fn several_applications(rows: &[EnvironmentRow]) -> bool {
    rows.windows(2).any(|pair| pair[0].application != pair[1].application)
}

fn name_width(row: &EnvironmentRow, several: bool) -> u16 {
    let cluster = row.cluster.as_ref().map_or(0, |cluster| width(cluster) + 1);
    width(&row.name) + cluster + if several { width(&row.application) + 1 } else { 0 }
}

/// Nothing of a row's height depends on its content.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    if boxed { area.height.saturating_sub(3) } else { area.height }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, burning, canary_paused, planera};
    use crate::ui::theme::Theme;

    /// The lines of the pane, cell by cell.
    fn lines(world: &World, (width, boxed): (u16, bool)) -> Vec<String> {
        let theme = Theme::named("mono");
        let area = Rect::new(0, 0, width, 6);
        let mut buf = Buffer::empty(area);
        draw(&mut buf, area, &Ctx::new(&world.store, &theme, boxed));
        let row = |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect();
        buf.content.chunks(usize::from(width)).map(row).collect()
    }

    /// Where the numbers of the last column end on production's line.
    fn end_of_latency(world: &World, size: (u16, bool)) -> Option<usize> {
        let shown = lines(world, size);
        let line = shown.iter().find(|line| line.contains("production"))?;
        let at = line.rfind("ms")?;
        Some(line[..at].chars().count())
    }

    #[test]
    fn however_many_pods_there_are_their_number_is_whole() {
        let mut world = planera();
        for row in &mut world.store.rows.environments {
            row.pods = Some((4_999, 5_007));
        }
        for size in [(72, true), (80, false), (110, true)] {
            let drawn = lines(&world, size);
            assert!(drawn.iter().any(|line| line.contains(" 4999/5007 ")), "{size:?}: {drawn:#?}");
        }
    }

    #[test]
    fn no_column_moves_whatever_a_release_does() {
        let mut two = burning();
        for row in &mut two.store.rows.environments {
            row.versions = vec!["v1.10.12".into(), "v1.8.2".into()];
            row.health = Health::RollingBack;
            if let Some(active) = &mut row.active {
                (active.weight, active.steps) = (Some(100), Some((12, 12)));
            }
        }
        for size in [(72, true), (66, true), (80, false), (110, true)] {
            let calm = end_of_latency(&planera(), size);
            assert!(calm.is_some(), "{size:?}: {:#?}", lines(&planera(), size));
            for world in [&burning(), &two, &canary_paused()] {
                assert_eq!(end_of_latency(world, size), calm, "{size:?}: {:#?}", lines(world, size));
            }
        }
    }

    #[test]
    fn a_canary_says_its_weight_and_its_step() {
        for size in [(72, true), (80, false)] {
            let shown = lines(&canary_paused(), size);
            assert!(shown.iter().any(|line| line.contains("▲ canary 10% 2/10")), "{shown:#?}");
        }
    }
}
