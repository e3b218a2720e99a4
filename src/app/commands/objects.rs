//! `objects`.

use super::prelude::*;
use crate::app::effect::FetchText;
use crate::app::{components, views};

pub(super) const COMMAND: Command = Command {
    id: "objects",
    title: "objects",
    help: "Revisions, autoscalers, disruption budgets, endpoints, ingresses with certificates",
    keys: &[KeyChord::char('O')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: needs_environment,
    run: |store, invocation| {
        let Some(id) = invocation.target.environment.clone() else { return Vec::new() };
        let alone = components::alone(store, &id).map(|component| Box::<str>::from(component.name.as_str()));
        let title = match &alone {
            Some(component) => format!("objects · {} · {component}", id.key.name),
            None => format!("objects · {}", id.key.name),
        };
        views::open_text(store, title, (id.cluster, FetchText::Objects(id.key, alone)))
    },
};
