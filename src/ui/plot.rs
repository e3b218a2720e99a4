//! Curves over time in a rectangle of cells: braille dots (two by four in a cell) or one character per cell.
//!
//! What is drawn later lies on top, except that dots of curves are merged within a cell; so draw limits and markers first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::glyphs::Glyphs;

/// What the rectangle's edges stand for. The lower edge is always 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// Unix seconds at the left edge.
    pub from: f64,
    /// Unix seconds at the right edge.
    pub to: f64,
    /// Value at the upper edge; above 0.
    pub top: f64,
}

/// Both ends of the time that ends about now, moved on by whole dots only: a curve that has not changed is not drawn anew every second.
/// The present is never beyond the right edge.
#[must_use]
pub(crate) fn whole_dots(now: f64, seconds: f64, cells: u16, glyphs: &Glyphs) -> (f64, f64) {
    let dot = seconds / f64::from(cells.saturating_mul(density(glyphs).0).max(1));
    let to = (now / dot).ceil() * dot;
    (to - seconds, to)
}

/// Dots per cell, across and down.
const fn density(glyphs: &Glyphs) -> (u16, u16) {
    if glyphs.braille { (2, 4) } else { (1, 1) }
}

/// How a curve is drawn, so that two are told apart also without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stroke {
    /// Unbroken.
    #[default]
    Whole,
    /// In dashes.
    Dashed,
    /// In single dots.
    Dotted,
}

impl Stroke {
    /// Whether there is a dot in that column.
    const fn covers(self, x: i32) -> bool {
        match self {
            Self::Whole => true,
            Self::Dashed => x.rem_euclid(8) < 4,
            Self::Dotted => x.rem_euclid(3) == 0,
        }
    }
}

/// A rectangle with a scale.
pub(crate) struct Plot<'a> {
    buf: &'a mut Buffer,
    area: Rect,
    scale: Scale,
    glyphs: &'static Glyphs,
}

const BRAILLE: u32 = 0x2800;
/// Bits of a braille pattern by column and row of the dot, as Unicode numbers them.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

impl<'a> Plot<'a> {
    /// A plot in that area.
    pub(crate) fn new(buf: &'a mut Buffer, area: Rect, scale: Scale, glyphs: &'static Glyphs) -> Self {
        let area = area.intersection(buf.area);
        Self { buf, area, scale, glyphs }
    }

    /// The buffer's row on which that value lies; values beyond the upper edge lie on it.
    #[must_use]
    pub(crate) fn row(&self, value: f64) -> u16 {
        let (_, per_cell) = density(self.glyphs);
        self.area.top() + self.dot(self.scale.from, value).1 / per_cell
    }

    fn dot(&self, at: f64, value: f64) -> (u16, u16) {
        let (dx, dy) = density(self.glyphs);
        let columns = self.area.width.saturating_mul(dx);
        let rows = self.area.height.saturating_mul(dy);
        let x = (at - self.scale.from) / (self.scale.to - self.scale.from);
        let y = 1.0 - value / self.scale.top;
        (spread(x, columns), spread(y, rows))
    }

    /// A horizontal line at that value, in cells that are still free.
    pub(crate) fn limit(&mut self, value: f64, style: Style) {
        if self.area.is_empty() {
            return;
        }
        let y = self.row(value);
        for x in self.area.left()..self.area.right() {
            self.buf[(x, y)].set_symbol(self.glyphs.threshold).set_style(style);
        }
    }

    /// A vertical line at that time; nothing when it lies outside of the range.
    pub(crate) fn marker(&mut self, at: f64, style: Style) {
        let Some(x) = self.column(at) else { return };
        for y in self.area.top()..self.area.bottom() {
            self.buf[(x, y)].set_symbol(self.glyphs.marker).set_style(style);
        }
    }

    /// The cursor: a vertical line at that time in cells that are still free.
    pub(crate) fn cursor(&mut self, at: f64, style: Style) {
        let Some(x) = self.column(at) else { return };
        for y in self.area.top()..self.area.bottom() {
            if self.is_free(x, y) {
                self.buf[(x, y)].set_symbol(self.glyphs.cursor).set_style(style);
            }
        }
    }

