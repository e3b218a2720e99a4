//! An Environment: what people ask of it is done, and its status tells what runs there and since when, its siblings, and the release
//! that holds its lane. `actions` carries out what people ask.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kube::runtime::controller::Action;

use super::audit_chain;
use super::context::Context;
use super::error::Error;
use super::events;
use super::metadata::{name, namespace};
use super::observe::workload_of;
use super::policies;
use super::{notifications, restore, status};
use crate::api::condition::{Condition, ConditionStatus};
use crate::api::config_record::ConfigRecord;
use crate::api::environment::{Component, CurrentVersion, EnvironmentStatus};
use crate::api::release::Phase;
use crate::api::stored;
use crate::api::{Environment, Release};
use crate::domain::gate::is_itself;
use crate::domain::rollout_status::WorkloadState;
use crate::domain::{analysis, environment_action, shared_workload, soak, timeline, version};
use crate::workload;

pub(super) mod actions;
mod secrets;

/// How often an environment is looked at when nothing is reported.
const EVERY: Duration = Duration::from_secs(30);
/// Which of the turns a look takes.
const ENVIRONMENTS: usize = 2;
/// How soon it is looked at again at the earliest.
const SOONEST: Duration = Duration::from_millis(200);

/// Brings the status of an environment up to date, and answers actions that no release will.
pub(super) async fn reconcile(environment: Arc<Environment>, context: Arc<Context>) -> Result<Action, Error> {
    context.ready().await;
    let _turn = context.turns[ENVIRONMENTS].take(&environment.key()).await;
    let (core, object) = (context.core.clone(), format!("environment {}", environment.key()));
    let uid = environment.metadata.uid.clone().unwrap_or_default();
    let outcome = {
        let context = context.clone();
        let work = async move { work(&environment, &context).await };
        core.running.run(object, core.deadlines.reconcile, work).await
    };
    core.counters.reconciled(outcome.is_ok());
    let next = outcome?;
    context.memory.succeeded(&uid);
    let ahead = next.and_then(|at| (at - context.core.clock.now()).to_std().ok()).unwrap_or(EVERY);
    Ok(Action::requeue(context.core.clock.wall(ahead.clamp(SOONEST, EVERY))))
}

/// What people ask comes first. When something ends by itself next.
async fn work(environment: &Environment, context: &Arc<Context>) -> Result<Option<DateTime<Utc>>, Error> {
    let restored = Box::pin(restore::carry_out(environment, context)).await?;
    let environment = restored.as_ref().unwrap_or(environment);
    let acted = Box::pin(actions::carry_out(environment, context)).await?;
    let next = Box::pin(update(acted.environment.as_ref().unwrap_or(environment), context)).await?;
    let again = acted
        .again
        .map(|wait| context.core.clock.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::zero()));
    Ok([next, again].into_iter().flatten().min())
}

/// What to do after a failure.
pub(super) fn after_failure(environment: &Environment, error: &Error, context: &Context) -> Action {
    if error.is_race() {
        return Action::requeue(Duration::from_millis(100));
    }
    tracing::warn!(environment = %environment.key(), %error, "its status is not up to date");
    Action::requeue(context.memory.failed(environment.metadata.uid.as_deref().unwrap_or_default()))
}

async fn update(environment: &Environment, context: &Arc<Context>) -> Result<Option<DateTime<Utc>>, Error> {
    let releases = context.releases_of(&environment.key());
    notifications::look(context, environment, &releases);
    let ours = actions::of(environment, context);
    let mut workloads = Vec::new();
    for component in &environment.spec.components {
        let state = workload_of(context, namespace(environment), component).await?;
        let actions = ours.iter().map(|action| &**action);
        let breaks = soak::interruptions(&component.name, &releases, actions);
        workloads.push(Seen { component, state, breaks });
    }
    let waiting = context.releases.state().iter().filter(|release| release.phase() == Phase::Pending).count();
    context.core.counters.waiting(waiting);
    let siblings = siblings(environment, context);
    let active = active(&releases);
    let old = environment.status.clone().unwrap_or_default();
    let now = context.core.clock.now();
    let mut new = judge(environment, &workloads, siblings, active, now);
    new.configs = configs(environment, context, &workloads).await;
    let over = environment_action::expire(&mut new, now);
    tell_policies(environment, context, &mut new);
    tell_rival(environment, context, &mut new);
    let unusable = secrets::judge(environment, context, &mut new).await;
    if old != new && stored::is_status_understood(environment) {
        let phase = releases.iter().find(|r| r.phase().holds_lane()).map_or(Phase::Pending, |r| r.phase());
        context.core.permit(name(environment), phase, "environment-status")?;
        status::store(context, environment, &new, "the environment").await?;
    }
    for message in over {
        events::emit(context, environment, "Expired", &message, false).await;
    }
    if let Some(message) = unusable {
        events::emit(context, environment, "SecretNotUsable", &message, true).await;
    }
    audit_chain::seal(environment, context).await?;
    Ok(environment_action::next_expiry(&new))
}

