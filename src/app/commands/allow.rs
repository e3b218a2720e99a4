//! `allow`.

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::With;
use crate::app::arguments::Words;
use crate::app::environment_act;
use crate::domain::intent::is_digest;

pub(super) const COMMAND: Command = Command {
    id: "allow",
    title: "allow",
    help: "Take a digest off an environment's deny list: :allow sha256:… REASON",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: Some(Verb::Freeze),
    cli: Some("allow"),
    confirmation: rule(ActionKind::Allow).confirmation,
    availability: |store, target| environment_act::availability(store, target, ActionKind::Allow),
    run,
};

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Words::of(invocation.argument.as_deref());
    let Some(digest) = words.first().filter(|word| is_digest(word)) else {
        store.say(Level::Warning, "allow: which digest? :allow sha256:… REASON");
        return Vec::new();
    };
    let until = words.span().map(|span| store.now + span);
    let parameters = Parameters { digest: Some(digest), until, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Allow, (COMMAND.confirmation, with))
}
