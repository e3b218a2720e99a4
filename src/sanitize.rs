//! The one door by which text from outside (clusters, Prometheus, registries, files) reaches screen, log or file.
//!
//! A terminal obeys escape sequences and reorders text at bidirectional controls; a name or a log line must never be able to
//! do either. What is not harmless is dropped or made visible; nothing else is changed.

use std::borrow::Cow;

/// One line without control characters, escape sequences, bidirectional controls and zero-width characters. Line breaks and
/// tabs become spaces. Borrows when there is nothing to do.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) { Cow::Borrowed(text) } else { Cow::Owned(clean(text, false)) }
}

/// As [`line()`], but line breaks stay, and a tab becomes four spaces.
#[must_use]
pub fn block(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || is_plain(c)) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(clean(text, true))
    }
}

fn is_plain(c: char) -> bool {
    !c.is_control() && !is_invisible(c)
}

/// Characters that take no cell or change the order of others.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn clean(text: &str, keep_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
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
            c if is_plain(c) => out.push(c),
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
        ] {
            assert_eq!(line(given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_block_keeps_its_lines() {
        assert_eq!(block("a\n\tb\u{1b}[1m\r\nc"), "a\n    b\nc");
    }

    proptest::proptest! {
        #[test]
        fn the_result_is_always_plain_and_stable(text in ".*") {
            let once = line(&text).into_owned();
            proptest::prop_assert!(once.chars().all(is_plain));
            proptest::prop_assert_eq!(line(&once).into_owned(), once.clone());
        }
    }
}
