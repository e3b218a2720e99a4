//! Colours of YAML: keys, texts, numbers. One line at a time, so that only what is seen is looked at.

use ratatui::style::Style;

use crate::ui::reading::Spans;
use crate::ui::theme::Theme;

/// The pieces of a line of YAML.
#[must_use]
pub(crate) fn yaml<'a>(theme: &Theme, line: &'a str) -> Spans<'a> {
    let mut spans: Spans<'a> = Vec::new();
    let mut rest = line;
    let indent = rest.len() - rest.trim_start_matches(' ').len();
    let (blank, tail) = rest.split_at(indent);
    spans.push((theme.text, blank));
    rest = tail;
    while let Some(tail) = rest.strip_prefix("- ") {
        spans.push((theme.muted, &rest[..2]));
        rest = tail;
    }
    if rest.starts_with('#') || rest == "---" {
        spans.push((theme.muted, rest));
        return tidy(spans);
    }
    if let Some(end) = key(rest) {
        spans.push((theme.key, &rest[..end]));
        spans.push((theme.muted, &rest[end..=end]));
        rest = &rest[end + 1..];
    }
    let gap = rest.len() - rest.trim_start_matches(' ').len();
    spans.push((theme.text, &rest[..gap]));
    spans.push((value(theme, &rest[gap..]), &rest[gap..]));
    tidy(spans)
}

fn tidy(mut spans: Spans<'_>) -> Spans<'_> {
    spans.retain(|(_, piece)| !piece.is_empty());
    spans
}

/// Where the colon of a key is: at the line's end, or before a blank, outside of quotes.
fn key(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = match quote {
        Some(quote) => text[1..].find(quote)? + 2,
        None => 0,
    };
    let colon = text[start..]
        .char_indices()
        .find(|(at, c)| *c == ':' && text[start + at + 1..].chars().next().is_none_or(|next| next == ' '));
    let at = start + colon?.0;
    (at > 0 && (quote.is_some() || !text[..at].contains(' '))).then_some(at)
}

fn value(theme: &Theme, text: &str) -> Style {
    let plain = text.trim_end();
    match plain {
        "true" | "false" | "null" | "~" => theme.accent,
        "|" | "|-" | ">" | ">-" | "{}" | "[]" => theme.muted,
        _ if plain.parse::<f64>().is_ok() => theme.accent,
        _ => theme.curve_b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters for styles: k key, s text, n number, m muted.
    fn letters(line: &str) -> String {
        let theme = Theme::named("dark");
        let spans = yaml(&theme, line);
        assert_eq!(spans.iter().map(|(_, piece)| *piece).collect::<String>(), line);
        let letter = |style: Style| match style {
            style if style == theme.key => "k",
            style if style == theme.curve_b => "s",
            style if style == theme.accent => "n",
            style if style == theme.muted => "m",
            _ => " ",
        };
        spans.iter().map(|(style, piece)| letter(*style).repeat(piece.chars().count())).collect()
    }

    #[test]
    fn keys_texts_and_numbers_are_told_apart() {
        for (line, expected) in [
            ("kind: Pod", "kkkkm sss"),
            ("  replicas: 3", "  kkkkkkkkm n"),
            ("metadata:", "kkkkkkkkm"),
            ("- name: x", "mmkkkkm s"),
            ("- - 1.5", "mmmmnnn"),
            ("paused: true", "kkkkkkm nnnn"),
            ("image: ghcr.io/a:v1", "kkkkkm ssssssssssss"),
            ("\"a: b\": c", "kkkkkkm s"),
            ("# note: x", "mmmmmmmmm"),
            ("just some words: here", "sssssssssssssssssssss"),
            ("", ""),
        ] {
            assert_eq!(letters(line), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_of_a_line_is_lost(line in "[ -~é日:\"'#-]{0,40}") {
            let spans = yaml(&Theme::named("mono"), &line);
            proptest::prop_assert_eq!(spans.iter().map(|(_, piece)| *piece).collect::<String>(), line);
        }
    }
}
