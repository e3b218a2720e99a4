//! `release`.

use super::prelude::*;
use crate::app::views;

pub(super) const COMMAND: Command = Command {
    id: "release",
    title: "release",
    help: "Open a release by its name",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: open,
};

/// The name may be cut short, as long as one release alone begins so.
fn open(store: &mut Store, invocation: &Invocation) -> Vec<Effect> {
    let wanted = invocation.argument.as_deref().unwrap_or_default();
    let all = store.clusters().flat_map(|(id, cluster)| {
        cluster.releases.keys().map(move |key| crate::app::located::ReleaseId::new(id, key.clone()))
    });
    let mut found: Vec<_> = all.filter(|id| !wanted.is_empty() && id.key.name.starts_with(wanted)).collect();
    if let Some(exact) = found.iter().position(|id| *id.key.name == *wanted) {
        found = vec![found.swap_remove(exact)];
    }
    match found.as_slice() {
        [one] => views::open_release(store, one.clone()),
        [] => store.say(Level::Warning, format!("no release is called `{wanted}`")),
        several => store.say(Level::Warning, format!("{} releases begin with `{wanted}`", several.len())),
    }
    Vec::new()
}
