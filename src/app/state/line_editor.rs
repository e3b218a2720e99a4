//! One line of text that a person edits. Knows keys, not terminals.

use unicode_segmentation::UnicodeSegmentation;

use crate::config::key::{KeyChord, KeyCode};

/// One line and a cursor between its characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineEditor {
    text: String,
    cursor: usize,
}

impl LineEditor {
    /// A line with this text and the cursor at its end.
    #[must_use]
    pub fn with(text: &str) -> Self {
        let mut editor = Self::default();
        editor.insert(text);
        editor
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Byte offset of the cursor, always between two characters.
    #[must_use]
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// The text before and after the cursor.
    #[must_use]
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Nothing but blanks.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        self.text.clear();
        self.cursor = 0;
        self.insert(text);
    }

    /// Inserts at the cursor what a line may hold: control characters become blanks, and the line ends at 1,024 bytes.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if c.is_control() { ' ' } else { c };
            if self.text.len() + c.len_utf8() > 1_024 {
                return;
            }
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
    }

    /// Does what the key means in a text field; tells whether it meant anything.
    pub fn key(&mut self, chord: KeyChord) -> bool {
        if let Some(c) = chord.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        let held = chord.modifiers();
        match chord.code() {
            KeyCode::Backspace if held.ctrl || held.alt => self.delete_word(),
            KeyCode::Char('w') if held.ctrl => self.delete_word(),
            KeyCode::Backspace => self.delete_before(self.previous()),
            KeyCode::Char('h') if held.ctrl => self.delete_before(self.previous()),
            KeyCode::Char('u') if held.ctrl => self.delete_before(0),
            KeyCode::Char('a') if held.ctrl => self.cursor = 0,
            KeyCode::Char('e') if held.ctrl => self.cursor = self.text.len(),
            KeyCode::Delete => {
                let next = self.next();
                self.text.replace_range(self.cursor..next, "");
            }
            KeyCode::Left if held.ctrl || held.alt => self.cursor = self.word_start(),
            KeyCode::Left => self.cursor = self.previous(),
            KeyCode::Right => self.cursor = self.next(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn previous(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn next(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |g| self.cursor + g.len())
    }

    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before.char_indices().rfind(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8())
    }

    fn delete_word(&mut self) {
        self.delete_before(self.word_start());
    }

    fn delete_before(&mut self, start: usize) {
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: &str, keys: &str) -> String {
        let mut editor = LineEditor::with(start);
        for key in keys.split(' ') {
            assert!(editor.key(key.parse().unwrap()), "{key}");
        }
        let (before, behind) = editor.split();
        format!("{before}|{behind}")
    }

    #[test]
    fn edits_as_fingers_expect() {
        for (start, keys, expected) in [
            ("", "a b", "ab|"),
            ("abc", "left left x", "ax|bc"),
            ("abc", "home delete", "|bc"),
            ("abc", "backspace", "ab|"),
            ("e\u{301}a", "left left", "|e\u{301}a"),
            ("e\u{301}", "backspace", "|"),
            ("one two", "ctrl-w", "one |"),
            ("one two  ", "ctrl-w", "one |"),
            ("one two", "ctrl-u", "|"),
            ("one", "ctrl-a right", "o|ne"),
            ("one", "home end left", "on|e"),
            ("", "backspace delete left right ctrl-w", "|"),
        ] {
            assert_eq!(after(start, keys), expected, "{start:?} {keys}");
        }
    }

    #[test]
    fn a_line_stays_a_line_and_is_bounded() {
        let mut editor = LineEditor::with("a\nb\u{1b}c");
        assert_eq!(editor.text(), "a b c");
        editor.insert(&"x".repeat(5_000));
        assert_eq!(editor.text().len(), 1_024);
        assert!(!editor.key("up".parse().unwrap()));
    }
}
