//! One workload belongs to one Environment: two of them would release it under two sets of rules and in two lanes.
//!
//! Owns who comes first: the older Environment. Admission sees one Environment at a time, so that the controller decides.

use chrono::{DateTime, Utc};

use crate::api::Environment;
use crate::api::condition::{Condition, ConditionStatus};
use crate::api::time::from_time;

/// Type of the condition on the younger of two Environments that name the same workload.
pub(crate) const CONDITION: &str = "WorkloadShared";

/// Which workload an older Environment of the namespace names as well, as a sentence. Nothing where none does.
#[must_use]
pub(crate) fn rival<'a>(
    environment: &Environment,
    others: impl IntoIterator<Item = &'a Environment>,
) -> Option<String> {
    let age = |environment: &Environment| {
        let created = environment.metadata.creation_timestamp.as_ref().map(from_time);
        (created, environment.metadata.uid.clone())
    };
    let workloads = || environment.spec.components.iter().map(|component| &component.workload);
    let mut older: Vec<&Environment> = others
        .into_iter()
        .filter(|other| other.metadata.namespace == environment.metadata.namespace)
        .filter(|other| other.metadata.uid != environment.metadata.uid)
        .filter(|other| other.metadata.deletion_timestamp.is_none() && age(other) < age(environment))
        .collect();
    older.sort_by_key(|other| age(other));
    older.into_iter().find_map(|other| {
        let names = |kind, name: &str| {
            other.spec.components.iter().any(|c| c.workload.kind == kind && c.workload.name == name)
        };
        let shared = workloads().find(|workload| names(workload.kind, &workload.name))?;
        let name = other.metadata.name.as_deref().unwrap_or_default();
        Some(format!("{} {} belongs to Environment {name}, which is older", shared.kind, shared.name))
    })
}

/// Sets or takes off the condition. Whether anything changed.
pub(crate) fn stamp(environment: &mut Environment, rival: Option<String>, now: DateTime<Utc>) -> bool {
    let generation = environment.metadata.generation;
    let conditions = &mut environment.status.get_or_insert_default().conditions;
    let was = conditions.iter().position(|condition| condition.type_ == CONDITION);
    let before = was.map(|index| conditions.remove(index));
    let Some(message) = rival else { return before.is_some() };
    let since = before.as_ref().map_or(now, |before| before.last_transition_time);
    let is_new = before.is_none_or(|before| before.message != message);
    conditions.push(Condition {
        type_: CONDITION.to_owned(),
        status: ConditionStatus::True,
        reason: "OwnedElsewhere".to_owned(),
        message,
        last_transition_time: since,
        observed_generation: generation,
    });
    is_new
}

/// What the condition says, where it is set.
#[must_use]
pub(crate) fn told(environment: &Environment) -> Option<&str> {
    let status = environment.status.as_ref()?;
    let condition = status.conditions.iter().find(|condition| condition.type_ == CONDITION)?;
    Some(condition.message.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::time::to_time;
    use crate::domain::fixtures::{at, environment, uid};

    fn named(name: &str, secs: i64) -> Environment {
        let mut environment = environment();
        environment.metadata.name = Some(name.into());
        environment.metadata.uid = Some(uid(name));
        environment.metadata.creation_timestamp = Some(to_time(at(secs)));
        environment
    }

    #[test]
    fn the_older_environment_owns_the_workload() {
        let (old, young) = (named("old", 0), named("young", 5));
        let mut free = named("free", 5);
        for component in &mut free.spec.components {
            component.workload.name.push_str("-free");
        }
        let mut elsewhere = named("elsewhere", 5);
        elsewhere.metadata.namespace = Some("other".into());
        let mut going = old.clone();
        going.metadata.deletion_timestamp = Some(to_time(at(6)));
        let sentence = "Deployment backend belongs to Environment old, which is older";
        for (name, me, others, expected) in [
            ("younger", &young, vec![&old, &young], Some(sentence)),
            ("older", &old, vec![&old, &young], None),
            ("other workloads", &free, vec![&old, &free], None),
            ("other namespace", &elsewhere, vec![&old], None),
            ("the other one goes", &young, vec![&going], None),
        ] {
            assert_eq!(rival(me, others).as_deref(), expected, "{name}");
        }
        // in the same second one of them owns it, and only one
        let (one, other) = (named("one", 0), named("two", 0));
        assert_ne!(rival(&one, [&other]).is_some(), rival(&other, [&one]).is_some());
    }

    #[test]
    fn the_condition_comes_and_goes() {
        let mut environment = environment();
        assert!(!stamp(&mut environment, None, at(0)));
        assert!(stamp(&mut environment, Some("it is shared".into()), at(1)));
        assert!(!stamp(&mut environment, Some("it is shared".into()), at(2)));
        assert_eq!(told(&environment), Some("it is shared"));
        assert!(stamp(&mut environment, None, at(3)));
        assert_eq!(told(&environment), None);
    }
}
