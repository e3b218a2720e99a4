//! What stands between a key and a change: questions, phrases, dry runs, and what locks them.

use super::keys::{confirm, press, told, typed};
use crate::api::release_action::FilledSlot;
use crate::api::{ActionKind, ActionResult, Phase, ReleaseKind};
use crate::app::fixtures::{self, World, chords, planera, release};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::confirm::ConfirmFocus;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::event::{Event, Outcome};
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::View;
use crate::app::update;

#[test]
fn production_wants_the_phrase_typed() {
    let (mut store, effects) = typed(planera(), "v");
    assert!(effects.is_empty());
    assert_eq!(confirm(&store).focus, ConfirmFocus::Cancel);
    let facts: Vec<String> =
        confirm(&store).facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
    for expected in [
        "cluster: prod-eu",
        "pods: 6/6 ready",
        "error rate: 0.08% (limit 5%)",
        "p95: 88ms (limit 2s)",
        "you count for: any",
        "missing after you: no approval",
    ] {
        assert!(facts.iter().any(|fact| fact == expected), "{expected}: {facts:?}");
    }
    // the answer is not taken before the phrase is right
    assert!(press(&mut store, "tab enter").is_empty());
    assert!(press(&mut store, "deploy-to-prod enter").is_empty());
    assert_eq!(confirm(&store).focus, ConfirmFocus::Phrase);
    assert!(press(&mut store, "uction enter").is_empty());
    assert_eq!(confirm(&store).focus, ConfirmFocus::Accept);
    let effects = press(&mut store, "enter");
    let [Effect::Background(BackgroundEffect::CreateAction { action, dry_run: false, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    let spec = &action.spec;
    assert_eq!((spec.action, spec.actor.as_str()), (ActionKind::Approve, "alice"));
    assert_eq!(spec.slots, Some(vec![FilledSlot { name: "any".into(), group: None }]));
    assert!(spec.expected.as_ref().unwrap().plan_digest.is_some());
    assert_eq!(spec.evidence.as_ref().unwrap().error_rate.as_deref(), Some("0.08%"));
    assert_eq!(told(&store), "home: Environments | approve: sent");
    assert_eq!(store.rows.queue[0].pending.as_deref(), Some("approve…"));
    // what is shown as truth has not moved
    assert_eq!(store.rows.queue[0].phase, Phase::Pending);
    // and it is not sent twice
    assert!(press(&mut store, "v").is_empty());
    assert_eq!(told(&store), "home: Environments | approve: approve was sent already and is not judged yet");
}

const FORCE: &str =
    "2 : override space approval space 10m space INC-9 space customers space cannot space pay enter";

/// Keys typed in the question whether to force a gate, which wants a reason and a phrase, and what has the keys then.
#[test]
fn tab_goes_from_the_fields_to_the_button_that_does_it_and_then_to_cancel() {
    for (keys, expected) in [
        ("", ConfirmFocus::Cancel),
        ("tab", ConfirmFocus::Reason),
        ("tab tab", ConfirmFocus::Phrase),
        ("tab tab tab", ConfirmFocus::Accept),
        ("tab tab tab tab", ConfirmFocus::Cancel),
        ("shift-tab", ConfirmFocus::Accept),
        // a phrase that is not typed keeps it from being sent
        ("tab tab wrong tab enter", ConfirmFocus::Accept),
        ("tab tab tab enter", ConfirmFocus::Accept),
        ("shift-tab enter", ConfirmFocus::Accept),
    ] {
        let (store, effects) = typed(planera(), &format!("{FORCE} {keys}"));
        assert_eq!(confirm(&store).focus, expected, "{keys}");
        let sends = |effect: &Effect| {
            matches!(
                effect,
                Effect::Background(
                    BackgroundEffect::CreateRelease { .. } | BackgroundEffect::CreateAction { .. }
                )
            )
        };
        assert!(!effects.iter().any(sends), "{keys}");
    }
}

#[test]
fn pasted_and_held_keys_do_not_confirm() {
    let (mut store, _) = typed(planera(), "v tab");
    update(&mut store, Event::Paste("deploy-to-production".into()));
    assert_eq!(confirm(&store).phrase.as_ref().unwrap().editor.text(), "");
    for chord in chords("deploy-to-production enter enter enter") {
        let effects = update(&mut store, Event::Key { chord, repeat: true });
        assert!(effects.is_empty());
    }
    assert_eq!(confirm(&store).phrase.as_ref().unwrap().editor.text(), "");
    // also not the key that opens it
    let mut store = planera().store();
    update(&mut store, Event::Key { chord: chords("v")[0], repeat: true });
    assert!(store.ui.overlays.is_empty());
}

#[test]
fn a_release_that_changed_under_the_window_refuses() {
    let mut world = planera().typing("v deploy-to-production enter");
    assert!(confirm(&world.store).is_ready());
    let changed = release("production", "production-v1-8-2-cc").version("v1.8.2", &["backend", "frontend"]);
    world.apply_release(changed.clone().planned().phase(Phase::Progressing).at_step(0));
    let question = confirm(&world.store);
    assert!(!question.is_ready());
    assert_eq!(question.changed, ["phase: Pending → Progressing", "step: none → 1"]);
    assert!(press(&mut world.store, "enter y enter").is_empty());
    // also when it returns to what it was
    world.apply_release(changed.waiting_for_approval());
    assert!(!confirm(&world.store).is_ready());
}

#[test]
fn a_feed_that_is_lost_under_the_window_locks_it() {
    let world = planera().typing("v deploy-to-production enter").lost(WatchedKind::Releases, 14);
    assert_eq!(
        confirm(&world.store).lock.as_deref(),
        Some("data 14 s old: watch of releases lost (connection refused)")
    );
    let mut store = world.store();
    assert!(press(&mut store, "enter").is_empty());
}

#[test]
fn a_silent_controller_warns_and_does_not_lock() {
    let world = planera().controller_silent(40).typing("v");
    let question = confirm(&world.store);
    assert_eq!(question.warnings, ["controller silent for 40 s: what you send will wait for it"]);
    assert_eq!(question.lock, None);
}

#[test]
fn staging_is_a_simple_question_after_a_dry_run() {
    let (mut store, effects) = typed(planera(), "1 n v1.9.0 tab tab tab");
    assert_eq!(effects.len(), 1, "only the focus has moved: {effects:?}");
    let effects = press(&mut store, "enter");
    let [Effect::Background(BackgroundEffect::CreateRelease { release, dry_run: true, request, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((release.spec.version.as_str(), release.spec.kind), ("v1.9.0", ReleaseKind::Deploy));
    // a second enter while the server is asked does nothing
    assert!(press(&mut store, "enter").is_empty());
    let request = *request;
    assert!(update(&mut store, Event::RequestDone { request, outcome: Outcome::WouldPass }).is_empty());
    assert_eq!(told(&store), "confirm: Deploy planera v1.9.0 to staging?");
    assert_eq!(confirm(&store).phrase, None);
    let effects = press(&mut store, "y");
    let [Effect::Background(BackgroundEffect::CreateRelease { release: sent, dry_run: false, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(sent, release);
    assert!(store.ui.overlays.is_empty());
}

#[test]
fn a_refused_dry_run_is_shown_verbatim_and_nothing_is_asked() {
    let (mut store, effects) = typed(planera(), "1 n v1.9.0 tab tab tab enter");
    let Some(Effect::Background(BackgroundEffect::CreateRelease { request, .. })) = effects.last() else {
        panic!("{effects:?}")
    };
    let outcome = Outcome::Refused("EnvironmentFrozen: staging is frozen by carol".into());
    update(&mut store, Event::RequestDone { request: *request, outcome });
    let Some(Overlay::Form(form)) = store.ui.overlay() else { panic!() };
    assert_eq!(form.refusal.as_deref(), Some("EnvironmentFrozen: staging is frozen by carol"));
}

#[test]
fn the_form_judges_while_one_types() {
    let rows = [
        ("n", Some("which version?")),
        ("n 1.9", Some(r"version 1.9 does not match ^v\d+\.\d+\.\d+$, which production demands")),
        ("n v1.8.1", Some("v1.8.1 runs here already")),
        ("n v1.9.0", None),
    ];
    for (keys, problem) in rows {
        let (store, _) = typed(planera(), keys);
        let Some(Overlay::Form(form)) = store.ui.overlay() else { panic!("{keys}") };
        assert_eq!(form.problem.as_deref(), problem, "{keys}");
    }
    let (store, _) = typed(planera(), "n v1.9.0");
    let Some(Overlay::Form(form)) = store.ui.overlay() else { panic!() };
    let preview: Vec<String> = form
        .preview
        .iter()
        .map(|change| format!("{} {} {}", change.component, change.from.as_deref().unwrap_or(""), change.to))
        .collect();
    assert_eq!(
        preview,
        [
            "backend ghcr.io/acme/planera-backend:v1.8.1 ghcr.io/acme/planera-backend:v1.9.0",
            "frontend ghcr.io/acme/planera-frontend:v1.8.1 ghcr.io/acme/planera-frontend:v1.9.0"
        ]
    );
}

#[test]
fn going_back_chooses_what_was_good_and_asks_why() {
    let (mut store, _) = typed(planera(), "R");
    let View::Rollback(view) = store.ui.view() else { panic!() };
    let versions: Vec<_> = view.versions.iter().map(|version| version.version.as_str()).collect();
    assert_eq!(versions, ["v1.8.2", "v1.8.1", "v1.8.0"]);
    assert_eq!(view.last_known_good, Some(2));
    assert_eq!(view.cursor.index, 2);
    press(&mut store, "enter");
    assert_eq!(told(&store), "confirm: Roll back planera on production to v1.8.0?");
    // a reason, then y
    assert!(press(&mut store, "errors space climb enter").is_empty());
    let effects = press(&mut store, "y");
    let [Effect::Background(BackgroundEffect::CreateRelease { release, dry_run: false, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((release.spec.kind, release.spec.version.as_str()), (ReleaseKind::Rollback, "v1.8.0"));
    assert_eq!(release.spec.reason.as_deref(), Some("errors climb"));
    assert_eq!(told(&store), "home: Environments | rollback to v1.8.0: sent");
}

#[test]
fn going_back_from_a_release_in_flight_is_an_action_on_it() {
    let mut store = fixtures::burning().store();
    press(&mut store, "R");
    let View::Rollback(view) = store.ui.view() else { panic!() };
    assert_eq!(view.versions[view.cursor.index].version, "v1.8.1");
    press(&mut store, "enter");
    assert_eq!(told(&store), "confirm: Roll back planera v1.8.2 on production?");
    let effects = press(&mut store, "oom enter y");
    let [Effect::Background(BackgroundEffect::CreateAction { action, .. })] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(action.spec.action, ActionKind::Rollback);
    assert_eq!(action.spec.reason.as_deref(), Some("oom"));
}

/// Approves and returns the store, the request and the action's name.
fn approved() -> (Store, RequestId, String) {
    let (store, effects) = typed(planera(), "v deploy-to-production enter enter");
    let [Effect::Background(BackgroundEffect::CreateAction { action, request, .. })] = effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    (store, *request, action.metadata.name.clone().unwrap())
}

#[test]
fn outcomes_are_told_in_words() {
    let rows = [
        (Outcome::Refused("SelfApproval: no".into()), "message: approve was refused", 0),
        (Outcome::Unknown("the connection broke".into()), "message: approve: no answer", 1),
        (Outcome::Accepted { name: "x".into(), remark: None }, "home: Environments", 1),
    ];
    for (outcome, expected, pending) in rows {
        let (mut store, request, _) = approved();
        store.toasts.clear();
        let effects = update(&mut store, Event::RequestDone { request, outcome });
        assert!(effects.is_empty(), "nothing is tried again");
        assert_eq!(told(&store), expected);
        assert_eq!(store.pending.len(), pending);
    }
}

#[test]
fn the_watch_shows_what_became_of_an_action() {
    for (result, message, expected) in [
        (ActionResult::Applied, "approved", "home: Environments | approve: approved"),
        (
            ActionResult::Refused,
            "already advanced to step 2",
            "home: Environments | approve was refused: already advanced to step 2",
        ),
    ] {
        let (store, _, name) = approved();
        let world = World { store }.with_action(fixtures::release_action(
            "production",
            &name,
            ActionKind::Approve,
            Some((result, message)),
        ));
        assert_eq!(told(&world.store), expected);
        assert!(world.store.pending.is_empty());
        assert_eq!(world.store.rows.queue[0].pending, None);
    }
}

#[test]
fn a_silent_controller_is_told_once() {
    let (mut store, request, name) = approved();
    update(&mut store, Event::RequestDone { request, outcome: Outcome::Accepted { name, remark: None } });
    store.toasts.clear();
    for second in 1..=30 {
        update(&mut store, Event::Tick(fixtures::now() + chrono::TimeDelta::seconds(second)));
        let expected = usize::from((11..26).contains(&second));
        assert_eq!(store.toasts.len(), expected, "{second}: {:?}", store.toasts);
    }
    update(&mut store, Event::Tick(fixtures::now() + chrono::TimeDelta::seconds(31)));
    assert_eq!(store.pending.len(), 1);
}
