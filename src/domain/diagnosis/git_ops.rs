//! Somebody else writes the image as well: a GitOps controller fights the release.
//!
//! Field managers in `metadata.managedFields`: `argocd-controller` (Argo CD, `common/common.go`), `kustomize-controller` and
//! `helm-controller` (Flux), `kubectl-client-side-apply` (`staging/src/k8s.io/kubectl/pkg/cmd/apply`), `helm` (Helm).

use super::facts::Facts;
use super::{Cause, Found, Jump};

pub(super) const CAUSE: Cause = Cause { id: "git-ops-fights", find };

fn find(facts: &Facts<'_>) -> Option<Found> {
    let workload = facts.workload?;
    let (wanted, present) = workload.replaced.as_ref()?;
    let manager = workload.written_by.as_deref().unwrap_or_default();
    let (who, remedy) = known(manager)?;
    Some(Found {
        sentence: format!("{who} put {} back to {present}: it fights this release", workload.name),
        evidence: format!("field manager {manager} wrote the image; this release wants {wanted}"),
        remedy: remedy.to_owned(),
        jump: Some(Jump::Workload),
    })
}

fn known(manager: &str) -> Option<(&'static str, &'static str)> {
    let lower = manager.to_ascii_lowercase();
    [
        ("argocd", "Argo CD", "turn its self-heal off for this application, or release by a commit"),
        (
            "kustomize-controller",
            "Flux",
            "suspend the Kustomization (flux suspend kustomization), or release by a commit",
        ),
        (
            "helm-controller",
            "Flux",
            "suspend the HelmRelease (flux suspend helmrelease), or release by a commit",
        ),
        ("helm", "Helm", "whoever runs helm upgrade must give it the released version"),
        (
            "kubectl-client-side-apply",
            "kubectl apply",
            "whoever applies that file must put the released version into it",
        ),
    ]
    .into_iter()
    .find(|(name, ..)| lower.starts_with(name))
    .map(|(_, who, remedy)| (who, remedy))
}
