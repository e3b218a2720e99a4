//! Freezes, stops, deny lists and gates: what keeps releases out of an environment, and what lets them in.

use chrono::TimeDelta;

use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::{self, With};
use crate::app::arguments::Arguments;
use crate::app::{arming, environment_act};
use crate::domain::gate::force;
use crate::domain::intent::is_digest;

const ROW: Command = Command { group: Group::Guarding, ..Command::ROW };

/// How long an overridden gate passes by default.
const OVERRIDE: TimeDelta = TimeDelta::minutes(30);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "freeze",
        title: "freeze",
        help: "Freeze an environment: :freeze production 2h INC-1 [hold|rollback] REASON",
        cli: Some("freeze"),
        run: freeze,
        ..ROW.action(ActionKind::Freeze)
    },
    Command {
        id: "unfreeze",
        title: "unfreeze",
        help: "Lift the freeze of an environment",
        cli: Some("unfreeze"),
        run: |store, invocation| environment_act::ask_plain(store, invocation, ActionKind::Unfreeze),
        ..ROW.action(ActionKind::Unfreeze)
    },
    Command {
        id: "stop",
        title: "stop",
        help: "Emergency stop: abort every release of an environment",
        cli: Some("stop"),
        run: |store, invocation| environment_act::ask_plain(store, invocation, ActionKind::AbortAll),
        ..ROW.action(ActionKind::AbortAll)
    },
    Command {
        id: "deny",
        title: "deny",
        help: "Deny an image digest: :deny sha256:… [2d] REASON",
        cli: Some("deny"),
        run: deny,
        ..ROW.action(ActionKind::Deny)
    },
    Command {
        id: "allow",
        title: "allow",
        help: "Remove a digest from the deny list: :allow sha256:… REASON",
        cli: Some("allow"),
        run: allow,
        ..ROW.action(ActionKind::Allow)
    },
    Command {
        id: "override",
        title: "override",
        help: "Override a gate (break-glass): :override GATE 30m INC-1 REASON",
        cli: Some("override"),
        run: override_gate,
        ..ROW.action(ActionKind::Override)
    },
    Command {
        id: "arm",
        title: "arm",
        help: "Unlock a read-only environment for a time: :arm 15m REASON",
        availability: Some(can_arm),
        run: arm,
        ..ROW
    },
    Command {
        id: "disarm",
        title: "disarm",
        help: "Make the environment read-only again",
        availability: Some(|store, _| match store.armed {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("nothing is armed".to_owned()),
        }),
        run: |store, _| {
            arming::disarm(store, "as you said");
            Vec::new()
        },
        ..ROW
    },
];

/// Without a span it lasts until somebody lifts it; without a policy, what executes may finish.
fn freeze(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
    let form = ":freeze [ENVIRONMENT] 2h [INCIDENT] REASON";
    let until = match words.duration(form, None) {
        Ok(span) => span.map(|span| store.now + span),
        Err(why) => return misread(store, "freeze", &why),
    };
    let in_flight = words.in_flight();
    let incident = words.incident();
    let parameters = Parameters { until, in_flight, incident, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Freeze, with)
}

fn deny(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
    let Some(digest) = words.first().filter(|word| is_digest(word)) else {
        store.say(Level::Warning, "deny: which digest? :deny sha256:… REASON");
        return Vec::new();
    };
    let until = match words.duration(":deny sha256:… 2d REASON", None) {
        Ok(span) => span.map(|span| store.now + span),
        Err(why) => return misread(store, "deny", &why),
    };
    let parameters = Parameters { digest: Some(digest), until, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Deny, with)
}

fn allow(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
    let Some(digest) = words.first().filter(|word| is_digest(word)) else {
        store.say(Level::Warning, "allow: which digest? :allow sha256:… REASON");
        return Vec::new();
    };
    let parameters = Parameters { digest: Some(digest), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Allow, with)
}

fn override_gate(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Ok(id) = act::subject(store, &invocation.target, ActionKind::Override) else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
    let wanted = words.first().unwrap_or_default();
    let gate = store.release(&id).and_then(|release| {
        act::forcible(release).find(|gate| gate.name == wanted).map(|gate| gate.name.clone())
    });
    let until = match words.duration(":override GATE 30m INC-1 REASON", Some(force::LONGEST)) {
        Ok(span) => store.now + span.unwrap_or(OVERRIDE),
        Err(why) => return misread(store, "override", &why),
    };
    let incident = words.incident();
    let (Some(gate), Some(incident)) = (gate, incident) else {
        store.say(Level::Warning, "override: which gate, in which incident? :override GATE 30m INC-1 REASON");
        return Vec::new();
    };
    let parameters = Parameters {
        gate: Some(gate),
        until: Some(until),
        incident: Some(incident),
        ..Parameters::default()
    };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    act::open(store, &id, ActionKind::Override, with)
}

fn can_arm(store: &Store, target: &Target) -> Availability {
    let Some(id) = &target.environment else { return needs_environment(store, target) };
    match arming::posture(store, id) {
        arming::Posture::Open => {
            Availability::Unavailable(format!("{} needs no arming: it is not read-only", id.key.name))
        }
        _ => Availability::Ready,
    }
}

fn arm(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = invocation.target.environment.clone() else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
    let span = match words.duration(":arm 15m REASON", Some(arming::LONGEST)) {
        Ok(span) => span,
        Err(why) => return misread(store, "arm", &why),
    };
    let reason = words.rest();
    match span.filter(|_| reason.chars().count() >= 3) {
        None => store.say(Level::Warning, "arm: for how long and why? :arm 15m REASON"),
        Some(span) => arming::arm(store, environment, span, &reason),
    }
    Vec::new()
}

/// Reports the accepted form; sends nothing.
pub(super) fn misread(store: &mut Store, command: &str, why: &str) -> Vec<Effect> {
    store.say(Level::Warning, format!("{command}: {why}"));
    Vec::new()
}
