//! `arm`.

use super::prelude::*;
use crate::app::arguments::Words;
use crate::app::arming;
use crate::domain::age::Age;

pub(super) const COMMAND: Command = Command {
    id: "arm",
    title: "arm",
    help: "Let an environment that opens read-only be changed for a time: :arm 15m REASON",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Guarding,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: available,
    run,
};

fn available(store: &Store, target: &Target) -> Availability {
    let Some(id) = &target.environment else { return needs_environment(store, target) };
    match arming::posture(store, id) {
        arming::Posture::Open => {
            Availability::Unavailable(format!("{} needs no arming: it is not read-only", id.key.name))
        }
        _ => Availability::Ready,
    }
}

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = invocation.target.environment.clone() else { return Vec::new() };
    let mut words = Words::of(invocation.argument.as_deref());
    let (span, reason) = (words.span(), words.rest());
    match span.filter(|span| span.num_seconds() > 0 && reason.chars().count() >= 3) {
        None => store.say(Level::Warning, "arm: for how long and why? :arm 15m REASON"),
        Some(span) if span > arming::LONGEST => {
            store.say(Level::Warning, format!("arm: for {} at most", Age::of(arming::LONGEST)));
        }
        Some(span) => arming::arm(store, environment, span, &reason),
    }
    Vec::new()
}
