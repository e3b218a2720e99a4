//! `yaml`.

use super::prelude::*;
use crate::app::effect::{FetchText, YamlOf};
use crate::app::views;

pub(super) const COMMAND: Command = Command {
    id: "yaml",
    title: "YAML",
    help: "Show the selected pod, release or environment as YAML",
    keys: &[KeyChord::char('y')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: needs_environment_or_pod,
    run,
};

fn needs_environment_or_pod(_: &Store, target: &Target) -> Availability {
    if target.pod.is_some() || target.release.is_some() || target.environment.is_some() {
        Availability::Ready
    } else {
        Availability::Unavailable("nothing is selected".to_owned())
    }
}

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Target { environment, release, pod } = invocation.target.clone();
    let (cluster, name, what) = if let Some(pod) = pod {
        (pod.cluster, pod.key.name.clone(), YamlOf::Pod(pod.key))
    } else if let Some(id) = release {
        let (namespace, name) = (id.key.namespace, id.key.name);
        (id.cluster, name.clone(), YamlOf::Ours { plural: "releases", namespace, name })
    } else if let Some(id) = environment {
        let (namespace, name) = (id.key.namespace, id.key.name);
        (id.cluster, name.clone(), YamlOf::Ours { plural: "environments", namespace, name })
    } else {
        return Vec::new();
    };
    let what = FetchText::Yaml { of: what, managed_fields: false };
    views::open_text(store, format!("YAML · {name}"), (cluster, what))
}
