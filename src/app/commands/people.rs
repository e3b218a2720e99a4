//! Reviews, checklists, approvals withdrawn and who drives a release.

use chrono::TimeDelta;

use super::guarding::misread;
use super::prelude::*;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::{self, With};
use crate::app::arguments::Arguments;
use crate::app::{environment_act, needs};
use crate::domain::driver;

const ROW: Command = Command { group: Group::Guarding, ..Command::ROW };

/// How long a claim to drive holds by default.
const DRIVE: TimeDelta = TimeDelta::minutes(30);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "review",
        title: "review",
        help: "Review a break-glass action: :review [DEBT] REASON",
        cli: Some("review"),
        run: review,
        ..ROW.action(ActionKind::Review)
    },
    Command {
        id: "check",
        title: "check",
        help: "Tick a checklist item of the waiting release: :check ITEM",
        cli: Some("check"),
        run: check,
        ..ROW.action(ActionKind::Check)
    },
    Command {
        id: "withdraw",
        title: "withdraw",
        help: "Withdraw your approval (before the release starts)",
        cli: Some("withdraw"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::Withdraw),
        ..ROW.action(ActionKind::Withdraw)
    },
    Command {
        id: "drive",
        title: "drive",
        help: "Show others that you drive this release: :drive 30m",
        cli: Some("drive"),
        run: drive,
        ..ROW.action(ActionKind::Drive)
    },
    Command {
        id: "hand-over",
        title: "hand over",
        help: "Hand over a release that you drive: :hand-over NOTE",
        cli: Some("hand-over"),
        run: |store, invocation| act::ask(store, invocation, ActionKind::HandOver),
        ..ROW.action(ActionKind::HandOver)
    },
];

/// Without a name the oldest debt is meant.
fn review(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let debts = environment_act::reviewable(store, environment);
    let argument = invocation.argument.as_deref().unwrap_or_default();
    let first = argument.split_whitespace().next().unwrap_or_default();
    let named = debts.iter().find(|debt| debt.id == first);
    let Some(debt) = named.or(debts.first()).map(|debt| debt.id.clone()) else { return Vec::new() };
    let mut words = Arguments::of(Some(argument));
    if named.is_some() {
        words.first();
    }
    let parameters = Parameters { debt: Some(debt), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    environment_act::ask(store, environment, ActionKind::Review, with)
}

/// The item may be cut short, as long as one item alone fits; without a word the only one that is open is meant.
fn check(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Ok(id) = act::subject(store, &invocation.target, ActionKind::Check) else { return Vec::new() };
    let environment = store.environment_of(&id).and_then(|id| store.environment(&id));
    let (Some(release), Some(environment)) = (store.release(&id), environment) else { return Vec::new() };
    let wanted = invocation.argument.as_deref().unwrap_or_default().to_lowercase();
    let open = needs::unticked(environment, release);
    let fitting: Vec<&&str> = open.iter().filter(|item| item.to_lowercase().contains(&wanted)).collect();
    let [item] = fitting.as_slice() else {
        let sentence = format!("check: which item? open are {}", open.join(", "));
        store.say(Level::Warning, sentence);
        return Vec::new();
    };
    let item = (**item).to_owned();
    let parameters = Parameters { item: Some(item), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: String::new() };
    act::open(store, &id, ActionKind::Check, with)
}

fn drive(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let mut words = Arguments::of(invocation.argument.as_deref());
    let until = match words.duration(":drive 30m", Some(driver::LONGEST)) {
        Ok(span) => store.now + span.unwrap_or(DRIVE),
        Err(why) => return misread(store, "drive", &why),
    };
    let parameters = Parameters { until: Some(until), ..Parameters::default() };
    let with = With { parameters: Some(Box::new(parameters)), reason: words.rest() };
    act::ask_with(store, invocation, ActionKind::Drive, with)
}
