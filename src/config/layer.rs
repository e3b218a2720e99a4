//! Layers of settings: later ones win, and every value remembers where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Place, nearest};
use super::registry::{SETTINGS, Setting, find};
use super::value::{Kind, Value};
use super::{sections, toml_file};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody chose it.
    Default,
    /// A line of the file.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Values with their origins, by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layers(BTreeMap<&'static str, (Value, Origin)>);

impl Default for Layers {
    fn default() -> Self {
        let defaults =
            SETTINGS.iter().map(|setting| (setting.key, (setting.default_value(), Origin::Default)));
        Self(defaults.collect())
    }
}

impl Layers {
    /// The value of a setting and where it came from; the default for a key that is not in the registry.
    #[must_use]
    pub(crate) fn get(&self, key: &str) -> (&Value, &Origin) {
        const NOTHING: &(Value, Origin) = &(Value::Switch(false), Origin::Default);
        let (value, origin) = self.0.get(key).unwrap_or(NOTHING);
        (value, origin)
    }

    /// Lays a file's text over what is there.
    pub(crate) fn file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        for entry in toml_file::entries(path, text)?.into_iter().filter(|entry| entry.key != sections::KEY) {
            let place = Place::Line(path.to_owned(), entry.line);
            let setting = known(&entry.key, &place)?;
            let value = setting.kind.read_toml(&entry.value).ok_or_else(|| ConfigError::WrongValue {
                place,
                key: entry.key.clone(),
                given: shown(&entry.value),
                allowed: setting.kind.allowed(),
            })?;
            self.0.insert(setting.key, (value, Origin::File(path.to_owned(), entry.line)));
        }
        Ok(())
    }

    /// Lays environment variables over what is there. Empty ones count as absent; `NO_COLOR` is honoured.
    pub(crate) fn variables(&mut self, read: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        if read("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            let never = Value::Text("never".to_owned());
            self.0.insert("colour", (never, Origin::Variable("NO_COLOR".to_owned())));
        }
        for setting in SETTINGS {
            let name = setting.variable();
            let Some(text) = read(&name).filter(|text| !text.is_empty()) else { continue };
            let value = parse(setting, &text, || Place::Variable(name.clone()))?;
            self.0.insert(setting.key, (value, Origin::Variable(name)));
        }
        Ok(())
    }

    /// Lays one flag over what is there; a repeatable flag gives several texts.
    pub(crate) fn flag(
        &mut self,
        key: &'static str,
        flag: &str,
        given: &[String],
    ) -> Result<(), ConfigError> {
        let place = Place::Flag(flag.to_owned());
        let setting = known(key, &place)?;
        let value = match setting.kind {
            Kind::List | Kind::Words(_) => Value::List(given.to_vec()),
            _ => parse(setting, given.last().map_or("", String::as_str), || place.clone())?,
        };
        self.0.insert(key, (value, Origin::Flag(flag.to_owned())));
        Ok(())
    }
}

fn parse(setting: &Setting, text: &str, place: impl Fn() -> Place) -> Result<Value, ConfigError> {
    setting.kind.read_text(text).ok_or_else(|| ConfigError::WrongValue {
        place: place(),
        key: setting.key.to_owned(),
        given: format!("`{text}`"),
        allowed: setting.kind.allowed(),
    })
}

fn known(key: &str, place: &Place) -> Result<&'static Setting, ConfigError> {
    find(key).ok_or_else(|| ConfigError::UnknownKey {
        place: place.clone(),
        key: key.to_owned(),
        nearest: nearest(key, SETTINGS.iter().map(|setting| setting.key)).map(str::to_owned),
        known: SETTINGS.iter().map(|setting| setting.key.to_owned()).collect(),
    })
}

