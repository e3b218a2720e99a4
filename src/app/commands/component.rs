//! `component`.

use super::prelude::*;
use crate::app::components;

pub(super) const COMMAND: Command = Command {
    id: "component",
    title: "component",
    help: "Show one component alone in all panes; :component NAME or all; =all is the one called all",
    keys: &[KeyChord::char('C')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: needs_environment,
    run: |store, invocation| {
        if let Some(environment) = &invocation.target.environment {
            match invocation.argument.as_deref() {
                Some(wanted) => components::choose(store, environment, wanted),
                None => components::open(store, environment),
            }
        }
        Vec::new()
    },
};
