//! Where in a text the eye is: how far it is scrolled, and what was searched for.

use crate::app::state::pattern::Pattern;

/// Cells that one step to the side moves.
const SIDE_STEP: usize = 8;
/// No line is longer than this, in cells.
const WIDEST: usize = 16 << 10;

/// Where in a text the eye is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextScroll {
    /// Lines scrolled past, of those that the filter lets through.
    pub offset: usize,
    /// Cells scrolled past to the right.
    pub column: usize,
    /// Long lines go on in the next row, instead of leaving the screen.
    pub wrap: bool,
    /// What is searched for.
    pub search: Option<Pattern>,
    /// The line that the search stands on, of those that the filter lets through.
    pub found: Option<usize>,
}

impl TextScroll {
    /// Moves to the side.
    pub fn aside(&mut self, right: bool) {
        self.column =
            if right { (self.column + SIDE_STEP).min(WIDEST) } else { self.column.saturating_sub(SIDE_STEP) };
    }

    /// Puts the eye on that line, in the middle of a page where it was not in sight.
    pub fn stand_on(&mut self, line: usize, height: usize) {
        self.found = Some(line);
        if line < self.offset || line >= self.offset + height {
            self.offset = line.saturating_sub(height / 2);
        }
    }

    /// Lines before it are gone.
    pub fn lost(&mut self, lines: usize) {
        self.offset = self.offset.saturating_sub(lines);
        self.found = self.found.and_then(|found| found.checked_sub(lines));
    }
}
