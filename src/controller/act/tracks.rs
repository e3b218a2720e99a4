//! Second workloads and the traffic between them and the first ones: what was decided, write by write.
//!
//! The Deployment comes last when a second workload is brought up, and last when it is removed: whoever dies between two writes leaves
//! something behind by which the next look sees that it is not done.

use std::sync::Arc;

use super::super::context::Context;
use super::super::error::Error;
use super::super::events;
use super::super::metadata::namespace;
use super::super::observe::tracks::{Second, route};
use crate::api::Release;
use crate::domain::rollout::{Effect, RemoveTrack, ScaleStable, SetTrack, SetTraffic};
use crate::traffic::services;
use crate::workload::Target;
use crate::workload::track::{self, Copy};

/// Asked before every write.
pub(super) type Permit<'a> = dyn Fn(String) -> Result<(), Error> + Sync + 'a;

/// Carries out one effect on second workloads or traffic; others are none of its business.
pub(super) async fn carry_out(
    context: &Arc<Context>,
    release: &Release,
    effect: &Effect,
    permit: &Permit<'_>,
) -> Result<(), Error> {
    match effect {
        Effect::SetTrack(wanted) => set_track(context, release, wanted, permit).await,
        Effect::ScaleStable(wanted) => scale(context, release, wanted, permit).await,
        Effect::SetTraffic(wanted) => shift(context, release, wanted, permit).await,
        Effect::RemoveTrack(wanted) => remove(context, release, wanted, permit).await,
        _ => Ok(()),
    }
}

async fn set_track(
    context: &Arc<Context>,
    release: &Release,
    wanted: &SetTrack,
    permit: &Permit<'_>,
) -> Result<(), Error> {
    let second = Second { workload: &wanted.workload, track: wanted.track, routing: wanted.routing.as_ref() };
    let (router, route) = route(context, namespace(release), &second)?;
    let distinction = router.distinguish(&route).await?;
    let (component, key) = (&wanted.component, release.key().to_string());
    if distinction.service.is_some() {
        permit(format!("set-service {component}"))?;
        services::make(&route, &distinction, &key).await?;
    }
    if let Some(preview) = &wanted.preview_service {
        permit(format!("set-preview {component}"))?;
        services::preview(&route, &distinction, preview, &key).await?;
    }
    if let Some(service) = &wanted.lacks {
        let said =
            format!("Service {service} of {component} was removed while requests went to it: made again");
        events::emit(context, release, "ServiceMadeAgain", &said, true).await;
    }
    permit(format!("set-track {component}"))?;
    let copy = Copy {
        track: wanted.track,
        component: component.to_string(),
        image: wanted.image.clone(),
        containers: wanted.containers.clone(),
        replicas: wanted.replicas,
        labels: distinction.labels,
        release: key,
        serves: wanted.serves,
    };
    let own = target(context, release, &wanted.workload.name, &wanted.container);
    track::set(&own, &copy).await?;
    let (track, image, replicas) = (wanted.track, &wanted.image, wanted.replicas);
    tracing::info!(release = %release.key(), %component, %track, image, replicas, "second workload set");
    Ok(())
}

async fn scale(
    context: &Arc<Context>,
    release: &Release,
    wanted: &ScaleStable,
    permit: &Permit<'_>,
) -> Result<(), Error> {
    let ScaleStable { component, workload, from, to } = wanted;
    track::supports(workload)?;
    permit(format!("scale {component}"))?;
    track::scale(&target(context, release, &workload.name, ""), *from, *to).await?;
    tracing::info!(release = %release.key(), %component, from, to, "scaled");
    Ok(())
}

async fn shift(
    context: &Arc<Context>,
    release: &Release,
    wanted: &SetTraffic,
    permit: &Permit<'_>,
) -> Result<(), Error> {
    let second = Second { workload: &wanted.workload, track: wanted.track, routing: Some(&wanted.routing) };
    let (router, route) = route(context, namespace(release), &second)?;
    let SetTraffic { component, from, to, .. } = wanted;
    permit(format!("set-traffic {component}"))?;
    router.set(&route, *from, *to).await?;
    tracing::info!(release = %release.key(), %component, router = router.name(), %from, %to, "traffic set");
    Ok(())
}

async fn remove(
    context: &Arc<Context>,
    release: &Release,
    wanted: &RemoveTrack,
    permit: &Permit<'_>,
) -> Result<(), Error> {
    let second = Second { workload: &wanted.workload, track: wanted.track, routing: wanted.routing.as_ref() };
    let (router, route) = route(context, namespace(release), &second)?;
    let RemoveTrack { component, workload, track, .. } = wanted;
    permit(format!("reset-traffic {component}"))?;
    router.reset(&route).await?;
    permit(format!("remove-services {component}"))?;
    services::remove(&route).await?;
    permit(format!("remove-track {component}"))?;
    track::remove(&target(context, release, &workload.name, ""), *track).await?;
    tracing::info!(release = %release.key(), %component, %track, "second workload removed");
    Ok(())
}

fn target(context: &Context, release: &Release, name: &str, container: &str) -> Target {
    Target {
        client: context.core.client.clone(),
        namespace: namespace(release).to_owned(),
        name: name.to_owned(),
        container: container.to_owned(),
    }
}
