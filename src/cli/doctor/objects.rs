//! What environments need besides themselves: keys of secrets, routers' objects, images in their registries. Asked by the gates
//! themselves, so that the doctor never has an opinion of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::super::session::mirrors;
use super::examined_context::ExaminedContext;
use super::{Finding, Verdict};
use crate::api::condition::ConditionStatus;
use crate::api::environment::{ImageExists, Preflight};
use crate::api::release::GateState;
use crate::api::strategy::StrategyName;
use crate::api::{Environment, EnvironmentKey};
use crate::cluster;
use crate::cluster::registry::Registries;
use crate::cluster::secret::{SecretError, inspect};
use crate::domain::gate::is_itself;
use crate::domain::health::{PreflightQuestion, Question};
use crate::domain::object_name::NewName;
use crate::domain::secret_use::{self, SecretUse};
use crate::domain::track;
use crate::domain::undecodable::Undecodable;
use crate::gate::{self, Scope, ask};
use crate::metrics::Pool;
use crate::notify;
use crate::time::Clock;

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn scope(examined: &ExaminedContext, environment: &Environment) -> Option<Scope> {
    let cluster = examined.cluster.as_ref().ok()?;
    let clock = Clock::system();
    Some(Scope {
        client: cluster.client(),
        outbound: cluster.outbound().clone(),
        registries: Registries::new(mirrors(&examined.settings).ok()?)
            .with_outbound(cluster.outbound().clone())
            .with_patience(PATIENCE),
        prometheus: Arc::new(Pool::new(cluster.clone(), clock.clone())),
        namespace: environment.metadata.namespace.clone().unwrap_or_default(),
        clock,
    })
}

/// Asks each question of its environment at the same time.
async fn answers(
    examined: &ExaminedContext,
    questions: Vec<(&Environment, String, Question)>,
    remedy: &'static str,
) -> Vec<Finding> {
    let asked = questions.into_iter().map(|(environment, subject, question)| async move {
        let Some(scope) = scope(examined, environment) else {
            return Finding { subject, ..Finding::skipped("registry.mirrors of the settings is not valid") };
        };
        match tokio::time::timeout(PATIENCE, ask(&scope, &question)).await {
            Ok(answer) => {
                let verdict = match answer.state {
                    GateState::Pass => Verdict::Ok,
                    GateState::Fail => Verdict::Fail,
                    GateState::Wait | GateState::NoData => Verdict::Warn,
                };
                Finding::new(
                    subject,
                    verdict,
                    answer.detail,
                    if verdict == Verdict::Ok { "" } else { remedy },
                )
            }
            Err(_) => Finding::warn(subject, format!("no answer within {} s", PATIENCE.as_secs()), remedy),
        }
    });
    join_all(asked).await
}

fn preflights(environment: &Environment) -> impl Iterator<Item = &Preflight> {
    environment.spec.gates.iter().flat_map(|gates| &gates.preflight)
}

/// Whether this version understands every object in sight.
pub(super) async fn understood(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(cluster) = &examined.cluster else { return vec![Finding::skipped("there is no client")] };
    let (environments, releases, actions) =
        tokio::join!(examined.environments(), cluster.releases(), cluster.actions());
    let (Ok(environments), Ok(releases), Ok(actions)) = (environments, releases, actions) else {
        return vec![Finding::skipped("environments, releases and actions cannot be read")];
    };
    let odd = |kind: &str, found: Vec<Option<Undecodable>>| {
        let kind = kind.to_owned();
        found.into_iter().flatten().map(move |odd| {
            let subject = format!("{kind} {}/{}", odd.namespace, odd.name);
            Finding::warn(
                subject,
                odd.reason,
                "upgrade release-cockpit and its controller, or correct the object",
            )
        })
    };
    let count = environments.len() + releases.len() + actions.len();
    let findings: Vec<Finding> =
        odd("environment", environments.iter().map(|found| Undecodable::in_part("", found)).collect())
            .chain(odd("release", releases.iter().map(|found| Undecodable::in_part("", found)).collect()))
            .chain(odd("action", actions.iter().map(|found| Undecodable::in_part("", found)).collect()))
            .collect();
    if findings.is_empty() {
        return vec![Finding::ok("", format!("every one of {count} objects is understood"))];
    }
    findings
}

