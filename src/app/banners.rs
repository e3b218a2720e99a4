//! What everybody must see on every screen: frozen environments, break-glass that nobody has reviewed, policies not in force.

use chrono::{DateTime, Utc};

use crate::api::condition::{Condition, ConditionStatus};
use crate::api::environment::{Debt, Frozen, InFlight};
use crate::api::{Environment, Tier};
use crate::app::state::banners::{Banner, BannerKind};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::located::{ClusterId, EnvironmentId};
use crate::app::state::store::Store;
use crate::domain::age::Age;
use crate::domain::undecodable::Undecodable;
use crate::sanitize;

/// The condition that says whether the admission policies are in force.
const POLICIES: &str = "PoliciesEnforced";

/// What it is about; not of the environment on the screen; the tier, production first.
type Rank = (BannerKind, bool, std::cmp::Reverse<Tier>);

/// Every banner, most important first; among equals the environment on the screen, then production.
pub(super) fn list(store: &Store) -> Vec<Banner> {
    let focused = store.focused_environment();
    let mut banners: Vec<(Rank, Banner)> = Vec::new();
    for (cluster, state) in store.clusters() {
        let mut unattested: Vec<(&Environment, &Condition)> = Vec::new();
        for environment in state.environments.values() {
            let id = EnvironmentId::new(cluster, environment.key());
            let rank = |kind| (kind, focused.as_ref() != Some(&id), std::cmp::Reverse(environment.spec.tier));
            let status = environment.status.as_ref();
            let frozen = status.and_then(|status| status.frozen.as_ref());
            if let Some(frozen) = frozen.filter(|frozen| frozen.until.is_none_or(|until| until > store.now)) {
                let text = frozen_text(&name(store, cluster, environment), frozen, store.now);
                banners.push((rank(BannerKind::Frozen), Banner { kind: BannerKind::Frozen, text }));
            }
            if let Some(text) =
                status.and_then(|status| debt_text(&name(store, cluster, environment), &status.debts))
            {
                banners.push((rank(BannerKind::Debt), Banner { kind: BannerKind::Debt, text }));
            }
            unattested.extend(unattested_condition(environment).map(|condition| (&**environment, condition)));
        }
        if let [(environment, condition), rest @ ..] = unattested.as_slice() {
            let place = match rest.len() {
                0 => name(store, cluster, environment),
                more => format!("{} and {more} more on {}", name(store, cluster, environment), state.context),
            };
            let text = format!("{place}: {}", condition.message);
            let rank = (BannerKind::Policies, false, std::cmp::Reverse(Tier::Production));
            banners.push((rank, Banner { kind: BannerKind::Policies, text }));
        }
    }
    banners.extend(store.clusters().filter_map(|(_, state)| undecodable(store, state)));
    banners.sort_by_key(|(rank, _)| *rank);
    banners.into_iter().map(|(_, banner)| banner).collect()
}

/// Objects that cannot be decoded, or only in part: the first one, and how many more there are.
fn undecodable(store: &Store, state: &ClusterState) -> Option<(Rank, Banner)> {
    let all: Vec<&Undecodable> = state.undecodable.values().flatten().collect();
    let (first, more) = all.split_first()?;
    let place = if store.clusters.len() > 1 { format!("{}: ", state.context) } else { String::new() };
    let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
    let text = format!("{place}{first}{more}. Upgrade release-cockpit or correct the object (doctor)");
    let rank = (BannerKind::Undecodable, false, std::cmp::Reverse(Tier::Production));
    Some((rank, Banner { kind: BannerKind::Undecodable, text: sanitize::line(&text).into_owned() }))
}

/// The environment's name; with its application, and its cluster, where that alone tells it apart.
fn name(store: &Store, cluster: ClusterId, environment: &Environment) -> String {
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    let several = store
        .rows
        .environments
        .iter()
        .filter(|row| *row.name == *name)
        .any(|row| row.id != EnvironmentId::new(cluster, environment.key()));
    if !several {
        return name.to_owned();
    }
    let context = store.cluster(cluster).map_or("", |state| &state.context);
    let application = &environment.spec.application;
    if store.clusters.len() > 1 {
        format!("{application}/{name} on {context}")
    } else {
        format!("{application}/{name}")
    }
}

