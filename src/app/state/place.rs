//! Places that can be opened again, and the way from one to the next. Never what was read there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::app::state::alerts::AlertScope;

/// Where a person is, in words that outlive a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Place {
    /// What is open.
    pub view: PlaceView,
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

/// What is open, of what can be opened again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlaceView {
    /// The home screen.
    #[default]
    Home,
    /// A release.
    Release,
    /// Versions to go back to.
    Rollback,
    /// What has changed lately.
    Changes,
    /// What waits for us.
    Inbox,
    /// Applications by environments.
    Matrix,
    /// Events of Kubernetes.
    Events,
    /// One metric pane alone.
    Zoom,
    /// Delivery numbers.
    Numbers,
    /// Logs.
    Logs,
    /// Two environments, compared.
    Differences,
    /// Alerts.
    Alerts,
}

impl Place {
    /// What of it the next session may begin with. Logs are opened by a person, each time anew: they are a permission of their own, one
    /// stream for each pod that runs then, and what pods print may be for no eyes but those of whoever asks for it.
    #[must_use]
    pub fn lasting(self) -> Self {
        match self.view {
            PlaceView::Logs => Self { view: PlaceView::Home, about: String::new(), ..self },
            _ => self,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn words(&self) -> String {
        let view = match self.view {
            PlaceView::Home => "home",
            PlaceView::Release => "release",
            PlaceView::Rollback => "rollback",
            PlaceView::Changes => "changes",
            PlaceView::Inbox => "inbox",
            PlaceView::Matrix => "matrix",
            PlaceView::Events => "events",
            PlaceView::Zoom => "zoom",
            PlaceView::Numbers => "numbers",
            PlaceView::Logs => "logs",
            PlaceView::Differences => "differences",
            PlaceView::Alerts if self.about == AlertScope::ONE => "alerts",
            PlaceView::Alerts => return format!("alerts of {}", AlertScope::read(&self.about, None).words()),
        };
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
    pub fn leads(&self, way: Way) -> bool {
        !match way {
            Way::Back => &self.behind,
            Way::Forward => &self.before,
        }
        .is_empty()
    }
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To where we were.
    Back,
    /// To where we came back from.
    Forward,
}
