//! OSC 52: text to the clipboard of the terminal that a person sits at, through ssh and multiplexers.

use super::multiplexer::Multiplexer;

/// Terminals drop longer texts; so do we, before they see half of one. In bytes.
const LONGEST: usize = 74_994;

/// The bytes that copy `text`.
pub(super) fn sequence(text: &str, multiplexer: Multiplexer) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    multiplexer.wrap(&format!("\x1b]52;c;{}\x07", base64(&text.as_bytes()[..end])))
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
    fn the_sequence_names_the_clipboard() {
        assert_eq!(sequence("foo", Multiplexer::None), "\x1b]52;c;Zm9v\x07");
        assert_eq!(sequence("foo", Multiplexer::Tmux), "\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\");
    }

    #[test]
    fn a_huge_text_is_cut_between_characters() {
        let text = "ü".repeat(LONGEST);
        let coded = sequence(&text, Multiplexer::None);
        assert!(coded.len() < LONGEST * 4 / 3 + 20);
    }
}
