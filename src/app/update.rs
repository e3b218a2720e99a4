//! The only function that changes the store.

mod outcome;
mod settle;

use chrono::{DateTime, Utc};

use crate::app::state::effect::Effect;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::event::Event;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::{arming, fold, input, log_view, pointing, preferences, stale};

pub use settle::settle;

/// Takes one event in, brings the lists up to date, and says what IO is wanted.
pub fn update(store: &mut Store, event: Event) -> Vec<Effect> {
    update_all(store, [event])
}

/// Takes a batch of events in, in order, and brings the lists up to date once at its end: what a busy loop calls.
pub fn update_all(store: &mut Store, events: impl IntoIterator<Item = Event>) -> Vec<Effect> {
    let mut effects = take_in(store, events);
    effects.extend(settle(store));
    effects
}

/// Takes a batch of events in, in order, and leaves the lists as they are until somebody looks: [`settle()`] brings them up to date, and a
/// key does, which means what stands there.
pub fn take_in(store: &mut Store, events: impl IntoIterator<Item = Event>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for event in events {
        if matches!(event, Event::Key { .. } | Event::Paste(_)) {
            effects.extend(settle(store));
        }
        effects.extend(apply(store, event));
    }
    effects
}

fn apply(store: &mut Store, event: Event) -> Vec<Effect> {
    match event {
        Event::Key { chord, repeat } => {
            store.dirty.screen = true;
            store.last_key = Some(store.now);
            input::press(store, chord, repeat)
        }
        Event::Paste(text) => {
            store.dirty.screen = true;
            store.last_key = Some(store.now);
            input::paste(store, &text);
            Vec::new()
        }
        Event::Pointer { pane, what } => {
            store.last_key = Some(store.now);
            pointing::apply(store, pane, what);
            Vec::new()
        }
        Event::Resize { width, height } => {
            store.dirty.screen |= store.size != (width, height);
            store.size = (width, height);
            Vec::new()
        }
        Event::Viewport(heights) => {
            for (pane, rows) in heights {
                if store.ui.heights.insert(pane, rows) != Some(rows) {
                    store.dirty.cursors = true;
                }
            }
            Vec::new()
        }
        Event::Tick(now) => tick(store, now),
        Event::Cluster(cluster, event) => {
            fold::apply(store, cluster, event);
            Vec::new()
        }
        Event::RequestDone { request, outcome } => {
            store.dirty.screen = true;
            outcome::apply(store, request, outcome)
        }
        Event::CameBack(outcome) => {
            if let Err(reason) = outcome {
                store.say(Level::Error, reason);
            }
            Vec::new()
        }
        Event::Log { view, pod, container, news } => {
            log_view::came(store, view, (&pod, &container), news);
            Vec::new()
        }
        Event::Theme(drawn) => {
            preferences::themed(store, drawn);
            Vec::new()
        }
        Event::Reloaded(read) => {
            preferences::reloaded(store, read);
            Vec::new()
        }
        Event::Quit => vec![Effect::Terminal(TerminalEffect::Quit)],
    }
}

/// A second that has passed changes ages, readings and whatever waits; parts of a second change nothing visible.
fn tick(store: &mut Store, now: DateTime<Utc>) -> Vec<Effect> {
    let passed = store.now.timestamp() != now.timestamp();
    store.now = now;
    if passed {
        store.toasts.retain(|toast| !toast.is_over(now));
        store.dirty.readings = true;
        store.dirty.screen = true;
        stale::watch(store);
        arming::watch(store);
        outcome::watch_silence(store);
    }
    Vec::new()
}
