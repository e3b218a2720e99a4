//! Whether the admission policies are in force: without them an approval is anybody's, and none counts.

use super::{Case, Gate};
use crate::api::release::{GateState, ReleaseKind};
use crate::domain::attested;

const NAME: &str = "policies";

/// Holds where people's consent is asked for and nobody attests it. Nothing where no consent is asked for; a rollback passes, an
/// emergency does not, since it is the policies that ask its author for the verb `override`.
pub(super) fn judge(case: &Case<'_>) -> Option<Gate> {
    let spec = &case.environment.spec;
    let asks = spec.approval.as_ref().is_some_and(|approval| !approval.slots.is_empty())
        || spec.gates.as_ref().is_some_and(|gates| !gates.checklist.is_empty());
    if !asks {
        return None;
    }
    let gate = verdict(case);
    if gate.0.state != GateState::Pass && case.release().spec.kind == ReleaseKind::Rollback {
        return Some(Gate::pass(NAME, format!("waived: a rollback waits for nobody; {}", gate.0.detail)));
    }
    Some(gate)
}

fn verdict(case: &Case<'_>) -> Gate {
    let Some(since) = attested::since(case.environment) else {
        let why = attested::condition(case.environment).map_or(
            "the controller has not yet asked whether the admission policies are in force",
            |condition| condition.message.as_str(),
        );
        return Gate::no_data(NAME, format!("no approval counts: {why}"))
            .cleared_by("a cluster administrator, who applies the admission policies")
            .command("release-cockpit manifests policies | kubectl apply -f -");
    };
    let release = case.release();
    if !attested::is_attested(case.environment, release.created_at()) {
        let detail = format!(
            "asked for before the admission policies were in force, which is since {}: nobody attests that {} did",
            since.format("%Y-%m-%d %H:%M:%SZ"),
            release.spec.requested_by
        );
        return Gate::no_data(NAME, detail).cleared_by("the same release, asked for again");
    }
    Gate::pass(NAME, "the admission policies are in force")
}