fn frozen_text(name: &str, frozen: &Frozen, now: DateTime<Utc>) -> String {
    let left = frozen
        .until
        .map_or("until it is lifted".to_owned(), |until| format!("for another {}", Age::between(now, until)));
    let fate = match frozen.in_flight {
        InFlight::Finish => "what executes may finish",
        InFlight::Hold => "what executes is held",
        InFlight::RollBack => "what executes is rolled back",
    };
    let incident = frozen.incident.as_deref().filter(|incident| !frozen.reason.contains(*incident));
    let incident = incident.map(|incident| format!(" {incident}")).unwrap_or_default();
    format!("{name} by {} {left}:{incident} {} ({fate})", frozen.by, frozen.reason)
}

fn debt_text(name: &str, debts: &[Debt]) -> Option<String> {
    let oldest = debts.iter().min_by_key(|debt| debt.at)?;
    let incident = oldest.incident.as_deref().map(|incident| format!(" ({incident})")).unwrap_or_default();
    let more = match debts.len() {
        1 => String::new(),
        all => format!(", and {} more", all - 1),
    };
    Some(format!(
        "{name}: {} by {}{incident}{more}; somebody else must review it (:review)",
        oldest.what, oldest.by
    ))
}

fn unattested_condition(environment: &Environment) -> Option<&Condition> {
    let conditions = environment.status.as_ref().map(|status| status.conditions.as_slice())?;
    let policies = conditions.iter().find(|condition| condition.type_ == POLICIES)?;
    (policies.status != ConditionStatus::True).then_some(policies)
}

/// Why nobody attests identities there; absent where the policies are in force, or the controller has not looked yet.
#[must_use]
pub(crate) fn unattested(environment: &Environment) -> Option<&str> {
    unattested_condition(environment).map(|condition| condition.message.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, ago, environment, environment_id, now, planera};

    fn changed(world: World, name: &str, change: impl Fn(&mut crate::api::EnvironmentStatus)) -> World {
        let mut environment = (**world.store.environment(&environment_id(name)).unwrap()).clone();
        change(environment.status.get_or_insert_default());
        world.with(environment)
    }

    fn debt(by: &str, at: i64) -> Debt {
        Debt {
            id: format!("debt-{by}"),
            by: by.into(),
            at: ago(at),
            what: "emergency rollback to v1.8.1".into(),
            reason: "it burns".into(),
            incident: Some("INC-7".into()),
        }
    }

    fn told(world: &World) -> Vec<String> {
        world.store.rows.banners.iter().map(|b| format!("{} {}", b.kind.word(), b.text)).collect()
    }

    #[test]
    fn a_calm_world_has_none() {
        assert_eq!(told(&planera()), Vec::<String>::new());
    }

    #[test]
    fn the_most_important_comes_first() {
        let policies = Condition {
            type_: POLICIES.into(),
            status: ConditionStatus::Unknown,
            reason: "NotLooked".into(),
            message: "the policies cannot be read: no approval counts".into(),
            last_transition_time: now(),
            observed_generation: None,
        };
        let mut world = changed(planera(), "production", |status| {
            status.debts = vec![debt("bob", 10), debt("carol", 90)];
            status.conditions.push(policies.clone());
        });
        for (name, reason) in [("staging", "load test"), ("production", "the database is full")] {
            world = changed(world, name, |status| {
                status.frozen = Some(Frozen {
                    by: "dave".into(),
                    until: (name == "production").then(|| ago(-7_200)),
                    reason: reason.into(),
                    in_flight: InFlight::Hold,
                    incident: Some("INC-1".into()),
                    ..Frozen::default()
                });
            });
        }
        assert_eq!(
            told(&world),
            [
                "FROZEN production by dave for another 120m: INC-1 the database is full (what executes is held)",
                "FROZEN staging by dave until it is lifted: INC-1 load test (what executes is held)",
                "BREAK-GLASS production: emergency rollback to v1.8.1 by carol (INC-7), and 1 more; somebody else must review \
                 it (:review)",
                "NOT ATTESTED production: the policies cannot be read: no approval counts",
            ]
        );
        let row = world.store.rows.environments.iter().find(|row| &*row.name == "production").unwrap();
        assert_eq!((row.debts, row.unattested, row.frozen.is_some()), (2, true, true));
        // the one on the screen goes first
        let world = world.typing("1");
        assert!(told(&world)[0].starts_with("FROZEN staging"));
    }

    #[test]
    fn a_freeze_ends_by_itself() {
        let mut world = World::live().with(environment("production").production());
        world = changed(world, "production", |status| {
            status.frozen = Some(Frozen { until: Some(ago(-5)), ..Frozen::default() });
        });
        assert_eq!(world.store.rows.banners.len(), 1);
        world.send(crate::app::state::event::Event::Tick(ago(-6)));
        assert_eq!(told(&world), Vec::<String>::new());
    }
}
