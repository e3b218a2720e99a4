//! Break-glass: which gates a person may pass by force, and which are passed so at the moment.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Case, Gate};
use crate::api::environment::Frozen;
use crate::api::release::{GateState, OverrideRecord, ReleaseStatus};

/// The longest time for which a gate is passed by force.
pub(crate) const LONGEST: TimeDelta = TimeDelta::hours(4);

/// Gates that nobody passes by force: what they demand is not a matter of time or consent, or has its own way out.
const NEVER: [&str; 12] = [
    "retired",
    super::POST_REVIEW,
    super::BREAK_GLASS,
    "policy",
    "policies",
    super::ENVIRONMENT,
    "workloads",
    super::DENY_LIST,
    "plan",
    super::lane::GATE,
    super::DOWNGRADE,
    super::ROLLED_BACK,
];

/// Gates that ask the world about what is released: they are not looked at by force, an override of them has no effect.
const ASKED: [&str; 5] = ["preflight/", "traffic/", "image-version/", "names/", "neighbours/"];

/// Whether that gate may be passed by force at all.
#[must_use]
pub(crate) fn may_be_forced(gate: &str) -> bool {
    !NEVER.contains(&gate) && !ASKED.iter().any(|prefix| gate.starts_with(prefix))
}

/// The record by which that gate is passed now.
#[must_use]
pub(crate) fn current<'a>(
    status: &'a ReleaseStatus,
    gate: &str,
    now: DateTime<Utc>,
) -> Option<&'a OverrideRecord> {
    let fits = |record: &&OverrideRecord| record.gate == gate && record.until > now;
    status.overrides.iter().filter(fits).max_by_key(|record| record.until)
}

/// The gate as it counts: passed where someone passed it by force.
pub(super) fn apply(case: &Case<'_>, gate: Gate) -> Gate {
    if gate.0.state == GateState::Pass || !may_be_forced(&gate.0.name) {
        return gate;
    }
    let Some(record) = current(case.status, &gate.0.name, case.now) else { return gate };
    // who passed the earlier freezes by force did not pass the one that came since
    let is_later = |frozen: &Frozen| frozen.at.is_some_and(|at| at > record.at);
    if gate.0.name == super::FROZEN && super::policy::freezes(case.environment, case.now).iter().any(is_later)
    {
        return gate;
    }
    let until = record.until.format("%Y-%m-%d %H:%M:%SZ");
    let detail =
        format!("overridden by {} until {until} ({}): {}", record.by, record.incident, record.reason);
    Gate::pass(gate.0.name, detail)
}
