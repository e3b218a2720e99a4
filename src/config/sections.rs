//! Sections of the list of environments: named groups with selectors, in the order of the file.
//!
//! Owns their form in the settings' file and what they select. Must not know which of them are open on the screen.

use std::path::Path;

use super::error::{ConfigError, Place, nearest};
use super::toml_file;
use crate::api::Tier;

/// The key of the file: `[[sections]]`.
pub(super) const KEY: &str = "sections";
const KNOWN: [&str; 6] = ["name", "applications", "tiers", "contexts", "environments", "collapsed"];
const TIERS: [Tier; 3] = [Tier::Development, Tier::Staging, Tier::Production];

/// A named group of environments. Each selector that is given must fit; one that is not given fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub name: String,
    /// Patterns of applications: `*` is any text, `?` any character.
    pub applications: Vec<String>,
    /// Tiers.
    pub tiers: Vec<Tier>,
    /// Patterns of contexts.
    pub contexts: Vec<String>,
    /// Patterns of environments: of `name`, or of `namespace/name` where the pattern has a slash.
    pub environments: Vec<String>,
    /// Only its heading is listed until it is opened.
    pub collapsed: bool,
}

/// What a section looks at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The application.
    pub application: &'a str,
    /// The tier.
    pub tier: Tier,
    /// The context of the cluster.
    pub context: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The environment's name.
    pub name: &'a str,
}

impl Section {
    /// Whether that environment belongs here.
    #[must_use]
    pub fn selects(&self, subject: Subject<'_>) -> bool {
        let any = |patterns: &[String], text: &str| {
            patterns.is_empty() || patterns.iter().any(|one| fits(one, text))
        };
        let full = format!("{}/{}", subject.namespace, subject.name);
        let named =
            |pattern: &String| fits(pattern, if pattern.contains('/') { &full } else { subject.name });
        any(&self.applications, subject.application)
            && any(&self.contexts, subject.context)
            && (self.tiers.is_empty() || self.tiers.contains(&subject.tier))
            && (self.environments.is_empty() || self.environments.iter().any(named))
    }
}

/// The place of an environment among sections: the first that selects it; as many as there are where none does.
#[must_use]
pub(crate) fn place(sections: &[Section], subject: Subject<'_>) -> usize {
    sections.iter().position(|section| section.selects(subject)).unwrap_or(sections.len())
}