    /// Fills what of a run lies beyond a limit, from the limit to the curve, so that it is seen without colour too. `is_beyond`
    /// compares a value with the limit.
    pub(crate) fn excess(
        &mut self,
        points: &[(f64, f64)],
        limit: f64,
        style: Style,
        is_beyond: impl Fn(f64, f64) -> bool,
    ) {
        if self.area.is_empty() {
            return;
        }
        let edge = self.dot(self.scale.from, limit).1;
        let visible = |at: f64| at >= self.scale.from && at <= self.scale.to;
        let pairs = points.windows(2).filter(|pair| visible(pair[0].0) && visible(pair[1].0));
        for (from, to) in pairs.map(|pair| (pair[0], pair[1])).collect::<Vec<_>>() {
            let (first, last) = (self.dot(from.0, 0.0).0, self.dot(to.0, 0.0).0);
            let columns = f64::from(last.saturating_sub(first).max(1));
            for x in first..=last {
                let value = from.1 + (to.1 - from.1) * f64::from(x - first) / columns;
                if !is_beyond(value, limit) {
                    continue;
                }
                let y = self.dot(from.0, value.max(0.0)).1;
                for y in y.min(edge)..=y.max(edge) {
                    self.fill(x, y, style);
                }
            }
        }
    }

    fn fill(&mut self, x: u16, y: u16, style: Style) {
        if self.glyphs.braille {
            self.set(i32::from(x), i32::from(y), style, 0);
        } else if let Some(cell) = self.buf.cell_mut((self.area.left() + x, self.area.top() + y)) {
            cell.reset();
            cell.set_symbol(self.glyphs.excess);
            cell.set_style(style);
        }
    }

    /// A label beside the line at that time, as near the top as it covers neither a curve nor another label. Where there is no such
    /// place the line stands alone. To be drawn after curves.
    pub(crate) fn label(&mut self, at: f64, style: Style, label: &str) {
        let Some(x) = self.column(at).filter(|_| !label.is_empty()) else { return };
        let cells = crate::ui::format::width(label);
        let left = x.checked_sub(cells).filter(|left| *left >= self.area.left());
        let right = (cells < self.area.right().saturating_sub(x)).then_some(x + 1);
        // what happened several times at once is said once
        if [right, left].into_iter().flatten().any(|from| self.says(from, label)) {
            return;
        }
        for y in self.area.top()..self.area.bottom() {
            // With a cell on either side, so that two labels never read as one word.
            let free = |from: &u16| {
                let first = from.saturating_sub(1).max(self.area.left());
                (first..(from + cells + 1).min(self.area.right())).all(|x| self.is_free(x, y))
            };
            if let Some(from) = [right, left].into_iter().flatten().find(free) {
                self.buf.set_stringn(from, y, label, usize::from(cells), style);
                return;
            }
        }
    }

    /// In some row that text stands from that column on.
    fn says(&self, from: u16, text: &str) -> bool {
        let stands = |y: u16| {
            let mut cells = (from..self.area.right()).map(|x| self.buf[(x, y)].symbol());
            let mut characters = [0; 4];
            text.chars().all(|c| cells.next() == Some(&*c.encode_utf8(&mut characters)))
        };
        (self.area.top()..self.area.bottom()).any(stands)
    }

    fn column(&self, at: f64) -> Option<u16> {
        let inside = !self.area.is_empty() && at >= self.scale.from && at <= self.scale.to;
        let (dx, _) = density(self.glyphs);
        inside.then(|| self.area.left() + self.dot(at, 0.0).0 / dx)
    }

    /// Nothing is there that a label would hide, but lines.
    fn is_free(&self, x: u16, y: u16) -> bool {
        let glyphs = self.glyphs;
        let symbol = self.buf[(x, y)].symbol();
        symbol == " " || symbol == glyphs.marker || symbol == glyphs.threshold || symbol == glyphs.cursor
    }

    /// One unbroken run of a curve. `index` tells curves apart where only characters are shown, where no curve is dashed.
    pub(crate) fn run(&mut self, points: &[(f64, f64)], style: Style, (index, stroke): (usize, Stroke)) {
        if self.area.is_empty() {
            return;
        }
        let mut last: Option<(u16, u16)> = None;
        for &(at, value) in points {
            if at < self.scale.from || at > self.scale.to || !value.is_finite() {
                last = None;
                continue;
            }
            let dot = self.dot(at, value.max(0.0));
            self.line(last.unwrap_or(dot), dot, style, (index, stroke));
            last = Some(dot);
        }
    }

