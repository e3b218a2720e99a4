//! Lanes claimed by other releases, and for how long this process has known it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::lock::locked;
use crate::api::environment::LaneClaim;
use crate::api::names::EnvironmentKey;
use crate::time::Stopwatch;

/// Claims of other releases, and since when this process knows them.
#[derive(Default)]
pub(super) struct Claims(Mutex<BTreeMap<EnvironmentKey, (LaneClaim, Stopwatch)>>);

impl Claims {
    pub(super) fn known_for(&self, key: &EnvironmentKey, claim: &LaneClaim) -> Duration {
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
