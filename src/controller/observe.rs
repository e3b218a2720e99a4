//! Reading everything that concerns one release.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;

use super::context::Context;
use super::error::{Error, read_failed};
use super::metadata::{name, namespace};
use super::requests::{api, get, list};
use super::{policies, restore};
use crate::api::environment::{Component, EnvironmentRef};
use crate::api::{Environment, Release, ReleaseAction, Stored};
use crate::domain::governing;
use crate::domain::rollout::{Governs, Observed, Refusal, Source};
use crate::domain::rollout_status::WorkloadState;
use crate::workload::{self, Target};

mod causes;
mod crashes;
pub(super) mod tracks;

/// Where objects are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// What the watches last reported: good enough to wait.
    Reported,
    /// What the API server says now of the release itself: before anything is written.
    Fresh,
    /// What the API server says now of everybody else as well: before a lane is taken, or given up for good.
    Certain,
}

/// Everything that concerns a release; nothing when it is gone or another one bears its name.
pub(super) async fn observe(
    context: &Context,
    release: &Release,
    freshness: Freshness,
) -> Result<Option<Observed>, Error> {
    let fresh = freshness != Freshness::Reported;
    let release = if fresh {
        match get::<Release>(context, namespace(release), name(release), "read the release").await? {
            Some(found) if found.metadata.uid == release.metadata.uid => found,
            _ => return Ok(None),
        }
    } else {
        release.clone()
    };
    let namespace = namespace(&release).to_owned();
    // once the lane is held, nobody else's state is worth a list of every record
    let is_certain = freshness == Freshness::Certain && !release.phase().holds_lane();
    let (mut environment, actions, others) = tokio::try_join!(
        environment(context, &namespace, &release.spec.environment, fresh),
        actions(context, &release, is_certain),
        others(context, &release, is_certain),
    )?;
    if let Some(environment) = &mut environment {
        let now = context.core.clock.now();
        policies::stamp(environment, context.policies.of(&namespace), now);
        restore::stamp(environment, context, now);
    }
    let governs = pinned(&release, environment.as_mut());
    let (mut workloads, mut unreadable) = (BTreeMap::new(), BTreeMap::new());
    for component in environment.iter().flat_map(|environment| &environment.spec.components) {
        let is_released = release.spec.images.iter().any(|image| image.component == component.name);
        if !is_released {
            continue;
        }
        let state = if fresh {
            workload_of(context, &namespace, component).await
        } else {
            workload_seen(context, &namespace, component).await
        };
        match state {
            Ok(state) => workloads.extend(state.map(|state| (component.name.to_string(), state))),
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => drop(unreadable.insert(component.name.to_string(), refusal(&error))),
        }
    }
    let promotion = environment.as_ref().and_then(|environment| environment.spec.promotion.as_ref());
    let source = match promotion {
        Some(promotion) => Some(source(context, &promotion.from, is_certain).await?),
        None => None,
    };
    let uid = release.metadata.uid.as_deref().unwrap_or_default();
    let (answers, writes) = (context.memory.answers(uid), context.memory.writes(uid));
    let seen = if fresh {
        tracks::of(context, &release, environment.as_ref()).await?
    } else {
        tracks::Seen::default()
    };
    if environment.is_none() && fresh {
        workloads = tracks::own_workloads(context, &release).await?;
    }
    let mut observed = Observed {
        release,
        environment,
        governs,
        source,
        workloads,
        writes,
        unreadable,
        tracks: seen.tracks,
        traffic: seen.traffic,
        autoscalers: seen.autoscalers,
        crashes: seen.crashes,
        actions,
        others,
        answers,
        causes: BTreeMap::new(),
    };
    if fresh {
        observed.causes = causes::of(context, &observed).await;
    }
    Ok(Some(observed))
}

/// A failure as decisions see it.
pub(super) fn refusal(error: &Error) -> Refusal {
    Refusal { message: error.to_string(), may_pass: error.is_transient() }
}

/// Lets a release that has begun see the policy that it began with; the policy as it is now.
pub(super) fn pinned(release: &Release, environment: Option<&mut Environment>) -> Option<Governs> {
    let (status, environment) = (release.status.as_ref()?, environment?);
    if !status.phase.holds_lane() || !crate::api::stored::is_understood(environment) {
        return None;
    }
    let governs = Governs::of(environment);
    if !governing::pin(environment, status) {
        tracing::warn!(release = %release.key(), "the policy that it began with cannot be read: the present one counts");
    }
    Some(governs)
}

