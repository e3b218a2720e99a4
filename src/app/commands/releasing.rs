//! Deploying, approving, shifting, aborting and rolling back.

use super::prelude::*;
use crate::api::release_action::Parameters;
use crate::api::strategy::Weight;
use crate::api::{ActionKind, ReleaseKind};
use crate::app::act::{self, With};
use crate::app::arguments::Arguments;
use crate::app::shifting::{self, Direction};
use crate::app::{dialogs, guard, inbox, rollback, versions};

const ROW: Command = Command { scope: Scope::Cluster, group: Group::Releasing, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "deploy",
        title: "deploy",
        help: "Deploy a version",
        keys: &[KeyChord::char('n')],
        verb: Some(Verb::Deploy),
        cli: Some("deploy"),
        confirmation: Confirmation::Scaled,
        availability: Some(|store, target| {
            let frozen = target.environment.as_ref().and_then(|id| guard::freeze(store, id));
            frozen.map_or(Availability::Ready, Availability::Unavailable)
        }),
        run: |store, invocation| {
            let version = invocation.argument.as_deref().unwrap_or_default();
            if let Some(environment) = &invocation.target.environment {
                dialogs::form::open(store, ReleaseKind::Deploy, environment, version);
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "promote",
        title: "promote",
        help: "Promote from the previous environment",
        keys: &[KeyChord::char('P')],
        verb: Some(Verb::Deploy),
        cli: Some("promote"),
        confirmation: Confirmation::Scaled,
        availability: Some(can_promote),
        run: |store, invocation| {
            if let Some(environment) = &invocation.target.environment {
                dialogs::form::open(store, ReleaseKind::Promote, environment, "");
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "approve",
        title: "approve",
        help: "Approve the waiting release; in the inbox, act on the item",
        keys: &[KeyChord::char('v')],
        cli: Some("approve"),
        availability: Some(|store, target| {
            inbox::availability(store)
                .unwrap_or_else(|| act::availability(store, target, ActionKind::Approve))
        }),
        run: |store, invocation| match inbox::availability(store) {
            Some(_) => inbox::act(store, invocation.argument.as_deref().unwrap_or_default()),
            None => act::ask(store, invocation, ActionKind::Approve),
        },
        ..ROW.action(ActionKind::Approve)
    },
    Command {
        id: "reject",
        title: "reject",
        help: "Reject the waiting release",
        keys: &[KeyChord::char('x')],
        cli: Some("reject"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::Reject),
        ..ROW.action(ActionKind::Reject)
    },
    Command {
        id: "pause",
        title: "pause",
        help: "Pause the rollout",
        keys: &[KeyChord::char('p')],
        cli: Some("pause"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::Pause),
        ..ROW.action(ActionKind::Pause)
    },
    Command {
        id: "resume",
        title: "resume",
        help: "Resume the paused rollout",
        keys: &[KeyChord::char('u')],
        cli: Some("resume"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::Resume),
        ..ROW.action(ActionKind::Resume)
    },
    Command {
        id: "weight",
        title: "weight",
        help: "Set the canary weight: :weight 30 REASON",
        keys: &[KeyChord::char('+'), KeyChord::char('-')],
        cli: Some("weight"),
        run: weight,
        ..ROW.action(ActionKind::SetWeight)
    },
    Command {
        id: "promote-step",
        title: "step",
        help: "Skip to the next step",
        keys: &[KeyChord::char('>')],
        cli: Some("promote-step"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::Promote),
        ..ROW.action(ActionKind::Promote)
    },
    Command {
        id: "promote-full",
        title: "full",
        help: "Promote fully (skip remaining steps)",
        keys: &[KeyChord::char('F')],
        cli: Some("promote-full"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::PromoteFull),
        ..ROW.action(ActionKind::PromoteFull)
    },
    Command {
        id: "retry",
        title: "retry",
        help: "Retry the held release from its current step",
        keys: &[KeyChord::char('t')],
        cli: Some("retry"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::Retry),
        ..ROW.action(ActionKind::Retry)
    },
    Command {
        id: "abort",
        title: "abort",
        help: "Abort the release and revert its changes",
        keys: &[KeyChord::char('A')],
        cli: Some("abort"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::Abort),
        ..ROW.action(ActionKind::Abort)
    },
    Command {
        id: "rollback",
        title: "rollback",
        help: "Choose a version to roll back to",
        keys: &[KeyChord::char('R')],
        cli: Some("rollback"),
        availability: Some(needs_environment),
        run: |store, invocation| {
            match (invocation.target.environment.clone(), invocation.argument.as_deref().map(str::trim)) {
                (Some(environment), Some(version)) if !version.is_empty() => {
                    rollback::open_at(store, environment, version);
                }
                (Some(environment), _) => rollback::open(store, environment),
                (None, _) => {}
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "emergency",
        title: "emergency",
        help: "Emergency rollback (needs review afterwards)",
        keys: &[KeyChord::char('e')],
        scope: Scope::Rollback,
        cli: Some("rollback"),
        availability: Some(|store, _| match store.ui.view() {
            View::Rollback(view) => rollback::availability(store, view, true),
            _ => Availability::Unavailable("look at the versions to go back to first".to_owned()),
        }),
        run: |store, invocation| {
            rollback::confirm_emergency(store, invocation.argument.as_deref().unwrap_or_default())
        },
        ..ROW.action(ActionKind::Rollback)
    },
];

fn can_promote(store: &Store, target: &Target) -> Availability {
    let id = target.environment.as_ref();
    let Some((id, environment)) = id.and_then(|id| Some((id, store.environment(id)?))) else {
        return Availability::Unavailable("no environment is selected".to_owned());
    };
    if let Some(reason) = guard::freeze(store, id) {
        return Availability::Unavailable(reason);
    }
    let Some(source) = versions::source(store, environment, id.cluster) else {
        return Availability::Unavailable(format!(
            "{} names none that versions are promoted from",
            id.key.name
        ));
    };
    versions::promotable(store, &source)
        .map_or_else(|error| Availability::Unavailable(error.to_string()), |_| Availability::Ready)
}

/// A key opens the form with a proposal; a number that the policy lets pass goes straight to the question.
fn weight(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Ok(id) = act::subject(store, &invocation.target, ActionKind::SetWeight) else { return Vec::new() };
    let mut words = Arguments::of(invocation.argument.as_deref());
    let Some(word) = words.first() else {
        let direction = if invocation.key == Some(1) { Direction::Down } else { Direction::Up };
        dialogs::weight::open(store, &id, direction);
        return Vec::new();
    };
    let Some(wanted) = word.strip_suffix('%').unwrap_or(&word).parse().ok().and_then(Weight::new) else {
        store.say(Level::Warning, "weight: how much? :weight 30 REASON, from 0 to 100");
        return Vec::new();
    };
    if let Some(refusal) = shifting::preview(store, &id, wanted).and_then(|preview| preview.refusal) {
        store.say(Level::Warning, format!("weight: {refusal}"));
        return Vec::new();
    }
    let weight = Some(i32::from(wanted.percent()));
    let parameters = Parameters { weight, ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    act::open(store, &id, ActionKind::SetWeight, with)
}
