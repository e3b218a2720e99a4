//! A regular expression that a person typed, to find or to filter lines.

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take, so that no expression can take the memory of a session.
const MOST_BYTES: usize = 1 << 20;

/// A regular expression that a person typed. Case matters only where it has capitals.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    inverted: bool,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// The expression that a person typed; none when it is blank. `!` before it inverts it.
    ///
    /// # Errors
    /// One sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let (inverted, wanted) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if wanted.trim().is_empty() {
            return Ok(None);
        }
        let regex = RegexBuilder::new(wanted)
            .case_insensitive(!wanted.chars().any(char::is_uppercase))
            .size_limit(MOST_BYTES)
            .build()
            .map_err(|error| sentence(&error))?;
        Ok(Some(Self { text: text.to_owned(), inverted, regex }))
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a line is meant.
    #[must_use]
    pub fn matches(&self, line: &str) -> bool {
        self.regex.is_match(line) != self.inverted
    }

    /// Where in a line it is found, from left to right; nowhere where it is inverted.
    pub fn places<'a>(&'a self, line: &'a str) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        let found = self.regex.find_iter(line).map(|found| found.range()).filter(|range| !range.is_empty());
        found.take(if self.inverted { 0 } else { usize::MAX })
    }
}

/// The last line of the library's picture of an error says what is wrong.
fn sentence(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this expression is too large: shorten its repetitions".to_owned(),
        error => {
            let picture = error.to_string();
            let what = picture.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
            format!("not a regular expression: {what}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_inverts_and_heeds_capitals() {
        for (pattern, line, expected) in [
            ("error|warn", "an ERROR came", true),
            ("ERROR", "an error came", false),
            ("!error", "an error came", false),
            ("!error", "all is well", true),
            (r"status=5\d\d", "status=503", true),
            ("ünï", "ÜNÏCODE", true),
        ] {
            let pattern = Pattern::parse(pattern).unwrap().unwrap();
            assert_eq!(pattern.matches(line), expected, "{} in {line}", pattern.text());
        }
        for blank in ["", " ", "!", "! "] {
            assert_eq!(Pattern::parse(blank), Ok(None), "{blank:?}");
        }
    }

    #[test]
    fn a_bad_expression_gives_a_sentence() {
        for (given, expected) in [
            ("(", "not a regular expression: unclosed group"),
            ("*", "not a regular expression: repetition operator missing expression"),
            (r"\w{900}{900}", "this expression is too large: shorten its repetitions"),
        ] {
            assert_eq!(Pattern::parse(given).unwrap_err(), expected);
        }
    }

    #[test]
    fn places_are_those_of_the_words() {
        let pattern = Pattern::parse("a+").unwrap().unwrap();
        assert_eq!(pattern.places("baab a").collect::<Vec<_>>(), [1..3, 5..6]);
        let none = Pattern::parse("x*").unwrap().unwrap();
        assert_eq!(none.places("abc").count(), 0);
        assert_eq!(Pattern::parse("!a").unwrap().unwrap().places("aaa").count(), 0);
    }
}
