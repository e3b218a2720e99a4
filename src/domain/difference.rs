//! What differs between two environments: both are described as settings by name, and the settings are compared.
//!
//! Owns the comparison. [`snapshot()`] describes an environment; reading its objects is left to `cluster`. A
//! setting is compared by a keyed hash, and of a secret nothing but that is kept.

mod settings;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

pub use snapshot::{Content, Seen, content, snapshot};

/// Digits of a hash that are shown.
const DIGITS: usize = 8;

/// A part of an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// The workload of a component.
    Component(String),
    /// Keys and values of a ConfigMap that pods take from.
    ConfigMap(String),
    /// Keys of a Secret that pods take from; of values only hashes.
    Secret(String),
    /// Bounds and targets of autoscalers.
    Autoscalers,
    /// Hosts and paths of Ingresses.
    Ingresses,
    /// Hosts and paths of `HTTPRoute` objects.
    Routes,
    /// What the Environment demands and allows.
    Environment,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Component(name) => write!(f, "component {name}"),
            Self::Autoscalers => f.write_str("autoscalers"),
            Self::Ingresses => f.write_str("ingresses"),
            Self::Routes => f.write_str("HTTP routes"),
            Self::ConfigMap(name) => write!(f, "ConfigMap {name}"),
            Self::Secret(name) => write!(f, "Secret {name}"),
        }
    }
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What people see of it; empty where that is nothing but the hash.
    text: String,
    /// What it is compared by.
    hash: String,
    /// Hash of what the key holds that it comes from, where that is known; it counts where both sides know it.
    held: Option<String>,
}

impl Fact {
    fn is_same(&self, other: &Self) -> bool {
        let held = self.held.as_ref().zip(other.held.as_ref());
        self.hash == other.hash && held.is_none_or(|(one, other)| one == other)
    }
}

/// A name of a setting: its place among others, and what people call it.
type Name = (u8, String);

/// What is known of a part of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// Its settings.
    Settings(BTreeMap<Name, Fact>),
    /// One sentence why they are not known.
    Hidden(String),
}

/// An environment as settings by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    sections: BTreeMap<Section, Known>,
    /// Which components' pods take from a ConfigMap or Secret; nothing is there where one component's workload is not known.
    takers: BTreeMap<Section, BTreeSet<String>>,
}

impl Snapshot {
    /// The same with every text gone through that door: names and values come from a cluster.
    #[must_use]
    pub fn through(self, door: impl Fn(&str) -> String) -> Self {
        let settings = |known| match known {
            Known::Hidden(reason) => Known::Hidden(door(&reason)),
            Known::Settings(settings) => Known::Settings(
                settings
                    .into_iter()
                    .map(|((rank, name), fact)| {
                        ((rank, door(&name)), Fact { text: door(&fact.text), ..fact })
                    })
                    .collect(),
            ),
        };
        Self {
            sections: self.sections.into_iter().map(|(section, known)| (section, settings(known))).collect(),
            takers: self.takers,
        }
    }

    /// The names of its components.
    fn components(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().filter_map(|section| match section {
            Section::Component(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a part of it may be about that component: whatever is not surely another one's alone.
    fn may_concern(&self, section: &Section, component: &str) -> bool {
        match section {
            Section::Component(name) => name == component,
            section => self.takers.get(section).is_none_or(|takers| takers.contains(component)),
        }
    }

    /// What is not known of it, and why.
    pub fn hidden(&self) -> impl Iterator<Item = (&Section, &str)> {
        self.sections.iter().filter_map(|(section, known)| match known {
            Known::Hidden(reason) => Some((section, reason.as_str())),
            Known::Settings(_) => None,
        })
    }
}

/// How one setting compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It is the same on both sides.
    Same,
    /// It is another one.
    Differs,
    /// Only the left side has it.
    OnlyLeft,
    /// Only the right side has it.
    OnlyRight,
    /// It cannot be told: one side is not known.
    Unknown,
}

impl Verdict {
    /// A sign that needs no colour, the same as in patches.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Same => " ",
            Self::Differs => "~",
            Self::OnlyLeft => "-",
            Self::OnlyRight => "+",
            Self::Unknown => "?",
        }
    }
}

/// One setting of both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The part of the environment.
    pub section: Section,
    /// The setting.
    pub what: String,
    /// How it compares.
    pub verdict: Verdict,
    /// The left side's; absent where it has none.
    pub left: Option<String>,
    /// The right side's; absent where it has none.
    pub right: Option<String>,
}

/// Leaves out what is surely about other components than that one on both sides; tells which settings these were.
pub fn narrow(rows: &mut Vec<Row>, sides: [&Snapshot; 2], component: &str) -> Vec<Row> {
    let names: BTreeSet<&str> = sides.iter().flat_map(|side| side.components()).collect();
    let scaled = |what: &str| {
        let fits = |name: &&str| what.strip_prefix(*name).is_some_and(|rest| rest.starts_with(' '));
        names.iter().copied().find(fits)
    };
    let may_concern = |row: &mut Row| match &row.section {
        Section::Autoscalers => scaled(&row.what).is_none_or(|name| name == component),
        // where only one side has it, the other one's pods take nothing from it
        section => {
            let mut known = sides.iter().filter(|side| side.sections.contains_key(section)).peekable();
            known.peek().is_none() || known.any(|side| side.may_concern(section, component))
        }
    };
    rows.extract_if(.., |row| !may_concern(row)).collect()
}

