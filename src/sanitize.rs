//! The one door by which text from outside (clusters, Prometheus, registries, files) reaches screen, log or file.
//!
//! A terminal obeys escape sequences and reorders text at bidirectional controls; a name or a log line must never be able to
//! do either. What is not harmless is dropped or made visible; nothing else is changed.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// Marks that may stand on one character; writing systems need three, and towers of them cover other lines.
const MARKS: usize = 4;

/// One line without control characters, escape sequences, bidirectional controls and zero-width characters. Line breaks and
/// tabs become spaces. Borrows when there is nothing to do.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if is_clean(text, false) { Cow::Borrowed(text) } else { Cow::Owned(clean(text, false)) }
}

/// As [`line()`], but line breaks stay, and a tab becomes four spaces.
#[must_use]
pub fn block(text: &str) -> Cow<'_, str> {
    if is_clean(text, true) { Cow::Borrowed(text) } else { Cow::Owned(clean(text, true)) }
}

/// JSON in which every character that a terminal would obey, or not show, is written as an escape. Its meaning stays the same.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    // Those of C0 are escaped already, or stand between the values.
    let is_odd = |c: char| !c.is_ascii_control() && !is_plain(c) || c == '\u{7f}';
    if !text.chars().any(is_odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_odd(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_clean(text: &str, keep_lines: bool) -> bool {
    let mut marks = Marks::default();
    text.chars().all(|c| (is_plain(c) || keep_lines && c == '\n') && marks.allow(c))
}

/// Counts the marks on the present character.
#[derive(Default)]
struct Marks(usize);

impl Marks {
    /// Whether this character may follow.
    fn allow(&mut self, c: char) -> bool {
        self.0 = if c.width() == Some(0) { self.0 + 1 } else { 0 };
        self.0 <= MARKS
    }
}

fn is_plain(c: char) -> bool {
    !c.is_control() && !is_invisible(c)
}

/// Characters that take no cell or change the order of others.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        // Hangul fillers: letters that show nothing
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        // variation selectors, shorthand and musical controls, tags
        | '\u{fe00}'..='\u{fe0f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn clean(text: &str, keep_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = Marks::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\n' if keep_lines => out.push('\n'),
            '\t' if keep_lines => out.push_str("    "),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_plain(c) && marks.allow(c) => out.push(c),
            _ => {}
        }
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some('\u{20}'..='\u{2f}') => {
            while chars.next_if(|c| ('\u{20}'..='\u{2f}').contains(c)).is_some() {}
            chars.next_if(|c| ('\u{30}'..='\u{7e}').contains(c));
        }
        Some('\u{30}'..='\u{7e}') => {
            chars.next();
        }
        _ => {}
    }
}

/// Parameters and intermediates, then one final byte (ECMA-48, 5.4).
fn skip_control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
    chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// Up to BEL or the string terminator; to a line's end when neither comes, so that a torn sequence does not eat the rest.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        for (given, expected) in [
            ("plain ünïcode ✔", "plain ünïcode ✔"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]52;c;aGk=\u{7}copied", "copied"),
            ("\u{1b}]0;title\u{1b}\\x", "x"),
            ("\u{9b}2Jx", "x"),
            ("a\u{202e}b\u{200b}c", "abc"),
            ("a\r\nb\tc", "a b c"),
            ("bell\u{7}", "bell"),
            ("\u{1b}(Bx", "x"),
            ("torn\u{1b}", "torn"),
            ("warn\u{26a0}\u{fe0f}x\u{e0101}", "warn\u{26a0}x"),
            ("prod\u{3164}\u{115f}\u{1160}\u{ffa0}", "prod"),
            ("a\u{e0061}\u{e007f}b\u{34f}", "ab"),
            ("e\u{301}\u{302}\u{303}\u{304}", "e\u{301}\u{302}\u{303}\u{304}"),
            ("z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}x\u{301}", "z\u{301}\u{302}\u{303}\u{304}x\u{301}"),
        ] {
            assert_eq!(line(given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_block_keeps_its_lines() {
        assert_eq!(block("a\n\tb\u{1b}[1m\r\nc"), "a\n    b\nc");
    }

    #[test]
    fn json_means_the_same_and_holds_nothing_that_a_terminal_obeys() {
        for text in [
            "plain ünï",
            "\u{9b}2J\u{85}",
            "\u{202e}evil\u{2066}",
            "tag\u{e0061}",
            "del\u{7f}",
            "a\nb\u{1b}[0m\"\\",
        ] {
            let given = serde_json::json!({"key": text, text: 1});
            let written = serde_json::to_string_pretty(&given).unwrap();
            let safe = json(&written);
            assert!(safe.chars().all(|c| c == '\n' || is_plain(c)), "{safe:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), given);
        }
        assert!(matches!(json("{\"a\": \"ü\"}"), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn the_result_is_always_plain_and_stable(text in ".*") {
            let once = line(&text).into_owned();
            proptest::prop_assert!(is_clean(&once, false));
            proptest::prop_assert_eq!(line(&once).into_owned(), once.clone());
        }
    }
}
