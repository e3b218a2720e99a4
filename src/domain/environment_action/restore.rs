//! An Environment that was deleted and created again: what its status held is found in the records, which nobody can delete.
//!
//! Owns the replay. Freezes, denials, debts and the last stop follow from the actions that were applied and the releases that began,
//! in the order in which they counted; the chain continues after the newest sealed record.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Case, DENIED, Situation, expire, ledger};
use crate::api::environment::{Environment, EnvironmentStatus, Frozen};
use crate::api::release::{Phase, Release, ReleaseStatus};
use crate::api::release_action::{ActionKind, ActionResult, ReleaseAction};
use crate::api::time::from_time;
use crate::api::{ChainHead, Seal};
use crate::domain::{debt, freeze};

/// Debts that an object may hold.
const DEBTS: usize = 128;

/// What the records say of an environment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Restored {
    /// The status with everything that was lost.
    pub status: EnvironmentStatus,
    /// One sentence about it.
    pub sentence: String,
    /// Whether the environment is younger than its records. Otherwise only the head of the chain was not written yet.
    pub is_created_again: bool,
}

/// What is to be restored: nothing where the environment knows its chain, or where no record was ever sealed.
#[must_use]
pub(crate) fn restored(
    environment: &Environment,
    releases: &[Arc<Release>],
    actions: &[Arc<ReleaseAction>],
    now: DateTime<Utc>,
) -> Option<Restored> {
    let old = environment.status.clone().unwrap_or_default();
    if old.chain.as_ref().is_some_and(|chain| chain.sequence > 0) {
        return None;
    }
    let chain = head(releases, actions)?;
    let nothing = EnvironmentStatus {
        frozen: None,
        freezes: Vec::new(),
        denied: Vec::new(),
        debts: Vec::new(),
        stop: None,
        chain: Some(chain.clone()),
        ..old.clone()
    };
    let mut status = replay(environment, releases, actions, nothing);
    keep(&mut status, &old);
    expire(&mut status, now);
    let frozen =
        status.frozen.as_ref().map_or("not frozen".to_owned(), |frozen| format!("frozen by {}", frozen.by));
    let sentence = format!(
        "created again and restored from its records: {frozen}, {} denied images, {} debts; the chain goes on at {}",
        status.denied.len(),
        status.debts.len(),
        chain.sequence
    );
    let created = environment.metadata.creation_timestamp.as_ref().map(from_time);
    let is_older = |at: Option<DateTime<Utc>>| at.zip(created).is_some_and(|(at, created)| at < created);
    let is_created_again = releases.iter().any(|release| is_older(release.created_at()))
        || actions.iter().any(|action| is_older(action.metadata.creation_timestamp.as_ref().map(from_time)));
    Some(Restored { status, sentence, is_created_again })
}

/// Adds what the status holds already. An Environment also has no chain while its first record is being sealed, and the records that were
/// reported until then may lack a freeze that it has.
fn keep(status: &mut EnvironmentStatus, old: &EnvironmentStatus) {
    let is_same = |one: &Frozen, other: &Frozen| {
        (&one.by, one.until, &one.reason, one.in_flight, &one.incident)
            == (&other.by, other.until, &other.reason, other.in_flight, &other.incident)
    };
    for held in freeze::listed(old) {
        if !freeze::listed(status).iter().any(|known| is_same(known, &held)) {
            freeze::add(status, held);
        }
    }
    for held in &old.denied {
        if status.denied.len() < DENIED && !status.denied.iter().any(|known| known.digest == held.digest) {
            status.denied.push(held.clone());
        }
    }
    for held in &old.debts {
        if status.debts.len() < DEBTS && !status.debts.iter().any(|known| known.id == held.id) {
            status.debts.push(held.clone());
        }
    }
    if old.stop.as_ref().is_some_and(|held| status.stop.as_ref().is_none_or(|known| known.at < held.at)) {
        status.stop.clone_from(&old.stop);
    }
}

