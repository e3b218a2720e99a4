//! Who will undo what is changed here, and what to do about it.
//!
//! Judges what stands on a workload: labels, annotations, field managers; what Argo CD's Application says where it may be read; and an
//! autoscaler. An obstacle does not forbid anything: it is told before somebody relies on a rollback.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::api::environment::WorkloadRef;

/// Somebody who will undo a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// Who.
    pub who: String,
    /// What happens, in one sentence.
    pub what_happens: String,
    /// A command that keeps it from happening.
    pub remedy: String,
}

/// What stands on a workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Marks {
    /// Namespace of the object.
    pub namespace: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Names in `managedFields`.
    pub managers: Vec<String>,
    /// Name of the autoscaler that sets its size.
    pub autoscaler: Option<String>,
}

/// Argo CD's Application, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Application {
    /// Its name.
    pub name: String,
    /// Whether commits are applied by themselves.
    pub is_automated: bool,
    /// Whether changes in the cluster are undone.
    pub heals_itself: bool,
}

const TRACKING: &str = "argocd.argoproj.io/tracking-id";
const INSTANCE: &str = "argocd.argoproj.io/instance";
const COMMON_INSTANCE: &str = "app.kubernetes.io/instance";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Name of the Argo CD Application that tracks this workload.
#[must_use]
pub(crate) fn application_name(marks: &Marks) -> Option<String> {
    let tracked = marks.annotations.get(TRACKING).and_then(|id| id.split(':').next());
    let by_argo = marks.managers.iter().any(|manager| manager.starts_with("argocd"));
    let labelled =
        marks.labels.get(INSTANCE).or_else(|| marks.labels.get(COMMON_INSTANCE).filter(|_| by_argo));
    tracked.or(labelled.map(String::as_str)).filter(|name| !name.is_empty()).map(ToOwned::to_owned)
}

/// Everybody who will undo a change of this workload's image. `application` is what was found under [`application_name`].
#[must_use]
pub(crate) fn will_it_stick(
    workload: &WorkloadRef,
    marks: &Marks,
    application: Option<&Application>,
) -> Vec<Obstacle> {
    let mut found = Vec::new();
    found.extend(application_name(marks).map(|name| argo_cd(&name, application)));
    found.extend(flux(marks));
    found.extend(helm(marks));
    let (kind, name) = (workload.kind.as_str().to_ascii_lowercase(), &workload.name);
    if marks.annotations.contains_key(LAST_APPLIED) && found.is_empty() {
        found.push(Obstacle {
            who: "whoever applies its file with kubectl".into(),
            what_happens: "the next `kubectl apply` of the same file brings the file's image back".into(),
            remedy: format!("kubectl -n {} apply view-last-applied {kind}/{name}", marks.namespace),
        });
    }
    if let Some(autoscaler) = &marks.autoscaler {
        found.push(Obstacle {
            who: format!("HorizontalPodAutoscaler {autoscaler}"),
            what_happens: "it sets the number of pods again; images it leaves alone".into(),
            remedy: format!("kubectl -n {} get horizontalpodautoscaler {autoscaler}", marks.namespace),
        });
    }
    found
}

fn argo_cd(name: &str, application: Option<&Application>) -> Obstacle {
    let what_happens = match application {
        Some(found) if found.is_automated && found.heals_itself => {
            "it heals itself: the change is undone within seconds"
        }
        Some(found) if found.is_automated => "the next commit or sync undoes the change",
        Some(_) => "the next sync by hand undoes the change",
        None => "it may undo the change at any time: its sync policy cannot be read",
    };
    Obstacle {
        who: format!("Argo CD application {name}"),
        what_happens: what_happens.into(),
        remedy: format!("argocd app set {name} --sync-policy none"),
    }
}

