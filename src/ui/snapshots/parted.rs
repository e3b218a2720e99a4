//! The list of environments in sections, one of them folded.

use super::{SIZES, screen, snapshot, text};
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

#[test]
fn environments_stand_in_sections() {
    let theme = Theme::named("dark");
    for (state, keys) in [("open", "g"), ("folded", "g j")] {
        let store = world().typing(keys).store();
        for size in SIZES {
            let name = format!("sections-{state}-{}x{}", size.0, size.1);
            snapshot(&name, &text(&screen(&store, &theme, size)));
        }
    }
}
