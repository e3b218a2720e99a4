//! The list of environments in sections, one of them folded.

use super::recorded::Pictures;
use super::{SIZES, screen, text};
use crate::api::Tier;
use crate::app::fixtures::{World, burning, environment};
use crate::config::Section;
use crate::ui::theme::Theme;

fn world() -> World {
    let mut world = burning();
    world.store.sections = vec![
        Section { name: "Live".into(), tiers: vec![Tier::Production], ..Section::default() },
        Section {
            name: "Sandboxes".into(),
            environments: vec!["sandbox-*".into()],
            collapsed: true,
            ..Section::default()
        },
    ];
    for name in ["sandbox-1", "sandbox-2"] {
        world = world.with(environment(name));
    }
    world.settled()
}

/// The list of environments with an open and with a folded section.
pub(super) fn pictures() -> Pictures {
    let mut pictures = Pictures::default();
    let theme = Theme::named("dark");
    for (state, keys) in [("open", "g"), ("folded", "g j")] {
        let store = world().typing(keys).store();
        pictures.add(format!("{state}-80x24"), text(&screen(&store, &theme, SIZES[0])));
    }
    pictures
}
