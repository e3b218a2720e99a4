//! The soak clock: since when a component has been healthy without a break.
//!
//! The clock begins again when the version or its revision changes, when it is not healthy for a moment, and when something
//! interrupted it that the workload's numbers may not show: a rollback, a restart, a change of its size. Owns this rule; the
//! controller observes and keeps the result.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::rollout_status::WorkloadState;
use crate::api::environment::CurrentVersion;
use crate::api::names::ComponentName;
use crate::api::release::{ComponentState, Phase, Release};
use crate::api::release_action::{ActionKind, ActionResult, ReleaseAction};

/// Since when a component has been healthy; nothing while it is not.
///
/// `before` is what was last stored of it, `interruptions` what has come in between, as [`interruptions`] finds it, and the
/// instants at which its pods were started anew.
#[must_use]
pub(crate) fn healthy_since(
    before: Option<&CurrentVersion>,
    workload: &WorkloadState,
    interruptions: impl IntoIterator<Item = DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if !workload.is_healthy() {
        return None;
    }
    let unchanged = before.filter(|before| {
        Some(&before.image) == workload.image.as_ref() && before.revision == workload.revision
    });
    let since = unchanged.and_then(|before| before.healthy_since).unwrap_or(now);
    // an instant that lies ahead comes from a clock that is not ours
    let broken = interruptions.into_iter().filter(|at| *at <= now).max();
    Some(broken.map_or(since, |at| since.max(at)))
}

/// The instants at which releases and actions broke the peace of a component: it was put back, scaled or restarted.
///
/// `releases` and `actions` are those of its environment.
#[must_use]
pub(crate) fn interruptions<'a>(
    component: &ComponentName,
    releases: &[Arc<Release>],
    actions: impl IntoIterator<Item = &'a ReleaseAction>,
) -> Vec<DateTime<Utc>> {
    let put_back = releases.iter().filter_map(|release| {
        let status = release.status.as_ref()?;
        let touched = status.components.iter().any(|progress| {
            progress.component == *component
                && matches!(progress.state, ComponentState::RolledBack | ComponentState::RollingBack)
        });
        let undone = matches!(release.phase(), Phase::RolledBack | Phase::Aborted | Phase::RollingBack);
        (touched && undone).then(|| status.finished_at.or(status.undo.as_ref().map(|undo| undo.at)))?
    });
    let moved = actions.into_iter().filter_map(|action| {
        let spec = &action.spec;
        let named = spec.parameters.as_ref().and_then(|p| p.component.as_deref()) == Some(component.as_str());
        let status = action.status.as_ref()?;
        let applied = status.result == Some(ActionResult::Applied);
        (named && applied && matches!(spec.action, ActionKind::Scale | ActionKind::Restart))
            .then(|| status.at.or_else(|| action.created_at()))?
    });
    put_back.chain(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::ComponentProgress;
    use crate::api::release_action::{Parameters, ReleaseActionStatus};
    use crate::domain::fixtures::{action, at, deployment, release_at};

    fn stored(healthy_since: Option<i64>) -> CurrentVersion {
        CurrentVersion {
            component: "backend".into(),
            version: "v1".into(),
            image: "ghcr.io/acme/backend:v1".into(),
            digest: None,
            revision: Some(1),
            since: Some(at(0)),
            healthy_since: healthy_since.map(at),
        }
    }

    #[test]
    fn the_clock_begins_again_after_every_break() {
        type Change = fn(&mut WorkloadState);
        let cases: [(&str, Change, &[i64], Option<i64>); 8] = [
            ("nothing happened", |_| {}, &[], Some(10)),
            ("an older interruption", |_| {}, &[5], Some(10)),
            ("pods were restarted", |_| {}, &[5, 40, 30], Some(40)),
            ("a clock that is ahead", |_| {}, &[999], Some(10)),
            ("another image", |w| w.image = Some("ghcr.io/acme/backend:v2".into()), &[], Some(100)),
            ("another revision", |w| w.revision = Some(2), &[], Some(100)),
            ("ill health", |w| w.available = 3, &[], None),
            ("nothing wanted", |w| w.desired = 0, &[], None),
        ];
        for (text, change, breaks, expected) in cases {
            let mut workload = deployment("backend", "v1");
            change(&mut workload);
            let found =
                healthy_since(Some(&stored(Some(10))), &workload, breaks.iter().map(|s| at(*s)), at(100));
            assert_eq!(found, expected.map(at), "{text}");
        }
        let fresh = |before: Option<&CurrentVersion>| {
            healthy_since(before, &deployment("backend", "v1"), [], at(100))
        };
        assert_eq!(fresh(None), Some(at(100)));
        assert_eq!(fresh(Some(&stored(None))), Some(at(100)), "healthy again: from now");
    }

    #[test]
    fn rollbacks_scaling_and_restarts_interrupt() {
        let mut undone = release_at("r1", "v2", 0);
        let status = undone.status.get_or_insert_default();
        status.phase = Phase::RolledBack;
        status.finished_at = Some(at(50));
        status.components = vec![ComponentProgress {
            component: "backend".into(),
            state: ComponentState::RolledBack,
            message: String::new(),
            updated: 0,
            available: 0,
            total: 0,
            revision: None,
        }];
        let act = |kind, component: &str, result, secs| {
            let mut action = action("a1", kind, "carol", secs);
            action.spec.release = None;
            action.spec.parameters =
                Some(Parameters { component: Some(component.into()), ..Parameters::default() });
            action.status = Some(ReleaseActionStatus { result: Some(result), ..Default::default() });
            action
        };
        let actions = [
            act(ActionKind::Restart, "backend", ActionResult::Applied, 60),
            act(ActionKind::Scale, "backend", ActionResult::Applied, 70),
            act(ActionKind::Scale, "backend", ActionResult::Refused, 80),
            act(ActionKind::Restart, "frontend", ActionResult::Applied, 90),
            act(ActionKind::Deny, "backend", ActionResult::Applied, 95),
        ];
        let found = |name: &str| interruptions(&name.into(), &[Arc::new(undone.clone())], &actions);
        assert_eq!(found("backend"), [at(50), at(60), at(70)]);
        assert_eq!(found("frontend"), [at(90)]);
    }
}
