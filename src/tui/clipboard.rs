//! OSC 52: text to the clipboard of the terminal that a person sits at, through ssh and multiplexers.

/// Longest sequence that GNU screen passes on in one piece, in bytes.
const SCREEN_CHUNK: usize = 76;
/// Terminals drop longer texts; so do we, before they see half of one. In bytes.
const LONGEST: usize = 74_994;

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Multiplexer {
    /// Nothing.
    None,
    /// tmux passes a sequence on when it is wrapped and its escapes are doubled.
    Tmux,
    /// GNU screen passes on short pieces.
    Screen,
}

impl Multiplexer {
    pub(super) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        if variable("TMUX").is_some_and(|value| !value.is_empty()) {
            Self::Tmux
        } else if variable("STY").is_some() || term.starts_with("screen") {
            Self::Screen
        } else {
            Self::None
        }
    }
}

/// The bytes that copy `text`.
pub(super) fn sequence(text: &str, multiplexer: Multiplexer) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let plain = format!("\x1b]52;c;{}\x07", base64(&text.as_bytes()[..end]));
    match multiplexer {
        Multiplexer::None => plain,
        Multiplexer::Tmux => format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        Multiplexer::Screen => {
            let mut wrapped = String::with_capacity(plain.len() * 2);
            let mut rest = plain.as_str();
            while !rest.is_empty() {
                // The sequence is ASCII: every index is a boundary.
                let (piece, tail) = rest.split_at(rest.len().min(SCREEN_CHUNK));
                wrapped.push_str("\x1bP");
                wrapped.push_str(piece);
                wrapped.push_str("\x1b\\");
                rest = tail;
            }
            wrapped
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                out.push(char::from(ALPHABET[(word >> (18 - 6 * place)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_the_rfc_has_it() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn multiplexers_get_it_wrapped() {
        assert_eq!(sequence("foo", Multiplexer::None), "\x1b]52;c;Zm9v\x07");
        assert_eq!(sequence("foo", Multiplexer::Tmux), "\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\");
        let long = sequence(&"x".repeat(200), Multiplexer::Screen);
        assert!(long.matches("\x1bP").count() > 1 && long.ends_with("\x07\x1b\\"));
        assert!(long.split("\x1b\\").all(|piece| piece.len() <= SCREEN_CHUNK + 2));
    }

    #[test]
    fn a_huge_text_is_cut_between_characters() {
        let text = "ü".repeat(LONGEST);
        let coded = sequence(&text, Multiplexer::None);
        assert!(coded.len() < LONGEST * 4 / 3 + 20);
    }

    #[test]
    fn the_environment_tells() {
        let read = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(
            Multiplexer::detect(read(&[("TMUX", "/tmp/s"), ("TERM", "screen-256color")])),
            Multiplexer::Tmux
        );
        assert_eq!(Multiplexer::detect(read(&[("TERM", "screen.xterm")])), Multiplexer::Screen);
        assert_eq!(Multiplexer::detect(read(&[("TERM", "xterm")])), Multiplexer::None);
    }
}
