//! What the admission policies attest: that whoever an object names as its author wrote it.
//!
//! Owns the rule by which the environment's condition counts. The policies attest nothing that was written before they were in
//! force; an object of such an age may be anybody's. Must not know how the controller finds out whether they are.

use chrono::{DateTime, SubsecRound as _, Utc};

use crate::api::Environment;
use crate::api::condition::{Condition, ConditionStatus};

/// Type of the condition by which the controller tells whether the policies are in force.
pub(crate) const CONDITION: &str = "PoliciesEnforced";

/// The controller's verdict on the policies, once there is one.
#[must_use]
pub(crate) fn condition(environment: &Environment) -> Option<&Condition> {
    let status = environment.status.as_ref()?;
    status.conditions.iter().find(|condition| condition.type_ == CONDITION)
}

/// Since when the policies have been in force; nothing while they are not, or while nobody can tell.
#[must_use]
pub(crate) fn since(environment: &Environment) -> Option<DateTime<Utc>> {
    condition(environment)
        .filter(|condition| condition.status == ConditionStatus::True)
        .map(|condition| condition.last_transition_time)
}

/// Whether nobody can tell at present if the policies are in force.
#[must_use]
pub(crate) fn is_unknown(environment: &Environment) -> bool {
    condition(environment).is_none_or(|condition| condition.status == ConditionStatus::Unknown)
}

/// Whether the policies attest who wrote an object that the API server accepted at that instant.
#[must_use]
pub(crate) fn is_attested(environment: &Environment, created_at: Option<DateTime<Utc>>) -> bool {
    match (since(environment), created_at) {
        // the server keeps whole seconds of an object's age
        (Some(since), Some(at)) => at >= since.trunc_subsecs(0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, environment, policies};
    use chrono::TimeDelta;

    #[test]
    fn only_what_was_written_while_the_policies_were_in_force_is_attested() {
        let half = TimeDelta::milliseconds(500);
        for (status, since, created, expected) in [
            (ConditionStatus::True, at(5), Some(at(6)), true),
            (ConditionStatus::True, at(5) + half, Some(at(5)), true),
            (ConditionStatus::True, at(5), Some(at(4)), false),
            (ConditionStatus::True, at(5), None, false),
            (ConditionStatus::False, at(5), Some(at(6)), false),
            (ConditionStatus::Unknown, at(5), Some(at(6)), false),
        ] {
            let mut environment = environment();
            environment.status.get_or_insert_default().conditions = vec![policies(status, since)];
            assert_eq!(is_attested(&environment, created), expected, "{status:?} {since} {created:?}");
        }
        let mut silent = environment();
        silent.status = None;
        assert!(!is_attested(&silent, Some(at(6))), "nobody has looked");
    }
}
