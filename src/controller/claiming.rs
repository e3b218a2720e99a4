//! Claiming a lane in the environment's status before a release takes it, so that two leaders cannot start two releases.

use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::error::Error;
use super::metadata::{name, namespace};
use super::requests::get;
use super::status;
use crate::api::environment::{EnvironmentStatus, LaneClaim};
use crate::api::{Environment, Release};
use crate::domain::lane::claim::{Claim, judge};
use crate::domain::rollout::{Decision, Observed};

/// Claims the lane where the decision takes it. An error means that somebody else has it or may be about to.
pub(super) async fn claim(
    context: &Arc<Context>,
    observed: &Observed,
    decision: &Decision,
) -> Result<(), Error> {
    let release = &observed.release;
    if release.phase().holds_lane() || !decision.status.phase.holds_lane() {
        return Ok(());
    }
    let (space, wanted) = (namespace(release), &release.spec.environment);
    let found: Option<Environment> = get(context, space, wanted, "read the environment").await?;
    let Some(environment) = found else { return Ok(()) };
    let status = environment.status.clone().unwrap_or_default();
    let uid = release.metadata.uid.clone().unwrap_or_default();
    let (mut holder, mut known_for) = (None, Duration::ZERO);
    if let Some(found) = status.lane.as_ref().filter(|found| found.uid != uid) {
        holder = get::<Release>(context, space, &found.release, "read the release of the lane").await?;
        known_for = context.memory.claims.known_for(&environment.key(), found);
    }
    match judge(status.lane.as_ref(), &uid, holder.as_ref(), known_for) {
        Claim::Free => {}
        Claim::Taken | Claim::Fresh => {
            let other = status.lane.map(|lane| lane.release).unwrap_or_default();
            return Err(Error::LaneClaimed(other));
        }
    }
    context.core.permit(name(release), decision.status.phase, "lane")?;
    let lane = LaneClaim {
        release: name(release).to_owned(),
        uid,
        process: context.core.process.clone(),
        at: context.core.clock.now(),
    };
    let new = EnvironmentStatus { lane: Some(lane), ..status };
    status::store(context, &environment, &new, "the environment").await.map(drop)
}
