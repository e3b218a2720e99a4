//! Which component of an environment something is of, by the names and labels that it bears.
//!
//! Kubernetes names what a workload makes after it (`backend-7f9c6d-2xk4p`); curves bear the label `component` or `pod`.

use crate::api::environment::Component;
use crate::domain::alert_row::{AlertRow, Labels, NAMING};
use crate::domain::series::{Series, Subject};

/// The component whose workload an object bears the name of, or was made by: of several that fit, the one with the longest name.
#[must_use]
pub(crate) fn of_name<'a>(components: &'a [Component], name: &str) -> Option<&'a Component> {
    let fits = |workload: &str| {
        name.strip_prefix(workload).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let fitting = components.iter().filter(|component| fits(&component.workload.name));
    fitting.max_by_key(|component| component.workload.name.len())
}

/// The component that labels name, by itself, its workload or a pod.
#[must_use]
pub(crate) fn of_labels<'a>(components: &'a [Component], labels: &Labels) -> Option<&'a Component> {
    let named = labels.get("component").and_then(|name| by_name(components, name));
    let made = ["deployment", "statefulset", "daemonset", "rollout", "workload", "pod"].into_iter();
    named.or_else(|| made.filter_map(|label| labels.get(label)).find_map(|name| of_name(components, name)))
}

/// Whether an alert may be about that component: only where a label names another one, and neither a label nor what its author wrote
/// names this one, it is not.
#[must_use]
pub(crate) fn may_concern(components: &[Component], wanted: &Component, alert: &AlertRow) -> bool {
    let named = |value: &str| [by_name(components, value), of_name(components, value)].into_iter().flatten();
    let is_wanted = |value: &str| named(value).any(|found| found.name == wanted.name);
    let is_part = |c: char| c.is_alphanumeric() || c == '-';
    let is_told = |text: &str| text.split(|c| !is_part(c)).any(is_wanted);
    let labels = &alert.labels;
    let mut naming = NAMING.into_iter().chain(["pod"]).filter_map(|label| labels.get(label));
    naming.all(|value| named(value).next().is_none())
        || labels.values().any(|value| is_wanted(value))
        || alert.annotations.values().any(|text| is_told(text))
}

/// The component that a curve is of.
#[must_use]
pub(crate) fn of_curve<'a>(components: &'a [Component], curve: &Series) -> Option<&'a Component> {
    match &curve.subject {
        Subject::Whole => None,
        Subject::Component(name) => by_name(components, name),
        Subject::Pod(name) => of_name(components, name),
    }
}

/// Puts the curves of each component next to each other, in the order of the components; those of none come last.
pub(crate) fn arrange(components: &[Component], curves: &mut [Series]) {
    let place = |curve: &Series| {
        let found = of_curve(components, curve);
        found.and_then(|found| components.iter().position(|component| component.name == found.name))
    };
    curves.sort_by_key(|curve| place(curve).unwrap_or(usize::MAX));
}

/// The curves of one component, of curves that are arranged; absent where no curve is of a component at all.
#[must_use]
pub(crate) fn curves_of<'a>(
    components: &[Component],
    curves: &'a [Series],
    name: &str,
) -> Option<&'a [Series]> {
    let whose = |curve: &Series| of_curve(components, curve).map(|component| component.name.as_str());
    if curves.iter().all(|curve| whose(curve).is_none()) {
        return None;
    }
    let runs = curves.chunk_by(|a, b| whose(a) == whose(b));
    let mut found = runs.filter(|run| run.first().is_some_and(|curve| whose(curve) == Some(name)));
    Some(found.next().unwrap_or_default())
}

