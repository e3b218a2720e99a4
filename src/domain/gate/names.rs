//! Names of the workloads that a release changes: Kubernetes could not make the pods of one whose name is too long.

use super::{Case, Evaluation, Gate, targets};
use crate::domain::object_name::NewName;

/// Adds a failed gate per component whose workload has too long a name. Second workloads are judged with their routers.
pub(super) fn judge(case: &Case<'_>, all: &mut Evaluation) {
    for (component, _) in targets(case) {
        let workload = &component.workload;
        if let Some(problem) = NewName::of_workload(workload.kind, &workload.name, 0).problem() {
            let name = format!("names/{}", component.name);
            all.push(
                Gate::fail(name, problem).cleared_by(format!("the owner of component {}", component.name)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::environment::WorkloadKind;
    use crate::api::release::{GateState, ReleaseKind, ReleaseStatus};
    use crate::domain::fixtures::{at, environment, observed};
    use crate::domain::gate::{Moment, evaluate};
    use crate::domain::plan;
    use crate::domain::rollout::Observed;

    fn found(observed: &Observed) -> Vec<(String, GateState, String)> {
        let plan = plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
        let status = ReleaseStatus { plan: Some(plan), ..ReleaseStatus::default() };
        let all = evaluate(observed, &status, None, Moment::Waiting, at(0));
        let ours = all.gates.into_iter().filter(|gate| gate.name.starts_with("names/"));
        ours.map(|gate| (gate.name, gate.state, gate.detail)).collect()
    }

    #[test]
    fn a_workload_whose_pods_could_not_be_made_holds_every_release_but_a_rollback() {
        for (kind, length, fails) in [
            (WorkloadKind::StatefulSet, 52, false),
            (WorkloadKind::StatefulSet, 53, true),
            (WorkloadKind::Deployment, 242, false),
            (WorkloadKind::Deployment, 243, true),
        ] {
            let mut environment = environment();
            environment.spec.components[0].workload.kind = kind;
            environment.spec.components[0].workload.name = "a".repeat(length);
            let mut observed = observed(environment);
            let gates = found(&observed);
            assert_eq!(gates.len(), usize::from(fails), "{kind} {length}: {gates:?}");
            if let Some((name, state, detail)) = gates.first() {
                assert_eq!((name.as_str(), *state), ("names/backend", GateState::Fail));
                assert!(
                    detail.contains(&format!("is too long: {length} characters, at most {}", length - 1)),
                    "{detail}"
                );
            }
            observed.release.spec.kind = ReleaseKind::Rollback;
            assert!(found(&observed).is_empty(), "{kind}");
        }
    }
}
