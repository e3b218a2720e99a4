//! What we may do, whether identities are attested, and whether anybody executes releases.

use futures::future::join_all;

use super::Finding;
use super::patient::Patient;
use crate::api::condition::ConditionStatus;
use crate::api::{Environment, Verb};
use crate::domain::age::Age;
use crate::domain::attested;
use crate::time::Clock;

const NONE: &str = "ask whoever owns it for one of the roles of `release-cockpit manifests rbac`";

/// Every verb, asked of the server's authorizer.
pub(super) async fn permissions(patient: &Patient) -> Vec<Finding> {
    let Ok(cluster) = &patient.cluster else { return Vec::new() };
    let environments = match patient.environments().await {
        Ok([]) => {
            return vec![Finding::warn(
                "",
                "there are no environments in sight",
                "create one: the README says how; or name -n NAMESPACE",
            )];
        }
        Ok(environments) => environments,
        Err(error) => return vec![Finding::fail("", error, NONE)],
    };
    let looked = environments.iter().map(|environment| async move {
        let key = environment.key();
        match cluster.permissions(&key).await {
            Err(error) => {
                Finding::warn(key.to_string(), error.to_string(), "try again: the authorizer did not answer")
            }
            Ok(held) if held.is_empty() => {
                Finding::warn(key.to_string(), "you may look, and change nothing", NONE)
            }
            Ok(held) => {
                let words: Vec<&str> =
                    Verb::ALL.iter().filter(|verb| held.contains(verb)).map(|verb| verb.as_str()).collect();
                Finding::ok(key.to_string(), format!("you may {}", words.join(", ")))
            }
        }
    });
    join_all(looked).await
}

/// The controller tries forgeries and tells what became of them.
pub(super) async fn policies(patient: &Patient) -> Vec<Finding> {
    let Ok(environments) = patient.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    environments.iter().map(enforced).collect()
}

fn enforced(environment: &Environment) -> Finding {
    const APPLY: &str = "release-cockpit manifests policies | kubectl apply -f -";
    let place = environment.key().to_string();
    match attested::condition(environment) {
        Some(condition) => match condition.status {
            ConditionStatus::True => Finding::ok(place, "bound and in force: forgeries are refused"),
            ConditionStatus::False => {
                Finding::fail(place, format!("not in force: {}", condition.message), APPLY)
            }
            ConditionStatus::Unknown => {
                Finding::warn(place, format!("nobody can tell: {}", condition.message), APPLY)
            }
        },
        None => Finding::warn(
            place,
            "nobody has tried whether they are in force",
            "the controller tries it: is it running?",
        ),
    }
}

pub(super) async fn controller(patient: &Patient) -> Vec<Finding> {
    const START: &str = "release-cockpit manifests controller | kubectl apply -f -, and look at its log";
    let Ok(cluster) = &patient.cluster else { return Vec::new() };
    let namespace = &patient.settings.controller_namespace;
    let leader = match cluster.leader(namespace).await {
        Ok(leader) => leader,
        Err(error) => {
            return vec![Finding::warn(namespace, error.to_string(), "ask for the right to read its lease")];
        }
    };
    let Some(renewed) = leader.renewed else {
        return vec![Finding::fail(
            namespace,
            "no controller has ever led: nothing executes releases",
            START,
        )];
    };
    let age = Age::between(renewed, Clock::system().now());
    let who = leader.identity.unwrap_or_else(|| "nobody".to_owned());
    vec![if age.seconds() > i64::from(leader.duration_seconds) {
        Finding::fail(namespace, format!("silent for {age}; {who} led last"), START)
    } else {
        Finding::ok(namespace, format!("{who} leads, renewed {age} ago"))
    }]
}
