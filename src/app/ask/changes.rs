//! What an answer changes, per component, and what has changed since the question was asked.

use super::marks;
use crate::api::ActionKind;
use crate::app::rows::environments::workload;
use crate::app::state::confirm::{Confirm, Intent, Seen};
use crate::app::state::form::ImageChange;
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;

/// What has changed under the window.
pub(super) fn since(store: &Store, confirm: &Confirm) -> Vec<String> {
    let mut changed: Vec<String> = confirm
        .marks
        .iter()
        .zip(marks::of(store, confirm))
        .filter(|(seen, now)| **seen != *now)
        .map(|((what, seen), (_, now))| format!("{what}: {seen} → {now}"))
        .collect();
    if let (Some(seen), Some(id)) = (&confirm.seen, &confirm.release) {
        let Some(release) = store.release(id) else { return vec!["the release is gone".to_owned()] };
        let now = Seen::of(release);
        if seen.uid != now.uid {
            changed.push("another release has taken this name".to_owned());
        }
        if seen.phase != now.phase {
            changed.push(format!("phase: {} → {}", seen.phase, now.phase));
        }
        if seen.step != now.step {
            let step = |step: Option<i32>| step.map_or("none".to_owned(), |step| (step + 1).to_string());
            changed.push(format!("step: {} → {}", step(seen.step), step(now.step)));
        }
        if seen.weight != now.weight {
            let weight =
                |weight: Option<i32>| weight.map_or("none".to_owned(), |weight| format!("{weight}%"));
            changed.push(format!("weight: {} → {}", weight(seen.weight), weight(now.weight)));
        }
        if seen.plan_digest != now.plan_digest {
            changed.push("the plan has changed".to_owned());
        }
        if seen.generation != now.generation {
            changed.push("the release was changed".to_owned());
        }
    }
    if confirm.release.is_none() {
        for (old, new) in confirm.changes.iter().zip(of(store, confirm)) {
            if old.from != new.from {
                let version = |image: &Option<String>| image.clone().unwrap_or_else(|| "unknown".to_owned());
                changed.push(format!(
                    "{} runs {} → {}",
                    old.component,
                    version(&old.from),
                    version(&new.from)
                ));
            }
        }
    }
    changed
}

/// What happens to each component.
pub(super) fn of(store: &Store, confirm: &Confirm) -> Vec<ImageChange> {
    let images = match &confirm.intent {
        Intent::Release(release) => &release.spec.images,
        Intent::Rollback { known, .. } => &known.images,
        Intent::Action { kind: ActionKind::Abort | ActionKind::Rollback, release, .. } => {
            let before = release.status.as_ref().map(|status| status.before.as_slice()).unwrap_or_default();
            let back = before.iter().map(|record| ImageChange {
                component: record.component.to_string(),
                from: running(store, &confirm.environment, record.component.as_str()),
                to: record.image.clone(),
            });
            return back.collect();
        }
        Intent::Action { kind, release, .. } if changes_images(*kind) => &release.spec.images,
        Intent::Action { .. }
        | Intent::EnvironmentAction { .. }
        | Intent::Silence { .. }
        | Intent::Expire { .. } => return Vec::new(),
    };
    let to = |image: &crate::api::release::ComponentImage| ImageChange {
        component: image.component.to_string(),
        from: running(store, &confirm.environment, image.component.as_str()),
        to: image.image.clone(),
    };
    images.iter().map(to).collect()
}

/// The image that a component runs: by its workload where that is known, else as the controller last saw it.
pub(in crate::app) fn running(store: &Store, id: &EnvironmentId, component: &str) -> Option<String> {
    let (cluster, environment) = (store.cluster(id.cluster)?, store.environment(id)?);
    let found = environment.spec.component(component)?;
    let live = workload(cluster, environment, found).and_then(|row| row.image(&found.container));
    let status = environment.status.as_ref();
    let known = status.and_then(|status| status.current.iter().find(|c| c.component.as_str() == component));
    live.map(str::to_owned).or_else(|| known.map(|current| current.image.clone()))
}

/// Whether the release's own images are what the answer is about.
const fn changes_images(kind: ActionKind) -> bool {
    !matches!(
        kind,
        ActionKind::Check
            | ActionKind::Withdraw
            | ActionKind::Drive
            | ActionKind::HandOver
            | ActionKind::Override
            | ActionKind::SetWeight
            | ActionKind::Promote
            | ActionKind::PromoteFull
    )
}
