//! The checklist: items that people tick, bound to the plan that they saw.

use chrono::{DateTime, Utc};

use super::{Case, Gate, quoted};
use crate::api::Environment;
use crate::api::release::{CheckRecord, ReleaseStatus};
use crate::api::strategy::ChecklistStep;

/// Name of this gate.
pub(crate) const NAME: &str = "checklist";

/// Whether that item is ticked for the present plan, and by whom.
#[must_use]
pub(super) fn ticked<'a>(status: &'a ReleaseStatus, item: &str) -> Option<&'a CheckRecord> {
    let digest = status.plan.as_ref().map_or("", |plan| plan.digest.as_str());
    status.checks.iter().find(|check| check.item == item && check.digest == digest)
}

/// As [`ticked`], where only what was ticked since that instant counts; the server keeps whole seconds.
#[must_use]
pub(crate) fn ticked_since<'a>(
    status: &'a ReleaseStatus,
    item: &str,
    since: DateTime<Utc>,
) -> Option<&'a CheckRecord> {
    ticked(status, item).filter(|check| check.at.timestamp() >= since.timestamp())
}

/// The items of a step in the middle of a rollout: its own, or the environment's.
#[must_use]
pub(crate) fn step_items(environment: Option<&Environment>, step: &ChecklistStep) -> Vec<String> {
    let gates = environment.and_then(|environment| environment.spec.gates.as_ref());
    match step.items.as_slice() {
        [] => gates.map(|gates| gates.checklist.clone()).unwrap_or_default(),
        items => items.to_vec(),
    }
}

/// Waits until every item is ticked. Nothing where the environment has none.
pub(super) fn judge(case: &Case<'_>) -> Option<Gate> {
    let items = &case.environment.spec.gates.as_ref()?.checklist;
    let open: Vec<&str> =
        items.iter().map(String::as_str).filter(|item| ticked(case.status, item).is_none()).collect();
    let done = items.len().saturating_sub(open.len());
    let Some(first) = open.first() else {
        return (!items.is_empty()).then(|| Gate::pass(NAME, format!("{done} of {done} ticked")));
    };
    let detail = format!("{done} of {} ticked; open: {}", items.len(), open.join(", "));
    let item = quoted(first);
    Some(
        Gate::wait(NAME, detail)
            .cleared_by(case.someone_with("approve"))
            .command(case.on_release("check", &format!("--item {item}"))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::Gates;
    use crate::api::release::{GateState, GateStatus, Plan};
    use crate::domain::fixtures::{at, environment, observed};
    use crate::domain::gate::{Moment, evaluate};

    fn judged(checks: &[(&str, &str)]) -> GateStatus {
        let mut environment = environment();
        let checklist = vec!["Migrations tested".into(), "Bob's team told".into()];
        environment.spec.gates = Some(Gates { checklist, ..Gates::default() });
        let observed = observed(environment);
        let plan = crate::domain::plan::plan(observed.environment.as_ref().unwrap(), &observed.release);
        let digest = plan.digest.clone();
        let checks = checks.iter().map(|(item, bound)| CheckRecord {
            item: (*item).into(),
            by: "carol".into(),
            at: at(5),
            digest: if bound.is_empty() { digest.clone() } else { (*bound).into() },
        });
        let status = ReleaseStatus {
            plan: Some(Plan { digest: digest.clone(), ..plan }),
            checks: checks.collect(),
            ..ReleaseStatus::default()
        };
        let all = evaluate(&observed, &status, None, Moment::Executing, at(10));
        all.gates.into_iter().find(|gate| gate.name == NAME).unwrap()
    }

    #[test]
    fn every_item_must_be_ticked_for_this_very_plan() {
        for (checks, state, detail) in [
            (&[][..], GateState::Wait, "0 of 2 ticked; open: Migrations tested, Bob's team told"),
            (&[("Migrations tested", "")], GateState::Wait, "1 of 2 ticked; open: Bob's team told"),
            (
                &[("Migrations tested", "sha256:old"), ("Bob's team told", "")],
                GateState::Wait,
                "1 of 2 ticked; open: Migrations tested",
            ),
            (&[("Migrations tested", ""), ("Bob's team told", "")], GateState::Pass, "2 of 2 ticked"),
            (&[("Something else", "")], GateState::Wait, "0 of 2 ticked"),
        ] {
            let gate = judged(checks);
            assert_eq!((gate.state, gate.detail.starts_with(detail)), (state, true), "{}", gate.detail);
        }
    }

    #[test]
    fn the_command_survives_a_shell() {
        let gate = judged(&[("Migrations tested", "")]);
        let expected = r"release-cockpit check planera/planera-2 --item 'Bob'\''s team told'";
        assert_eq!(gate.command.as_deref(), Some(expected));
        assert!(gate.cleared_by.unwrap().contains("approve on environments/production"));
    }
}
