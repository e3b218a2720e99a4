//! What is kept from one start to the next. Nothing that was read, and no secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::app::state::place::Place;

/// What is kept from one start to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct SavedState {
    /// Where the session ended.
    pub place: Option<Place>,
    /// The pane that had the keys on the home screen.
    pub pane: SavedFocus,
    /// How pods were ordered: the word that the pane shows.
    pub sort: String,
    /// The metric that was shown where there is room for one.
    pub metric: String,
    /// What was looked for, per pane.
    pub filters: BTreeMap<SavedFocus, String>,
    /// The theme that was chosen in the session, and the settings' theme that it stood for.
    pub theme: Option<(String, String)>,
    /// Sections of environments that were folded or unfolded, by name.
    pub folded: BTreeMap<String, bool>,
    /// Components that were shown alone.
    pub components: Vec<KeptComponent>,
    /// Places with a name.
    pub bookmarks: BTreeMap<String, Place>,
}

/// A component that was shown alone in its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct KeptComponent {
    /// The context of the cluster.
    pub context: String,
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the environment.
    pub environment: String,
    /// Name of the component.
    pub component: String,
}

/// A pane of the home screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SavedFocus {
    /// Environments.
    #[default]
    Environments,
    /// Pods.
    Pods,
    /// The queue.
    Queue,
}
