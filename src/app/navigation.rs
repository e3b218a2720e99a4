//! The way that a person came: back and forward through the places that were open, and places with a name.

use crate::app::place;
use crate::app::state::effect::Effect;
use crate::app::state::place::{Direction, Place};
use crate::app::state::store::Store;
use crate::app::state::toast::Level;

/// Places that are kept each way.
const LONGEST: usize = 50;
/// Bookmarks that are kept.
const MOST: usize = 50;

/// A command has led from `before` to where we are: remembers that, unless nothing has moved.
pub(super) fn moved(store: &mut Store, before: Option<Place>) {
    let Some(before) = before.filter(|before| Some(before) != place::present(store).as_ref()) else { return };
    let history = &mut store.history;
    if history.behind.last() != Some(&before) {
        history.behind.push(before);
    }
    history.before.clear();
    if history.behind.len() > LONGEST {
        history.behind.remove(0);
    }
}

/// Goes one place back or forward, past those that are gone.
pub(super) fn step(store: &mut Store, way: Direction) -> Vec<Effect> {
    let present = place::present(store);
    loop {
        let from = match way {
            Direction::Back => &mut store.history.behind,
            Direction::Forward => &mut store.history.before,
        };
        let Some(next) = from.pop() else {
            store.say(Level::Warning, "no place left in that direction");
            return Vec::new();
        };
        if present.as_ref() == Some(&next) || place::go(store, &next).is_err() {
            continue;
        }
        let onto = match way {
            Direction::Back => &mut store.history.before,
            Direction::Forward => &mut store.history.behind,
        };
        onto.extend(present);
        return Vec::new();
    }
}

/// Gives the present place a name.
pub(super) fn bookmark(store: &mut Store, name: &str) {
    let Some(place) = place::present(store) else {
        store.say(Level::Warning, "bookmark: what is open here cannot be opened again by itself");
        return;
    };
    if store.history.bookmarks.len() >= MOST && !store.history.bookmarks.contains_key(name) {
        store.say(Level::Warning, format!("bookmark: {MOST} are kept at most"));
        return;
    }
    store.say(Level::Done, format!("bookmark {name}: {}", place.words()));
    store.history.bookmarks.insert(name.to_owned(), place);
}

/// Goes to the place of that name.
pub(super) fn visit(store: &mut Store, name: &str) {
    match store.history.bookmarks.get(name).cloned() {
        None => {
            let known: Vec<&str> = store.history.bookmarks.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none: B sets one".to_owned() } else { known.join(", ") };
            store.say(Level::Warning, format!("no bookmark is called `{name}`; there are {known}"));
        }
        Some(place) => {
            if let Err(reason) = place::go(store, &place) {
                store.say(Level::Warning, format!("go: {reason}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, environment_id, planera};
    use crate::app::state::view::View;

    fn place(world: &World) -> String {
        place::present(&world.store).map_or_else(|| "none".to_owned(), |place| place.words())
    }

    /// Keys typed, and where they lead.
    #[test]
    fn keys_lead_back_and_forward() {
        for (keys, expected) in [
            ("2", "home of production"),
            ("1 2 [", "home of staging"),
            ("1 2 [ ]", "home of production"),
            ("1 i [", "home of staging"),
            ("1 i [ ]", "inbox of staging"),
            ("1 i esc [", "inbox of staging"),
            ("1 i [ h [", "home of staging"),
            // whoever goes somewhere else has no way forward any more
            ("1 2 [ i ]", "inbox of staging"),
            // moving in a list is no place, and what cannot be opened again is none
            ("1 j k [ [", "home of production"),
            ("2 : release space production-v1-8-1-bb enter", "release of production-v1-8-1-bb"),
            ("2 : release space production-v1-8-1-bb enter [ ]", "release of production-v1-8-1-bb"),
            ("1 B a enter 2 ' a enter", "home of staging"),
            ("1 E [", "home of staging"),
            ("1 E [ ]", "events of staging"),
            ("2 E esc 1 [ [", "events of production"),
            ("1 N [ ]", "dora of staging"),
            ("1 z [ ]", "zoom of staging"),
            ("1 L [ ]", "logs of staging"),
            ("1 a [", "home of staging"),
            ("1 a [ ]", "alerts of all environments"),
            // each scope is a place; moving in the list is none
            ("1 a a [ ]", "alerts of staging"),
            ("1 a a j a [", "alerts of staging"),
            ("1 a a a [ [ [", "home of staging"),
            ("2 a a B mine enter esc 1 ' mine enter", "alerts of production"),
            ("2 : alerts space everything enter esc 1 [ [", "alerts of everything"),
            ("2 X [ ]", "differences of production"),
            ("2 X B d enter esc 1 ' d enter", "differences of production"),
            ("1 h B here enter 2 ' here enter", "changes of staging"),
            ("1 ' nowhere enter", "home of staging"),
        ] {
            assert_eq!(place(&planera().typing(keys)), expected, "{keys}");
        }
    }

    /// What tells one place from another of its kind is found again too.
    #[test]
    fn panes_logs_and_pairs_are_found_again() {
        let zoomed = planera().typing("1 z m m esc 2 [ [");
        let View::Zoom(view) = zoomed.store.ui.view() else { panic!("{:?}", zoomed.store.ui.view()) };
        assert_ne!(&*view.pane, "errorRate");
        let logs = planera().typing("1 tab l esc 2 [ [");
        let found: Vec<String> = logs
            .store
            .ui
            .views
            .iter()
            .filter_map(|view| match view {
                View::Logs(view) => Some(view.subject.words()),
                _ => None,
            })
            .collect();
        assert!(
            found.iter().all(|words| words.starts_with("backend-") || words.starts_with("frontend-")),
            "{found:?}"
        );
        assert_eq!(found.len(), 1);
        let pair = planera().typing("2 X esc 1 [ [");
        let View::Differences(view) = pair.store.ui.view() else { panic!("{:?}", pair.store.ui.view()) };
        assert_eq!(
            (&*view.left.environment.key.name, &*view.right.environment.key.name),
            ("staging", "production")
        );
    }

    #[test]
    fn a_place_that_is_gone_is_passed() {
        let mut world = planera().typing("1 : release space production-v1-8-1-bb enter i");
        let key = crate::api::ReleaseKey::new("planera-production", "production-v1-8-1-bb");
        let gone =
            crate::app::state::event::ClusterEvent::Releases(crate::app::state::event::Delta::Deleted(key));
        world.send(crate::app::state::event::Event::Cluster(environment_id("staging").cluster, gone));
        assert_eq!(place(&world.typing("[")), "home of staging");
    }

    #[test]
    fn the_way_is_not_longer_than_it_needs_to_be() {
        let mut world = planera();
        for _ in 0..LONGEST {
            world = world.typing("1 2");
        }
        assert_eq!(world.store.history.behind.len(), LONGEST);
        for _ in 0..LONGEST {
            world = world.typing("[");
        }
        assert!(!world.store.history.leads(Direction::Back) && world.store.history.leads(Direction::Forward));
        assert!(matches!(world.typing("[").store.ui.view(), View::Home));
    }

    #[test]
    fn an_unknown_bookmark_names_those_that_there_are() {
        let world = planera().typing("1 B a enter ' b enter");
        let toast = world.store.toasts.back().unwrap();
        assert_eq!(toast.text, "no bookmark is called `b`; there are a");
    }
}
