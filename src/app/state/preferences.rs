//! What the settings say of a session and may say anew while it runs.

use crate::app::state::arming::ArmingPolicy;
use crate::app::state::attention::Ways;
use crate::app::state::keymap::Keymap;
use crate::config::Section;

/// What the settings say of a session and may say anew while it runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preferences {
    /// Name or path of the theme that is drawn.
    pub theme: Box<str>,
    /// Which key means what.
    pub keymap: Keymap,
    /// The age from which on data counts as stale.
    pub stale_after: Option<chrono::TimeDelta>,
    /// What opens read-only.
    pub arming: ArmingPolicy,
    /// Sections of the list of environments.
    pub sections: Vec<Section>,
    /// By which ways a person is called.
    pub attention: Ways,
}
