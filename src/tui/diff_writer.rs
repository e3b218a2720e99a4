//! A terminal that is written to only where something differs: a frame that looks like the last one costs nothing, the others are one
//! piece each, marked as one (synchronized output) where they are long; terminals that do not know the marks ignore them.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// What is not longer arrives in one piece anyhow.
const SHORT: usize = 512;
/// Around what belongs together.
const MARKS: [&[u8]; 2] = [b"\x1b[?2026h", b"\x1b[?2026l"];
/// What crossterm writes after the last cell, and what comes to the same.
const RESETS: [&[u8]; 2] = [b"\x1b[39m\x1b[49m\x1b[59m\x1b[0m", b"\x1b[0m"];

/// A [`CrosstermBackend`] that says nothing twice.
pub(super) struct DiffWriter<W: Write> {
    out: W,
    /// The frame so far.
    frame: Vec<u8>,
    /// Where the cursor is shown; absent while it is hidden.
    cursor: Option<Position>,
}

/// The cursor is shown, and only the terminal knows where.
const SOMEWHERE: Position = Position::new(u16::MAX, u16::MAX);

impl<W: Write> DiffWriter<W> {
    /// A terminal whose cursor is hidden.
    pub(super) const fn new(out: W) -> Self {
        Self { out, frame: Vec::new(), cursor: None }
    }

    /// The cursor is hidden again, by somebody else.
    pub(super) const fn cursor_was_hidden(&mut self) {
        self.cursor = None;
    }

    /// Writes something that belongs to no frame.
    pub(super) fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    const fn terminal(&mut self) -> CrosstermBackend<&mut Vec<u8>> {
        CrosstermBackend::new(&mut self.frame)
    }
}

impl<W: Write> Backend for DiffWriter<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        // it is behind the last cell that was written
        self.cursor = self.cursor.map(|_| SOMEWHERE);
        self.terminal().draw(content)?;
        if self.frame.ends_with(RESETS[0]) {
            self.frame.truncate(self.frame.len() - RESETS[0].len());
            self.frame.extend_from_slice(RESETS[1]);
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        match self.cursor.take() {
            Some(_) => self.terminal().hide_cursor(),
            None => Ok(()),
        }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor.is_some() {
            return Ok(());
        }
        self.cursor = Some(SOMEWHERE);
        self.terminal().show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.terminal().get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Some(position) {
            return Ok(());
        }
        self.cursor = self.cursor.map(|_| position);
        self.terminal().set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.terminal().clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.terminal().clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        CrosstermBackend::new(io::sink()).size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.terminal().window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let marks = if self.frame.len() > SHORT { MARKS } else { [b"" as &[u8]; 2] };
        for part in [marks[0], &self.frame, marks[1]] {
            self.out.write_all(part)?;
        }
        self.frame.clear();
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Rc<RefCell<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a frame writes that has one cell or none, and the cursor there or nowhere.
    fn frame(
        to: (&Paper, &mut DiffWriter<Paper>),
        symbol: Option<&'static str>,
        cursor: Option<Position>,
    ) -> String {
        let (paper, diff_writer) = to;
        let cell = Cell::new(symbol.unwrap_or_default());
        diff_writer.draw(symbol.iter().map(|_| (3, 1, &cell))).unwrap();
        match cursor {
            Some(position) => {
                diff_writer.show_cursor().unwrap();
                diff_writer.set_cursor_position(position).unwrap();
            }
            None => diff_writer.hide_cursor().unwrap(),
        }
        Backend::flush(diff_writer).unwrap();
        String::from_utf8(paper.0.take()).unwrap()
    }

    #[test]
    fn a_frame_in_which_nothing_differs_costs_nothing() {
        let paper = Paper::default();
        let mut diff_writer = DiffWriter::new(paper.clone());
        assert_eq!(frame((&paper, &mut diff_writer), None, None), "");
        let drawn = frame((&paper, &mut diff_writer), Some("x"), None);
        assert_eq!(drawn, "\x1b[2;4Hx\x1b[0m", "and the cursor is hidden already");
        let at = Position::new(5, 0);
        assert_eq!(frame((&paper, &mut diff_writer), None, Some(at)), "\x1b[?25h\x1b[1;6H");
        assert_eq!(frame((&paper, &mut diff_writer), None, Some(at)), "", "it stands there already");
        let drawn = frame((&paper, &mut diff_writer), Some("y"), Some(at));
        assert!(drawn.ends_with("\x1b[1;6H"), "cells that are written take it away: {drawn:?}");
        assert_eq!(frame((&paper, &mut diff_writer), None, None), "\x1b[?25l");
        assert_eq!(frame((&paper, &mut diff_writer), None, None), "");
    }

    #[test]
    fn a_long_frame_is_marked_as_one() {
        let paper = Paper::default();
        let mut diff_writer = DiffWriter::new(paper.clone());
        let cells = vec![Cell::new("x"); 600];
        diff_writer.draw((0..).zip(&cells).map(|(x, cell)| (x, 0, cell))).unwrap();
        Backend::flush(&mut diff_writer).unwrap();
        let written = String::from_utf8(paper.0.take()).unwrap();
        assert!(written.starts_with("\x1b[?2026h\x1b[1;1Hxxx") && written.ends_with("\x1b[?2026l"));
    }
}
