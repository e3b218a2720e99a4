//! One metric pane alone: over which time, beside what, with a cursor on one instant.
//!
//! Owns what is asked for and what the keys do. Must not know how a curve is drawn.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::changes::REACH;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::movement::Move;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::{PlaceRow, ViewRow};
use crate::app::state::zoom::{Baseline, Compare, RANGES, USUAL, ZoomQuery, ZoomView};
use crate::app::{components, needs, tracks, views};
use crate::domain::pane::{Content, PaneDefinition};
use crate::domain::series::{Series, unix};
use crate::domain::sliding;

/// A day.
const DAY: u64 = 86_400;

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "zoom",
    is: |view| matches!(view, View::Zoom(_)),
    panes: &[Focus::Zoom],
    environment: |store| Some(opened(store)?.environment.clone()),
    go: choose_curve,
    place: Some(PlaceRow {
        about: |store| opened(store).map_or_else(String::new, |view| view.pane.to_string()),
        go: |store, arrival| {
            if let Some(environment) = arrival.environment.clone() {
                reopen(store, environment, arrival.about);
            }
            Some(())
        },
        ..PlaceRow::ROW
    }),
    ..ViewRow::ROW
};

fn opened(store: &Store) -> Option<&ZoomView> {
    let View::Zoom(view) = store.ui.view() else { return None };
    Some(view)
}

fn choose_curve(store: &mut Store, step: Move, page: usize) {
    let View::Zoom(view) = store.ui.view() else { return };
    let zoomed = store.cluster(view.environment.cluster).and_then(|cluster| cluster.zoomed.as_ref());
    let series = zoomed.map_or(&[][..], |zoomed| &zoomed.present.series);
    let (_, series) = components::curves(store, &view.environment, series);
    // one more than there are curves: none of them
    let present = chosen(view, series).map_or(0, |index| index + 1);
    let next = step.from(present, series.len() + 1, page);
    let curve = next.checked_sub(1).and_then(|index| series.get(index)).map(|curve| curve.label.clone());
    if let Some(View::Zoom(view)) = store.ui.views.last_mut() {
        view.curve = curve;
    }
}

/// The zoomed pane, where one is open on top.
#[must_use]
pub(crate) fn open_pane(store: &Store) -> Option<(&ZoomView, &PaneDefinition)> {
    let View::Zoom(view) = store.ui.view() else { return None };
    store.rows.panes.iter().find(|pane| pane.name == view.pane).map(|pane| (view, pane))
}

/// Place of the curve that is on top of all others.
#[must_use]
pub(crate) fn chosen(view: &ZoomView, series: &[Series]) -> Option<usize> {
    let wanted = view.curve.as_ref()?;
    series.iter().position(|series| series.label == *wanted)
}

/// The release before which the compared time ends: the newest that has begun.
#[must_use]
pub(crate) fn newest_release(store: &Store, id: &EnvironmentId) -> Option<(DateTime<Utc>, Box<str>)> {
    let releases =
        store.cluster(id.cluster)?.releases.values().filter(|release| needs::is_into(release, &id.key));
    let begun = releases.filter_map(|release| {
        let at = release.status.as_ref()?.started_at?;
        Some((at, release.spec.version.as_str().into()))
    });
    begun.max_by_key(|(at, _)| *at)
}

/// Opens that pane again, where a person was before.
pub(super) fn reopen(store: &mut Store, environment: EnvironmentId, pane: &str) {
    store.ui.metric = pane.into();
    open(store, environment, None);
    if let Some(View::Zoom(view)) = store.ui.views.last_mut() {
        view.pane = pane.into();
    }
}

/// Opens a pane: the named one, else the one that is meant.
pub(super) fn open(store: &mut Store, environment: EnvironmentId, named: Option<&str>) {
    if let Some(wanted) = named {
        let wanted = wanted.trim();
        let chosen =
            store.rows.panes.iter().find(|pane| {
                pane.name.eq_ignore_ascii_case(wanted) || pane.title.eq_ignore_ascii_case(wanted)
            });
        let Some(pane) = chosen else {
            let all: Vec<&str> = store.rows.panes.iter().map(|pane| &*pane.name).collect();
            let text = format!("zoom: there is no pane `{wanted}`; there are {}", all.join(", "));
            store.say(Level::Warning, text);
            return;
        };
        store.ui.metric = pane.name.clone();
    }
    let pane = meant(store);
    if let Some(View::Zoom(view)) = store.ui.views.last_mut() {
        view.pane = pane;
        view.curve = None;
        return;
    }
    let usual = RANGES.iter().position(|(seconds, _)| i64::from(*seconds) >= store.range.num_seconds());
    let range = usual.unwrap_or(USUAL);
    let compare = Compare::default();
    views::push(store, View::Zoom(ZoomView { environment, pane, range, compare, cursor: None, curve: None }));
}