/// Hashes of what the components' pods take configuration from. What cannot be asked for now keeps the hash that it had.
async fn configs(environment: &Environment, context: &Context, workloads: &[Seen<'_>]) -> Vec<ConfigRecord> {
    const MOST: usize = 64;
    let salt = environment.metadata.uid.as_deref().unwrap_or_default();
    let known = environment.status.as_ref().map(|status| status.configs.as_slice()).unwrap_or_default();
    let mut records = Vec::new();
    for seen in workloads {
        for reference in seen.state.iter().flat_map(|state| &state.configs).take(MOST - records.len()) {
            let found =
                workload::content_hash(&context.core.client, namespace(environment), reference, salt).await;
            let component = &seen.component.name;
            let before = known.iter().find(|old| {
                old.component == *component && old.kind == reference.kind && old.name == reference.name
            });
            records.push(ConfigRecord {
                component: component.clone(),
                kind: reference.kind,
                name: reference.name.clone(),
                hash: found.unwrap_or_else(|| before.and_then(|before| before.hash.clone())),
            });
        }
    }
    records
}

/// What was last found out about the policies; nothing new, nothing changed.
fn tell_policies(environment: &Environment, context: &Context, status: &mut EnvironmentStatus) {
    let Some(verdict) = context.policies.of(namespace(environment)) else { return };
    let (generation, now) = (environment.metadata.generation, context.core.clock.now());
    let told = policies::condition(&status.conditions, &verdict, generation, now);
    status.conditions.retain(|condition| condition.type_ != policies::CONDITION);
    status.conditions.push(told);
}

/// Whether an older Environment owns one of its workloads.
fn tell_rival(environment: &Environment, context: &Context, status: &mut EnvironmentStatus) {
    let rival = restore::rival(environment, context);
    let mut told = Environment { status: Some(std::mem::take(status)), ..environment.clone() };
    shared_workload::stamp(&mut told, rival, context.core.clock.now());
    *status = told.status.unwrap_or_default();
}

fn siblings(environment: &Environment, context: &Context) -> Vec<String> {
    let mut names: Vec<String> = context
        .environments
        .state()
        .iter()
        .filter(|other| other.metadata.namespace == environment.metadata.namespace)
        .filter(|other| other.metadata.deletion_timestamp.is_none())
        .map(|other| name(&**other).to_owned())
        .collect();
    names.sort();
    names.dedup();
    names.truncate(512);
    names
}

fn active(releases: &[Arc<Release>]) -> Option<String> {
    releases.iter().find(|release| release.phase().holds_lane()).map(|release| name(&**release).to_owned())
}

/// One component with its workload, and when its peace was broken.
struct Seen<'a> {
    component: &'a Component,
    state: Option<WorkloadState>,
    breaks: Vec<DateTime<Utc>>,
}

