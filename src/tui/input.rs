//! What the terminal sends, in our own words.

use crossterm::event::{
    Event as Input, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};

use crate::app::state::event::Event;
use crate::config::key::{KeyChord, KeyCode, Modifiers};

/// What the mouse did, and at which column and row; none for what nobody needs.
pub(super) fn pointed(input: &Input) -> Option<(Mouse, u16, u16)> {
    let Input::Mouse(mouse) = input else { return None };
    let what = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Mouse::Click,
        MouseEventKind::ScrollUp => Mouse::Up,
        MouseEventKind::ScrollDown => Mouse::Down,
        _ => return None,
    };
    Some((what, mouse.column, mouse.row))
}

/// A deed of the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mouse {
    Click,
    Up,
    Down,
}

/// The event that an input means; none for what nobody needs (releases of keys, the mouse, modifiers alone).
pub(super) fn event(input: Input) -> Option<Event> {
    match input {
        Input::Key(key) if key.kind != KeyEventKind::Release => {
            let repeat = key.kind == KeyEventKind::Repeat;
            chord(key).map(|chord| Event::Key { chord, repeat })
        }
        Input::Paste(text) => Some(Event::Paste(text)),
        Input::Resize(width, height) => Some(Event::Resize { width, height }),
        Input::Key(_) | Input::Mouse(_) | Input::FocusGained | Input::FocusLost => None,
    }
}

fn chord(key: KeyEvent) -> Option<KeyChord> {
    let mut modifiers = Modifiers {
        ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
        alt: key.modifiers.contains(KeyModifiers::ALT),
        shift: key.modifiers.contains(KeyModifiers::SHIFT),
    };
    let code = match key.code {
        // A terminal says the character that shift makes; upper-casing it again would turn `!` into nothing new but `ß` into two.
        Code::Char(c) => {
            modifiers.shift = false;
            KeyCode::Char(c)
        }
        Code::F(number @ 1..=24) => KeyCode::F(number),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => {
            modifiers.shift = true;
            KeyCode::Tab
        }
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Insert => KeyCode::Insert,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        _ => return None,
    };
    Some(KeyChord::new(code, modifiers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_arrive_as_people_name_them() {
        for (code, modifiers, expected) in [
            (Code::Char('x'), KeyModifiers::NONE, "x"),
            (Code::Char('R'), KeyModifiers::SHIFT, "R"),
            (Code::Char('?'), KeyModifiers::SHIFT, "?"),
            (Code::Char('c'), KeyModifiers::CONTROL, "ctrl-c"),
            (Code::Char('x'), KeyModifiers::ALT, "alt-x"),
            (Code::Char(' '), KeyModifiers::NONE, "space"),
            (Code::BackTab, KeyModifiers::SHIFT, "shift-tab"),
            (Code::PageDown, KeyModifiers::NONE, "pgdn"),
            (Code::F(5), KeyModifiers::NONE, "f5"),
        ] {
            let given = Input::Key(KeyEvent::new(code, modifiers));
            assert_eq!(event(given), Some(Event::Key { chord: expected.parse().unwrap(), repeat: false }));
        }
    }

    #[test]
    fn releases_are_nothing_and_repeats_are_marked() {
        let kind = |kind| Input::Key(KeyEvent::new_with_kind(Code::Enter, KeyModifiers::NONE, kind));
        assert_eq!(event(kind(KeyEventKind::Release)), None);
        assert!(matches!(event(kind(KeyEventKind::Repeat)), Some(Event::Key { repeat: true, .. })));
        let modifier = Code::Modifier(crossterm::event::ModifierKeyCode::LeftShift);
        assert_eq!(event(Input::Key(KeyEvent::new(modifier, KeyModifiers::SHIFT))), None);
    }
}
