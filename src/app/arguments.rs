//! The words after a command: spans, incidents, policies, in any order, and the reason that remains.

use chrono::TimeDelta;

use crate::api::Duration;
use crate::api::environment::InFlight;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::store::Store;
use crate::domain::age::Age;

/// The words after a command, taken one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    words: Vec<String>,
}

impl Arguments {
    /// The words of an argument.
    pub(super) fn of(argument: Option<&str>) -> Self {
        let words = argument.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        Self { words }
    }

    /// The first word, whatever it is.
    pub(super) fn first(&mut self) -> Option<String> {
        (!self.words.is_empty()).then(|| self.words.remove(0))
    }

    /// Takes a leading duration; `None` if there is none.
    ///
    /// # Errors
    /// A word looks like a duration but is invalid, misplaced, zero or longer than `longest`. The sentence states the accepted form.
    pub(super) fn duration(
        &mut self,
        form: &str,
        longest: Option<TimeDelta>,
    ) -> Result<Option<TimeDelta>, String> {
        let Some(first) = self.words.first() else { return Ok(None) };
        let Ok(span) = first.parse::<Duration>() else {
            return match self.misread_span() {
                None => Ok(None),
                Some(word) => Err(format!("`{word}` is not read as a duration such as 30m or 1h30m: {form}")),
            };
        };
        let span = span.to_delta();
        if span <= TimeDelta::zero() {
            return Err(format!("`{first}` is zero: {form}"));
        }
        if let Some(longest) = longest.filter(|longest| span > *longest) {
            return Err(format!("`{first}` is too long, at most {}: {form}", Age::of(longest)));
        }
        self.words.remove(0);
        Ok(Some(span))
    }

    /// What becomes of what executes: the word after `--in-flight`, or that word alone at the beginning.
    pub(super) fn in_flight(&mut self) -> Option<InFlight> {
        let at = self.words.iter().position(|word| word == "--in-flight");
        let (at, count) = match at {
            Some(at) => (at + 1, 2),
            None => (0, 1),
        };
        let found = in_flight(self.words.get(at)?)?;
        self.words.drain(at + 1 - count..=at);
        Some(found)
    }

    /// The first word that looks like an incident or ticket, such as `INC-441` or `#12`. It stays where the reason would be empty.
    pub(super) fn incident(&mut self) -> Option<String> {
        let at = self.words.iter().position(|word| is_incident(word))?;
        Some(if self.words.len() == 1 { self.words[at].clone() } else { self.words.remove(at) })
    }

    /// A word that was probably meant as a duration and is none, or stands where none is read.
    fn misread_span(&self) -> Option<&str> {
        let is_span = |word: &str| word.parse::<Duration>().is_ok();
        let first = self.words.first()?;
        // `-5m`, `+5m`, `.5h`, `~2h`
        let bare = first.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '#');
        if bare.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(first);
        }
        self.words.iter().find(|word| is_span(word)).map(String::as_str)
    }

    /// What is left: the reason.
    pub(super) fn rest(self) -> String {
        self.words.join(" ")
    }
}

/// The policy of that name.
pub(super) fn in_flight(word: &str) -> Option<InFlight> {
    match word.to_ascii_lowercase().as_str() {
        "finish" => Some(InFlight::Finish),
        "hold" => Some(InFlight::Hold),
        "rollback" | "roll-back" => Some(InFlight::RollBack),
        _ => None,
    }
}

/// `INC-441`, `OPS2-7`, `#12`.
fn is_incident(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = word.strip_prefix('#') {
        return digits(number);
    }
    word.rsplit_once('-').is_some_and(|(project, number)| {
        digits(number)
            && project.starts_with(|c: char| c.is_ascii_uppercase())
            && project.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    })
}

/// What the first word of an argument names, and the words after it.
pub(super) enum Named {
    /// An environment.
    Environment(EnvironmentId, String),
    /// A release.
    Release(ReleaseId, String),
}

/// The environment or release that an argument begins with.
pub(super) fn named(store: &Store, argument: &str) -> Option<Named> {
    let argument = argument.trim();
    let (word, rest) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    let rest = rest.trim().to_owned();
    if word.is_empty() {
        return None;
    }
    let rows = store.rows.environments.iter();
    let called: Vec<&EnvironmentId> = rows
        .filter(|row| {
            *row.name == *word
                || word
                    .split_once('/')
                    .is_some_and(|(application, name)| *row.application == *application && *row.name == *name)
        })
        .map(|row| &row.id)
        .collect();
    let focused = store.focused_environment();
    match called.as_slice() {
        [] => {}
        [one] => return Some(Named::Environment((*one).clone(), rest)),
        // several of one name are not told apart by it: the one on the screen is meant, or none
        several => {
            let meant = several.iter().find(|id| Some(**id) == focused.as_ref())?;
            return Some(Named::Environment((**meant).clone(), rest));
        }
    }
    store.clusters().find_map(|(cluster, state)| {
        let key = state.releases.keys().find(|key| *key.name == *word)?;
        Some(Named::Release(ReleaseId::new(cluster, key.clone()), rest.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_order() {
        for (text, span, in_flight, incident, rest) in [
            ("2h INC-1", Some(120), None, Some("INC-1"), "INC-1"),
            ("2h INC-1 database is full", Some(120), None, Some("INC-1"), "database is full"),
            ("30m --in-flight hold #7 x", Some(30), Some(InFlight::Hold), Some("#7"), "x"),
            ("rollback because", None, Some(InFlight::RollBack), None, "because"),
            ("holding our breath", None, None, None, "holding our breath"),
            ("utf-8 is broken", None, None, None, "utf-8 is broken"),
            ("", None, None, None, ""),
        ] {
            let mut words = Arguments::of(Some(text));
            assert_eq!(words.duration("", None), Ok(span.map(TimeDelta::minutes)), "{text}");
            assert_eq!(words.in_flight(), in_flight, "{text}");
            assert_eq!(words.incident().as_deref(), incident, "{text}");
            assert_eq!(words.rest(), rest, "{text}");
        }
    }

    #[test]
    fn a_misread_duration_is_refused_and_never_a_reason() {
        for text in [
            "2hours it burns",
            "2 h it burns",
            "2",
            "0 it burns",
            "0s it burns",
            "0h0m",
            "-5m it burns",
            "−5m it burns",
            "+5m",
            ".5h",
            "1.5h",
            "1,5h",
            "2H",
            "~2h",
            "(2h) it burns",
            "5h it burns",
            "99999d",
            "stagin 2h it burns",
            "for 2h it burns",
            "INC-1 2h it burns",
        ] {
            let mut words = Arguments::of(Some(text));
            let refused = words.duration(":x 30m REASON", Some(TimeDelta::hours(4)));
            assert!(
                refused.as_ref().is_err_and(|why| why.ends_with(": :x 30m REASON")),
                "{text}: {refused:?}"
            );
        }
        for (text, span, rest) in [
            ("4h it burns", Some(240), "it burns"),
            ("1h30m retries within 5m fail", Some(90), "retries within 5m fail"),
            ("the database is full", None, "the database is full"),
            ("#12 is open", None, "#12 is open"),
        ] {
            let mut words = Arguments::of(Some(text));
            let found = words.duration("", Some(TimeDelta::hours(4)));
            assert_eq!(found, Ok(span.map(TimeDelta::minutes)), "{text}");
            assert_eq!(words.rest(), rest);
        }
    }
}
