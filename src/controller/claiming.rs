//! Claiming a lane in the environment's status before a release takes it, so that two leaders cannot start two releases.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::context::{Context, locked};
use super::error::Error;
use super::observe::{get, name, namespace};
use super::status;
use crate::api::environment::{EnvironmentStatus, LaneClaim};
use crate::api::names::EnvironmentKey;
use crate::api::{Environment, Release};
use crate::domain::lane::claim::{Claim, judge};
use crate::domain::rollout::{Decision, Observed};
use crate::time::Stopwatch;

/// Claims of other releases, and since when this process knows them.
#[derive(Default)]
pub(super) struct Claims(Mutex<BTreeMap<EnvironmentKey, (LaneClaim, Stopwatch)>>);

impl Claims {
    fn known_for(&self, key: &EnvironmentKey, claim: &LaneClaim) -> Duration {
        let mut known = locked(&self.0);
        match known.get(key) {
            Some((before, since)) if before == claim => since.elapsed(),
            _ => {
                known.insert(key.clone(), (claim.clone(), Stopwatch::start()));
                Duration::ZERO
            }
        }
    }
}

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
