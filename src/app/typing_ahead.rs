//! Drops text that was typed for a dialog that did not open. Otherwise each letter of a version or reason would run a command.
//!
//! Dropping starts when a command that would open a dialog is refused. Each dropped key prolongs it. A pause of [`QUIET`] or a key that
//! is not text (escape, an arrow, a ctrl chord) ends it. It lasts at most [`LONGEST`], for a user who retries the same key.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::state::command::Command;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::config::key::{KeyChord, KeyCode};

/// Pause after which keys run commands again. The store's clock ticks once a second, so the actual pause is one to two seconds.
const QUIET: TimeDelta = TimeDelta::seconds(2);

/// Longest time that text is dropped.
const LONGEST: TimeDelta = TimeDelta::seconds(10);

/// Starts dropping text after a refused command. A command is refused if it opens no dialog and adds a warning: a toast later than
/// `before`, or one more than `count`.
pub(super) fn after(store: &mut Store, command: &Command, before: Option<DateTime<Utc>>, count: usize) {
    let newest = store.toasts.back();
    let is_news = store.toasts.len() > count || newest.map(|toast| toast.at) != before;
    let is_warned =
        newest.is_some_and(|toast| is_news && matches!(toast.level, Level::Warning | Level::Error));
    if command.verb.is_some() && store.ui.overlays.is_empty() && is_warned {
        store.typing_ahead = Some((store.now, store.now + QUIET));
    }
}

/// Whether to drop this key.
pub(super) fn swallows(store: &mut Store, chord: KeyChord) -> bool {
    let Some((began, until)) = store.typing_ahead else { return false };
    let is_text = chord.typed().is_some()
        || matches!(chord.code(), KeyCode::Enter | KeyCode::Backspace | KeyCode::Tab)
            && !chord.modifiers().ctrl;
    // a clock that was set back ends it as well
    let is_over = store.now >= until.min(began + LONGEST) || until - store.now > QUIET;
    if is_over || !is_text || !store.ui.overlays.is_empty() {
        store.typing_ahead = None;
        return false;
    }
    store.typing_ahead = Some((began, store.now + QUIET));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, chords, environment, now, planera};
    use crate::app::state::event::Event;
    use crate::app::state::view::View;
    use crate::app::update;

    fn frozen() -> World {
        World::live().with(environment("production").production().frozen("bob", "INC-1")).typing("1")
    }

    fn press(world: &mut World, keys: &str) -> usize {
        let pressed = chords(keys).into_iter();
        pressed.map(|chord| update(&mut world.store, Event::Key { chord, repeat: false }).len()).sum()
    }

    #[test]
    fn what_is_typed_for_a_refused_window_does_nothing() {
        // every letter here is a key of some command: quit, YAML, matrix, approve, palette
        for keys in ["n v1.8.2 enter", "n q", "n M", "n y enter y", "n : q enter", "n tab ? space D"] {
            let mut world = frozen();
            let effects = press(&mut world, keys);
            assert_eq!((effects, world.store.ui.overlays.len()), (0, 0), "{keys}");
            assert_eq!(*world.store.ui.view(), View::Home, "{keys}");
            let said = &world.store.toasts.back().unwrap().text;
            assert!(said.contains("frozen"), "{keys}: {said}");
        }
    }

    #[test]
    fn whoever_tries_again_and_again_is_heard() {
        let mut world = frozen();
        press(&mut world, "n");
        let heard = (1..=19).find(|second| {
            world.send(Event::Tick(now() + TimeDelta::seconds(*second)));
            press(&mut world, "M");
            *world.store.ui.view() == View::Matrix
        });
        assert_eq!(heard, Some(10));
    }

    #[test]
    fn a_pause_or_a_key_that_is_no_text_ends_it() {
        let opens = |between: &dyn Fn(&mut World)| {
            let mut world = frozen();
            press(&mut world, "n v 1");
            between(&mut world);
            press(&mut world, "M");
            *world.store.ui.view() == View::Matrix
        };
        assert!(!opens(&|_| ()));
        assert!(!opens(&|world| world.send(Event::Tick(now() + TimeDelta::seconds(1)))));
        assert!(opens(&|world| world.send(Event::Tick(now() + QUIET))));
        assert!(opens(&|world| world.send(Event::Tick(now() - TimeDelta::seconds(9)))));
        assert!(opens(&|world| assert_eq!(press(world, "esc"), 0)));
        assert!(opens(&|world| assert_eq!(press(world, "down"), 0)));
    }

    #[test]
    fn slow_typing_is_dropped_to_its_end() {
        let mut world = frozen();
        press(&mut world, "n");
        for (second, key) in (1..).zip(["v", "1", ".", "8", "q"]) {
            world.send(Event::Tick(now() + TimeDelta::seconds(second)));
            assert_eq!(press(&mut world, key), 0, "{key}");
        }
        assert_eq!(*world.store.ui.view(), View::Home);
    }

    #[test]
    fn only_what_would_have_asked_begins_it() {
        // there is no place to go back to
        let mut world = planera().typing("[ M");
        assert_eq!(*world.store.ui.view(), View::Matrix);
        // a window that opened takes its keys itself
        world = planera().typing("1 n v1 esc M");
        assert_eq!(*world.store.ui.view(), View::Matrix);
    }
}
