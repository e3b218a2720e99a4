//! The tour below the views.

use super::recorded::Pictures;
use super::{SIZES, screen, text};
use crate::app::fixtures::burning;
use crate::app::state::tour::STEPS;
use crate::app::tour;
use crate::ui::overlays::message::rows;
use crate::ui::theme::Theme;

/// The tour below the home screen and inside of a view.
pub(super) fn pictures() -> Pictures {
    let mut pictures = Pictures::default();
    let theme = Theme::named("dark");
    for (step, keys) in [("first", "2"), ("inside", "2 j tab tab enter")] {
        let mut world = burning().typing("2");
        tour::begin(&mut world.store);
        let store = world.typing(keys).store();
        pictures.add(format!("{step}-80x24"), text(&screen(&store, &theme, SIZES[0])));
    }
    pictures
}

/// At 80 columns a sentence has two rows of 76 cells.
#[test]
fn every_sentence_has_room() {
    let store = burning().store();
    for step in STEPS {
        let words = tour::words(&store, step);
        assert!(rows(&words, 76) <= 2, "{words}");
    }
}