/// How many settings compare in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Others, or only on one side.
    pub differ: usize,
    /// Not to be told.
    pub unknown: usize,
    /// The same.
    pub same: usize,
}

impl Counts {
    /// Counts rows.
    #[must_use]
    pub fn of(rows: &[Row]) -> Self {
        let count = |fits: fn(Verdict) -> bool| rows.iter().filter(|row| fits(row.verdict)).count();
        let unknown = count(|verdict| verdict == Verdict::Unknown);
        let same = count(|verdict| verdict == Verdict::Same);
        Self { differ: rows.len().saturating_sub(unknown).saturating_sub(same), unknown, same }
    }
}

/// Every setting of both environments in a stable order, the same ones too. Both must have been described with one key.
#[must_use]
pub fn compare(left: &Snapshot, right: &Snapshot) -> Vec<Row> {
    let sections: BTreeSet<&Section> = left.sections.keys().chain(right.sections.keys()).collect();
    sections
        .into_iter()
        .flat_map(|section| match (left.sections.get(section), right.sections.get(section)) {
            (Some(Known::Settings(left)), Some(Known::Settings(right)))
                if *section == Section::Environment =>
            {
                settings_of(section, &gathered(left, right), &gathered(right, left))
            }
            (Some(Known::Settings(left)), Some(Known::Settings(right))) => settings_of(section, left, right),
            (left, right) => vec![whole(section, left, right)],
        })
        .collect()
}

/// Paths of which the other side has nothing at all, such as an approval, as one setting.
fn gathered(own: &BTreeMap<Name, Fact>, other: &BTreeMap<Name, Fact>) -> BTreeMap<Name, Fact> {
    let is_below = |name: &str, path: &str| {
        name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let lacked = |name: &str| {
        let ends = name.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
        let mut paths = ends.filter(|end| *end > 0).map(|end| name[..end].to_owned());
        paths.find(|path| !other.keys().any(|(_, name)| is_below(name, path)))
    };
    let mut found: BTreeMap<Name, Vec<(&Name, &Fact)>> = BTreeMap::new();
    for (name, fact) in own {
        let path = lacked(&name.1).unwrap_or_else(|| name.1.clone());
        found.entry((name.0, path)).or_default().push((name, fact));
    }
    let merged = |(path, facts): (Name, Vec<(&Name, &Fact)>)| match facts.as_slice() {
        [(name, fact)] => ((*name).clone(), (*fact).clone()),
        several => {
            let part = |name: &str| name[path.1.len()..].trim_start_matches('.').to_owned();
            let texts: Vec<String> =
                several.iter().map(|(name, fact)| format!("{}: {}", part(&name.1), fact.text)).collect();
            let hashes = several.iter().map(|(_, fact)| fact.hash.as_str()).collect();
            (path, Fact { text: texts.join(", "), hash: hashes, held: None })
        }
    };
    found.into_iter().map(merged).collect()
}

fn settings_of(section: &Section, left: &BTreeMap<Name, Fact>, right: &BTreeMap<Name, Fact>) -> Vec<Row> {
    let names: BTreeSet<&Name> = left.keys().chain(right.keys()).collect();
    let row = |name: &Name| {
        let (left, right) = (left.get(name), right.get(name));
        let verdict = match (left, right) {
            (Some(left), Some(right)) if left.is_same(right) => Verdict::Same,
            (Some(_), Some(_)) => Verdict::Differs,
            (_, None) => Verdict::OnlyLeft,
            (None, _) => Verdict::OnlyRight,
        };
        // what looks the same and is not is told apart by its hash
        let alike = verdict == Verdict::Differs && left.map(|it| &it.text) == right.map(|it| &it.text);
        Row {
            section: section.clone(),
            what: name.1.clone(),
            verdict,
            left: left.map(|fact| shown(fact, alike)),
            right: right.map(|fact| shown(fact, alike)),
        }
    };
    names.into_iter().map(row).collect()
}

fn shown(fact: &Fact, hash: bool) -> String {
    let digits = fact.hash.get(..DIGITS).unwrap_or_default();
    match (fact.text.as_str(), hash) {
        ("", _) => format!("#{digits}"),
        (text, true) => format!("{text} #{digits}"),
        (text, false) => text.to_owned(),
    }
}

/// A part that one side does not have, or that is not known of one side: one row for all of it.
fn whole(section: &Section, left: Option<&Known>, right: Option<&Known>) -> Row {
    let text = |known: Option<&Known>| match known {
        None => None,
        Some(Known::Hidden(reason)) => Some(reason.clone()),
        Some(Known::Settings(settings)) if settings.len() == 1 => Some("1 setting".to_owned()),
        Some(Known::Settings(settings)) => Some(format!("{} settings", settings.len())),
    };
    let is_hidden = |known| matches!(known, Some(&Known::Hidden(_)));
    let verdict = if is_hidden(left) || is_hidden(right) {
        Verdict::Unknown
    } else if right.is_none() {
        Verdict::OnlyLeft
    } else {
        Verdict::OnlyRight
    };
    Row {
        section: section.clone(),
        what: "all of it".to_owned(),
        verdict,
        left: text(left),
        right: text(right),
    }
}

#[cfg(test)]
mod tests;
