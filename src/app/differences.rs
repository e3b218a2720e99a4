//! What differs between two environments, side by side, read anew while it is looked at.
//!
//! Owns which two are compared, when each is read again, and which lines are listed. Each side is asked for by itself: one that does
//! not answer is told in a sentence and delays nothing.

use chrono::TimeDelta;

use crate::app::selection::{put, select};
use crate::app::state::cursor::Cursor;
use crate::app::state::differences::{Differences, DifferencesView, Line, Side};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::event::Outcome;
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::{PlaceRow, ViewRow};
use crate::app::{components, views};
use crate::domain::difference::{self, Counts, Row, Verdict, compare};

/// How old a side may become before it is read again.
const RENEWED: TimeDelta = TimeDelta::seconds(15);
/// How long after a failure it is tried again.
const RETRIED: TimeDelta = TimeDelta::seconds(5);

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "differences",
    is: |view| matches!(view, View::Differences(_)),
    panes: &[Focus::Differences],
    environment: |store| Some(opened(store)?.right.environment.clone()),
    go: |store, step, height| {
        let Store { ui, rows, .. } = store;
        if let Some(View::Differences(view)) = ui.views.last_mut() {
            select(&mut view.cursor, &rows.differences.lines, step, height, |line| line.key.clone());
            store.dirty.cursors = true;
        }
    },
    click: |store, pane, line| {
        let height = store.ui.height(pane);
        let Store { ui, rows, .. } = store;
        if let Some(View::Differences(view)) = ui.views.last_mut() {
            put(&mut view.cursor, &rows.differences.lines, line, height, |line| &line.key);
        }
    },
    place: Some(PlaceRow {
        about: |store| opened(store).map_or_else(String::new, |view| written(store, &view.left.environment)),
        go: |store, arrival| {
            if let Some(environment) = arrival.environment.clone() {
                let other = find(store, arrival.about).ok()?;
                open(store, environment, Some(other));
            }
            Some(())
        },
        ..PlaceRow::ROW
    }),
    forgets_filter: true,
    ..ViewRow::ROW
};

fn opened(store: &Store) -> Option<&DifferencesView> {
    let View::Differences(view) = store.ui.view() else { return None };
    Some(view)
}

/// Compares an environment with that other one, or with the one that it is most like.
pub(super) fn open(store: &mut Store, environment: EnvironmentId, other: Option<EnvironmentId>) {
    if let Some(other) = other.or_else(|| candidates(store, &environment).into_iter().next()) {
        let view = DifferencesView {
            left: Side::of(other),
            right: Side::of(environment),
            all: false,
            cursor: Cursor::default(),
        };
        views::push(store, View::Differences(Box::new(view)));
    }
}

/// Where it is open: compares with the next environment of the application.
pub(super) fn turn(store: &mut Store) {
    let View::Differences(view) = store.ui.view() else { return };
    let all = candidates(store, &view.right.environment);
    let at = all.iter().position(|id| *id == view.left.environment).map_or(0, |at| at + 1);
    let Some(next) = all.get(at % all.len().max(1)).cloned() else { return };
    if next == view.left.environment {
        store.say(Level::Info, "there is no other environment of this application; :diff NAME names one");
        return;
    }
    if let Some(View::Differences(view)) = store.ui.views.last_mut() {
        view.left = Side::of(next);
        view.cursor = Cursor::default();
    }
}

/// Other environments of the same application: where versions come from first, then where they go, then by tier and name.
pub(super) fn candidates(store: &Store, id: &EnvironmentId) -> Vec<EnvironmentId> {
    let Some(environment) = store.environment(id) else { return Vec::new() };
    let comes_from = |from: &EnvironmentId, to: &EnvironmentId| {
        let promotion = store.environment(to).and_then(|environment| environment.spec.promotion.as_ref());
        promotion.is_some_and(|promotion| {
            *promotion.from.namespace == *from.key.namespace && *promotion.from.name == *from.key.name
        })
    };
    let rows = store.rows.environments.iter();
    let mut found: Vec<_> = rows
        .filter(|row| row.id != *id && *row.application == *environment.spec.application)
        .map(|row| {
            let rank = match (comes_from(&row.id, id), comes_from(id, &row.id)) {
                (true, _) => 0,
                (_, true) => 1,
                _ => 2,
            };
            ((rank, row.id.cluster != id.cluster, std::cmp::Reverse(row.tier)), row.id.clone())
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, id)| id).collect()
}

/// The environment that a person calls by that word: its name, `application/name` or `namespace/name`, each also with `@context`.
pub(super) fn find(store: &Store, word: &str) -> Result<EnvironmentId, String> {
    let (name, context) = word.split_once('@').map_or((word, None), |(name, context)| (name, Some(context)));
    let is_called = |id: &EnvironmentId, application: &str| {
        *id.key.name == *name
            || name.split_once('/').is_some_and(|(before, after)| {
                *id.key.name == *after && (*id.key.namespace == *before || application == before)
            })
    };
    let there = |id: &EnvironmentId| store.cluster(id.cluster).map_or("", |cluster| &cluster.context);
    let rows = store.rows.environments.iter();
    let mut found: Vec<&EnvironmentId> = rows
        .filter(|row| is_called(&row.id, &row.application))
        .map(|row| &row.id)
        .filter(|id| context.is_none_or(|context| there(id) == context))
        .collect();
    match found.len() {
        0 => Err(format!("there is no environment {word}")),
        1 => Ok(found.remove(0).clone()),
        _ => {
            let names: Vec<String> = found.iter().map(|id| format!("{}@{}", id.key, there(id))).collect();
            Err(format!("{word} could be any of {}", names.join(", ")))
        }
    }
}

