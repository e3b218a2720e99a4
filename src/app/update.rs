//! The only function that changes the store.

use crate::app::effect::Effect;
use crate::app::event::Event;
use crate::app::store::Store;

/// Takes one event in, brings the lists up to date, and says what IO is wanted.
pub fn update(store: &mut Store, event: Event) -> Vec<Effect> {
    update_all(store, [event])
}

/// Takes a batch of events in, in order, and brings the lists up to date once at its end: what a busy loop calls.
pub fn update_all(store: &mut Store, events: impl IntoIterator<Item = Event>) -> Vec<Effect> {
    let effects = Vec::new();
    for event in events {
        if let Event::Tick(now) = event {
            store.now = now;
        }
        store.revision += 1;
    }
    effects
}