    /// Bresenham's line between two dots.
    fn line(&mut self, from: (u16, u16), to: (u16, u16), style: Style, (index, stroke): (usize, Stroke)) {
        let (mut x, mut y) = (i32::from(from.0), i32::from(from.1));
        let (x1, y1) = (i32::from(to.0), i32::from(to.1));
        let (dx, dy) = ((x1 - x).abs(), -(y1 - y).abs());
        let (step_x, step_y) = ((x1 - x).signum(), (y1 - y).signum());
        let mut error = dx + dy;
        loop {
            if !self.glyphs.braille || stroke.covers(x) {
                self.set(x, y, style, index);
            }
            if (x, y) == (x1, y1) {
                return;
            }
            let twice = error * 2;
            if twice >= dy {
                error += dy;
                x += step_x;
            }
            if twice <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    fn set(&mut self, x: i32, y: i32, style: Style, index: usize) {
        let (Ok(x), Ok(y)) = (u16::try_from(x), u16::try_from(y)) else { return };
        let (dx, dy) = density(self.glyphs);
        let Some(cell) = self.buf.cell_mut((self.area.left() + x / dx, self.area.top() + y / dy)) else {
            return;
        };
        if self.glyphs.braille {
            let bits = pattern(cell.symbol()) | DOTS[usize::from(x % 2)][usize::from(y % 4)];
            cell.reset();
            cell.set_char(char::from_u32(BRAILLE + u32::from(bits)).unwrap_or(' '));
        } else {
            cell.reset();
            cell.set_symbol(self.glyphs.curves[index % self.glyphs.curves.len()]);
        }
        cell.set_style(style);
    }
}

/// The dots that a symbol already shows.
fn pattern(symbol: &str) -> u8 {
    let code = symbol.chars().next().map_or(0, u32::from);
    code.checked_sub(BRAILLE).and_then(|bits| u8::try_from(bits).ok()).unwrap_or(0)
}

/// A fraction of 0 to 1 as one of `count` places.
fn spread(fraction: f64, count: u16) -> u16 {
    let last = f64::from(count.saturating_sub(1));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=last, which is a u16"
    )]
    let place = (fraction * last).round().clamp(0.0, last) as u16;
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::glyphs::{ASCII, UNICODE};

    #[test]
    fn the_time_axis_moves_by_whole_dots() {
        let (cells, seconds) = (90, 1_800.0);
        let dot = 10.0;
        let axis = |now: f64| whole_dots(now, seconds, cells, &UNICODE);
        assert_eq!(axis(5_000.0), (3_200.0, 5_000.0));
        for part in [0.1, 1.0, 5.0, 9.9] {
            assert_eq!(axis(5_000.0 + part), (3_210.0, 5_010.0), "one picture for {dot} seconds");
        }
        assert_eq!(axis(5_010.1), (3_220.0, 5_020.0));
        assert_eq!(whole_dots(5_001.0, seconds, cells, &ASCII), (3_220.0, 5_020.0), "dots are cells here");
        assert!(whole_dots(5_000.0, seconds, 0, &UNICODE).1 >= 5_000.0);
    }