fn judge(
    environment: &Environment,
    workloads: &[Seen<'_>],
    siblings: Vec<String>,
    active: Option<String>,
    now: DateTime<Utc>,
) -> EnvironmentStatus {
    let old = environment.status.clone().unwrap_or_default();
    let current = workloads.iter().filter_map(|seen| current(&old, seen, now)).collect();
    let missing: Vec<_> = workloads
        .iter()
        .filter(|seen| seen.state.as_ref().is_none_or(|state| state.image.is_none()))
        .map(|seen| seen.component.name.as_str())
        .collect();
    let problems = analysis::problems(environment);
    let (status, reason, message) = if let Some(unknown) = stored::unknown(environment) {
        let message = format!(
            "this controller does not understand {unknown}, so no release starts or continues here; upgrade the controller or correct the Environment"
        );
        (ConditionStatus::False, "NotUnderstood", timeline::cut(message, 1024))
    } else if !missing.is_empty() {
        (ConditionStatus::False, "WorkloadsMissing", format!("no workload for {}", missing.join(", ")))
    } else if let Some(rule) = environment.spec.promotion.as_ref().filter(|rule| is_itself(environment, rule))
    {
        let message = format!(
            "promotion.from is {}/{} itself: no version can succeed there first",
            rule.from.namespace, rule.from.name
        );
        (ConditionStatus::False, "PromotionFromItself", message)
    } else if problems.is_empty() {
        (ConditionStatus::True, "WorkloadsFound", "every component has its workload".to_owned())
    } else {
        (ConditionStatus::False, "AnalysisUnreadable", timeline::cut(problems.join("; "), 1024))
    };
    let was =
        old.conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status == status);
    let ready = Condition {
        type_: "Ready".to_owned(),
        status,
        reason: reason.to_owned(),
        message,
        last_transition_time: was.map_or(now, |condition| condition.last_transition_time),
        observed_generation: environment.metadata.generation,
    };
    let others = old.conditions.iter().filter(|condition| condition.type_ != "Ready").cloned();
    EnvironmentStatus {
        observed_generation: environment.metadata.generation,
        current,
        active_release: active,
        siblings,
        conditions: std::iter::once(ready).chain(others).collect(),
        ..old
    }
}

fn current(old: &EnvironmentStatus, seen: &Seen<'_>, now: DateTime<Utc>) -> Option<CurrentVersion> {
    let (component, state) = (seen.component, seen.state.as_ref()?);
    let image = state.image.clone()?;
    let before = old.current.iter().find(|c| c.component == component.name && c.image == image);
    let healthy_since = soak::healthy_since(before, state, seen.breaks.iter().copied(), now);
    Some(CurrentVersion {
        component: component.name.clone(),
        version: version::version_of(&image).chars().take(128).collect(),
        digest: version::digest_of(&image).map(ToOwned::to_owned),
        revision: state.revision,
        since: Some(before.and_then(|before| before.since).unwrap_or(now)),
        healthy_since,
        image,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::Frozen;
    use crate::domain::fixtures::{at, deployment, environment};

    fn judged(environment: &Environment, state: Option<WorkloadState>, secs: i64) -> EnvironmentStatus {
        let seen = Seen { component: &environment.spec.components[0], state, breaks: vec![at(35)] };
        let workloads = [seen];
        judge(environment, &workloads, vec!["production".into()], None, at(secs))
    }

    #[test]
    fn health_is_counted_without_a_break() {
        let mut environment = environment();
        let mut broken = deployment("backend", "v1");
        broken.available = 3;
        let mut since = Vec::new();
        for (secs, state) in [
            (0, deployment("backend", "v1")),
            (10, deployment("backend", "v1")),
            (20, broken),
            (30, deployment("backend", "v1")),
            (36, deployment("backend", "v1")),
            (40, deployment("backend", "v2")),
        ] {
            let status = judged(&environment, Some(state), secs);
            let current = &status.current[0];
            since.push((current.since.unwrap(), current.healthy_since));
            environment.status = Some(status);
        }
        let expected = [(0, Some(0)), (0, Some(0)), (0, None), (0, Some(30)), (0, Some(35)), (40, Some(40))];
        let expected: Vec<_> = expected.iter().map(|(s, h)| (at(*s), h.map(at))).collect();
        assert_eq!(since, expected);
    }

    #[test]
    fn freeze_and_foreign_conditions_survive_and_missing_workloads_are_told() {
        let mut environment = environment();
        let frozen = Some(Frozen { by: "erin".into(), ..Frozen::default() });
        environment.status =
            Some(EnvironmentStatus { frozen: frozen.clone(), ..EnvironmentStatus::default() });
        let status = judged(&environment, None, 0);
        assert_eq!(status.frozen, frozen);
        assert_eq!(status.conditions[0].status, ConditionStatus::False);
        assert!(status.conditions[0].message.contains("backend"));
        assert!(status.current.is_empty());
    }

    #[test]
    fn an_unchanged_world_gives_an_unchanged_status() {
        let mut environment = environment();
        let first = judged(&environment, Some(deployment("backend", "v1")), 0);
        environment.status = Some(first.clone());
        assert_eq!(judged(&environment, Some(deployment("backend", "v1")), 30), first);
    }
}
