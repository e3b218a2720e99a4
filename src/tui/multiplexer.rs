//! What stands between us and the terminal that a person sits at, and how a sequence passes through it.

/// Longest sequence that GNU screen passes on in one piece, in bytes: old ones cut at 256, newer ones at 768, and some builds at less.
const SCREEN_CHUNK: usize = 76;

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Multiplexer {
    /// Nothing.
    None,
    /// tmux passes a sequence on when it is wrapped and its escapes are doubled.
    Tmux,
    /// GNU screen passes on short pieces.
    Screen,
    /// One of the two, at the other end of an ssh connection: `TERM` alone has come with us.
    Either,
}

impl Multiplexer {
    pub(super) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        if given("TMUX").is_some() {
            return Self::Tmux;
        }
        match (given("STY"), given("TERM").unwrap_or_default()) {
            (Some(_), _) => Self::Screen,
            // only screen itself adds the outer terminal's name
            (None, term) if term.starts_with("screen.") => Self::Screen,
            (None, term) if term.starts_with("screen") => Self::Either,
            (None, term) if term.starts_with("tmux") => Self::Tmux,
            _ => Self::None,
        }
    }

    /// What we are in, as our environment says.
    pub(super) fn present() -> Self {
        Self::detect(|name| std::env::var(name).ok())
    }

    /// The bytes that bring this sequence of ASCII to the terminal outside.
    pub(super) fn wrap(self, plain: &str) -> String {
        match self {
            Self::None => plain.to_owned(),
            Self::Tmux => format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
            Self::Screen => pieces(plain),
            // tmux understands the plain one and ignores the pieces; screen does the opposite
            Self::Either => format!("{plain}{}", pieces(plain)),
        }
    }
}

fn pieces(plain: &str) -> String {
    let mut wrapped = String::with_capacity(plain.len() * 2);
    let mut rest = plain;
    while !rest.is_empty() {
        let (mut end, mut bytes) = (0, 0);
        for c in rest.chars() {
            if bytes + c.len_utf8() > SCREEN_CHUNK {
                break;
            }
            bytes += c.len_utf8();
            end = bytes;
        }
        let (piece, tail) = rest.split_at(end);
        wrapped.push_str("\x1bP");
        wrapped.push_str(piece);
        wrapped.push_str("\x1b\\");
        rest = tail;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmux_gets_it_wrapped_with_its_escapes_doubled() {
        assert_eq!(Multiplexer::None.wrap("\x1b]9;a\x07"), "\x1b]9;a\x07");
        assert_eq!(Multiplexer::Tmux.wrap("\x1b]9;a\x07"), "\x1bPtmux;\x1b\x1b]9;a\x07\x1b\\");
    }

    #[test]
    fn screen_gets_short_pieces_that_make_up_the_whole() {
        for length in [0, 1, 75, 76, 77, 152, 5_000] {
            let plain = format!("\x1b]52;c;{}ü\x07", "x".repeat(length));
            let wrapped = Multiplexer::Screen.wrap(&plain);
            let pieces: Vec<&str> = wrapped.split_terminator("\x1b\\").collect();
            assert!(pieces.iter().all(|piece| piece.starts_with("\x1bP") && piece.len() <= SCREEN_CHUNK + 2));
            let joined: String = pieces.iter().map(|piece| &piece[2..]).collect();
            assert_eq!(joined, plain);
            assert_eq!(Multiplexer::Either.wrap(&plain), format!("{plain}{wrapped}"));
        }
    }

    #[test]
    fn the_environment_tells() {
        for (variables, expected) in [
            (&[("TMUX", "/tmp/s"), ("TERM", "screen-256color")][..], Multiplexer::Tmux),
            (&[("TERM", "tmux-256color")], Multiplexer::Tmux),
            (&[("STY", "1.pts"), ("TERM", "xterm")], Multiplexer::Screen),
            (&[("TERM", "screen.xterm-256color")], Multiplexer::Screen),
            (&[("TERM", "screen-256color")], Multiplexer::Either),
            (&[("TERM", "xterm"), ("TMUX", "")], Multiplexer::None),
            (&[], Multiplexer::None),
        ] {
            let read = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Multiplexer::detect(read), expected, "{variables:?}");
        }
    }
}