/// The workload of a component; an unsupported kind is read as absent, which its gate explains.
pub(super) async fn workload_of(
    context: &Context,
    namespace: &str,
    component: &Component,
) -> Result<Option<WorkloadState>, Error> {
    let target = target(context, namespace, component);
    match workload::workload(component.workload.kind) {
        Ok(workload) => Ok(workload.observe(&target).await?),
        Err(_) => Ok(None),
    }
}

/// As [`workload_of`], or as it was seen a moment ago: many releases wait for the same workloads.
async fn workload_seen(
    context: &Context,
    namespace: &str,
    component: &Component,
) -> Result<Option<WorkloadState>, Error> {
    if let Some(seen) = context.memory.workloads.of(namespace, component) {
        return Ok(seen.state);
    }
    let state = workload_of(context, namespace, component).await?;
    context.memory.workloads.keep(namespace, component, state.clone());
    Ok(state)
}

pub(super) fn target(context: &Context, namespace: &str, component: &Component) -> Target {
    Target {
        client: context.core.client.clone(),
        namespace: namespace.to_owned(),
        name: component.workload.name.clone(),
        container: component.container.clone(),
    }
}

async fn environment(
    context: &Context,
    namespace: &str,
    name: &str,
    fresh: bool,
) -> Result<Option<Environment>, Error> {
    if !fresh && let Some(found) = context.environments.get(&ObjectRef::new(name).within(namespace)) {
        return Ok(Some((*found).clone()));
    }
    // what no watch has reported may still exist
    get(context, namespace, name, "read the environment").await
}

/// Once a release executes, what the watch reported is as good as a list at every look: an action that comes later is judged at the next.
async fn actions(
    context: &Context,
    release: &Release,
    is_certain: bool,
) -> Result<Vec<ReleaseAction>, Error> {
    let key = release.key();
    if !is_certain {
        return Ok(context.actions_of(&key).iter().map(|action| (**action).clone()).collect());
    }
    let is_ours = |action: &ReleaseAction| action.release_key().as_ref() == Some(&key);
    let api = api::<Stored<ReleaseAction>>(context, &key.namespace);
    let params = ListParams::default().fields(&format!("spec.release.name={}", key.name));
    let all = match list(&api, &params).await {
        Ok(all) => all,
        // servers before 1.31 may not know fields of custom resources
        Err(kube::Error::Api(status)) if status.code == 400 => {
            list(&api, &ListParams::default()).await.map_err(read_failed("read the actions"))?
        }
        Err(error) => return Err(read_failed("read the actions")(error)),
    };
    Ok(all.into_iter().filter(is_ours).collect())
}

async fn others(context: &Context, release: &Release, fresh: bool) -> Result<Vec<Arc<Release>>, Error> {
    let key = release.environment_key();
    let all = if fresh { list_releases(context, &key.namespace).await? } else { context.releases_of(&key) };
    let is_other =
        |other: &Arc<Release>| other.environment_key() == key && other.metadata.uid != release.metadata.uid;
    Ok(all.into_iter().filter(is_other).collect())
}

async fn list_releases(context: &Context, namespace: &str) -> Result<Vec<Arc<Release>>, Error> {
    let all = list(&api::<Stored<Release>>(context, namespace), &ListParams::default()).await;
    Ok(all.map_err(read_failed("read the releases"))?.into_iter().map(Arc::new).collect())
}

/// The environment that promotions come from may lie outside of what is watched here.
async fn source(context: &Context, from: &EnvironmentRef, fresh: bool) -> Result<Source, Error> {
    let known = context.environments.get(&ObjectRef::new(&from.name).within(&from.namespace));
    let key = crate::api::EnvironmentKey::new(from.namespace.as_str(), from.name.as_str());
    if let (false, Some(found)) = (fresh, known) {
        return Ok(Source { environment: Some((*found).clone()), releases: context.releases_of(&key) });
    }
    let environment = get(context, &from.namespace, &from.name, "read the source environment").await?;
    let releases = list_releases(context, &from.namespace).await?;
    let releases = releases.into_iter().filter(|release| release.environment_key() == key).collect();
    Ok(Source { environment, releases })
}