/// Whether a text fits a pattern of `*` and `?`.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut here, mut back) = (0, 0, None);
    while here < text.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at, here));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[here] => {
                at += 1;
                here += 1;
            }
            _ => match back {
                // the last star takes one character more
                Some((star, taken)) => {
                    back = Some((star, taken + 1));
                    at = star + 1;
                    here = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// The sections of a file.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Section>, ConfigError> {
    let mut found: Vec<Section> = Vec::new();
    for table in toml_file::tables(path, text, KEY)? {
        let place = |line: usize| Place::Line(path.to_owned(), line);
        let wrong = |line: usize, key: &str, given: String, allowed: &str| ConfigError::WrongValue {
            place: place(line),
            key: format!("{KEY}.{key}"),
            given,
            allowed: allowed.to_owned(),
        };
        let mut section = Section::default();
        for entry in &table.entries {
            let Some(key) = KNOWN.into_iter().find(|key| *key == entry.key) else {
                return Err(ConfigError::UnknownKey {
                    place: place(entry.line),
                    key: format!("{KEY}.{}", entry.key),
                    nearest: nearest(&entry.key, KNOWN).map(|key| format!("{KEY}.{key}")),
                    known: KNOWN.iter().map(|key| format!("{KEY}.{key}")).collect(),
                });
            };
            let given = || format!("{} {}", entry.value.type_str(), entry.value);
            let texts =
                || texts(&entry.value).ok_or_else(|| wrong(entry.line, key, given(), "a list of texts"));
            match key {
                "name" => {
                    let name = entry.value.as_str().map(str::trim).filter(|name| !name.is_empty());
                    let name = name.ok_or_else(|| wrong(entry.line, key, given(), "a text"))?;
                    name.clone_into(&mut section.name);
                }
                "applications" => section.applications = texts()?,
                "contexts" => section.contexts = texts()?,
                "environments" => section.environments = texts()?,
                "tiers" => {
                    let tier = |word: &String| TIERS.into_iter().find(|tier| tier.as_str() == word);
                    let tiers: Option<Vec<Tier>> = texts()?.iter().map(tier).collect();
                    let allowed = "a list of development, staging and production";
                    section.tiers = tiers.ok_or_else(|| wrong(entry.line, key, given(), allowed))?;
                }
                _ => {
                    let collapsed = entry.value.as_bool();
                    section.collapsed =
                        collapsed.ok_or_else(|| wrong(entry.line, key, given(), "true or false"))?;
                }
            }
        }
        if section.name.is_empty() {
            return Err(wrong(table.line, "name", "missing".to_owned(), "a text: every section has a name"));
        }
        if found.iter().any(|other| other.name == section.name) {
            let given = format!("`{}` twice", section.name);
            return Err(wrong(table.line, "name", given, "a name that no other section has"));
        }
        found.push(section);
    }
    Ok(found)
}

fn texts(value: &toml::Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// What the sample file says of them.
pub(super) const SAMPLE: &str = "\n\
# Sections of the list of environments, in this order; whatever none of them selects stands below them. Each selector that\n\
# is given must fit: applications, contexts and environments (name, or namespace/name) are patterns with * and ?, tiers are\n\
# development, staging and production. `left` and `right` fold and unfold the section of the selected environment.\n\
#\n\
#   [[sections]]\n\
#   name = \"Payments, live\"\n\
#   applications = [\"pay-*\", \"checkout\"]\n\
#   tiers = [\"production\"]\n\
#\n\
#   [[sections]]\n\
#   name = \"Sandboxes\"\n\
#   contexts = [\"dev-*\"]\n\
#   environments = [\"sandbox-?\", \"team-*/preview\"]\n\
#   collapsed = true\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("pay", "pay", true),
            ("pay", "pays", false),
            ("pay-*", "pay-api", true),
            ("*-api", "pay-api-api", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("sandbox-?", "sandbox-1", true),
            ("sandbox-?", "sandbox-12", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_section_that_selects_it_has_it() {
        let text = "theme = \"mono\"\n[[sections]]\nname = \"live\"\ntiers = [\"production\"]\n\
                    [[sections]]\nname = \"pay\"\napplications = [\"pay-*\"]\ncontexts = [\"eu-?\"]\ncollapsed = true\n\
                    [[sections]]\nname = \"previews\"\nenvironments = [\"team-*/preview\"]\n";
        let sections = read(Path::new("x.toml"), text).unwrap();
        assert_eq!(
            sections.iter().map(|one| (one.name.as_str(), one.collapsed)).collect::<Vec<_>>(),
            [("live", false), ("pay", true), ("previews", false)]
        );
        for (application, tier, context, namespace, name, expected) in [
            ("pay-api", Tier::Production, "eu-1", "pay", "production", 0),
            ("pay-api", Tier::Staging, "eu-1", "pay", "staging", 1),
            ("pay-api", Tier::Staging, "us-1", "pay", "staging", 3),
            ("web", Tier::Staging, "us-1", "team-a", "preview", 2),
            ("web", Tier::Staging, "us-1", "a", "preview", 3),
        ] {
            let subject = Subject { application, tier, context, namespace, name };
            assert_eq!(place(&sections, subject), expected, "{subject:?}");
        }
    }

    /// A mistake, and the sentence that names its place.
    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            (
                "[[sections]]\nname = \"a\"\napplication = [\"x\"]\n",
                "x.toml, line 3: there is no setting `sections.application` (did you mean `sections.applications`?)",
            ),
            (
                "[[sections]]\nname = \"a\"\ntiers = [\"prod\"]\n",
                "x.toml, line 3: `sections.tiers` cannot be array [\"prod\"]: allowed is a list of development, staging and production",
            ),
            (
                "[[sections]]\nname = \"a\"\ncollapsed = 1\n",
                "x.toml, line 3: `sections.collapsed` cannot be integer 1",
            ),
            ("\n[[sections]]\ntiers = []\n", "x.toml, line 2: `sections.name` cannot be missing"),
            (
                "[[sections]]\nname = \"a\"\n[[sections]]\nname = \"a\"\n",
                "x.toml, line 3: `sections.name` cannot be `a` twice",
            ),
            (
                "[[sections]]\nname = \"a\"\ncontexts = \"x\"\n",
                "x.toml, line 3: `sections.contexts` cannot be string",
            ),
            (
                "sections = 3\n",
                "x.toml, line 1: `sections` cannot be integer 3: allowed is tables [[sections]]",
            ),
        ] {
            let error = read(Path::new("x.toml"), text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}\n{error}");
        }
    }
}