fn by_name<'a>(components: &'a [Component], name: &str) -> Option<&'a Component> {
    components.iter().find(|component| component.name.as_str() == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn components(names: &[(&str, &str)]) -> Vec<Component> {
        let component = |(name, workload): &(&str, &str)| {
            serde_json::from_value(json!({
                "name": name, "container": "main", "image": "ghcr.io/acme/it",
                "workload": {"kind": "Deployment", "name": workload},
            }))
            .unwrap()
        };
        names.iter().map(component).collect()
    }

    fn curve(label: &str, subject: Subject) -> Series {
        Series { label: label.into(), subject, ..Series::default() }
    }

    #[test]
    fn an_object_is_of_the_component_whose_workload_it_is_named_after() {
        let all = components(&[("web", "shop-web"), ("admin", "shop-web-admin"), ("db", "db")]);
        for (name, expected) in [
            ("shop-web", Some("web")),
            ("shop-web-7f9c6d-2xk4p", Some("web")),
            ("shop-web-canary-7f9c6d-2xk4p", Some("web")),
            ("shop-web-admin-7f9c6d-2xk4p", Some("admin")),
            ("shop-webs-7f9c6d-2xk4p", None),
            ("db-0", Some("db")),
            ("d", None),
            ("", None),
        ] {
            assert_eq!(of_name(&all, name).map(|found| found.name.as_str()), expected, "{name}");
        }
    }

    #[test]
    fn labels_name_a_component_by_itself_before_its_objects() {
        let all = components(&[("web", "shop-web"), ("db", "db")]);
        for (labels, expected) in [
            (&[("component", "web"), ("pod", "db-0")][..], Some("web")),
            (&[("component", "nobody"), ("pod", "db-0")], Some("db")),
            (&[("deployment", "shop-web")], Some("web")),
            (&[("severity", "critical")], None),
        ] {
            let labels: Labels =
                labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            assert_eq!(of_labels(&all, &labels).map(|found| found.name.as_str()), expected, "{labels:?}");
        }
    }

    /// Labels and a summary, and whether the alert is shown where `web` is shown alone, and where `db` is.
    #[test]
    fn an_alert_is_left_out_only_where_it_is_surely_of_another_component() {
        let all = components(&[("web", "shop-web"), ("db", "db")]);
        for (labels, summary, expected) in [
            (&[("component", "web")][..], "", (true, false)),
            (&[("deployment", "shop-web")], "", (true, false)),
            (&[("pod", "db-0")], "", (false, true)),
            (&[("service", "shop-web-canary")], "", (true, false)),
            // of nobody, of somebody who is no component, of all
            (&[("severity", "critical")], "", (true, true)),
            (&[("component", "queue"), ("pod", "queue-0")], "", (true, true)),
            (&[("alertname", "TargetDown")], "web is away", (true, true)),
            // of one, and it speaks of the other
            (&[("component", "web"), ("upstream", "db")], "", (true, true)),
            (&[("component", "web"), ("pod", "db-0")], "", (true, true)),
            (&[("component", "web")], "it does not reach db, or db-0", (true, true)),
            (&[("component", "web")], "the dbs are well, abdb too", (true, false)),
        ] {
            let word = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
            let alert = AlertRow {
                name: "It".into(),
                is_firing: true,
                since: chrono::DateTime::UNIX_EPOCH,
                labels: labels.iter().map(word).collect(),
                annotations: [word(&("summary", summary))].into(),
                environments: Vec::new(),
            };
            let shown = (may_concern(&all, &all[0], &alert), may_concern(&all, &all[1], &alert));
            assert_eq!(shown, expected, "{labels:?} {summary}");
        }
    }

    #[test]
    fn curves_of_a_component_stand_together_and_are_found() {
        let all = components(&[("web", "web"), ("db", "db")]);
        let component = |name: &str| Subject::Component(name.into());
        let mut curves = vec![
            curve("db stable", component("db")),
            curve("web stable", component("web")),
            curve("everything", Subject::Whole),
            curve("db canary", component("db")),
            curve("web-1-a", Subject::Pod("web-1-a".into())),
        ];
        arrange(&all, &mut curves);
        let labels =
            |curves: &[Series]| curves.iter().map(|curve| curve.label.to_string()).collect::<Vec<_>>();
        assert_eq!(labels(&curves), ["web stable", "web-1-a", "db stable", "db canary", "everything"]);
        assert_eq!(labels(curves_of(&all, &curves, "db").unwrap()), ["db stable", "db canary"]);
        assert_eq!(labels(curves_of(&all, &curves, "web").unwrap()), ["web stable", "web-1-a"]);
        // told apart, but none is of this one: that is no curve, and not all of them
        assert_eq!(labels(curves_of(&all, &curves[..2], "db").unwrap()), Vec::<String>::new());
        // not told apart at all
        assert_eq!(curves_of(&all, &curves[4..], "db"), None);
        assert_eq!(curves_of(&all, &[], "db"), None);
    }
}
