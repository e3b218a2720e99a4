//! What an Alertmanager does with alerts, and silences: who is not to be told of which alerts, until when, and why.
//!
//! Owns what a matcher matches and which matchers are proposed. Must not know who keeps silences (`metrics`).

use std::fmt;

use chrono::{DateTime, Utc};
use regex::Regex;

use super::alert_row::Labels;

/// Labels that change while the trouble stays the same: a silence over them would end with the next pod.
const PASSING: [&str; 9] =
    ["pod", "instance", "container", "endpoint", "uid", "id", "node", "pod_template_hash", "replica"];

/// A condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// Its value, or an expression for all of it.
    pub value: String,
    /// The value is an expression.
    pub is_regex: bool,
    /// It must match; else it must not.
    pub is_equal: bool,
}

impl Matcher {
    /// `name=value`, `name!=value`, `name=~expression` or `name!~expression`, with or without quotes; none where it is no matcher.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(['=', '!'])?;
        let (name, rest) = text.split_at(end);
        let is_label = |c: char| c == '_' || c.is_ascii_alphanumeric();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_label) {
            return None;
        }
        let kinds = [("=~", true, true), ("!~", true, false), ("!=", false, false), ("=", false, true)];
        let (value, is_regex, is_equal) = kinds
            .into_iter()
            .find_map(|(sign, regex, equal)| rest.strip_prefix(sign).map(|value| (value, regex, equal)))?;
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        if is_regex && Regex::new(value).is_err() {
            return None;
        }
        Some(Self { name: name.to_owned(), value: value.to_owned(), is_regex, is_equal })
    }

    /// Whether an alert with these labels is meant. An absent label is an empty one.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let have = labels.get(self.name.as_str()).map_or("", |value| value);
        let found = if self.is_regex {
            Regex::new(&format!("^(?:{})$", self.value)).is_ok_and(|wanted| wanted.is_match(have))
        } else {
            have == self.value
        };
        found == self.is_equal
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match (self.is_regex, self.is_equal) {
            (false, true) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (true, false) => "!~",
        };
        write!(f, "{}{sign}\"{}\"", self.name, self.value)
    }
}

/// A silence as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its id.
    pub id: Box<str>,
    /// What it is about: alerts that all of them match.
    pub matchers: Vec<Matcher>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Who made it, as they called themselves.
    pub by: Box<str>,
    /// Why.
    pub comment: Box<str>,
}

/// A silence that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSilence {
    /// What it is about.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Who makes it.
    pub by: String,
    /// Why.
    pub comment: String,
}

/// What an Alertmanager does with one alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    /// The alert's labels there, those that Prometheus adds for it among them.
    pub labels: Labels,
    /// The silences that keep it quiet.
    pub silenced_by: Vec<Box<str>>,
    /// Another alert keeps it quiet.
    pub is_inhibited: bool,
    /// Who is told of it.
    pub receivers: Vec<Box<str>>,
}

impl Handling {
    /// Nobody is told of it now.
    #[must_use]
    pub fn is_suppressed(&self) -> bool {
        self.is_inhibited || !self.silenced_by.is_empty()
    }

    /// Whether it is about the alert with these labels: it may bear more of them.
    #[must_use]
    pub fn is_about(&self, labels: &Labels) -> bool {
        labels.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }
}

/// Whether an alert with these labels is meant by all of them.
#[must_use]
pub fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

/// The matchers that are proposed for an alert: all of its labels but those that pass while the trouble stays.
#[must_use]
pub fn proposed(labels: &Labels) -> Vec<Matcher> {
    let lasting = labels.iter().filter(|(name, _)| !PASSING.contains(&&***name));
    let exactly = |(name, value): (&str, &str)| Matcher {
        name: name.to_owned(),
        value: value.to_owned(),
        is_regex: false,
        is_equal: true,
    };
    lasting.map(|(name, value)| exactly((name, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn matchers_are_read_written_and_match_as_alertmanager_has_it() {
        let labels = words(&[("alertname", "HighErrorRate"), ("component", "backend")]);
        for (text, written, expected) in [
            ("component=backend", "component=\"backend\"", true),
            ("component=\"backend\"", "component=\"backend\"", true),
            ("component!=backend", "component!=\"backend\"", false),
            ("component=~back.*|front.*", "component=~\"back.*|front.*\"", true),
            ("component=~back", "component=~\"back\"", false),
            ("component!~front.*", "component!~\"front.*\"", true),
            ("track=", "track=\"\"", true),
            ("track!=canary", "track!=\"canary\"", true),
        ] {
            let matcher = Matcher::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(matcher.to_string(), written);
            assert_eq!(matcher.matches(&labels), expected, "{text}");
        }
        for text in
            ["component", "=x", "1a=x", "a-b=x", "a=~(", "because=of course".split('=').next().unwrap()]
        {
            assert_eq!(Matcher::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_passes_is_not_proposed() {
        let labels =
            words(&[("alertname", "A"), ("namespace", "shop"), ("pod", "a-1"), ("instance", "10.0.0.1:80")]);
        let told: Vec<String> = proposed(&labels).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["alertname=\"A\"", "namespace=\"shop\""]);
        assert!(all_match(&proposed(&labels), &labels));
    }

    #[test]
    fn an_alert_is_known_again_though_it_bears_more_labels_there() {
        let there =
            Handling { labels: words(&[("alertname", "A"), ("cluster", "eu")]), ..Handling::default() };
        assert!(there.is_about(&words(&[("alertname", "A")])));
        assert!(!there.is_about(&words(&[("alertname", "A"), ("pod", "x")])));
    }
}
