//! A key with its modifiers, in our own words, so that logic and drawing need no terminal library.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One key press. Always normalised: a letter carries its case itself and never `shift`, a letter with `ctrl` is lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyChord {
    code: KeyCode,
    modifiers: Modifiers,
}

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyCode {
    /// A character, the space included.
    Char(char),
    /// A function key, 1 to 24.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab; backwards it carries `shift`.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}

/// Keys held down with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Modifiers {
    /// Control.
    pub ctrl: bool,
    /// Alt, also called Meta or Option.
    pub alt: bool,
    /// Shift; on characters it is dropped, because their case says it already.
    pub shift: bool,
}

impl Modifiers {
    /// Nothing held.
    pub const NONE: Self = Self { ctrl: false, alt: false, shift: false };
    /// Control alone.
    pub const CTRL: Self = Self { ctrl: true, alt: false, shift: false };
    /// Alt alone.
    pub const ALT: Self = Self { ctrl: false, alt: true, shift: false };
    /// Shift alone.
    pub const SHIFT: Self = Self { ctrl: false, alt: false, shift: true };
}

/// Why a text is not a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a key: write a single character, f1 to f24, enter, space, esc, tab, backspace, delete, insert, up, down, \
     left, right, home, end, pgup or pgdn, with ctrl-, alt- or shift- before it"
)]
pub struct ParseKeyError(String);

/// Names other than single characters and function keys; the first name of a code is the one that is written.
const NAMES: [(&str, KeyCode); 20] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pageup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("pagedown", KeyCode::PageDown),
];

impl KeyChord {
    /// A key with modifiers, normalised.
    #[must_use]
    pub const fn new(code: KeyCode, modifiers: Modifiers) -> Self {
        let Modifiers { ctrl, alt, shift } = modifiers;
        match code {
            KeyCode::Char(c) if ctrl => Self {
                code: KeyCode::Char(c.to_ascii_lowercase()),
                modifiers: Modifiers { ctrl, alt, shift: false },
            },
            KeyCode::Char(c) => {
                let c = if shift { c.to_ascii_uppercase() } else { c };
                Self { code: KeyCode::Char(c), modifiers: Modifiers { ctrl, alt, shift: false } }
            }
            code => Self { code, modifiers },
        }
    }

    /// A key alone.
    #[must_use]
    pub const fn plain(code: KeyCode) -> Self {
        Self::new(code, Modifiers::NONE)
    }

    /// A character alone.
    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    /// A character with control.
    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self::new(KeyCode::Char(c), Modifiers::CTRL)
    }

    /// A character with alt.
    #[must_use]
    pub const fn alt(c: char) -> Self {
        Self::new(KeyCode::Char(c), Modifiers::ALT)
    }

    /// Which key.
    #[must_use]
    pub const fn code(self) -> KeyCode {
        self.code
    }

    /// The keys held down with it.
    #[must_use]
    pub const fn modifiers(self) -> Modifiers {
        self.modifiers
    }

    /// The character that this key types into a text field; none with control or alt.
    #[must_use]
    pub const fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.modifiers.ctrl && !self.modifiers.alt => Some(c),
            _ => None,
        }
    }
}

impl FromStr for KeyChord {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text;
        let mut modifiers = Modifiers::NONE;
        while let Some((word, tail)) = rest.split_once('-') {
            let held = match word.to_ascii_lowercase().as_str() {
                _ if tail.is_empty() => break,
                "ctrl" => &mut modifiers.ctrl,
                "alt" => &mut modifiers.alt,
                "shift" => &mut modifiers.shift,
                _ => break,
            };
            *held = true;
            rest = tail;
        }
        let code = code(rest).ok_or_else(|| ParseKeyError(text.chars().take(32).collect()))?;
        Ok(Self::new(code, modifiers))
    }
}

fn code(word: &str) -> Option<KeyCode> {
    let mut chars = word.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control()).then_some(KeyCode::Char(c));
    }
    let lower = word.to_ascii_lowercase();
    let number = lower.strip_prefix('f').and_then(|number| number.parse().ok());
    if let Some(number @ 1..=24) = number {
        return Some(KeyCode::F(number));
    }
    NAMES.iter().find(|(name, _)| *name == lower).map(|(_, code)| *code)
}

impl fmt::Display for KeyChord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, word) in
            [(self.modifiers.ctrl, "ctrl-"), (self.modifiers.alt, "alt-"), (self.modifiers.shift, "shift-")]
        {
            if held {
                f.write_str(word)?;
            }
        }
        let name = NAMES.iter().find(|(_, code)| *code == self.code).map(|(name, _)| *name);
        match (name, self.code) {
            (Some(name), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, _) => Ok(()),
        }
    }
}

impl Serialize for KeyChord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyChord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_writes_it_back() {
        for (text, code, modifiers, canonical) in [
            ("x", KeyCode::Char('x'), Modifiers::NONE, "x"),
            ("R", KeyCode::Char('R'), Modifiers::NONE, "R"),
            ("shift-r", KeyCode::Char('R'), Modifiers::NONE, "R"),
            ("-", KeyCode::Char('-'), Modifiers::NONE, "-"),
            ("ctrl--", KeyCode::Char('-'), Modifiers::CTRL, "ctrl--"),
            ("+", KeyCode::Char('+'), Modifiers::NONE, "+"),
            ("ctrl-X", KeyCode::Char('x'), Modifiers::CTRL, "ctrl-x"),
            ("Alt-x", KeyCode::Char('x'), Modifiers::ALT, "alt-x"),
            ("f5", KeyCode::F(5), Modifiers::NONE, "f5"),
            ("f", KeyCode::Char('f'), Modifiers::NONE, "f"),
            ("space", KeyCode::Char(' '), Modifiers::NONE, "space"),
            ("Return", KeyCode::Enter, Modifiers::NONE, "enter"),
            ("shift-tab", KeyCode::Tab, Modifiers::SHIFT, "shift-tab"),
            ("pagedown", KeyCode::PageDown, Modifiers::NONE, "pgdn"),
            ("ctrl-alt-up", KeyCode::Up, Modifiers { ctrl: true, alt: true, shift: false }, "ctrl-alt-up"),
        ] {
            let chord: KeyChord = text.parse().unwrap();
            assert_eq!((chord.code(), chord.modifiers()), (code, modifiers), "{text}");
            assert_eq!(chord.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(chord));
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "xx", "ctrl-", "f0", "f25", "hyper-x", "ctrl-nope", "\u{1b}"] {
            assert!(text.parse::<KeyChord>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn types_only_bare_characters() {
        assert_eq!(KeyChord::char('a').typed(), Some('a'));
        assert_eq!(KeyChord::ctrl('a').typed(), None);
        assert_eq!(KeyChord::alt('a').typed(), None);
        assert_eq!(KeyChord::plain(KeyCode::Up).typed(), None);
    }
}
