//! A movement in a list.

/// A movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
}

impl Move {
    /// Where it leads from a row of a list of that many rows, of which a page is shown.
    pub(in crate::app) fn from(self, index: usize, len: usize, page: usize) -> usize {
        let last = len.saturating_sub(1);
        match self {
            Self::Up => index.saturating_sub(1),
            Self::Down => index + 1,
            Self::PageUp => index.saturating_sub(page),
            Self::PageDown => index + page,
            Self::Top => 0,
            Self::Bottom => last,
        }
        .min(last)
    }

    /// As [`Move::scroll`], where the last page begins with another line than paging by whole pages would tell.
    pub(in crate::app) fn scroll_by(
        self,
        offset: usize,
        len: usize,
        (last_page, page): (usize, usize),
    ) -> usize {
        let last = len.saturating_sub(last_page);
        self.from(offset, last + 1, page).min(last)
    }

    /// Where it leads from an offset into lines that are only scrolled.
    pub(in crate::app) fn scroll(self, offset: usize, len: usize, page: usize) -> usize {
        let last = len.saturating_sub(page);
        self.from(offset, last + 1, page).min(last)
    }
}
