//! Forms and questions above the view: opening them, their keys, and what they show.

pub(super) mod confirm;
pub(super) mod filter;
pub(super) mod form;
pub(super) mod pattern;
pub(super) mod weight;

use crate::app::ask;
use crate::app::state::effect::Effect;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;

/// What a window did with a key.
pub(super) enum Pressed {
    /// It took the key.
    Taken(Vec<Effect>),
    /// It has no meaning for it.
    Passed,
}

/// Brings what open windows show up to date.
pub(super) fn renew(store: &mut Store) {
    let mut overlays = std::mem::take(&mut store.ui.overlays);
    for overlay in &mut overlays {
        match overlay {
            Overlay::Confirm(confirm) => ask::renew(store, confirm),
            Overlay::Form(form) => form::renew(store, form),
            Overlay::Weight(form) => weight::renew(store, form),
            _ => {}
        }
    }
    store.ui.overlays = overlays;
}
