//! Which release a request id stands for.

use super::Author;
use super::name::{object_name, short_hash};
use crate::api::Release;

/// Whether that author created the release with that request id. Compares names, which derive from the request; images may have been
/// resolved to digests since.
#[must_use]
pub(crate) fn was_made_with(release: &Release, author: Author<'_>, request_id: &str) -> bool {
    let spec = &release.spec;
    if spec.requested_by != author.user {
        return false;
    }
    let key = release.environment_key().to_string();
    let kind = format!("{:?}", spec.kind);
    let bare = |image: &str| image.split_once('@').map_or(image, |(bare, _)| bare).to_owned();
    let whole: Vec<String> = spec.images.iter().map(|image| image.image.clone()).collect();
    let tags: Vec<String> = spec.images.iter().map(|image| bare(&image.image)).collect();
    [whole, tags].iter().any(|images| {
        let hash = short_hash(&[&key, &kind, &spec.version, &images.join(" "), author.user, request_id]);
        release.metadata.name.as_deref() == Some(&object_name(&spec.environment, &spec.version, &hash))
    })
}
