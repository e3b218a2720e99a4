//! `differences`.

use super::prelude::*;
use crate::app::differences;

pub(super) const COMMAND: Command = Command {
    id: "differences",
    title: "differ",
    help: "What differs between this environment and the one before it; again: another; :differences dev",
    keys: &[KeyChord::char('X')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: Some("diff"),
    confirmation: Confirmation::None,
    availability: available,
    run,
};

fn available(store: &Store, target: &Target) -> Availability {
    let Some(environment) = &target.environment else {
        return Availability::Unavailable("no environment is selected".to_owned());
    };
    if store.rows.environments.iter().any(|row| row.id != *environment) {
        Availability::Ready
    } else {
        Availability::Unavailable("there is only one environment".to_owned())
    }
}

fn run(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let Some(environment) = invocation.target.environment.clone() else { return Vec::new() };
    let words: Vec<&str> = invocation.argument.as_deref().unwrap_or_default().split_whitespace().collect();
    let named = |word: &&str| differences::find(store, word);
    let pair = match words.as_slice() {
        [] if matches!(store.ui.view(), View::Differences(_)) => {
            differences::turn(store);
            return Vec::new();
        }
        [] if differences::candidates(store, &environment).is_empty() => {
            Err("no other environment of this application is in sight: name one, as in :differences staging"
                .to_owned())
        }
        [] => Ok((environment, None)),
        [other] => named(other).map(|other| (environment, Some(other))),
        [left, right] => named(left).and_then(|left| Ok((named(right)?, Some(left)))),
        _ => Err("two environments are compared, not more".to_owned()),
    };
    match pair {
        Ok((right, Some(left))) if left == right => {
            store.say(Level::Warning, format!("differences: both are {}", right.key.name));
        }
        Ok((right, left)) => differences::open(store, right, left),
        Err(reason) => store.say(Level::Warning, format!("differences: {reason}")),
    }
    Vec::new()
}
