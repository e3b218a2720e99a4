//! Actions on an environment: whether one fits, and the question that is asked before it is sent.

use crate::api::environment::Debt;
use crate::api::{ActionKind, Environment};
use crate::app::act::With;
use crate::app::arguments::Arguments;
use crate::app::ask::{self, Question};
use crate::app::state::confirm::Intent;
use crate::app::state::effect::Effect;
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Invocation, Target};
use crate::app::{needs, target};
use crate::domain::action_rule::{self, rule};

/// Whether that action can be taken on the target's environment. What it may be done with is judged when it is known.
pub(super) fn availability(store: &Store, target: &Target, kind: ActionKind) -> Availability {
    let Some(id) = &target.environment else {
        return Availability::Unavailable("no environment is selected".to_owned());
    };
    why_not(store, id, kind).map_or(Availability::Ready, Availability::Unavailable)
}

fn why_not(store: &Store, id: &EnvironmentId, kind: ActionKind) -> Option<String> {
    let Some(environment) = store.environment(id) else {
        return Some(format!("environment {} is not known", id.key));
    };
    let name = &id.key.name;
    match kind {
        ActionKind::Unfreeze if frozen(store, environment) => None,
        ActionKind::Unfreeze => Some(format!("{name} is not frozen")),
        ActionKind::Allow => denied(environment).is_empty().then(|| format!("nothing is denied in {name}")),
        ActionKind::AbortAll => {
            let mut releases = target::releases_of(store, id).into_iter();
            let alive = releases.any(|(_, release)| !release.phase().is_final());
            (!alive).then(|| format!("no release waits or runs in {name}"))
        }
        ActionKind::Review => match (debts(environment), reviewable(store, id).is_empty()) {
            ([], _) => Some(format!("nothing is to be reviewed in {name}")),
            (_, true) => Some("you caused it: somebody else must review it".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// The first word, where it names a component of that environment.
pub(super) fn component(store: &Store, environment: &EnvironmentId, words: &mut Arguments) -> Option<String> {
    let name = words.first()?;
    store.environment(environment)?.spec.component(&name).map(|_| name)
}

/// Releases are stopped there now.
fn frozen(store: &Store, environment: &Environment) -> bool {
    let frozen = environment.status.as_ref().and_then(|status| status.frozen.as_ref());
    frozen.is_some_and(|frozen| frozen.until.is_none_or(|until| until > store.now))
}

/// Digests that may not come there.
pub(super) fn denied(environment: &Environment) -> Vec<&str> {
    let denied = environment.status.as_ref().map(|status| status.denied.as_slice()).unwrap_or_default();
    denied.iter().map(|denied| denied.digest.as_str()).collect()
}

/// What break-glass left behind there.
pub(super) fn debts(environment: &Environment) -> &[Debt] {
    environment.status.as_ref().map(|status| status.debts.as_slice()).unwrap_or_default()
}

/// The debts there that somebody else has caused, oldest first.
pub(super) fn reviewable<'a>(store: &'a Store, id: &EnvironmentId) -> Vec<&'a Debt> {
    let found = store.cluster(id.cluster).zip(store.environment(id));
    let Some((cluster, environment)) = found else { return Vec::new() };
    let Some(identity) = &cluster.identity else { return Vec::new() };
    let mut debts: Vec<&Debt> =
        debts(environment).iter().filter(|debt| !needs::is_me(environment, identity, &debt.by)).collect();
    debts.sort_by_key(|debt| debt.at);
    debts
}

/// Opens the confirmation of an action without parameters; the command's argument is its reason.
pub(super) fn ask_plain(store: &mut Store, invocation: &Invocation, kind: ActionKind) -> Vec<Effect> {
    let Some(environment) = &invocation.target.environment else { return Vec::new() };
    let reason = invocation.argument.clone().unwrap_or_default();
    ask(store, environment, kind, With { parameters: None, reason })
}

/// Opens the confirmation of an action on an environment.
pub(super) fn ask(
    store: &mut Store,
    environment: &EnvironmentId,
    kind: ActionKind,
    with: With,
) -> Vec<Effect> {
    let question = Question {
        verb: rule(kind).button,
        environment: environment.clone(),
        release: None,
        confirmation: action_rule::confirmation(kind, with.parameters.as_deref(), None),
        reason_least: if rule(kind).needs_reason { 3 } else { 0 },
        reason: &with.reason,
        intent: Intent::EnvironmentAction { kind, parameters: with.parameters },
    };
    ask::open(store, question)
}
