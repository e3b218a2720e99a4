//! Predicts the controller's verdict for a dry run, by the same rules, from the objects that the user can read.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::time::to_time;
use crate::api::{ActionKind, Environment, Release, ReleaseAction};
use crate::domain::action;
use crate::domain::environment_action::{self, Situation};
use crate::domain::health::Answers;
use crate::domain::rollout::{Governs, Observed};
use crate::domain::workload_kind;

/// Predicts why the controller would refuse a release action; `None` if it would apply it.
///
/// Promotions of Argo Rollouts depend on the Rollout's steps, which are not read here, and are not predicted.
pub(super) fn refusal(
    release: &Release,
    environment: Option<&Environment>,
    others: &[Release],
    (action, now): (&ReleaseAction, DateTime<Utc>),
) -> Option<String> {
    let mut components = environment.into_iter().flat_map(|environment| &environment.spec.components);
    let has_rollouts = components.any(|component| workload_kind::row(component.workload.kind).has_own_plan);
    if has_rollouts && matches!(action.spec.action, ActionKind::Promote | ActionKind::PromoteFull) {
        return None;
    }
    let mut tried = action.clone();
    tried.metadata.creation_timestamp = Some(to_time(now));
    let key = release.environment_key();
    let is_other = |other: &&Release| other.environment_key() == key && other.key() != release.key();
    let observed = Observed {
        release: release.clone(),
        environment: environment.cloned(),
        governs: environment.map(Governs::of),
        source: None,
        workloads: BTreeMap::new(),
        tracks: BTreeMap::new(),
        traffic: BTreeMap::new(),
        writes: BTreeMap::new(),
        unreadable: BTreeMap::new(),
        autoscalers: BTreeMap::new(),
        crashes: BTreeMap::new(),
        actions: Vec::new(),
        others: others.iter().filter(is_other).cloned().map(Arc::new).collect(),
        answers: Answers::default(),
        causes: BTreeMap::new(),
    };
    let status = release.status.clone().unwrap_or_default();
    let verdict = action::judge(&observed, &status, &tried, now);
    (!verdict.is_applied()).then_some(verdict.message)
}

/// Predicts why the controller would refuse an environment action; `None` if it would apply it. Scale and Restart depend on the
/// workload, which is not read here, and are not predicted.
pub(super) fn refusal_of_environment(
    environment: &Environment,
    releases: &[Release],
    (action, now): (&ReleaseAction, DateTime<Utc>),
) -> Option<String> {
    if matches!(action.spec.action, ActionKind::Scale | ActionKind::Restart) {
        return None;
    }
    let mut tried = action.clone();
    tried.metadata.creation_timestamp = Some(to_time(now));
    let key = environment.key();
    let mine = releases.iter().filter(|release| release.environment_key() == key);
    let mine: Vec<Arc<Release>> = mine.cloned().map(Arc::new).collect();
    let (workloads, autoscalers) = (BTreeMap::new(), BTreeMap::new());
    let seen = Situation { environment, workloads: &workloads, autoscalers: &autoscalers, releases: &mine };
    let verdict = environment_action::judge(&seen, &tried, now).verdict;
    (!verdict.is_applied()).then_some(verdict.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::{Phase, ReleaseStatus};
    use crate::api::release_action::Parameters;
    use crate::domain::fixtures::{action, at, environment, release};

    fn foreseen(phase: Phase, kind: ActionKind, weight: Option<i32>) -> Option<String> {
        let mut release = release("v2");
        release.status = Some(ReleaseStatus { phase, ..ReleaseStatus::default() });
        let mut action = action("try", kind, "alice", 5);
        action.metadata.creation_timestamp = None;
        action.spec.parameters =
            weight.map(|weight| Parameters { weight: Some(weight), ..Parameters::default() });
        refusal(&release, Some(&environment()), std::slice::from_ref(&release), (&action, at(9)))
    }

    #[test]
    fn a_trial_on_an_environment_meets_them_too() {
        let mut environment = environment();
        environment.status = Some(crate::domain::fixtures::enforced());
        let tried = |kind| {
            let mut action = action("try", kind, "alice", 5);
            (action.spec.release, action.metadata.creation_timestamp) = (None, None);
            action.spec.reason = Some("it burns".into());
            refusal_of_environment(&environment, &[], (&action, at(9)))
        };
        assert_eq!(tried(ActionKind::Freeze), None);
        assert_eq!(tried(ActionKind::AbortAll), None);
        assert!(tried(ActionKind::Unfreeze).is_some(), "nothing is frozen");
        assert!(tried(ActionKind::Allow).is_some(), "nothing is denied");
        assert_eq!(tried(ActionKind::Scale), None, "it hangs on the workload");
    }

    #[test]
    fn a_trial_meets_the_controllers_rules() {
        use Phase::{Paused, Pending, Progressing, Succeeded};
        for (phase, kind, weight, words) in [
            (Progressing, ActionKind::Pause, None, None),
            (Paused, ActionKind::Resume, None, None),
            (Pending, ActionKind::Abort, None, None),
            (Succeeded, ActionKind::Abort, None, Some("ended as Succeeded")),
            (Pending, ActionKind::Pause, None, Some("has not started")),
            (Pending, ActionKind::SetWeight, Some(50), Some("has not started")),
            (Progressing, ActionKind::SetWeight, Some(50), Some("")),
            (Paused, ActionKind::Retry, None, Some("it is Paused")),
        ] {
            let found = foreseen(phase, kind, weight);
            assert_eq!(found.is_some(), words.is_some(), "{kind} in {phase}: {found:?}");
            assert!(found.unwrap_or_default().contains(words.unwrap_or_default()), "{kind} in {phase}");
        }
    }
}