/// The pane that is meant; the first one where the environment has none of that name.
fn meant(store: &Store) -> Box<str> {
    let panes = &store.rows.panes;
    let known = panes.iter().find(|pane| pane.name == store.ui.metric).or(panes.first());
    known.map_or_else(|| store.ui.metric.clone(), |pane| pane.name.clone())
}

/// Means the next pane.
pub(super) fn next_pane(store: &mut Store) {
    let panes = &store.rows.panes;
    let index = panes.iter().position(|pane| pane.name == store.ui.metric);
    let next = index.map_or(0, |index| index + 1) % panes.len().max(1);
    let Some(name) = panes.get(next).map(|pane| pane.name.clone()) else { return };
    store.ui.metric.clone_from(&name);
    if let Some(View::Zoom(view)) = store.ui.views.last_mut() {
        view.pane = name;
        view.curve = None;
    }
}

/// The named time, else the next longer one, and after the longest the shortest.
pub(super) fn range(store: &mut Store, named: Option<&str>) {
    let Some(View::Zoom(view)) = store.ui.views.last_mut() else { return };
    match named.map(str::trim) {
        None => view.range = (view.range + 1) % RANGES.len(),
        Some(named) => {
            if let Some(place) = RANGES.iter().position(|(_, word)| *word == named) {
                view.range = place;
            } else {
                let words = RANGES.map(|(_, word)| word).join(", ");
                store.say(Level::Warning, format!("range: `{named}` cannot be shown; there are {words}"));
                return;
            }
        }
    }
    view.cursor = None;
}

/// Compares with the next thing that there is something of.
pub(super) fn compare(store: &mut Store) {
    let Some(View::Zoom(view)) = store.ui.views.last() else { return };
    let has_begun = newest_release(store, &view.environment).is_some();
    let next = match view.compare {
        Compare::Nothing if has_begun => Compare::Before,
        Compare::Nothing | Compare::Before => Compare::Yesterday,
        Compare::Yesterday => Compare::Nothing,
    };
    if view.compare == Compare::Nothing && !has_begun {
        store.say(Level::Info, "compare: no release has begun here yet, so with yesterday");
    }
    if let Some(View::Zoom(view)) = store.ui.views.last_mut() {
        view.compare = next;
    }
}

/// Moves the cursor by so many samples; beyond the newest one it is the present again.
pub(super) fn move_cursor(store: &mut Store, samples: i32) {
    let now = store.now;
    let Some(View::Zoom(view)) = store.ui.views.last_mut() else { return };
    let step = sliding::step(f64::from(view.seconds()));
    let newest = (unix(now) / step).floor();
    let oldest = ((unix(now) - f64::from(view.seconds())) / step).ceil();
    let place = match view.cursor {
        Some(cursor) => (unix(cursor) / step).round(),
        None if samples < 0 => newest + 1.0,
        None => return,
    };
    let next = place + f64::from(samples);
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit 53 bits")]
    let millis = (next.max(oldest) * step * 1_000.0).round() as i64;
    view.cursor = DateTime::from_timestamp_millis(millis).filter(|_| next <= newest);
}

/// How far back changes are to be listed.
pub(super) fn reach(store: &Store) -> TimeDelta {
    match store.ui.view() {
        View::Zoom(view) => REACH.max(view.span()),
        _ => REACH,
    }
}

/// What is to be fetched for the zoomed pane, when that has changed.
pub(super) fn effects(store: &mut Store) -> Vec<Effect> {
    let wish = wish(store);
    if wish == store.zoomed {
        return Vec::new();
    }
    let before = std::mem::replace(&mut store.zoomed, wish.clone());
    let left = before.map(|(cluster, _)| cluster);
    let left = left.filter(|left| wish.as_ref().is_none_or(|(cluster, _)| cluster != left));
    if let Some(state) = left.and_then(|left| store.clusters.get_mut(usize::from(left.0))) {
        state.zoomed = None;
    }
    let mut effects: Vec<Effect> = left
        .map(|cluster| Effect::Background(BackgroundEffect::Zoom { cluster, wish: None }))
        .into_iter()
        .collect();
    effects.extend(
        wish.map(|(cluster, wish)| Effect::Background(BackgroundEffect::Zoom { cluster, wish: Some(wish) })),
    );
    effects
}

fn wish(store: &Store) -> Option<(ClusterId, ZoomQuery)> {
    let (view, pane) = open_pane(store)?;
    if pane.content == Content::Objective {
        return None;
    }
    let baseline = match view.compare {
        Compare::Nothing => None,
        Compare::Before => newest_release(store, &view.environment).map(|(at, _)| Baseline::Until(at)),
        Compare::Yesterday => Some(Baseline::Ago(DAY)),
    };
    let wish = ZoomQuery {
        environment: view.environment.key.clone(),
        pane: view.pane.clone(),
        range: view.seconds(),
        second: tracks::second(store, &view.environment),
        baseline,
    };
    Some((view.environment.cluster, wish))
}
