//! What we may do, whether identities are attested, and whether anybody executes releases.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

use super::Finding;
use super::examined_context::ExaminedContext;
use crate::api::condition::ConditionStatus;
use crate::api::{Environment, Verb};
use crate::cluster::Cluster;
use crate::cluster::lease::Leader;
use crate::domain::age::Age;
use crate::domain::{attested, shared_workload};
use crate::time::Clock;

const START: &str = "release-cockpit manifests controller | kubectl apply -f -, and look at its log";
const NONE: &str = "ask whoever owns it for one of the roles of `release-cockpit manifests rbac`";

/// Every verb, asked of the server's authorizer.
pub(super) async fn permissions(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(cluster) = &examined.cluster else { return Vec::new() };
    let environments = match examined.environments().await {
        Ok([]) => {
            return vec![Finding::warn(
                "",
                "there are no environments in sight",
                "create one (release-cockpit help install), or name another -n NAMESPACE",
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
pub(super) async fn policies(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(environments) = examined.environments().await else {
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

/// Whether each Environment owns its workloads.
pub(super) async fn environments(examined: &ExaminedContext) -> Vec<Finding> {
    const APART: &str = "take the workload out of one of the two Environments";
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let looked = environments.iter().map(|environment| {
        let place = environment.key().to_string();
        if let Some(rival) = shared_workload::rival(environment, environments) {
            return Finding::fail(place, rival, APART);
        }
        let versions = environment.spec.versions.as_ref();
        let allows = versions.is_some_and(|versions| versions.allow_rolled_back);
        let rest = if allows {
            "; versions.allowRolledBack: a version is not denied after its rollback"
        } else {
            ""
        };
        Finding::ok(place, format!("no other Environment names its workloads{rest}"))
    });
    looked.collect()
}

pub(super) async fn controller(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(cluster) = &examined.cluster else { return Vec::new() };
    let namespace = &examined.settings.controller_namespace;
    let leader = match cluster.leader(namespace).await {
        Ok(leader) => leader,
        Err(error) => {
            return vec![Finding::warn(namespace, error.to_string(), "ask for the right to read its lease")];
        }
    };
    let skew = skewed(leader.server_time, Clock::system().now());
    let leads = if leader.renewed.is_none() {
        Finding::fail(namespace, "no controller has ever led: nothing executes releases", START)
    } else {
        leads(examined, cluster, leader).await
    };
    [Some(leads), skew].into_iter().flatten().collect()
}

/// This machine's clock beside the API server's; nothing where they agree, or where the server states no time.
fn skewed(server: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Finding> {
    let skew = server.map(|server| now - server).filter(|skew| skew.abs() > SKEW)?;
    Some(Finding::warn(
        "clock",
        format!("this machine's clock is {} the API server's", apart(skew)),
        "synchronise the clocks (NTP): ages and countdowns are wrong by as much",
    ))
}

/// Two clocks that differ by less count as equal; the `Date` of an answer has whole seconds.
const SKEW: TimeDelta = TimeDelta::seconds(5);
/// How long a lease whose age cannot be true is watched, and how often.
const WATCHED: u32 = 8;
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// Whether somebody leads. Where the lease looks too old or is from the future, whether it is renewed before our eyes decides.
async fn leads(examined: &ExaminedContext, cluster: &Cluster, leader: Leader) -> Finding {
    let namespace = &examined.settings.controller_namespace;
    let who = leader.identity.clone().unwrap_or_else(|| "nobody".to_owned());
    let age = leader.apparent_age(Clock::system().now()).unwrap_or_default();
    if age >= -SKEW && leader.holds(age) && leader.identity.is_some() {
        return Finding::ok(namespace, format!("{who} leads, renewed {} ago", Age::of(age)));
    }
    for _ in 0..WATCHED {
        tokio::time::sleep(LOOK).await;
        let Ok(now) = cluster.leader(namespace).await else { continue };
        if now.renewed != leader.renewed && now.identity.is_some() {
            let who = now.identity.clone().unwrap_or_default();
            let skew = -now.apparent_age(Clock::system().now()).unwrap_or_default();
            let renews = format!("{who} leads and renews");
            return if skew.abs() <= SKEW {
                Finding::ok(namespace, renews)
            } else {
                let sentence = format!("{renews}, but its clock is {} the API server's", apart(skew));
                Finding::warn(namespace, sentence, "synchronise the clock of its node (NTP)")
            };
        }
    }
    let silent = if age < TimeDelta::zero() { String::new() } else { format!(" for {}", Age::of(age)) };
    Finding::fail(namespace, format!("silent{silent}; {who} led last"), START)
}

fn apart(skew: TimeDelta) -> String {
    let way = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    format!("{} {way}", Age::of(skew.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clocks_that_differ_by_more_than_a_few_seconds_are_found() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (ahead, expected) in [
            (0, None),
            (5, None),
            (-5, None),
            (6, Some("6s ahead of")),
            (-6, Some("6s behind")),
            (7200, Some("120m ahead of")),
            (-90_000, Some("25h behind")),
        ] {
            let found = skewed(Some(now - TimeDelta::seconds(ahead)), now);
            assert_eq!(found.is_some(), expected.is_some(), "{ahead}");
            if let (Some(found), Some(words)) = (found, expected) {
                let sentence = format!("this machine's clock is {words} the API server's");
                assert_eq!((found.verdict, found.evidence), (super::super::Verdict::Warn, sentence));
                assert!(found.remedy.contains("NTP"), "{}", found.remedy);
            }
        }
        assert!(skewed(None, now).is_none());
    }
}