/// Checks that each `promotion.from` exists and is another Environment.
pub(super) async fn promotions(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let Ok(cluster) = &examined.cluster else { return vec![Finding::skipped("there is no client")] };
    let mut found = Vec::new();
    for environment in environments {
        let Some(rule) = &environment.spec.promotion else { continue };
        let key = EnvironmentKey::new(rule.from.namespace.as_str(), rule.from.name.as_str());
        let subject = environment.key().to_string();
        if is_itself(environment, rule) {
            let evidence = format!("promotion.from is {key} itself: no version can succeed there first");
            found.push(Finding::fail(subject, evidence, "name the environment before it in promotion.from"));
            continue;
        }
        let is_known = environments.iter().any(|other| other.key() == key);
        let read = if is_known { Ok(()) } else { cluster.environment(&key).await.map(drop) };
        found.push(match read {
            Ok(()) => Finding::ok(subject, format!("promotions come from {key}")),
            Err(error) if error.kind() == &cluster::Kind::NotFound => Finding::fail(
                subject,
                format!("promotion.from names {key}, which does not exist: no promotion starts"),
                "create that Environment, or correct promotion.from",
            ),
            Err(error) => {
                let remedy = "the controller reads it by its own role: check its permissions there";
                Finding::warn(subject, format!("promotion.from {key} cannot be read: {error}"), remedy)
            }
        });
    }
    if found.is_empty() { vec![Finding::skipped("no Environment has promotion.from")] } else { found }
}

pub(super) async fn secrets(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let mut questions = Vec::new();
    for environment in environments {
        for preflight in preflights(environment) {
            let Preflight::SecretKeys(wanted) = preflight else { continue };
            let subject = format!("{} {}", environment.key(), wanted.secret);
            questions.push((
                environment,
                subject,
                Question::Preflight(PreflightQuestion::alone(preflight.clone())),
            ));
        }
    }
    let mut found = uses(examined, environments).await;
    if questions.is_empty() && found.is_empty() {
        return vec![Finding::skipped("no environment uses a Secret or demands keys of one")];
    }
    let keys = answers(
        examined,
        questions,
        "add the keys to the Secret; where it may not be read: the controller reads it by its own role",
    )
    .await;
    found.extend(keys);
    found
}

/// Whether each Secret whose value is sent elsewhere permits that.
async fn uses(examined: &ExaminedContext, environments: &[Environment]) -> Vec<Finding> {
    let Ok(cluster) = examined.cluster.as_ref() else { return Vec::new() };
    let client = cluster.client();
    let named = environments.iter().flat_map(|environment| {
        let uses: BTreeSet<SecretUse> =
            notify::secret_uses(environment).chain(gate::secret_uses(environment)).collect();
        uses.into_iter().map(move |wanted| (environment, wanted))
    });
    let asked = named.map(|(environment, wanted)| {
        let client = client.clone();
        async move {
            let subject = format!("{} {} {}", environment.key(), wanted.secret, wanted.kind);
            let namespace = environment.metadata.namespace.as_deref().unwrap_or_default();
            match tokio::time::timeout(PATIENCE, inspect(&client, namespace, &wanted)).await {
                Ok(Ok(())) => Finding::ok(subject, "permits this use"),
                Ok(Err(SecretError::Unmarked(unmarked))) => {
                    let host = wanted.host.map_or_else(String::new, |host| format!(" at {host}"));
                    let evidence = format!("is not marked for {}{host}: it stays unused", wanted.kind);
                    Finding::fail(subject, evidence, &unmarked.command())
                }
                Ok(Err(error @ SecretError::Denied(_))) => by_condition(environment, subject, &error),
                Ok(Err(error)) => {
                    Finding::fail(subject, error.to_string(), "create the Secret, or correct its name")
                }
                Err(_) => {
                    Finding::warn(subject, format!("no answer within {} s", PATIENCE.as_secs()), "try again")
                }
            }
        }
    });
    join_all(asked).await
}

