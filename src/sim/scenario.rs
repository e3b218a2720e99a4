//! Scenarios: the worlds that `demo` and the tests run, as TOML. Owns the form of a scenario file and its errors; must not
//! know how a world moves.

mod model;
mod plot;
mod routing;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use model::{
    Binding, ConfigMap, Gauge, History, Namespace, ObjectText, Role, Rule, Scenario, Secret, Service, User,
    Workload,
};
pub use plot::{Behaviour, Deploy, Fault, Place, Reaction, ScriptLine};
pub use routing::Routing;

use crate::sim::Error;
use crate::sim::kinds;
use crate::sim::store::stamp;

/// The scenarios that are compiled in; the first is the default.
const BUILTIN: [(&str, &str); 7] = [
    ("planera", include_str!("../../demos/scenarios/planera.toml")),
    ("trust", include_str!("../../demos/scenarios/trust.toml")),
    ("canary", include_str!("../../demos/scenarios/canary.toml")),
    ("crash", include_str!("../../demos/scenarios/crash.toml")),
    ("quiet", include_str!("../../demos/scenarios/quiet.toml")),
    ("unguarded", include_str!("../../demos/scenarios/unguarded.toml")),
    ("large", include_str!("../../demos/scenarios/large.toml")),
];

/// Their names, in the same order.
const NAMES: [&str; 7] = ["planera", "trust", "canary", "crash", "quiet", "unguarded", "large"];

impl Scenario {
    /// A scenario that is compiled in; nothing when there is none of that name.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let (_, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        Self::from_toml(text, name).ok()
    }

    /// Names of the scenarios that are compiled in, the default first.
    #[must_use]
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// Reads a scenario; `origin` (a file name) stands in errors.
    ///
    /// # Errors
    /// [`Error::Scenario`] with origin, line, key and the values that are allowed.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, Error> {
        let scenario: Self = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let place = if line == 0 { origin.to_owned() } else { format!("{origin}:{line}") };
            Error::Scenario(format!("{place}: {}", error.message()))
        })?;
        scenario.check(text, origin)?;
        Ok(scenario)
    }

    /// The user of that name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// How a version behaves; unlisted versions are healthy.
    #[must_use]
    pub fn behaviour(&self, version: &str) -> Behaviour {
        self.versions.get(version).cloned().unwrap_or_default()
    }

    /// The free-form objects as JSON, with their ages in seconds. In their text, `${-3h}` stands for the instant three hours
    /// before `start`.
    ///
    /// # Errors
    /// [`Error::Scenario`] for text that is no YAML object of a served kind.
    pub fn parsed_objects(&self, start: DateTime<Utc>) -> Result<Vec<(Value, f64)>, Error> {
        let parse = |object: &ObjectText| Ok((parse_object(&object.yaml, start)?, object.age.as_secs_f64()));
        self.objects.iter().map(parse).collect()
    }

    fn check(&self, text: &str, origin: &str) -> Result<(), Error> {
        let fail = |key: &str, value: &str, allowed: String| {
            let quoted = format!("\"{value}\"");
            let line = text.lines().position(|line| line.contains(&quoted)).map_or(0, |line| line + 1);
            let place = if line == 0 { origin.to_owned() } else { format!("{origin}:{line}") };
            Err(Error::Scenario(format!("{place}: {key}: \"{value}\" is not known; allowed: {allowed}")))
        };
        let users: Vec<_> = self.users.iter().map(|user| user.name.as_str()).collect();
        if self.user(&self.default_user).is_none() {
            return fail("defaultUser", &self.default_user, users.join(", "));
        }
        for line in &self.script {
            if self.user(&line.user).is_none() {
                return fail("script.user", &line.user, users.join(", "));
            }
        }
        let namespaces: Vec<_> = self.namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
        let used = self
            .workloads
            .iter()
            .map(|workload| ("workloads.namespace", &workload.namespace))
            .chain(self.services.iter().map(|service| ("services.namespace", &service.namespace)))
            .chain(self.secrets.iter().map(|secret| ("secrets.namespace", &secret.namespace)))
            .chain(self.config_maps.iter().map(|map| ("configMaps.namespace", &map.namespace)));
        for (key, namespace) in used {
            if !namespaces.contains(&namespace.as_str()) {
                return fail(key, namespace, namespaces.join(", "));
            }
        }
        if let Err(why) = crate::sim::prometheus::Rules::read(&self.rules) {
            return Err(Error::Scenario(format!("{origin}: {why}")));
        }
        for object in &self.objects {
            if let Err(Error::Scenario(why)) = parse_object(&object.yaml, DateTime::UNIX_EPOCH) {
                return Err(Error::Scenario(format!("{origin}: objects.yaml: {why}")));
            }
        }
        Ok(())
    }
}

/// One object out of YAML.
fn parse_object(yaml: &str, start: DateTime<Utc>) -> Result<Value, Error> {
    let yaml = with_instants(yaml, start)?;
    let value: Value = serde_saphyr::from_str(&yaml).map_err(|error| Error::Scenario(error.to_string()))?;
    let (version, kind) = (kinds::text(&value, &["apiVersion"]), kinds::text(&value, &["kind"]));
    if kinds::by_kind(version, kind).is_none() {
        let known: BTreeMap<_, _> =
            kinds::RESOURCES.iter().map(|row| (row.kind, row.api_version())).collect();
        let known: Vec<_> = known.iter().map(|(kind, version)| format!("{version} {kind}")).collect();
        return Err(Error::Scenario(format!(
            "\"{version} {kind}\" is not served; allowed: {}",
            known.join(", ")
        )));
    }
    Ok(value)
}

/// Replaces `${-SPAN}` by instants.
fn with_instants(yaml: &str, start: DateTime<Utc>) -> Result<String, Error> {
    let mut parts = yaml.split("${-");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (span, rest) = part.split_once('}').unwrap_or((part, ""));
        let span: crate::api::Duration = span
            .parse()
            .map_err(|error| Error::Scenario(format!("${{-{span}}} is no span of time: {error}")))?;
        text.push_str(&stamp(start - span.to_delta()));
        text.push_str(rest);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_scenario_loads_and_its_objects_parse() {
        for (name, text) in BUILTIN {
            let scenario = Scenario::from_toml(text, name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(scenario.name, name);
            scenario.parsed_objects(DateTime::UNIX_EPOCH).unwrap();
        }
        assert_eq!(BUILTIN.map(|(name, _)| name), NAMES);
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line_and_the_allowed_ones() {
        let error = Scenario::from_toml("name = \"x\"\nsead = 1\n", "my.toml").unwrap_err().to_string();
        assert!(error.contains("my.toml:2") && error.contains("sead") && error.contains("seed"), "{error}");
    }

    #[test]
    fn an_unknown_user_in_the_script_is_named() {
        let text = "name = \"x\"\ndefaultUser = \"alice\"\n[[users]]\nname = \"alice\"\n[[script]]\nuser = \"zoe\"\nat = \"3s\"\n";
        let error = Scenario::from_toml(text, "my.toml").unwrap_err().to_string();
        assert!(error.contains("my.toml:6") && error.contains("zoe") && error.contains("alice"), "{error}");
    }

    #[test]
    fn a_wrong_word_is_told_the_allowed_ones() {
        let text = "name = \"x\"\n[versions.\"v1\"]\nfault = \"explode\"\n";
        let error = Scenario::from_toml(text, "my.toml").unwrap_err().to_string();
        assert!(error.contains("my.toml:3") && error.contains("pullfail"), "{error}");
    }
}
