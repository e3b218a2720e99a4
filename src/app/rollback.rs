//! The rollback view: what an environment has seen, which version was good last, what going back changes. It only looks.

use crate::api::release::{ComponentImage, ReleaseKind, RevisionRecord};
use crate::api::{ActionKind, Release, Verb};
use crate::app::ask::{self, Question, running};
use crate::app::selection::{follow, put, select};
use crate::app::state::confirm::Intent;
use crate::app::state::cursor::Cursor;
use crate::app::state::effect::Effect;
use crate::app::state::form::ImageChange;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::store::Store;
use crate::app::state::target::Availability;
use crate::app::state::toast::Level;
use crate::app::state::view::{Focus, RollbackChoice, RollbackView, View};
use crate::app::state::view_row::{Enter, PlaceRow, ViewRow};
use crate::app::{act, guard, target, views};
use crate::domain::action_rule::Confirmation;
use crate::domain::known_version::{KnownVersion, Verdict, known_versions, last_known_good};
use crate::domain::rollback::{self, Already};

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "rollback",
    is: |view| matches!(view, View::Rollback(_)),
    panes: &[Focus::Candidates],
    environment: |store| Some(opened(store)?.environment.clone()),
    go: |store, step, height| {
        if let Some(View::Rollback(view)) = store.ui.views.last_mut() {
            let choices: Vec<_> = view.versions.iter().map(RollbackChoice::of).collect();
            select(&mut view.cursor, &choices, step, height, Clone::clone);
            store.dirty.cursors = true;
        }
    },
    click: |store, pane, line| {
        let height = store.ui.height(pane);
        if let Some(View::Rollback(view)) = store.ui.views.last_mut() {
            let choices: Vec<_> = view.versions.iter().map(RollbackChoice::of).collect();
            put(&mut view.cursor, &choices, line, height, |choice| choice);
        }
    },
    enter: Some(Enter {
        availability: |store, _| {
            let nothing = || Availability::Unavailable("nothing to open here".to_owned());
            opened(store).map_or_else(nothing, |view| availability(store, view, false))
        },
        run: |store, _| confirm(store),
    }),
    place: Some(PlaceRow {
        go: |store, arrival| {
            if let Some(id) = arrival.environment.clone() {
                open(store, id);
            }
            Some(())
        },
        ..PlaceRow::ROW
    }),
    ..ViewRow::ROW
};

fn opened(store: &Store) -> Option<&RollbackView> {
    let View::Rollback(view) = store.ui.view() else { return None };
    Some(view)
}

/// Opens the versions that an environment can go back to, the last known good one selected.
pub(super) fn open(store: &mut Store, environment: EnvironmentId) {
    let view = RollbackView {
        environment,
        versions: Vec::new(),
        last_known_good: None,
        already: None,
        preview: Vec::new(),
        cursor: Cursor::default(),
    };
    views::push(store, View::Rollback(view));
    renew(store, true);
}

/// Brings an open rollback view up to date: versions when releases have changed, the preview always.
pub(super) fn renew(store: &mut Store, releases_changed: bool) {
    let Some(View::Rollback(view)) = store.ui.views.last() else { return };
    let mut view = view.clone();
    if releases_changed {
        view.versions = versions(store, &view.environment);
        view.last_known_good = way_back(store, &view);
    }
    view.already = already(store, &view.environment, false)
        .map(rollback::Already::sentence)
        .or_else(|| still_waits(store, &view.environment));
    let choices: Vec<RollbackChoice> = view.versions.iter().map(RollbackChoice::of).collect();
    if view.cursor.selected.is_none() || !view.cursor.held {
        view.cursor.selected = view.last_known_good.and_then(|good| choices.get(good)).cloned();
    }
    follow(&mut view.cursor, &choices, |choice| choice, store.ui.height(Focus::Candidates));
    view.preview =
        chosen(&view).map(|version| preview(store, &view.environment, version)).unwrap_or_default();
    if let Some(top) = store.ui.views.last_mut() {
        *top = View::Rollback(view);
    }
}

/// While a release is in flight, what ran before it; else the last version that was good.
fn way_back(store: &Store, view: &RollbackView) -> Option<usize> {
    let usable = |version: &KnownVersion| {
        !version.denied && matches!(version.verdict, Verdict::Good | Verdict::RanBefore)
    };
    let before = |version: &KnownVersion| usable(version) && in_flight(store, view, version).is_some();
    view.versions.iter().position(before).or_else(|| {
        let good = last_known_good(&view.versions)?;
        view.versions.iter().position(|version| version == good)
    })
}

/// The newest release that a rollback would leave in the queue.
fn still_waits(store: &Store, id: &EnvironmentId) -> Option<String> {
    let releases = store.cluster(id.cluster)?.releases.values().map(|release| &**release);
    let newest = rollback::waiting(releases, &id.key).pop()?;
    Some(format!("{} has not started: a rollback does not cancel it, abort does", newest.spec.version))
}

/// Opens the versions with that one selected; why not, where it never ran there.
pub(super) fn open_at(store: &mut Store, environment: EnvironmentId, version: &str) {
    let known = versions(store, &environment);
    let Some(found) = known.iter().find(|known| known.version == version) else {
        let why = format!("rollback: {version} never ran in {}", environment.key.name);
        return store.say(Level::Warning, why);
    };
    let choice = RollbackChoice::of(found);
    open(store, environment);
    if let Some(View::Rollback(view)) = store.ui.views.last_mut() {
        view.cursor.selected = Some(choice);
        view.cursor.held = true;
    }
    renew(store, false);
}

