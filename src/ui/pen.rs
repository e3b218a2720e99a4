//! Writing on one line of the buffer, from left to right, without allocation and without leaving the line.

use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::ui::format::{Short, cut_middle, head, width};
use crate::ui::theme::Theme;

/// Writes on one line. Everything beyond its end is cut; a pen outside of its area writes nothing.
pub(crate) struct Pen<'a> {
    buf: &'a mut Buffer,
    x: u16,
    y: u16,
    end: u16,
}

impl<'a> Pen<'a> {
    /// A pen at the beginning of that row of the area, counted from 0.
    pub(crate) fn new(buf: &'a mut Buffer, area: Rect, row: u16) -> Self {
        let area = area.intersection(buf.area);
        let end = if row < area.height { area.right() } else { area.left() };
        Self { x: area.left(), y: area.top().saturating_add(row), end, buf }
    }

    /// Cells that are left.
    #[must_use]
    pub(crate) const fn room(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// The column where the next text begins.
    #[must_use]
    pub(crate) const fn column(&self) -> u16 {
        self.x
    }

    /// Writes text and moves on.
    pub(crate) fn put(&mut self, style: Style, text: &str) -> &mut Self {
        if self.x < self.end {
            let room = usize::from(self.room());
            (self.x, _) = self.buf.set_stringn(self.x, self.y, text, room, style);
        }
        self
    }

    /// Writes formatted text and moves on.
    pub(crate) fn fmt(&mut self, style: Style, args: fmt::Arguments<'_>) -> &mut Self {
        if let Some(text) = args.as_str() {
            return self.put(style, text);
        }
        // The adapter never fails: cutting is what a pen does.
        let _ = fmt::Write::write_fmt(&mut Styled(self, style), args);
        self
    }

    /// Leaves cells as they are.
    pub(crate) fn skip(&mut self, cells: u16) -> &mut Self {
        self.x = self.x.saturating_add(cells).min(self.end);
        self
    }

    /// Goes to that column of the buffer, if it lies ahead.
    pub(crate) fn to(&mut self, column: u16) -> &mut Self {
        self.x = self.x.max(column).min(self.end);
        self
    }

    /// A column of fixed width: text to the left, cut at its end.
    pub(crate) fn left(&mut self, cells: u16, style: Style, theme: &Theme, text: &str) -> &mut Self {
        let cells = cells.min(self.room());
        let next = self.x + cells;
        self.cut(cells, style, theme, text);
        self.x = next;
        self
    }

    /// Writes text in at most `cells` cells, cut at its end.
    pub(crate) fn cut(&mut self, cells: u16, style: Style, theme: &Theme, text: &str) -> &mut Self {
        let cells = cells.min(self.room());
        if width(text) <= cells {
            self.put(style, text)
        } else if cells == 0 {
            self
        } else {
            self.put(style, head(text, cells - 1)).put(style, theme.glyphs.ellipsis)
        }
    }

    /// A column of fixed width: text to the left, cut in its middle.
    pub(crate) fn name(&mut self, cells: u16, style: Style, theme: &Theme, text: &str) -> &mut Self {
        let cells = cells.min(self.room());
        let next = self.x + cells;
        let (first, second) = cut_middle(text, cells);
        self.put(style, first);
        if let Some(second) = second {
            self.put(style, theme.glyphs.ellipsis).put(style, second);
        }
        self.x = next;
        self
    }

    /// A column of fixed width: a number to the right. One that is too long is `###`, as in a spreadsheet: cut, it would be another number.
    pub(crate) fn right(&mut self, cells: u16, style: Style, args: fmt::Arguments<'_>) -> &mut Self {
        const TOO_LONG: &str = "################";
        let wanted = cells;
        let cells = cells.min(self.room());
        let next = self.x + cells;
        let text = Short::of(args);
        let is_whole = width(text.as_str()) <= wanted;
        let shown = head(if is_whole { text.as_str() } else { TOO_LONG }, cells);
        self.x += cells - width(shown).min(cells);
        self.put(style, shown);
        self.x = next;
        self
    }

    /// Writes at the line's end, and keeps what follows out of it. Nothing when the room is too small.
    pub(crate) fn last(&mut self, style: Style, args: fmt::Arguments<'_>) -> &mut Self {
        let text = Short::of(args);
        let cells = width(text.as_str());
        if cells > 0 && cells < self.room() {
            let at = self.end - cells;
            self.buf.set_stringn(at, self.y, text.as_str(), usize::from(cells), style);
            self.end = at.saturating_sub(1);
        }
        self
    }

    /// Writes at that column of the line, and keeps what follows out of it, as [`Pen::last`] does.
    pub(crate) fn last_at(&mut self, column: u16, write: impl FnOnce(&mut Pen<'_>)) -> &mut Self {
        if column > self.x && column < self.end {
            write(&mut Pen { buf: self.buf, x: column, y: self.y, end: self.end });
            self.end = column.saturating_sub(1);
        }
        self
    }

    /// Undoes the gap that [`Pen::last`] keeps, so that the next one joins what it wrote.
    pub(crate) const fn close(&mut self) -> &mut Self {
        self.end = self.end.saturating_add(1);
        self
    }

    /// Repeats a glyph up to the end.
    pub(crate) fn rule(&mut self, style: Style, glyph: &str) -> &mut Self {
        while self.x < self.end {
            self.put(style, glyph);
        }
        self
    }
}

struct Styled<'a, 'b>(&'a mut Pen<'b>, Style);

impl fmt::Write for Styled<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(self.1, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn a_number_is_whole_or_none() {
        for (cells, expected) in [(6, " 12/34"), (5, "12/34"), (4, "####"), (0, "")] {
            let area = Rect::new(0, 0, 8, 1);
            let mut buf = Buffer::empty(area);
            Pen::new(&mut buf, area, 0).right(cells, Style::new(), format_args!("12/34"));
            let drawn: String = (0..cells).map(|x| buf[(x, 0)].symbol()).collect();
            assert_eq!(drawn, expected);
        }
    }
}
