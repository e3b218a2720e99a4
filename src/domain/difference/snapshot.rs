//! An environment described as settings by name, from its objects as the API server tells them.
//!
//! Owns what of which object is a setting, in which order, and what of it may be seen. Values are hashed here and let go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::settings::{self, Settings};
use super::{Fact, Known, Section, Snapshot};
use crate::api::Environment;
use crate::api::config_record::ConfigKind;
use crate::api::environment::Component;
use crate::domain::config_drift::{self, ConfigRef};
use crate::domain::template_diff;

/// One sentence why something could not be read.
type Read<T> = Result<T, String>;

/// Everything that was read of an environment.
#[derive(Debug)]
pub struct Seen {
    /// The object itself.
    pub environment: Environment,
    /// Its components' workloads, in the order of the components.
    pub workloads: Vec<Read<Value>>,
    /// The autoscalers of its namespace.
    pub autoscalers: Read<Vec<Value>>,
    /// The Ingresses of its namespace.
    pub ingresses: Read<Vec<Value>>,
    /// The `HTTPRoute` objects of its namespace.
    pub routes: Read<Vec<Value>>,
    /// What its pods take from, each once.
    pub configs: Vec<(ConfigRef, Content)>,
}

/// What a ConfigMap or Secret holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its keys.
    Keys(BTreeMap<String, Fact>),
    /// It does not exist, though pods take from it.
    Absent,
    /// One sentence why it is not known.
    Hidden(String),
}

/// What an object holds, as settings: of a Secret only hashes under that key.
#[must_use]
pub fn content(reference: &ConfigRef, object: &Value, salt: &str) -> Content {
    let mut keys = BTreeMap::new();
    for part in ["data", "binaryData"] {
        for (key, value) in object[part].as_object().into_iter().flatten() {
            let is_open = reference.kind == ConfigKind::ConfigMap && part == "data";
            let text = if is_open { template_diff::shown(key, value) } else { String::new() };
            keys.insert(key.clone(), settings::fact(salt, text, value));
        }
    }
    Content::Keys(keys)
}

/// The environment as settings, to be compared with one that was described with the same key.
#[must_use]
pub fn snapshot(seen: &Seen, salt: &str) -> Snapshot {
    let mut sections = BTreeMap::new();
    let spec = settings::of_environment(&seen.environment, salt);
    sections.insert(Section::Environment, Known::Settings(spec.into_map()));
    let components = &seen.environment.spec.components;
    for (component, workload) in components.iter().zip(&seen.workloads) {
        let known = match workload {
            Ok(workload) => Known::Settings(of_component(component, workload, &seen.configs, salt)),
            Err(reason) => Known::Hidden(reason.clone()),
        };
        sections.insert(Section::Component(component.name.to_string()), known);
    }
    let autoscalers = list(&seen.autoscalers, |all| {
        let mut settings = Settings::new(salt);
        for component in components {
            settings::autoscaler(&mut settings, component, all);
        }
        settings
    });
    let hosts = |objects: &[Value], of: fn(&mut Settings<'_>, &Value)| {
        let mut settings = Settings::new(salt);
        for object in objects {
            of(&mut settings, object);
        }
        settings
    };
    let ingresses = list(&seen.ingresses, |all| hosts(all, settings::ingress));
    let routes = list(&seen.routes, |all| hosts(all, settings::route));
    let lists =
        [(Section::Autoscalers, autoscalers), (Section::Ingresses, ingresses), (Section::Routes, routes)];
    sections.extend(lists.into_iter().filter_map(|(section, known)| Some((section, known?))));
    sections.extend(seen.configs.iter().map(|(reference, content)| config(reference, content, salt)));
    Snapshot { sections, takers: takers(seen).unwrap_or_default() }
}

/// Which components' pods take from each ConfigMap and Secret; absent where one component's workload is not known.
fn takers(seen: &Seen) -> Option<BTreeMap<Section, BTreeSet<String>>> {
    let mut takers: BTreeMap<Section, BTreeSet<String>> = BTreeMap::new();
    for (component, workload) in seen.environment.spec.components.iter().zip(&seen.workloads) {
        for reference in config_drift::references(&workload.as_ref().ok()?["spec"]["template"]) {
            takers.entry(section(&reference)).or_default().insert(component.name.to_string());
        }
    }
    Some(takers)
}

fn section(reference: &ConfigRef) -> Section {
    let name = reference.name.clone();
    match reference.kind {
        ConfigKind::ConfigMap => Section::ConfigMap(name),
        ConfigKind::Secret => Section::Secret(name),
    }
}

/// A list's settings; nothing where there are none, so that who has none is not told that all of it is missing.
fn list<'a>(read: &Read<Vec<Value>>, of: impl FnOnce(&[Value]) -> Settings<'a>) -> Option<Known> {
    match read {
        Ok(all) => Some(of(all).into_map()).filter(|settings| !settings.is_empty()).map(Known::Settings),
        Err(reason) => Some(Known::Hidden(reason.clone())),
    }
}

fn config(reference: &ConfigRef, content: &Content, salt: &str) -> (Section, Known) {
    let known = match content {
        Content::Keys(keys) => Known::Settings(
            keys.iter().map(|(key, fact)| ((0, key.clone()), fact.clone())).collect::<BTreeMap<_, _>>(),
        ),
        Content::Absent => {
            let mut settings = Settings::new(salt);
            settings.put(0, "object", "does not exist");
            Known::Settings(settings.into_map())
        }
        Content::Hidden(reason) => Known::Hidden(reason.clone()),
    };
    (section(reference), known)
}

/// The settings of a component's workload; variables that come from keys are told with what the keys hold.
fn of_component(
    component: &Component,
    workload: &Value,
    configs: &[(ConfigRef, Content)],
    salt: &str,
) -> BTreeMap<super::Name, Fact> {
    let mut settings = Settings::new(salt);
    settings::workload(&mut settings, component, workload);
    for (what, thing) in template_diff::things(&workload["spec"]["template"]) {
        settings::thing(&mut settings, component, (&what, &thing.text, &thing.value), |reference, key| {
            let held = configs.iter().find(|(config, _)| config == reference);
            match held {
                Some((_, Content::Keys(keys))) => keys.get(key),
                _ => None,
            }
        });
    }
    settings.into_map()
}