/// As [`find`] reads it, and no other environment's.
#[must_use]
pub(super) fn written(store: &Store, id: &EnvironmentId) -> String {
    let context = store.cluster(id.cluster).map_or("", |cluster| &cluster.context);
    format!("{}@{context}", id.key)
}

/// Asks for each side that is due, where they are looked at.
pub(super) fn settle(store: &mut Store) -> Vec<Effect> {
    let now = store.now;
    let due = |side: &Side| side.request.is_none() && side.due.is_none_or(|due| due <= now);
    let View::Differences(view) = store.ui.view() else { return Vec::new() };
    let wanted = [due(&view.left), due(&view.right)];
    let mut effects = Vec::new();
    for (nth, wanted) in wanted.into_iter().enumerate() {
        if !wanted {
            continue;
        }
        let request = store.next_request();
        let Some(View::Differences(view)) = store.ui.views.last_mut() else { continue };
        let side = if nth == 0 { &mut view.left } else { &mut view.right };
        side.request = Some(request);
        let EnvironmentId { cluster, key: environment } = side.environment.clone();
        effects.push(Effect::Background(BackgroundEffect::Portray { cluster, environment, request }));
    }
    effects
}

/// Both sides are read again at once.
pub(super) fn refresh(store: &mut Store) {
    if let Some(View::Differences(view)) = store.ui.views.last_mut() {
        view.left.due = None;
        view.right.due = None;
        store.dirty.screen = true;
    }
}

/// Takes a reading in; tells whether one of the views has asked for it.
pub(super) fn answered(store: &mut Store, request: RequestId, outcome: &Outcome) -> bool {
    let now = store.now;
    let sides = store.ui.views.iter_mut().flat_map(|view| match view {
        View::Differences(view) => {
            let DifferencesView { left, right, .. } = &mut **view;
            vec![left, right]
        }
        _ => Vec::new(),
    });
    let Some(side) = sides.into_iter().find(|side| side.request == Some(request)) else { return false };
    side.request = None;
    match outcome {
        Outcome::Snapshot(snapshot) => {
            side.snapshot = Some(snapshot.clone());
            (side.at, side.fault, side.due) = (Some(now), None, Some(now + RENEWED));
        }
        Outcome::Refused(reason) | Outcome::Unknown(reason) => {
            (side.fault, side.due) = (Some(reason.clone()), Some(now + RETRIED));
        }
        _ => {
            let reason = "the server did not send what was asked for".to_owned();
            (side.fault, side.due) = (Some(reason), Some(now + RETRIED));
        }
    }
    true
}

/// Compares anew what the open view shows.
pub(super) fn list(store: &mut Store) {
    let listed = match store.ui.view() {
        View::Differences(view) => compared(store, view),
        _ => Differences::default(),
    };
    store.rows.differences = listed;
    let height = store.ui.height(Focus::Differences);
    let Store { ui, rows, .. } = store;
    if let Some(View::Differences(view)) = ui.views.last_mut() {
        if !view.cursor.held {
            view.cursor.selected = None;
        }
        crate::app::selection::follow(&mut view.cursor, &rows.differences.lines, |line| &line.key, height);
    }
}

/// The chosen line in words: the setting, and what it is on either side; of a heading which part it is, and between which two.
#[must_use]
pub(super) fn chosen(store: &Store) -> Option<String> {
    let View::Differences(view) = store.ui.view() else { return None };
    let line = store.rows.differences.lines.get(view.cursor.index)?;
    let [left, right] = [&view.left, &view.right].map(|side| written(store, &side.environment));
    let section = &line.key.0;
    let Some(row) = &line.row else { return Some(format!("{section}: {left} and {right}")) };
    let value = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    Some(format!("{section}: {}\n{left}: {}\n{right}: {}", row.what, value(&row.left), value(&row.right)))
}

fn compared(store: &Store, view: &DifferencesView) -> Differences {
    let (Some(left), Some(right)) = (&view.left.snapshot, &view.right.snapshot) else {
        return Differences::default();
    };
    let mut rows = compare(left, right);
    let hidden = match components::alone(store, &view.right.environment) {
        Some(component) => difference::narrow(&mut rows, [left, right], component.name.as_str()),
        None => Vec::new(),
    };
    let hidden = hidden.iter().filter(|row| row.verdict != Verdict::Same).count();
    let counts = Counts::of(&rows);
    let filter = store.ui.filter(Focus::Differences);
    let is_listed = |row: &Row| {
        let section = row.section.to_string();
        let words = [
            section.as_str(),
            &row.what,
            row.left.as_deref().unwrap_or_default(),
            row.right.as_deref().unwrap_or_default(),
        ];
        (view.all || row.verdict != Verdict::Same) && filter.is_none_or(|filter| filter.matches(&words))
    };
    let mut lines: Vec<Line> = Vec::new();
    for row in rows.into_iter().filter(is_listed) {
        if lines.last().is_none_or(|line| line.key.0 != row.section) {
            lines.push(Line { key: (row.section.clone(), None), row: None });
        }
        lines.push(Line { key: (row.section.clone(), Some(row.what.clone())), row: Some(row) });
    }
    Differences { lines, counts, hidden }
}
