//! Failed releases, and releases whose Environment was deleted.

use crate::api::{ActionKind, Phase};
use crate::app::fixtures::{World, chords, environment, environment_id, planera, release, release_id};
use crate::app::plain;
use crate::app::state::effect::{BackgroundEffect, Effect};
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::health::Health;
use crate::app::state::rows::EnvironmentRow;
use crate::app::update;

fn row(world: &World, name: &str) -> EnvironmentRow {
    let rows = &world.store.rows.environments;
    rows.iter().find(|row| &*row.name == name).unwrap().clone()
}

fn ended(phase: Phase, message: &str) -> World {
    let release = release("qa", "qa-v2").version("v2.0.0", &["backend"]).began(60).phase(phase).says(message);
    World::live().with(environment("qa").running("v1.0.0")).with_release(release)
}

#[test]
fn an_environment_whose_last_release_errored_is_never_healthy() {
    let world = ended(Phase::Errored, "ghcr.io refuses backend: 403");
    let found = row(&world, "qa");
    assert_eq!((found.health, &*found.reason), (Health::Errored, "ghcr.io refuses backend: 403"));
    assert_eq!(
        found.failed.as_ref().map(|failed| (&*failed.version, failed.phase)),
        Some(("v2.0.0", Phase::Errored))
    );
    let told = plain::state(&world.store);
    let line = told.iter().find(|line| line.contains("planera/qa: ")).unwrap();
    assert!(
        line.contains("errored")
            && line.contains("v2.0.0 Errored")
            && line.ends_with(": ghcr.io refuses backend: 403"),
        "{line}"
    );
    // whatever follows it decides
    let next = release("qa", "qa-v3").version("v3.0.0", &["backend"]).asked(1).began(1);
    for (phase, health) in [
        (Phase::Succeeded, Health::Healthy),
        (Phase::RolledBack, Health::Healthy),
        (Phase::Progressing, Health::Progressing),
        (Phase::Held, Health::Held),
    ] {
        let world = ended(Phase::Errored, "no").with_release(next.clone().phase(phase));
        let found = row(&world, "qa");
        assert_eq!((found.health, found.failed), (health, None), "{phase}");
    }
}

#[test]
fn a_reason_is_given_even_where_none_is_recorded() {
    for phase in [Phase::Errored, Phase::Failed, Phase::Held] {
        let found = row(&ended(phase, ""), "qa");
        assert!(found.reason.starts_with("no reason recorded"), "{phase}: {}", found.reason);
    }
    let failed = row(&ended(Phase::Failed, "smoke test failed"), "qa");
    assert_eq!((failed.health, &*failed.reason), (Health::Healthy, "smoke test failed"));
    assert_eq!(failed.failed.map(|failed| failed.phase), Some(Phase::Failed));
    let fine = row(&ended(Phase::Succeeded, "v2.0.0 runs"), "qa");
    assert_eq!((&*fine.reason, fine.failed), ("", None));
}

/// The actions that these keys send for a release whose Environment was deleted.
fn sent(phase: Phase, keys: &str) -> (Vec<ActionKind>, String) {
    let held = release("qa", "qa-v2").version("v2.0.0", &["backend"]).planned().began(60).phase(phase);
    let mut world = World::live().with(environment("qa").running("v1.0.0")).with_release(held);
    let gone = environment_id("qa").key;
    world.cluster(ClusterEvent::Environments(Delta::Deleted(gone)));
    assert!(world.store.environment(&environment_id("qa")).is_none());
    let mut effects = Vec::new();
    for chord in chords(keys) {
        effects.extend(update(&mut world.store, Event::Key { chord, repeat: false }));
    }
    let actions = effects.into_iter().filter_map(|effect| match effect {
        Effect::Background(BackgroundEffect::CreateAction { action, dry_run: false, .. }) => {
            assert_eq!(
                action.spec.release.as_ref().unwrap().name,
                release_id("qa", "qa-v2").key.name.to_string()
            );
            Some(action.spec.action)
        }
        _ => None,
    });
    let said = world.store.toasts.back().map_or(String::new(), |toast| toast.text.clone());
    (actions.collect(), format!("{said} {:?}", world.store.ui.overlay()))
}

fn line(text: &str) -> String {
    format!(": {} enter", text.split(' ').collect::<Vec<_>>().join(" space "))
}

#[test]
fn a_release_whose_environment_is_gone_can_be_stopped() {
    for (phase, command, kind) in [
        (Phase::Pending, "abort qa-v2 it must stop", ActionKind::Abort),
        (Phase::Pending, "reject qa-v2 it must stop", ActionKind::Reject),
        (Phase::Progressing, "pause qa-v2", ActionKind::Pause),
        (Phase::Progressing, "abort qa-v2 it must stop", ActionKind::Abort),
        (Phase::Held, "abort qa-v2 it must stop", ActionKind::Abort),
    ] {
        let (sent, said) = self::sent(phase, &format!("{} y", line(command)));
        assert_eq!(sent, [kind], "{command} in {phase}: {said}");
    }
    let (sent, said) = self::sent(Phase::Paused, &line("resume qa-v2"));
    assert_eq!(sent, [], "what starts something needs the environment");
    assert!(said.contains("is not known"), "{said}");
}

#[test]
fn what_is_done_already_is_said_so() {
    let said = |phase, command: &str| {
        let world = planera().with_release(
            release("staging", "staging-v9").version("v9.0.0", &["backend"]).planned().began(60).phase(phase),
        );
        let store = world.typing(&line(command)).store();
        assert!(store.ui.overlay().is_none(), "{command} in {phase}");
        store.toasts.back().map_or(String::new(), |toast| toast.text.clone())
    };
    for (phase, command, words) in [
        (Phase::Paused, "pause staging-v9", "v9.0.0 is already paused"),
        (Phase::Progressing, "resume staging-v9", "v9.0.0 is already running"),
        (Phase::Verifying, "resume staging-v9", "v9.0.0 is already running"),
        (Phase::Aborted, "abort staging-v9 x", "v9.0.0 is already aborted"),
        (Phase::Rejected, "reject staging-v9 x", "v9.0.0 is already rejected"),
        (Phase::Succeeded, "abort staging-v9 x", "v9.0.0 has ended: Succeeded"),
    ] {
        let found = said(phase, command);
        assert!(found.contains(words), "{command} in {phase}: {found}");
    }
}
