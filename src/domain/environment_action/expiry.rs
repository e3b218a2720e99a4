//! What ends by itself: freezes and denials with a time.

use chrono::{DateTime, Utc};

use crate::api::environment::EnvironmentStatus;
use crate::domain::freeze;

/// Takes off what is over; a sentence for each.
pub(crate) fn expire(status: &mut EnvironmentStatus, now: DateTime<Utc>) -> Vec<String> {
    let is_over = |until: Option<DateTime<Utc>>| until.is_some_and(|until| until <= now);
    let mut told = Vec::new();
    for frozen in freeze::expire(status, now) {
        told.push(format!("the freeze by {} is over", frozen.by));
    }
    if status.retired.take_if(|retired| retired.until <= now).is_some() {
        told.push("the Environment may no longer be deleted".to_owned());
    }
    status.denied.retain(|denied| {
        if is_over(denied.until) {
            told.push(format!("{} may come here again", denied.digest));
        }
        !is_over(denied.until)
    });
    told
}

/// When something ends by itself next.
#[must_use]
pub(crate) fn next_expiry(status: &EnvironmentStatus) -> Option<DateTime<Utc>> {
    let frozen = freeze::listed(status).into_iter().filter_map(|frozen| frozen.until);
    let retired = status.retired.iter().map(|retired| retired.until);
    frozen.chain(retired).chain(status.denied.iter().filter_map(|denied| denied.until)).min()
}
