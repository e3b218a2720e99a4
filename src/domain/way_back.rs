//! What going back to a version really means: the pod templates' difference, configuration that changed meanwhile, and who will undo it.

use std::fmt::Write as _;

use serde::Serialize;

use super::config_drift::{Change, Drift};
use super::template_diff::Row;
use super::will_it_stick::Obstacle;
use crate::api::environment::WorkloadRef;
use crate::api::names::ComponentName;

/// What going back to a version means.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WayBack {
    /// The version, or the revision.
    pub version: String,
    /// Each component.
    pub components: Vec<ComponentBack>,
    /// Configuration that is not known to be what it was while that version last ran; absent where nobody recorded it then.
    pub drift: Option<Vec<Drift>>,
}

/// What going back means for one component.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentBack {
    /// The component.
    pub component: ComponentName,
    /// Its workload.
    pub workload: WorkloadRef,
    /// The workload's revision that ran this version; absent where it is kept no longer.
    pub revision: Option<i64>,
    /// How the pod template differs between now and then.
    pub changes: Vec<Row>,
    /// Whether a release puts back more than the images: never, so everything else that differs is told.
    pub stays: usize,
    /// Who will undo the change.
    pub obstacles: Vec<Obstacle>,
    /// Why something of this could not be found out.
    pub remark: Option<String>,
}

impl WayBack {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for component in &self.components {
            component.write(&mut text);
        }
        match &self.drift {
            None => text.push_str("Configuration: nobody recorded what it was while this version ran\n"),
            Some(drift) if drift.is_empty() => {
                text.push_str("Configuration: ConfigMaps and Secrets are what they were\n");
            }
            Some(drift) => {
                text.push_str("Configuration that stays as it is now:\n");
                for one in drift {
                    let _ = writeln!(text, "  {}: {} {}", one.component, one.object, words(one.change));
                }
            }
        }
        text
    }
}

const fn words(change: Change) -> &'static str {
    match change {
        Change::Changed => "has changed since",
        Change::Gone => "is gone since",
        Change::New => "came since",
        Change::Unknown => "may have changed: one of its contents is not known",
    }
}

impl ComponentBack {
    fn write(&self, text: &mut String) {
        let revision = self.revision.map_or(String::new(), |number| format!(", revision {number}"));
        let _ =
            writeln!(text, "{} ({} {}{revision})", self.component, self.workload.kind, self.workload.name);
        if let Some(remark) = &self.remark {
            let _ = writeln!(text, "  {remark}");
        } else if self.changes.is_empty() {
            text.push_str("  the pod template is what it was\n");
        }
        for row in &self.changes {
            let part = |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
            let _ = writeln!(text, "  {}: {} -> {}", row.what, part(&row.from), part(&row.to));
        }
        if self.stays > 0 {
            let _ = writeln!(
                text,
                "  a rollback puts back the image; the other {} of these stay as they are now",
                self.stays
            );
        }
        for obstacle in &self.obstacles {
            let _ = writeln!(text, "  will it stick? {}: {}", obstacle.who, obstacle.what_happens);
            let _ = writeln!(text, "    {}", obstacle.remedy);
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::WorkloadKind;

    #[test]
    fn everything_is_told_and_what_is_not_known_is_said() {
        let row = Row { what: "api: env A".into(), from: Some("1".into()), to: None };
        let obstacle =
            Obstacle { who: "Flux".into(), what_happens: "it undoes".into(), remedy: "flux suspend".into() };
        let component = ComponentBack {
            component: "backend".into(),
            workload: WorkloadRef { kind: WorkloadKind::Deployment, name: "api".into() },
            revision: Some(3),
            changes: vec![row],
            stays: 1,
            obstacles: vec![obstacle],
            remark: None,
        };
        let drift = Drift { component: "backend".into(), object: "Secret s".into(), change: Change::Unknown };
        let mut back =
            WayBack { version: "v1".into(), components: vec![component], drift: Some(vec![drift]) };
        let text = back.text();
        for expected in [
            "backend (Deployment api, revision 3)",
            "api: env A: 1 -> (nothing)",
            "the other 1 of these stay",
            "Flux: it undoes",
            "    flux suspend",
            "Secret s may have changed",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        back.drift = None;
        assert!(back.text().contains("nobody recorded"));
    }
}
