//! Places that can be opened again, and the way from one to the next. Never what was read there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::app::state::alerts::AlertScope;

/// Where a person is, in words that outlive a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Place {
    /// Name of the view's row.
    pub view: String,
    /// The context of the cluster.
    pub context: String,
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the environment; empty: none was selected.
    pub environment: String,
    /// Name of the component that is shown alone; empty: all are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// Name of the release, where one is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What tells it from others of its kind: the pane that is zoomed, whose logs, beside which environment.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
}

impl Default for Place {
    fn default() -> Self {
        let nothing = String::new;
        let (context, namespace, environment, component, about) =
            (nothing(), nothing(), nothing(), nothing(), nothing());
        Self { view: "home".to_owned(), context, namespace, environment, component, release: None, about }
    }
}

impl Place {
    /// What people call it.
    #[must_use]
    pub fn words(&self) -> String {
        let view = self.view.as_str();
        if view == "alerts" && self.about != AlertScope::ONE {
            return format!("alerts of {}", AlertScope::read(&self.about, None).words());
        }
        let about = self.release.as_deref().unwrap_or(&self.environment);
        match (about, &*self.component) {
            ("", _) => view.to_owned(),
            (about, "") => format!("{view} of {about}"),
            (about, component) => format!("{view} of {about}, {component} alone"),
        }
    }
}

/// Places behind us, before us, and with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Where a person was, the last place last.
    pub(in crate::app) behind: Vec<Place>,
    /// Where a person came back from, the last place last.
    pub(in crate::app) before: Vec<Place>,
    /// Places with a name.
    pub bookmarks: BTreeMap<String, Place>,
}

impl History {
    /// Whether there is a place in that direction.
    #[must_use]
    pub fn leads(&self, way: Direction) -> bool {
        !match way {
            Direction::Back => &self.behind,
            Direction::Forward => &self.before,
        }
        .is_empty()
    }
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To where we were.
    Back,
    /// To where we came back from.
    Forward,
}