/// The rollback that another request would repeat.
fn already<'a>(store: &'a Store, id: &EnvironmentId, is_emergency: bool) -> Option<Already<'a>> {
    let releases = store.cluster(id.cluster)?.releases.values().map(|release| &**release);
    rollback::already(releases, &id.key, is_emergency, store.now)
}

/// Why a rollback to that version would only repeat one that is under way.
fn repeats(store: &Store, view: &RollbackView, version: &KnownVersion, is_emergency: bool) -> Option<String> {
    match already(store, &view.environment, is_emergency)? {
        already @ Already::InProgress(release) if release.spec.kind == ReleaseKind::Rollback => {
            (release.spec.version == version.version).then(|| already.sentence())
        }
        already @ Already::InProgress(release) => {
            let restores = release.status.as_ref().is_some_and(|status| is_before(&status.before, version));
            restores.then(|| already.sentence())
        }
        Already::JustDone(_) => None,
    }
}

fn is_before(before: &[RevisionRecord], version: &KnownVersion) -> bool {
    !before.is_empty()
        && before.iter().all(|record| {
            version.images.iter().any(|i| i.component == record.component && i.image == record.image)
        })
}

fn versions(store: &Store, id: &EnvironmentId) -> Vec<KnownVersion> {
    let found = store.cluster(id.cluster).zip(store.environment(id));
    let Some((cluster, environment)) = found else { return Vec::new() };
    let releases: Vec<&Release> = cluster.releases.values().map(|release| &**release).collect();
    known_versions(environment, &releases, store.now)
}

fn preview(store: &Store, id: &EnvironmentId, version: &KnownVersion) -> Vec<ImageChange> {
    let change = |image: &ComponentImage| ImageChange {
        component: image.component.to_string(),
        from: running(store, id, image.component.as_str()),
        to: image.image.clone(),
    };
    version.images.iter().map(change).collect()
}

/// The chosen version.
fn chosen(view: &RollbackView) -> Option<&KnownVersion> {
    view.versions.get(view.cursor.index)
}

/// Whether the environment can be rolled back to the chosen version.
pub(super) fn availability(store: &Store, view: &RollbackView, is_emergency: bool) -> Availability {
    let why_not =
        guard::refusal_to_stop(store, &view.environment, Verb::Rollback).or_else(|| match chosen(view) {
            None => Some("no version is known to go back to".to_owned()),
            Some(version) if version.denied => Some(format!("{} is denied here", version.version)),
            Some(version) if in_flight(store, view, version).is_some() => None,
            Some(version) if repeats(store, view, version, is_emergency).is_some() => {
                repeats(store, view, version, is_emergency)
            }
            Some(version) if version.current => Some(format!("{} runs already", version.version)),
            Some(_) => None,
        });
    why_not.map_or(Availability::Ready, Availability::Unavailable)
}

/// Opens the question. Going back to what ran before the release in flight is an action on that release: it is at once. Everything
/// else is a release of its own.
pub(super) fn confirm(store: &mut Store) -> Vec<Effect> {
    let View::Rollback(view) = store.ui.view() else { return Vec::new() };
    let view = view.clone();
    let Some(version) = chosen(&view) else { return Vec::new() };
    if let Some(id) = in_flight(store, &view, version) {
        return act::open(store, &id, ActionKind::Rollback, act::With::default());
    }
    let question = question(&view, version, (false, ""));
    ask::open(store, question)
}

/// Opens the question of the emergency: a release of its own, which waits for no second person and leaves a debt. What is in flight
/// is undone at once by anybody who may, without a debt: then that is asked.
pub(super) fn confirm_emergency(store: &mut Store, reason: &str) -> Vec<Effect> {
    let View::Rollback(view) = store.ui.view() else { return Vec::new() };
    let view = view.clone();
    let Some(version) = chosen(&view) else { return Vec::new() };
    if let Some(id) = in_flight(store, &view, version) {
        let with = act::With { parameters: None, reason: reason.to_owned() };
        return act::open(store, &id, ActionKind::Rollback, with);
    }
    let question = question(&view, version, (true, reason));
    ask::open(store, question)
}

fn question<'a>(
    view: &RollbackView,
    version: &KnownVersion,
    (emergency, reason): (bool, &'a str),
) -> Question<'a> {
    Question {
        verb: if emergency { "Roll back now" } else { "Roll back" },
        environment: view.environment.clone(),
        release: None,
        confirmation: Confirmation::of_release(ReleaseKind::Rollback),
        reason_least: if emergency { 10 } else { 3 },
        reason,
        intent: Intent::Rollback { known: Box::new(version.clone()), emergency },
    }
}

/// The release in flight, if this version is what ran before it.
fn in_flight(store: &Store, view: &RollbackView, version: &KnownVersion) -> Option<ReleaseId> {
    let releases = target::releases_of(store, &view.environment);
    let (id, release) = releases.into_iter().find(|(_, release)| release.phase().holds_lane())?;
    let same = is_before(&release.status.as_ref()?.before, version);
    let possible = act::fits(release, ActionKind::Rollback).is_ok();
    (same && possible).then_some(id)
}
