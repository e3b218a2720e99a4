//! What the settings say of a session and may say anew while it runs.

use crate::app::state::preferences::Preferences;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;

/// Takes preferences over.
pub(crate) fn take(store: &mut Store, preferences: Preferences) {
    let Preferences { theme, keymap, stale_after, arming, sections, attention } = preferences;
    store.theme = theme;
    store.keymap = keymap;
    store.stale_after = stale_after;
    store.arming = arming;
    store.sections = sections;
    store.attention.ways = attention;
    store.dirty.screen = true;
    // what opens read-only is written in the lists
    store.dirty.releases = true;
}

/// The settings were read again; the sentence says what became of it.
pub(super) fn reloaded(store: &mut Store, read: Result<(Box<Preferences>, String), String>) {
    match read {
        Ok((preferences, sentence)) => {
            take(store, *preferences);
            store.say(Level::Done, sentence);
        }
        Err(sentence) => store.tell("The settings stay as they were", sentence),
    }
}

/// Another theme is drawn, or cannot be.
pub(super) fn themed(store: &mut Store, drawn: Result<Box<str>, String>) {
    match drawn {
        Ok(theme) => {
            store.say(Level::Done, format!("the theme is {theme}"));
            store.theme = theme;
        }
        Err(sentence) => store.tell("The theme stays as it was", sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, chords, planera};
    use crate::app::keymap::default_keymap;
    use crate::app::state::attention::Ways;
    use crate::app::state::effect::Effect;
    use crate::app::state::effect::TerminalEffect;
    use crate::app::state::event::Event;
    use crate::app::state::ui_state::Overlay;
    use crate::app::update;

    fn effects(world: &mut World, keys: &str) -> Vec<Effect> {
        let keys = chords(keys).into_iter().map(|chord| Event::Key { chord, repeat: false });
        keys.flat_map(|event| update(&mut world.store, event)).collect()
    }

    #[test]
    fn themes_are_asked_for_by_name_and_completed() {
        let mut world = planera();
        assert_eq!(
            effects(&mut world, ": theme space colo tab enter"),
            [Effect::Terminal(TerminalEffect::Theme("colour-blind".into()))]
        );
        assert_eq!(
            effects(&mut world, ": theme space ./mine.toml enter"),
            [Effect::Terminal(TerminalEffect::Theme("./mine.toml".into()))]
        );
        world.send(Event::Theme(Ok("light".into())));
        assert_eq!(&*world.store.theme, "light");
        world.send(Event::Theme(Err("drak cannot be read".into())));
        assert_eq!(&*world.store.theme, "light");
        let Some(Overlay::Message { text, .. }) = world.store.ui.overlay() else { panic!() };
        assert_eq!(text, "drak cannot be read");
    }

    #[test]
    fn a_mistake_keeps_what_was_and_says_so() {
        let mut world = planera();
        assert_eq!(effects(&mut world, ": reload enter"), [Effect::Terminal(TerminalEffect::Reload)]);
        let keymap = default_keymap().with([("quit".to_owned(), vec!["ctrl-q".parse().unwrap()])]).unwrap();
        let attention = Ways::of(["osc9"]);
        let read = Preferences { theme: "mono".into(), keymap, attention, ..Preferences::default() };
        world.send(Event::Reloaded(Ok((Box::new(read.clone()), "read again".to_owned()))));
        let now = |world: &World| {
            let store = &world.store;
            (store.theme.clone(), store.keymap.clone(), store.attention.ways)
        };
        let wanted = (read.theme, read.keymap, read.attention);
        assert_eq!(now(&world), wanted);
        world.send(Event::Reloaded(Err("x.toml, line 2: no".into())));
        assert_eq!(now(&world), wanted);
        assert!(matches!(world.store.ui.overlay(), Some(Overlay::Message { .. })));
    }
}
