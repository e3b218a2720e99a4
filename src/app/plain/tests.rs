//! Lines told and lines read.

use std::sync::Arc;

use super::*;
use crate::api::Phase;
use crate::app::fixtures::{World, environment, now, planera, release};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::event::{ClusterEvent, Delta, Event};
use crate::app::state::located::ClusterId;
use crate::app::update;

fn begun(world: &World) -> Reported {
    let mut told = Reported::default();
    assert!(!news(&mut told, &world.store).lines.is_empty());
    assert_eq!(news(&mut told, &world.store), News::default());
    told
}

fn said(world: &mut World, text: &str) -> (Vec<Effect>, Vec<String>) {
    let (effects, news) = line(&mut world.store, text);
    (effects, news.lines)
}

#[test]
fn the_state_is_told_in_whole_sentences() {
    let told = state(&planera().store);
    assert_eq!(
        told,
        [
            "state at 2026-11-20 14:03:22Z",
            "cluster prod-eu: you are alice",
            "selected: PROD planera/production",
            "needs you: 1",
            "needs you: approve PROD planera v1.8.2 in production: approval as any: 0 of 1 people; open: any since 13:59Z",
            "environments: 2",
            "environment planera/staging: healthy, v1.8.2, 6 of 6 pods ready, error rate 0.08%, p95 88ms",
            "environment PROD planera/production: healthy, v1.8.1, 6 of 6 pods ready, error rate 0.08%, p95 88ms",
            "releases under way or waiting: 1",
            "release PROD planera v1.8.1 to v1.8.2 into production by bob: Pending, step 0 of 3, waits for you: waits for approval: 0 of 1 people",
        ]
    );
}

#[test]
fn one_change_is_one_line_and_numbers_that_move_are_none() {
    let mut world = planera();
    let mut told = begun(&world);
    world = world.with_metric("production", "errorRate", "backend", &[0.002; 60]);
    assert_eq!(news(&mut told, &world.store).lines, Vec::<String>::new());
    world = world.with_metric("production", "errorRate", "backend", &[0.2; 60]);
    assert_eq!(
        news(&mut told, &world.store).lines,
        ["14:03:22Z environment PROD planera/production: over limit, v1.8.1, 6 of 6 pods ready"]
    );
    world = world.with(environment("qa").staging());
    assert_eq!(
        news(&mut told, &world.store).lines,
        ["14:03:22Z environment planera/qa: healthy, v1.8.1, 3 of 3 pods ready"]
    );
    world = world.lost(crate::app::state::cluster_state::WatchedKind::Pods, 20);
    assert_eq!(
        news(&mut told, &world.store).lines,
        ["14:03:22Z cluster prod-eu: pods lost: connection refused"]
    );
}

#[test]
fn what_no_longer_needs_us_is_over() {
    let mut world = planera();
    let mut told = begun(&world);
    let gone = release("production", "production-v1-8-2-cc").planned().phase(Phase::Aborted);
    let key = gone.0.key();
    let event = ClusterEvent::Releases(Delta::Applied(key, Arc::new(gone.into())));
    update(&mut world.store, Event::Cluster(ClusterId(0), event));
    let lines = news(&mut told, &world.store).lines;
    assert!(
        lines.iter().any(|line| line.starts_with("14:03:22Z over: needs you: approve PROD")),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.contains("into production by bob: Aborted")), "{lines:#?}");
}

#[test]
fn production_is_changed_by_its_phrase_and_by_nothing_else() {
    let mut world = planera();
    let mut told = begun(&world);
    assert_eq!(said(&mut world, "approve production"), (vec![], vec![]));
    let asked = news(&mut told, &world.store).lines;
    assert!(asked[0].starts_with("question: Approve planera v1.8.2"), "{asked:#?}");
    assert!(asked.iter().any(|line| line.starts_with("now error rate: 0.08%")), "{asked:#?}");
    assert_eq!(asked.last().unwrap(), "type deploy-to-production to Approve, or cancel");
    for wrong in ["yes", "deploy-to-prod", "approve production", "status"] {
        let (effects, lines) = said(&mut world, wrong);
        assert_eq!(effects, vec![], "{wrong}");
        assert_eq!(lines[0], "that is not the phrase: nothing was sent", "{wrong}");
    }
    let (effects, _) = said(&mut world, "deploy-to-production");
    assert!(
        matches!(
            effects.as_slice(),
            [Effect::Background(BackgroundEffect::CreateAction { dry_run: false, .. })]
        ),
        "{effects:?}"
    );
    assert!(world.store.ui.overlays.is_empty());
}

#[test]
fn a_question_can_be_cancelled_and_a_reason_is_asked_for() {
    let mut world = planera();
    let mut told = begun(&world);
    said(&mut world, "approve production");
    assert_eq!(said(&mut world, "cancel").1, ["cancelled: nothing was sent"]);
    said(&mut world, "reject production");
    let asked = news(&mut told, &world.store).lines;
    assert_eq!(asked.last().unwrap(), "type the reason, 3 characters at least, or cancel");
    assert_eq!(said(&mut world, "no").1, ["cancelled: nothing was sent"]);
    said(&mut world, "reject production");
    let (effects, lines) = said(&mut world, "migration not tested");
    assert_eq!(effects, vec![]);
    assert!(lines.last().unwrap().starts_with("type "), "{lines:#?}");
}

#[test]
fn a_deploy_says_all_with_its_line_or_what_is_missing() {
    let mut world = planera();
    assert_eq!(said(&mut world, "deploy staging").1, ["nothing was sent: which version?"]);
    assert!(world.store.ui.overlays.is_empty());
    let (effects, _) = said(&mut world, "deploy staging v1.9.0");
    assert!(
        matches!(
            effects.as_slice(),
            [Effect::Background(BackgroundEffect::CreateRelease { dry_run: true, .. })]
        ),
        "{effects:?}"
    );
}

#[test]
fn views_are_told_when_they_open_and_mistakes_in_a_sentence() {
    let mut world = planera();
    let mut told = begun(&world);
    said(&mut world, "inbox");
    assert!(news(&mut told, &world.store).view);
    assert_eq!(news(&mut told, &world.store), News::default());
    said(&mut world, "back");
    assert!(!news(&mut told, &world.store).view);
    said(&mut world, "aprove");
    assert_eq!(news(&mut told, &world.store).lines, ["note: `aprove` is not a command: help lists them"]);
    assert!(said(&mut world, "help").1.iter().any(|line| line.starts_with("approve: ")));
}

#[test]
fn it_begins_when_the_lists_have_come_or_will_not_come() {
    assert!(!is_loaded(&World::connecting().store));
    assert!(is_loaded(&planera().store));
    let mut dead = World::connecting();
    for feed in WatchedKind::ALL {
        dead = dead.lost(feed, 1);
    }
    assert!(is_loaded(&dead.store));
    assert_eq!(now(), dead.store.now);
}

#[test]
fn what_clusters_say_never_reaches_the_terminal_as_it_is() {
    let evil = release("production", "x").planned().phase(Phase::Held).says("a\u{1b}]0;evil\u{7}\nb");
    let world = planera().with_release(evil);
    assert!(state(&world.store).iter().all(|line| !line.contains(char::is_control)));
}
