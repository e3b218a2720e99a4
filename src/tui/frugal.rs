//! A terminal that is written to only where something differs: a frame that looks like the last one costs nothing, the others are one
//! piece each (synchronized output), where the terminal can do that; others ignore the marks.

use std::io::{self, Write};

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// A [`CrosstermBackend`] that says nothing twice.
pub(super) struct Frugal<W: Write> {
    terminal: CrosstermBackend<W>,
    /// Where the cursor is shown; absent while it is hidden.
    cursor: Option<Position>,
    /// Something of this frame is written.
    begun: bool,
}

impl<W: Write> Frugal<W> {
    /// A terminal whose cursor is hidden.
    pub(super) const fn new(writer: W) -> Self {
        Self { terminal: CrosstermBackend::new(writer), cursor: None, begun: false }
    }

    /// The cursor is hidden again, by somebody else.
    pub(super) const fn cursor_was_hidden(&mut self) {
        self.cursor = None;
    }

    /// Writes something that belongs to no frame.
    pub(super) fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.terminal.write_all(bytes)?;
        Write::flush(&mut self.terminal)
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            queue!(self.terminal, BeginSynchronizedUpdate)?;
        }
        Ok(())
    }
}

impl<W: Write> Backend for Frugal<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.begin()?;
        // the cursor is where the last cell was written
        if let Some(position) = &mut self.cursor {
            *position = Position::new(u16::MAX, u16::MAX);
        }
        self.terminal.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor.take().is_none() {
            return Ok(());
        }
        self.begin()?;
        self.terminal.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor.is_some() {
            return Ok(());
        }
        self.begin()?;
        self.cursor = Some(Position::new(u16::MAX, u16::MAX));
        self.terminal.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.terminal.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Some(position) {
            return Ok(());
        }
        self.begin()?;
        self.cursor = self.cursor.map(|_| position);
        self.terminal.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.begin()?;
        self.terminal.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.begin()?;
        self.terminal.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.terminal.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.begun) {
            queue!(self.terminal, EndSynchronizedUpdate)?;
        }
        Backend::flush(&mut self.terminal)
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
        to: (&Paper, &mut Frugal<Paper>),
        symbol: Option<&'static str>,
        cursor: Option<Position>,
    ) -> String {
        let (paper, frugal) = to;
        let cell = Cell::new(symbol.unwrap_or_default());
        frugal.draw(symbol.iter().map(|_| (3, 1, &cell))).unwrap();
        match cursor {
            Some(position) => {
                frugal.show_cursor().unwrap();
                frugal.set_cursor_position(position).unwrap();
            }
            None => frugal.hide_cursor().unwrap(),
        }
        Backend::flush(frugal).unwrap();
        String::from_utf8(paper.0.take()).unwrap()
    }

    #[test]
    fn a_frame_in_which_nothing_differs_costs_nothing() {
        let paper = Paper::default();
        let mut frugal = Frugal::new(paper.clone());
        assert_eq!(frame((&paper, &mut frugal), None, None), "");
        let drawn = frame((&paper, &mut frugal), Some("x"), None);
        assert!(drawn.starts_with("\x1b[?2026h\x1b[2;4Hx") && drawn.ends_with("\x1b[?2026l"), "{drawn:?}");
        assert!(!drawn.contains("?25"), "the cursor is hidden already: {drawn:?}");
        let at = Position::new(5, 0);
        assert_eq!(frame((&paper, &mut frugal), None, Some(at)), "\x1b[?2026h\x1b[?25h\x1b[1;6H\x1b[?2026l");
        assert_eq!(frame((&paper, &mut frugal), None, Some(at)), "", "it stands there already");
        let drawn = frame((&paper, &mut frugal), Some("y"), Some(at));
        assert!(drawn.contains("\x1b[1;6H"), "cells that are written take it away: {drawn:?}");
        assert_eq!(frame((&paper, &mut frugal), None, None), "\x1b[?2026h\x1b[?25l\x1b[?2026l");
        assert_eq!(frame((&paper, &mut frugal), None, None), "");
    }
}
