//! The bytes that call a person at their terminal: the bell, notifications and the window's title. While somebody else has the terminal
//! nothing is written into what they do there; it is told afterwards.

use super::multiplexer::Multiplexer;
use crate::app::state::attention::Protocol;

/// What calls a person, as bytes for the terminal; empty where nothing is to be written now.
#[derive(Debug, Default)]
pub(super) struct Voice {
    /// The title that the window was given last.
    title: String,
    /// What is told later; absent while the terminal is ours.
    held: Option<Held>,
}

/// What happened while somebody else had the terminal.
#[derive(Debug, Default)]
struct Held {
    bell: bool,
    /// The newest notification each way, and how many came before it.
    notes: Vec<(Protocol, String, usize)>,
}

impl Voice {
    /// Rings the bell.
    pub(super) fn bell(&mut self) -> String {
        match &mut self.held {
            None => "\x07".to_owned(),
            Some(held) => {
                held.bell = true;
                String::new()
            }
        }
    }

    /// Tells the desktop of the person at the terminal.
    pub(super) fn notify(&mut self, protocol: Protocol, text: String, multiplexer: Multiplexer) -> String {
        let Some(held) = &mut self.held else { return notification(protocol, &text, multiplexer) };
        match held.notes.iter_mut().find(|(known, _, _)| *known == protocol) {
            Some((_, newest, before)) => (*newest, *before) = (text, *before + 1),
            None => held.notes.push((protocol, text, 0)),
        }
        String::new()
    }

    /// Gives the window a title.
    pub(super) fn title(&mut self, text: String) -> String {
        self.title = text;
        if self.held.is_some() { String::new() } else { title(&self.title) }
    }

    /// From now on somebody else has the terminal.
    pub(super) fn pass(&mut self) {
        self.held.get_or_insert_default();
    }

    /// The terminal is ours again: the title, and what happened meanwhile, each way once.
    pub(super) fn take_back(&mut self, multiplexer: Multiplexer) -> String {
        let Held { bell, notes } = self.held.take().unwrap_or_default();
        let notes = notes.into_iter().map(|(protocol, newest, before)| {
            let text = if before > 0 { format!("{newest}; and {before} more before") } else { newest };
            notification(protocol, &text, multiplexer)
        });
        let bell = bell.then(|| "\x07".to_owned());
        std::iter::once(title(&self.title)).chain(bell).chain(notes).collect()
    }
}

/// The bytes of a notification.
fn notification(protocol: Protocol, text: &str, multiplexer: Multiplexer) -> String {
    // What a multiplexer or a terminal reads ends at a control character; the text has none, and parts are parted by semicolons.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    multiplexer.wrap(&match protocol {
        // `9;4;…` is a progress bar to some terminals: a blank keeps a text that begins with a digit a text
        Protocol::Osc9 if text.starts_with(|c: char| c.is_ascii_digit()) => format!("\x1b]9; {text}\x07"),
        Protocol::Osc9 => format!("\x1b]9;{text}\x07"),
        Protocol::Osc777 => format!("\x1b]777;notify;release-cockpit;{}\x07", text.replace(';', ",")),
    })
}

/// The bytes of a title. Multiplexers have titles of their own for it, so that it is not wrapped.
pub(super) fn title(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text = if text.is_empty() { "release-cockpit" } else { &text };
    format!("\x1b]2;{text}\x07")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_is_told_in_its_own_words() {
        for (protocol, text, multiplexer, expected) in [
            (Protocol::Osc9, "a; b", Multiplexer::None, "\x1b]9;a; b\x07"),
            (Protocol::Osc9, "4;1;50", Multiplexer::None, "\x1b]9; 4;1;50\x07"),
            (Protocol::Osc777, "a; b", Multiplexer::None, "\x1b]777;notify;release-cockpit;a, b\x07"),
            (Protocol::Osc9, "a\x07\x1b[2J", Multiplexer::None, "\x1b]9;a  [2J\x07"),
            (Protocol::Osc9, "a", Multiplexer::Tmux, "\x1bPtmux;\x1b\x1b]9;a\x07\x1b\\"),
            (Protocol::Osc9, "a", Multiplexer::Screen, "\x1bP\x1b]9;a\x07\x1b\\"),
        ] {
            assert_eq!(notification(protocol, text, multiplexer), expected);
        }
    }

    #[test]
    fn nothing_is_written_while_somebody_else_has_the_terminal_and_all_of_it_is_told_afterwards() {
        let none = Multiplexer::None;
        let mut voice = Voice::default();
        assert_eq!(voice.title("a".to_owned()), "\x1b]2;a\x07");
        assert_eq!(voice.bell(), "\x07");
        assert_eq!(voice.notify(Protocol::Osc9, "x".to_owned(), none), "\x1b]9;x\x07");
        voice.pass();
        assert_eq!(voice.bell() + &voice.bell() + &voice.title("b".to_owned()), "");
        for text in ["first", "second", "third"] {
            assert_eq!(voice.notify(Protocol::Osc9, text.to_owned(), none), "");
        }
        assert_eq!(voice.notify(Protocol::Osc777, "third".to_owned(), none), "");
        assert_eq!(
            voice.take_back(none),
            "\x1b]2;b\x07\x07\x1b]9;third; and 2 more before\x07\x1b]777;notify;release-cockpit;third\x07"
        );
        // once
        assert_eq!(voice.take_back(none), "\x1b]2;b\x07");
        assert_eq!(voice.bell(), "\x07");
    }

    #[test]
    fn a_title_ends_where_it_should() {
        assert_eq!(title("PROD x\x1b\\\x07y"), "\x1b]2;PROD x\\y\x07");
        assert_eq!(title(""), "\x1b]2;release-cockpit\x07");
    }
}