/// What the controller found, for those who may not read the Secret.
fn by_condition(environment: &Environment, subject: String, denied: &SecretError) -> Finding {
    let conditions = environment.status.iter().flat_map(|status| &status.conditions);
    let told = conditions.into_iter().find(|condition| condition.type_ == secret_use::CONDITION);
    match told.map(|condition| (condition.status, condition.message.as_str())) {
        Some((ConditionStatus::True, _)) => Finding::ok(subject, "permits this use, as the controller found"),
        Some((_, message)) => {
            Finding::fail(subject, message, "run the command of the condition SecretsPermitUse")
        }
        None => {
            Finding::warn(subject, denied.to_string(), "ask somebody who may read the Secret to run doctor")
        }
    }
}

pub(super) async fn routers(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let (mut questions, mut busy) = (Vec::new(), Vec::new());
    for environment in environments {
        let strategy = environment.spec.default_strategy();
        let Some(track) = track::of(strategy) else { continue };
        if examined.is_busy(environment).await {
            let subject = environment.key().to_string();
            busy.push(Finding {
                subject,
                ..Finding::skipped("a release is under way and has its router in use")
            });
            continue;
        }
        let settings = environment.spec.strategy_of(strategy);
        for component in &environment.spec.components {
            let routing = track::second_of(component, &settings, track);
            questions.push((
                environment,
                format!("{} {}", environment.key(), component.name),
                Question::Routing(routing),
            ));
        }
    }
    if questions.is_empty() && busy.is_empty() {
        return vec![Finding::skipped("no environment's strategy shifts traffic")];
    }
    let remedy = "create or correct the router's objects that spec.strategy names";
    busy.into_iter().chain(answers(examined, questions, remedy).await).collect()
}

/// Whether Kubernetes accepts the names of everything that a release would change or make, by any strategy that may be chosen.
pub(super) async fn names(examined: &ExaminedContext) -> Vec<Finding> {
    const SHORTER: &str = "use shorter names: Kubernetes refuses what a release would make";
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let (mut findings, mut questions) = (Vec::new(), Vec::new());
    for environment in environments {
        let spec = &environment.spec;
        let strategies: BTreeSet<StrategyName> =
            spec.allowed_strategies.iter().copied().chain([spec.default_strategy()]).collect();
        for component in &spec.components {
            let (subject, workload) =
                (format!("{} names/{}", environment.key(), component.name), &component.workload);
            if let Some(problem) = NewName::of_workload(workload.kind, &workload.name, 0).problem() {
                findings.push(Finding::fail(subject, problem, SHORTER));
                continue;
            }
            let tracks = strategies.iter().filter_map(|strategy| Some((*strategy, track::of(*strategy)?)));
            let before = questions.len();
            questions.extend(tracks.map(|(strategy, track)| {
                let second = track::second_of(component, &spec.strategy_of(strategy), track);
                (environment, format!("{subject} ({strategy})"), Question::Names(second))
            }));
            if questions.len() == before {
                findings.push(Finding::ok(subject, "every name fits"));
            }
        }
    }
    if questions.is_empty() && findings.is_empty() {
        return vec![Finding::skipped("there is no environment in sight")];
    }
    findings.extend(answers(examined, questions, SHORTER).await);
    findings
}

/// What runs must still be in its registry: one image of each registry of an environment.
pub(super) async fn images(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let mut questions = Vec::new();
    for environment in environments {
        let is_of_images = |preflight: &&Preflight| matches!(preflight, Preflight::ImageExists(_));
        let wanted = preflights(environment).find(is_of_images).cloned();
        let wanted = wanted.unwrap_or_else(|| Preflight::ImageExists(ImageExists::default()));
        let current = environment.status.iter().flat_map(|status| &status.current);
        let of_registry: BTreeMap<&str, &str> = current
            .map(|current| {
                (current.image.rsplit_once('/').map_or("", |(registry, _)| registry), &*current.image)
            })
            .collect();
        for image in of_registry.into_values() {
            let asked = PreflightQuestion {
                images: vec![image.to_owned()],
                ..PreflightQuestion::alone(wanted.clone())
            };
            questions.push((environment, environment.key().to_string(), Question::Preflight(asked)));
        }
    }
    if questions.is_empty() {
        return vec![Finding::skipped("nothing is known to run yet")];
    }
    answers(
        examined,
        questions,
        "check the way to the registry and the pull secret; releases need the image's digest",
    )
    .await
}
