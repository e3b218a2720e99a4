//! The tour through the first few keys: one sentence at a time, which waits for the very key that it teaches.
//!
//! Owns the steps and when one is done. It takes no key from anybody: whatever is pressed means what it always means.

use std::fmt::Write as _;

use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::state::tour::{STEPS, Step, Tour};

/// Begins it, from the first step.
pub(crate) fn begin(store: &mut Store) {
    store.tour = Some(Tour::default());
    store.dirty.screen = true;
}

/// Ends it before its time.
pub(super) fn leave(store: &mut Store) {
    if store.tour.take().is_some() {
        store.say(Level::Info, "the tour is left; :tour begins it again");
    }
}

/// Whether the present step waits for that command.
pub(super) fn awaits(store: &Store, id: &str) -> bool {
    store.tour.and_then(Tour::present).is_some_and(|step| step.ends.contains(&id))
}

/// A person has used a command: what waited for it goes on.
pub(super) fn used(store: &mut Store, id: &str) {
    if !awaits(store, id) {
        return;
    }
    store.dirty.screen = true;
    let next = store.tour.map_or(0, |tour| tour.step + 1);
    if next < STEPS.len() {
        store.tour = Some(Tour { step: next });
    } else {
        store.tour = None;
        store.say(Level::Done, "that was the tour; :tour begins it again");
    }
}

/// What a step says, with the keys that its commands have now.
#[must_use]
pub(crate) fn words(store: &Store, step: &Step) -> String {
    let mut text = String::new();
    let mut rest = step.text;
    while let Some((before, (id, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        text.push_str(before);
        match store.keymap.keys(id).first() {
            Some(key) => text.push_str(&key.to_string()),
            None => {
                let _ = write!(text, ":{id}");
            }
        }
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::command;
    use crate::app::fixtures::{World, planera};
    use crate::app::keymap::default_keymap;
    use crate::app::state::view::View;

    fn touring() -> World {
        let mut world = planera().typing("1");
        begin(&mut world.store);
        world
    }

    /// Keys typed, and the step that is reached; none: the tour is over.
    #[test]
    fn each_step_waits_for_its_own_key() {
        for (keys, expected) in [
            ("", Some(0)),
            ("tab", Some(0)),
            ("j", Some(1)),
            ("2", Some(1)),
            ("j tab", Some(2)),
            ("j tab i", Some(2)),
            ("j tab tab enter", Some(3)),
            ("j tab tab enter esc", Some(4)),
            ("j tab tab enter esc i", Some(5)),
            ("j tab tab enter esc i esc R", Some(6)),
            ("j tab tab enter esc i esc R esc X", Some(7)),
            ("j tab tab enter esc i esc R esc X ?", None),
            // on the home screen, with nothing left to close, esc leaves it
            ("j esc", None),
            ("j : tour space off enter", None),
            ("j tab : tour enter", Some(0)),
        ] {
            let store = touring().typing(keys).store();
            assert_eq!(store.tour.map(|tour| tour.step), expected, "{keys}");
        }
    }

    #[test]
    fn it_takes_no_key_from_anybody() {
        let with = touring().typing("2 i").store();
        let without = planera().typing("1 2 i").store();
        assert!(matches!(with.ui.view(), View::Inbox(_)));
        assert_eq!(with.ui, without.ui);
    }

    #[test]
    fn every_step_names_keys_that_there_are() {
        let mut store = planera().store();
        for step in STEPS {
            assert!(step.ends.iter().all(|id| command::find(id).is_some()), "{:?}", step.ends);
            let words = words(&store, step);
            assert!(!words.contains(['{', '}']), "{words}");
            let taught = store.keymap.keys(step.ends[0]).first().map(ToString::to_string);
            assert!(taught.is_some_and(|key| words.contains(&key)), "{words}");
        }
        // another key map, other words
        store.keymap = default_keymap().with([("inbox".to_owned(), vec!["f2".parse().unwrap()])]).unwrap();
        assert!(STEPS.iter().any(|step| words(&store, step).contains("Press f2")));
    }
}
