//! The bytes that call a person at their terminal: notifications and the window's title.

use super::multiplexer::Multiplexer;
use crate::app::attention::Protocol;

/// The bytes of a notification.
pub(super) fn notification(protocol: Protocol, text: &str, multiplexer: Multiplexer) -> String {
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
    fn a_title_ends_where_it_should() {
        assert_eq!(title("PROD x\x1b\\\x07y"), "\x1b]2;PROD x\\y\x07");
        assert_eq!(title(""), "\x1b]2;release-cockpit\x07");
    }
}