    fn drawn(glyphs: &'static Glyphs, draw: impl FnOnce(&mut Plot<'_>)) -> Vec<String> {
        let area = Rect::new(0, 0, 8, 3);
        let mut buf = Buffer::empty(area);
        draw(&mut Plot::new(&mut buf, area, Scale { from: 0.0, to: 70.0, top: 1.0 }, glyphs));
        buf.content.chunks(8).map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect()).collect()
    }

    #[test]
    fn a_curve_runs_from_corner_to_corner() {
        let rows =
            drawn(&UNICODE, |plot| plot.run(&[(0.0, 0.0), (70.0, 1.0)], Style::new(), (0, Stroke::Whole)));
        assert!(rows[2].starts_with('⣀') || rows[2].starts_with('⡠'), "{rows:?}");
        assert!(rows[0].ends_with('⠉') || rows[0].ends_with('⠊'), "{rows:?}");
    }

    #[test]
    fn labels_cover_neither_each_other_nor_a_curve() {
        let rows = drawn(&ASCII, |plot| {
            let markers = [
                (0.0, "v1.8.2"),
                (0.0, "v1.8.2"),
                (10.0, "10%"),
                (10.0, "10%"),
                (20.0, "50%"),
                (30.0, "gone"),
            ];
            for (at, _) in markers {
                plot.marker(at, Style::new());
            }
            plot.run(&[(50.0, 1.0), (70.0, 1.0)], Style::new(), (0, Stroke::Whole));
            for (at, label) in markers {
                plot.label(at, Style::new(), label);
            }
        });
        assert_eq!(rows, [":::: ***", ":v1.8.2 ", "::10%   "]);
    }

    #[test]
    fn a_dashed_curve_has_gaps_and_a_whole_one_has_none() {
        for (stroke, gaps) in [(Stroke::Whole, false), (Stroke::Dashed, true)] {
            let rows =
                drawn(&UNICODE, |plot| plot.run(&[(0.0, 0.0), (70.0, 0.0)], Style::new(), (0, stroke)));
            assert_eq!(rows[2].contains(' '), gaps, "{rows:?}");
        }
    }

    #[test]
    fn curves_are_merged_within_a_cell_and_lie_on_the_limit() {
        let rows = drawn(&UNICODE, |plot| {
            plot.limit(0.5, Style::new());
            plot.run(&[(0.0, 0.5), (0.0, 0.5)], Style::new(), (0, Stroke::Whole));
            plot.run(&[(0.0, 0.6), (0.0, 0.6)], Style::new(), (1, Stroke::Whole));
        });
        assert!(rows[1].ends_with('┄'), "{rows:?}");
        assert_eq!(pattern(&rows[1]).count_ones(), 2, "{rows:?}");
    }

    #[test]
    fn what_lies_beyond_a_limit_is_filled_on_either_side() {
        let climb = [(0.0, 0.0), (70.0, 1.0)];
        let above =
            drawn(&ASCII, |plot| plot.excess(&climb, 0.5, Style::new(), |value, limit| value > limit));
        assert_eq!(above, ["      ##", "    ####", "        "]);
        let below =
            drawn(&ASCII, |plot| plot.excess(&climb, 0.5, Style::new(), |value, limit| value < limit));
        assert_eq!(below, ["        ", "####    ", "##      "]);
        let dots =
            drawn(&UNICODE, |plot| plot.excess(&climb, 0.5, Style::new(), |value, limit| value > limit));
        assert!(dots[0].ends_with('⣾') && dots[1].ends_with('⠿') && dots[2].trim().is_empty(), "{dots:?}");
    }

    #[test]
    fn a_cursor_hides_no_curve() {
        let rows = drawn(&ASCII, |plot| {
            plot.run(&[(0.0, 0.0), (70.0, 0.0)], Style::new(), (0, Stroke::Whole));
            plot.cursor(30.0, Style::new());
        });
        assert_eq!(rows, ["   |    ", "   |    ", "********"]);
    }

    #[test]
    fn ascii_curves_differ_by_their_characters() {
        let rows = drawn(&ASCII, |plot| {
            plot.run(&[(0.0, 0.0), (70.0, 0.0)], Style::new(), (0, Stroke::Whole));
            plot.run(&[(0.0, 1.0), (70.0, 1.0)], Style::new(), (1, Stroke::Whole));
        });
        assert_eq!(rows, ["xxxxxxxx", "        ", "********"]);
    }

    #[test]
    fn samples_outside_of_the_range_and_without_a_value_break_the_curve() {
        let rows = drawn(&ASCII, |plot| {
            plot.run(
                &[(-10.0, 0.0), (0.0, 0.0), (30.0, f64::NAN), (70.0, 0.0), (99.0, 1.0)],
                Style::new(),
                (0, Stroke::Whole),
            );
        });
        assert_eq!(rows[2], "*      *");
    }

    #[test]
    fn an_empty_area_takes_everything() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 1, 1));
        let mut plot =
            Plot::new(&mut buf, Rect::new(5, 5, 0, 0), Scale { from: 0.0, to: 1.0, top: 1.0 }, &UNICODE);
        plot.limit(0.5, Style::new());
        plot.marker(0.5, Style::new());
        plot.label(0.5, Style::new(), "v1");
        plot.run(&[(0.0, 0.0), (1.0, 1.0)], Style::new(), (0, Stroke::Whole));
    }
}