fn flux(marks: &Marks) -> Option<Obstacle> {
    const DISABLED: &str = "kustomize.toolkit.fluxcd.io/reconcile";
    for (prefix, kind, what_happens) in [
        (
            "kustomize.toolkit.fluxcd.io",
            "kustomization",
            "it applies Git's state at every interval: the change is undone within minutes",
        ),
        (
            "helm.toolkit.fluxcd.io",
            "helmrelease",
            "the next upgrade undoes the change, and so does drift correction where it is on",
        ),
    ] {
        let label = |part: &str| marks.labels.get(&format!("{prefix}/{part}"));
        let Some(name) = label("name") else { continue };
        if marks.annotations.get(DISABLED).is_some_and(|value| value == "disabled") {
            continue;
        }
        let namespace = label("namespace").unwrap_or(&marks.namespace);
        return Some(Obstacle {
            who: format!("Flux {kind} {name}"),
            what_happens: what_happens.into(),
            remedy: format!("flux suspend {kind} {name} -n {namespace}"),
        });
    }
    None
}

fn helm(marks: &Marks) -> Option<Obstacle> {
    let name = marks.annotations.get("meta.helm.sh/release-name")?;
    let namespace = marks.annotations.get("meta.helm.sh/release-namespace").unwrap_or(&marks.namespace);
    Some(Obstacle {
        who: format!("Helm release {name}"),
        what_happens: "the next `helm upgrade` brings the chart's image back".into(),
        remedy: format!("helm -n {namespace} history {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::WorkloadKind;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn told(marks: &Marks, application: Option<&Application>) -> Vec<(String, String)> {
        let workload = WorkloadRef { kind: WorkloadKind::Deployment, name: "api".into() };
        let found = will_it_stick(&workload, marks, application);
        found.into_iter().map(|obstacle| (obstacle.who, obstacle.remedy)).collect()
    }

    fn marks(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Marks {
        Marks {
            namespace: "shop".into(),
            labels: map(labels),
            annotations: map(annotations),
            ..Marks::default()
        }
    }

    #[test]
    fn each_owner_is_told_with_a_way_out() {
        let argo =
            ("Argo CD application shop".to_owned(), "argocd app set shop --sync-policy none".to_owned());
        assert_eq!(
            told(&marks(&[], &[(TRACKING, "shop:apps/Deployment:shop/api")]), None),
            std::slice::from_ref(&argo)
        );
        assert_eq!(told(&marks(&[(INSTANCE, "shop")], &[]), None), std::slice::from_ref(&argo));
        let mut common = marks(&[(COMMON_INSTANCE, "shop")], &[]);
        assert_eq!(told(&common, None), [], "a label of everybody's");
        common.managers = vec!["argocd-controller".into()];
        assert_eq!(told(&common, None), [argo]);

        let flux = [
            ("kustomize.toolkit.fluxcd.io/name", "apps"),
            ("kustomize.toolkit.fluxcd.io/namespace", "flux-system"),
        ];
        let found = told(&marks(&flux, &[]), None);
        assert_eq!(found[0].1, "flux suspend kustomization apps -n flux-system");
        assert_eq!(told(&marks(&flux, &[("kustomize.toolkit.fluxcd.io/reconcile", "disabled")]), None), []);
        let found = told(&marks(&[("helm.toolkit.fluxcd.io/name", "api")], &[]), None);
        assert_eq!(found[0].1, "flux suspend helmrelease api -n shop");
        let found = told(&marks(&[], &[("meta.helm.sh/release-name", "api")]), None);
        assert_eq!(found[0].1, "helm -n shop history api");
        let found = told(&marks(&[], &[(LAST_APPLIED, "{}")]), None);
        assert_eq!(found[0].1, "kubectl -n shop apply view-last-applied deployment/api");
        let scaled = Marks { autoscaler: Some("api".into()), ..marks(&[], &[]) };
        assert_eq!(told(&scaled, None)[0].0, "HorizontalPodAutoscaler api");
        assert_eq!(told(&marks(&[("app", "api")], &[]), None), []);
    }

    #[test]
    fn what_argo_cd_does_depends_on_its_policy() {
        let name = || "shop".to_owned();
        for (application, expected) in [
            (Some(Application { name: name(), is_automated: true, heals_itself: true }), "within seconds"),
            (Some(Application { name: name(), is_automated: true, heals_itself: false }), "next commit"),
            (Some(Application { name: name(), is_automated: false, heals_itself: true }), "by hand"),
            (None, "cannot be read"),
        ] {
            assert!(argo_cd("shop", application.as_ref()).what_happens.contains(expected), "{expected}");
        }
    }
}
