//! What a command is about.

use crate::api::Release;
use crate::app::needs;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::rows::QueueGroup;
use crate::app::state::store::Store;
use crate::app::state::target::Target;

/// What is selected in the focused pane, or what the view shows.
#[must_use]
pub(crate) fn target(store: &Store) -> Target {
    (store.view_row().target)(store)
}

/// The release that something is to be done to: the selected one; else, of the environment's, the first that fits, executing before
/// waiting (oldest first) before ended (newest first); else the first at all, so that a reason can be given.
#[must_use]
pub(crate) fn subject(store: &Store, target: &Target, fits: impl Fn(&Release) -> bool) -> Option<ReleaseId> {
    if target.release.is_some() {
        return target.release.clone();
    }
    let releases = releases_of(store, target.environment.as_ref()?);
    releases.iter().find(|(_, release)| fits(release)).or(releases.first()).map(|(id, _)| id.clone())
}

/// The releases into an environment: executing, then waiting (oldest first), then ended (newest first).
#[must_use]
pub(crate) fn releases_of<'a>(store: &'a Store, id: &EnvironmentId) -> Vec<(ReleaseId, &'a Release)> {
    let Some(cluster) = store.cluster(id.cluster) else { return Vec::new() };
    let mut releases: Vec<(ReleaseId, &Release)> = cluster
        .releases
        .values()
        .filter(|release| needs::is_into(release, &id.key))
        .map(|release| (ReleaseId::new(id.cluster, release.key()), &**release))
        .collect();
    releases.sort_by_key(|(_, release)| {
        let group = QueueGroup::of(release.phase());
        let created = release.created_at().map_or(0, |at| at.timestamp());
        (group, if group == QueueGroup::Finished { -created } else { created })
    });
    releases
}