/// Where the sealed records end, and where they begin.
fn head(releases: &[Arc<Release>], actions: &[Arc<ReleaseAction>]) -> Option<ChainHead> {
    let of_releases = releases.iter().filter_map(|release| release.status.as_ref()?.seal.as_ref());
    let of_actions = actions.iter().filter_map(|action| action.status.as_ref()?.seal.as_ref());
    let seals: Vec<&Seal> = of_releases.chain(of_actions).collect();
    let newest = seals.iter().max_by_key(|seal| seal.sequence)?;
    let oldest = seals.iter().min_by_key(|seal| seal.sequence)?;
    let is_whole = oldest.sequence <= 1;
    Some(ChainHead {
        sequence: newest.sequence,
        hash: newest.hash.clone(),
        removed: if is_whole { 0 } else { oldest.sequence.saturating_sub(1) },
        removed_hash: if is_whole { String::new() } else { oldest.previous.clone() },
    })
}

/// Something that counted, at its time.
enum Event<'a> {
    Began(&'a Release),
    Ended(&'a Release),
    Applied(&'a ReleaseAction),
}

fn replay(
    environment: &Environment,
    releases: &[Arc<Release>],
    actions: &[Arc<ReleaseAction>],
    mut status: EnvironmentStatus,
) -> EnvironmentStatus {
    let mut events = Vec::new();
    for release in releases {
        let times = release.status.as_ref().map(|status| (status.started_at, status.finished_at));
        let (began, ended) = times.unwrap_or_default();
        events.extend(began.map(|at| (at, Event::Began(release))));
        events.extend(ended.map(|at| (at, Event::Ended(release))));
    }
    for action in actions {
        let judged = action.status.clone().unwrap_or_default();
        if judged.result == Some(ActionResult::Applied) && action.spec.action.is_on_environment() {
            let at = judged.at.or(action.created_at()).unwrap_or_default();
            events.push((at, Event::Applied(action)));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    let aliases = aliases(releases);
    let nothing = BTreeMap::new();
    for (at, event) in events {
        match event {
            Event::Began(release) => {
                account((environment, &mut status), release, |before| before.started_at = None);
            }
            Event::Ended(release) => {
                account((environment, &mut status), release, |before| before.phase = Phase::RollingBack);
            }
            Event::Applied(action) => {
                let seen = Situation {
                    environment,
                    workloads: &nothing,
                    autoscalers: &BTreeMap::new(),
                    releases: &[],
                };
                apply(&mut status, &Case { seen: &seen, action, now: at }, &aliases);
            }
        }
    }
    status
}

/// Adds what a release leaves behind as it goes over from what it was before to what it is.
fn account(
    (environment, status): (&Environment, &mut EnvironmentStatus),
    release: &Release,
    was: impl Fn(&mut ReleaseStatus),
) {
    let Some(now) = &release.status else { return };
    let mut before = release.clone();
    was(before.status.get_or_insert_default());
    if let Some(new) = ledger::accounted(environment.spec.versions.as_ref(), status, &before, now) {
        *status = new;
    }
}

/// Carries out an action that was applied at its time: what attested its author then is not asked again.
fn apply(status: &mut EnvironmentStatus, case: &Case<'_>, aliases: &BTreeMap<String, String>) {
    if case.action.spec.action == ActionKind::Review {
        let id = case.parameters().debt.unwrap_or_default();
        let known = aliases.get(&id).unwrap_or(&id);
        status.debts.retain(|debt| debt.id != id && debt.id != *known);
        return;
    }
    let mut after = status.clone();
    if case.on_status(&mut after).is_some_and(|outcome| outcome.is_ok()) {
        *status = after;
    }
}

/// The ids of debts by the names under which older versions knew them.
fn aliases(releases: &[Arc<Release>]) -> BTreeMap<String, String> {
    let mut aliases = BTreeMap::new();
    for release in releases {
        aliases.insert(release.metadata.name.clone().unwrap_or_default(), debt::id_of_release(release));
        for forced in release.status.iter().flat_map(|status| &status.overrides) {
            aliases.insert(forced.action.clone(), debt::id_of_override(release, forced));
        }
    }
    aliases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::InFlight;
    use crate::api::release::Undo;
    use crate::api::release_action::Parameters;
    use crate::domain::fixtures::{action, at, environment, release_at, uid};
    use crate::domain::timeline::CONTROLLER;

    fn digest(c: char) -> String {
        format!("sha256:{}", c.to_string().repeat(64))
    }

    fn seal(sequence: i64) -> Seal {
        Seal { sequence, previous: format!("sha256:{}", sequence - 1), hash: format!("sha256:{sequence}") }
    }

    fn applied(
        name: &str,
        kind: ActionKind,
        (actor, secs): (&str, i64),
        sequence: i64,
        change: impl FnOnce(&mut Parameters),
    ) -> Arc<ReleaseAction> {
        let mut action = action(name, kind, actor, secs);
        action.spec.release = None;
        change(action.spec.parameters.get_or_insert_default());
        let status = action.status.get_or_insert_default();
        status.result = Some(ActionResult::Applied);
        status.at = Some(at(secs));
        status.seal = Some(seal(sequence));
        Arc::new(action)
    }

    fn ended(name: &str, secs: i64, sequence: i64, change: impl FnOnce(&mut Release)) -> Arc<Release> {
        let mut release = release_at(name, "v2", secs);
        let status = release.status.get_or_insert_default();
        status.phase = Phase::Succeeded;
        status.started_at = Some(at(secs + 1));
        status.finished_at = Some(at(secs + 2));
        status.seal = Some(seal(sequence));
        change(&mut release);
        Arc::new(release)
    }

    /// A history of one emergency that was reviewed, one that was not, one that failed, freezes and denials.
    fn history() -> (Vec<Arc<Release>>, Vec<Arc<ReleaseAction>>) {
        let releases = vec![
            ended("paid", 0, 3, |release| release.spec.emergency = Some(true)),
            ended("owed", 10, 4, |release| release.spec.emergency = Some(true)),
            ended("failed", 20, 5, |release| {
                release.spec.images[0].image = format!("ghcr.io/acme/backend:v2@{}", digest('a'));
                let status = release.status.as_mut().unwrap();
                status.phase = Phase::RolledBack;
                status.undo = Some(Undo {
                    by: CONTROLLER.into(),
                    at: at(21),
                    reason: "pods crash".into(),
                    ends_as: Phase::RolledBack,
                });
            }),
        ];
        let actions = vec![
            applied("review", ActionKind::Review, ("carol", 5), 6, |p| p.debt = Some("paid".into())),
            applied("f1", ActionKind::Freeze, ("erin", 30), 7, |p| p.in_flight = Some(InFlight::Hold)),
            applied("f2", ActionKind::Freeze, ("carol", 31), 8, |p| p.until = Some(at(40))),
            applied("d1", ActionKind::Deny, ("erin", 32), 9, |p| p.digest = Some(digest('b'))),
            applied("d2", ActionKind::Deny, ("erin", 33), 10, |p| p.digest = Some(digest('c'))),
            applied("a2", ActionKind::Allow, ("erin", 34), 11, |p| p.digest = Some(digest('c'))),
            applied("s1", ActionKind::AbortAll, ("erin", 35), 12, |_| {}),
        ];
        (releases, actions)
    }

    #[test]
    fn what_was_lost_is_found_in_the_records() {
        let (releases, actions) = history();
        let mut again = environment();
        again.status = None;
        again.metadata.creation_timestamp = Some(crate::api::time::to_time(at(-100)));
        let first_contact = restored(&again, &releases, &actions, at(100)).unwrap();
        assert!(!first_contact.is_created_again, "it is older than its records");
        again.metadata.creation_timestamp = Some(crate::api::time::to_time(at(90)));
        let Restored { status, sentence, is_created_again } =
            restored(&again, &releases, &actions, at(100)).unwrap();
        assert!(is_created_again);
        let frozen = status.frozen.unwrap();
        assert_eq!((frozen.by.as_str(), frozen.until, frozen.in_flight), ("erin", None, InFlight::Hold));
        let mut denied: Vec<_> = status.denied.iter().map(|denied| denied.digest.as_str()).collect();
        denied.sort_unstable();
        assert_eq!(denied, [digest('a'), digest('b')]);
        let debts: Vec<_> = status.debts.iter().map(|debt| debt.id.as_str()).collect();
        assert_eq!(debts, [format!("release/{}", uid("owed"))]);
        assert_eq!(status.stop.unwrap().by, "erin");
        let chain = status.chain.unwrap();
        assert_eq!((chain.sequence, chain.hash.as_str(), chain.removed), (12, "sha256:12", 2));
        assert_eq!(chain.removed_hash, "sha256:2");
        assert!(
            sentence.contains("frozen by erin, 2 denied images, 1 debts; the chain goes on at 12"),
            "{sentence}"
        );
    }

    #[test]
    fn what_knows_its_chain_or_has_no_record_is_left_alone() {
        let (releases, actions) = history();
        let mut known = environment();
        known.status.get_or_insert_default().chain =
            Some(ChainHead { sequence: 3, hash: "sha256:3".into(), ..ChainHead::default() });
        assert_eq!(restored(&known, &releases, &actions, at(100)), None);
        assert_eq!(restored(&environment(), &[], &[], at(100)), None);
        let unsealed = [Arc::new(release_at("new", "v2", 0))];
        assert_eq!(restored(&environment(), &unsealed, &[], at(100)), None);
    }

    #[test]
    fn what_the_status_holds_already_stays() {
        let (releases, actions) = history();
        let mut held = environment();
        let status = held.status.get_or_insert_default();
        freeze::add(status, Frozen { by: "alice".into(), at: Some(at(90)), ..Frozen::default() });
        status.denied =
            vec![crate::api::environment::DeniedDigest { digest: digest('f'), ..applied_denial(&actions) }];
        let none = restored(&held, &releases, &[], at(100)).unwrap().status;
        assert_eq!(
            none.frozen.map(|frozen| frozen.by),
            Some("alice".to_owned()),
            "no action was reported yet"
        );
        assert!(none.denied.iter().any(|denied| denied.digest == digest('f')));
        let both = restored(&held, &releases, &actions, at(100)).unwrap().status;
        let by: Vec<_> = freeze::listed(&both).into_iter().map(|freeze| freeze.by).collect();
        assert!(by.contains(&"alice".to_owned()) && by.contains(&"erin".to_owned()), "{by:?}");
        let mut again = held;
        again.status = Some(EnvironmentStatus { chain: None, ..both.clone() });
        let twice = restored(&again, &releases, &actions, at(100)).unwrap().status;
        assert_eq!(freeze::listed(&twice).len(), freeze::listed(&both).len());
    }

    fn applied_denial(actions: &[Arc<ReleaseAction>]) -> crate::api::environment::DeniedDigest {
        restored(&environment(), &[], actions, at(100)).unwrap().status.denied.remove(0)
    }

    #[test]
    fn refused_actions_and_what_is_over_restore_nothing() {
        let mut refused = (*applied("f1", ActionKind::Freeze, ("erin", 30), 1, |_| {})).clone();
        refused.status.as_mut().unwrap().result = Some(ActionResult::Refused);
        let over = applied("f2", ActionKind::Freeze, ("carol", 31), 2, |p| p.until = Some(at(40)));
        let lifted = applied("f3", ActionKind::Freeze, ("carol", 32), 3, |_| {});
        let unfreeze = applied("u", ActionKind::Unfreeze, ("erin", 33), 4, |_| {});
        let actions = [Arc::new(refused), over, lifted, unfreeze];
        let status = restored(&environment(), &[], &actions, at(100)).unwrap().status;
        assert_eq!((status.frozen, status.freezes), (None, Vec::new()));
    }
}
