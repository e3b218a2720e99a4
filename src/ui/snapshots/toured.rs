//! The tour below the views.

use super::{SIZES, screen, snapshot, text};
use crate::app::fixtures::burning;
use crate::app::state::tour::STEPS;
use crate::app::tour;
use crate::ui::overlays::message::rows;
use crate::ui::theme::Theme;

#[test]
fn the_tour_stands_below_the_view() {
    let theme = Theme::named("dark");
    for (step, keys) in [("first", "2"), ("inside", "2 j tab tab enter")] {
        let mut world = burning().typing("2");
        tour::begin(&mut world.store);
        let store = world.typing(keys).store();
        for size in SIZES {
            snapshot(&format!("tour-{step}-{}x{}", size.0, size.1), &text(&screen(&store, &theme, size)));
        }
    }
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