fn shown(value: &toml::Value) -> String {
    let text = value.to_string().lines().collect::<Vec<_>>().join(" ");
    let short: String = text.chars().take(60).collect();
    format!("{} {short}", value.type_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Layers, ConfigError> {
        let mut layers = Layers::default();
        layers.file(Path::new("x.toml"), text).map(|()| layers)
    }

    #[test]
    fn later_layers_win_and_origins_are_kept() {
        let mut layers = file("\ntheme = \"light\"\nrange = \"1h\"\n[log]\nlevel = \"debug\"\n").unwrap();
        let variables = |name: &str| match name {
            "RELEASE_COCKPIT_RANGE" => Some("2h".to_owned()),
            "RELEASE_COCKPIT_NAMESPACES" => Some("a, b".to_owned()),
            "RELEASE_COCKPIT_MOUSE" => Some(String::new()),
            _ => None,
        };
        layers.variables(&variables).unwrap();
        layers.flag("theme", "--theme", &["mono".to_owned()]).unwrap();
        let told = |key| {
            let (value, origin) = layers.get(key);
            (value.to_string(), origin.to_string())
        };
        assert_eq!(told("theme"), ("\"mono\"".into(), "flag --theme".into()));
        assert_eq!(told("range"), ("\"2h\"".into(), "variable RELEASE_COCKPIT_RANGE".into()));
        assert_eq!(told("log.level"), ("\"debug\"".into(), "x.toml:5".into()));
        assert_eq!(told("namespaces").0, "[\"a\", \"b\"]");
        assert_eq!(told("mouse"), ("false".into(), "default".into()));
    }

    #[test]
    fn no_color_is_weaker_than_our_own_variable() {
        let mut layers = Layers::default();
        layers.variables(&|name| (name == "NO_COLOR").then(|| "1".to_owned())).unwrap();
        assert_eq!(layers.get("colour").0.text(), "never");
        layers
            .variables(&|name| match name {
                "NO_COLOR" => Some("1".to_owned()),
                "RELEASE_COCKPIT_COLOUR" => Some("always".to_owned()),
                _ => None,
            })
            .unwrap();
        assert_eq!(layers.get("colour").0.text(), "always");
    }

    #[test]
    fn mistakes_name_place_key_value_and_what_is_allowed() {
        for (text, expected) in [
            ("a = 1\nthme = \"x\"", "x.toml, line 1: there is no setting `a`; the settings are contexts,"),
            (
                "\nthme = \"x\"",
                "x.toml, line 2: there is no setting `thme` (did you mean `theme`?); the settings are",
            ),
            (
                "[log]\nlevel = \"loud\"",
                "x.toml, line 2: `log.level` cannot be string \"loud\": allowed is \"error\", \"warn\"",
            ),
            (
                "mouse = \"yes please\"",
                "x.toml, line 1: `mouse` cannot be string \"yes please\": allowed is true or false",
            ),
            (
                "range = 30",
                "x.toml, line 1: `range` cannot be integer 30: allowed is a duration from \"5m\" to \"1d\"",
            ),
            (
                "attention = [\"bell\", \"horn\"]",
                "`attention` cannot be array [\"bell\", \"horn\"]: allowed is a list of any of \"bell\", \"osc9\"",
            ),
            (
                "[prometheus]\nurl = \"monitoring/prometheus:9090\"",
                "x.toml, line 2: `prometheus.url` cannot be string \"monitoring/prometheus:9090\": allowed is \
                 \"http://HOST:PORT\" or \"https://HOST\"; a Service of the cluster goes into",
            ),
            (
                "[alertmanager]\nservice = \"http://alertmanager:9093\"",
                "x.toml, line 2: `alertmanager.service` cannot be string \"http://alertmanager:9093\": allowed is \
                 \"namespace/name:port\"",
            ),
            ("range = \"3s\"", "`range` cannot be string \"3s\": allowed is a duration from"),
            ("contexts = \"a\"", "`contexts` cannot be string \"a\": allowed is a list of texts"),
            ("contexts = [1]", "`contexts` cannot be array [1]: allowed is a list of texts"),
            ("log = \"x\"", "there is no setting `log`"),
            ("theme = \"a\"\ntheme = \"b\"", "x.toml, line 2: duplicate key"),
            ("theme = ", "x.toml, line 1: "),
        ] {
            let error = file(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}\n got {error}\nwant {expected}");
        }
        let mut layers = Layers::default();
        let error = layers.flag("stale-after", "--stale-after", &["soon".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the flag --stale-after: `stale-after` cannot be `soon`: allowed is a duration from \"10s\" to \"10m\""
        );
    }
}
