//! Joins a name and a sentence without repeating the name.

/// `NAME: DETAIL`; the detail alone does not repeat the name.
#[must_use]
pub(crate) fn labelled(name: &str, detail: &str) -> String {
    match unlabelled(name, detail) {
        "" => name.to_owned(),
        detail => format!("{name}: {detail}"),
    }
}

/// The detail without the name, or the last part of a name such as `traffic/backend`, that it begins with.
#[must_use]
pub(crate) fn unlabelled<'a>(name: &str, detail: &'a str) -> &'a str {
    let last = name.rsplit('/').next().unwrap_or(name);
    let mut rest = detail.trim_start();
    while let Some(shorter) = without(rest, name).or_else(|| without(rest, last)) {
        rest = shorter;
    }
    rest
}

/// The text behind `LABEL:`, however the label is capitalised.
fn without<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let head = text.get(..label.len())?;
    if label.is_empty() || !head.eq_ignore_ascii_case(label) {
        return None;
    }
    text[label.len()..].strip_prefix(':').map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_said_once() {
        for (name, detail, expected) in [
            ("errors", "3% of 100", "errors: 3% of 100"),
            ("errors", "errors: 3% of 100", "errors: 3% of 100"),
            ("errors", "errors: errors: 3%", "errors: 3%"),
            ("errors", "Errors: 3%", "errors: 3%"),
            ("errors", "errors are 3%", "errors: errors are 3%"),
            ("errors", "errors:", "errors"),
            ("errors", "", "errors"),
            ("traffic/backend", "backend: no Service", "traffic/backend: no Service"),
            ("traffic/backend", "traffic/backend: backend: no Service", "traffic/backend: no Service"),
            ("err", "errors: 3%", "err: errors: 3%"),
            ("é", "é: ü", "é: ü"),
            ("", ": x", ": : x"),
        ] {
            assert_eq!(labelled(name, detail), expected, "{name} + {detail}");
        }
    }
}
