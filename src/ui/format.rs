//! Texts for cells: stable widths, and cuts that keep what tells names apart.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub(crate) use crate::app::quantity::{Exact, Unit, Value};

/// A short text on the stack, so that a column can measure what it is about to draw without an allocation. What does not fit is
/// dropped at a character's boundary.
#[derive(Clone, Copy)]
pub(crate) struct Short {
    bytes: [u8; 64],
    len: usize,
}

/// So many of something: `1 warning`, `2 warnings`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Many(pub usize, pub &'static str);

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

impl Short {
    /// The formatted text.
    #[must_use]
    pub(crate) fn of(args: fmt::Arguments<'_>) -> Self {
        let mut short = Self { bytes: [0; 64], len: 0 };
        // Truncation is this type's contract, so its only error carries nothing.
        let _ = fmt::Write::write_fmt(&mut short, args);
        short
    }

    /// The text.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - self.len;
        let cut = text.floor_char_boundary_at(room);
        self.bytes[self.len..self.len + cut].copy_from_slice(&text.as_bytes()[..cut]);
        self.len += cut;
        if cut < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// `str::floor_char_boundary`, which is newer than the oldest compiler that must build this.
trait FloorCharBoundary {
    fn floor_char_boundary_at(&self, index: usize) -> usize;
}

impl FloorCharBoundary for str {
    fn floor_char_boundary_at(&self, index: usize) -> usize {
        let mut index = index.min(self.len());
        while !self.is_char_boundary(index) {
            index -= 1;
        }
        index
    }
}

/// Cells that a text takes.
#[must_use]
pub(crate) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// The longest beginning of `text` that takes at most `cells` cells.
#[must_use]
pub(crate) fn head(text: &str, cells: u16) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > cells {
            return &text[..at];
        }
    }
    text
}

/// The longest end of `text` that takes at most `cells` cells.
#[must_use]
pub(crate) fn tail(text: &str, cells: u16) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > cells {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// A text for `cells` cells, cut in the middle because its end tells it apart: what to draw before and after the ellipsis. The
/// second part is absent when the text fits.
#[must_use]
pub(crate) fn cut_middle(text: &str, cells: u16) -> (&str, Option<&str>) {
    if width(text) <= cells {
        return (text, None);
    }
    // The random ends of pods' names (5 + 1 + some of the hash) tell more than their beginnings.
    let end = (cells.saturating_sub(1)).min((cells / 2).max(6));
    (head(text, cells.saturating_sub(1).saturating_sub(end)), Some(tail(text, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_in_the_middle() {
        for (text, cells, expected) in [
            ("backend-5b8f77-t7vzd", 20, "backend-5b8f77-t7vzd"),
            ("backend-5b8f77-t7vzd", 16, "backend…77-t7vzd"),
            ("backend-5b8f77-t7vzd", 8, "b…-t7vzd"),
            ("日本語の名前", 7, "…の名前"),
        ] {
            let (first, second) = cut_middle(text, cells);
            let shown = second.map_or(first.to_owned(), |second| format!("{first}…{second}"));
            assert_eq!(shown, expected);
            assert!(width(&shown) <= cells);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_cut_never_exceeds_its_room(text in ".{0,40}", cells in 0u16..30) {
            proptest::prop_assert!(width(head(&text, cells)) <= cells);
            proptest::prop_assert!(width(tail(&text, cells)) <= cells);
            let (first, second) = cut_middle(&text, cells);
            let used = width(first) + second.map_or(0, |second| width(second) + 1);
            proptest::prop_assert!(used <= cells.max(1));
        }

        #[test]
        fn a_short_text_is_a_beginning(text in ".{0,80}") {
            let short = Short::of(format_args!("{text}"));
            proptest::prop_assert!(text.starts_with(short.as_str()));
        }
    }
}
