//! Numbers and names for people: two significant digits, stable widths, cuts that keep what tells names apart.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What a query's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1, shown in per cent.
    Ratio,
    /// Seconds.
    Seconds,
    /// Anything else.
    Number,
}

/// A number of a unit, as the screen writes it: `0.42%`, `312ms`, `1.2s`, `4.2k`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value(pub Unit, pub f64);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(unit, value) = *self;
        if !value.is_finite() {
            return f.write_str("no data");
        }
        match unit {
            Unit::Ratio => percent(f, value * 100.0),
            Unit::Seconds => seconds(f, value),
            Unit::Number => number(f, value),
        }
    }
}

fn percent(f: &mut fmt::Formatter<'_>, percent: f64) -> fmt::Result {
    if percent > 0.0 && percent < 0.005 {
        f.write_str("<0.01%")
    } else if percent == 0.0 {
        f.write_str("0%")
    } else {
        two_digits(f, percent)?;
        f.write_str("%")
    }
}

fn seconds(f: &mut fmt::Formatter<'_>, seconds: f64) -> fmt::Result {
    let millis = seconds * 1_000.0;
    if millis == 0.0 {
        f.write_str("0s")
    } else if millis < 9.95 {
        write!(f, "{millis:.1}ms")
    } else if millis < 999.5 {
        write!(f, "{millis:.0}ms")
    } else if seconds < 600.0 {
        two_digits(f, seconds)?;
        f.write_str("s")
    } else {
        write!(f, "{:.0}m", seconds / 60.0)
    }
}

fn number(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    let (number, unit) = match number.abs() {
        n if n >= 999_500_000.0 => (number / 1e9, "G"),
        n if n >= 999_500.0 => (number / 1e6, "M"),
        n if n >= 999.5 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    two_digits(f, number)?;
    f.write_str(unit)
}

/// Two significant digits; whole numbers from 10 on.
fn two_digits(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    match number.abs() {
        // What is whole needs no digits after the point: limits are, measurements hardly ever.
        n if n >= 9.95 || (n - n.round()).abs() < 1e-9 => write!(f, "{number:.0}"),
        n if n >= 0.995 => write!(f, "{number:.1}"),
        _ => write!(f, "{number:.2}"),
    }
}

/// A short text on the stack, so that a column can measure what it is about to draw without an allocation. What does not fit is
/// dropped at a character's boundary.
#[derive(Clone, Copy)]
pub struct Short {
    bytes: [u8; 64],
    len: usize,
}

impl Short {
    /// The formatted text.
    #[must_use]
    pub fn of(args: fmt::Arguments<'_>) -> Self {
        let mut short = Self { bytes: [0; 64], len: 0 };
        // Truncation is this type's contract, so its only error carries nothing.
        let _ = fmt::Write::write_fmt(&mut short, args);
        short
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
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
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// The longest beginning of `text` that takes at most `cells` cells.
#[must_use]
pub fn head(text: &str, cells: u16) -> &str {
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
pub fn tail(text: &str, cells: u16) -> &str {
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
pub fn cut_middle(text: &str, cells: u16) -> (&str, Option<&str>) {
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
    fn numbers_have_two_significant_digits() {
        for (unit, value, expected) in [
            (Unit::Ratio, 0.0042, "0.42%"),
            (Unit::Ratio, 0.019, "1.9%"),
            (Unit::Ratio, 0.11, "11%"),
            (Unit::Ratio, 0.0999, "10%"),
            (Unit::Ratio, 0.0, "0%"),
            (Unit::Ratio, 0.000_001, "<0.01%"),
            (Unit::Ratio, 1.0, "100%"),
            (Unit::Ratio, 0.05, "5%"),
            (Unit::Seconds, 2.0, "2s"),
            (Unit::Seconds, 0.0, "0s"),
            (Unit::Ratio, f64::NAN, "no data"),
            (Unit::Seconds, 0.312, "312ms"),
            (Unit::Seconds, 0.0042, "4.2ms"),
            (Unit::Seconds, 0.9999, "1.0s"),
            (Unit::Seconds, 1.24, "1.2s"),
            (Unit::Seconds, 12.4, "12s"),
            (Unit::Number, 4_210.0, "4.2k"),
            (Unit::Number, 55.0, "55"),
        ] {
            assert_eq!(Value(unit, value).to_string(), expected);
        }
    }

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
