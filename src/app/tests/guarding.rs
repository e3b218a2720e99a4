//! Freezes, stops, scaling, denials, break-glass, checklists and drivers: what is asked, and what is sent.

use crate::api::environment::{Debt, Frozen, Gates, InFlight};
use crate::api::release::{CheckRecord, Driver};
use crate::api::release_action::ReleaseActionSpec;
use crate::api::{ActionKind, Environment, EnvironmentStatus, Phase, ReleaseKind, Verb};
use crate::app::fixtures::{
    World, ago, chords, environment, environment_id, now, planera, release, release_id,
};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::effect::{BackgroundEffect, Effect};
use crate::app::state::event::{Event, Outcome};
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::{ServerWord, View};
use crate::app::update;

mod break_glass;
mod mistyped;

const PHRASE: &str = "deploy-to-production";

fn press(store: &mut Store, keys: &str) -> Vec<Effect> {
    let chords = chords(keys).into_iter();
    chords.flat_map(|chord| update(store, Event::Key { chord, repeat: false })).collect()
}

fn said(store: &Store) -> &str {
    store.toasts.back().map_or("", |toast| &toast.text)
}

/// The action that the keys have sent.
fn sent(world: World, keys: &str) -> ReleaseActionSpec {
    let mut store = world.store();
    let effects = press(&mut store, keys);
    let mut actions = effects.into_iter().filter_map(|effect| match effect {
        Effect::Background(BackgroundEffect::CreateAction { action, dry_run: false, .. }) => {
            Some(action.spec)
        }
        _ => None,
    });
    match (actions.next(), actions.next()) {
        (Some(one), None) => one,
        other => panic!("{keys}: {other:?}\n{}\n{:?}", said(&store), store.ui.overlays),
    }
}

fn changed(world: World, name: &str, change: impl Fn(&mut Environment)) -> World {
    let mut environment = (**world.store.environment(&environment_id(name)).unwrap()).clone();
    change(&mut environment);
    world.with(environment)
}

fn with_status(name: &str, change: impl Fn(&mut EnvironmentStatus)) -> World {
    changed(planera(), name, |environment| change(environment.status.get_or_insert_default()))
}

fn debt(by: &str) -> Debt {
    Debt {
        id: format!("debt-of-{by}"),
        by: by.into(),
        at: ago(600),
        what: "emergency rollback".into(),
        reason: "it burns".into(),
        incident: None,
    }
}

/// Keys of a palette line.
fn line(text: &str) -> String {
    format!(": {} enter", text.split(' ').collect::<Vec<_>>().join(" space "))
}

#[test]
fn a_freeze_is_said_in_one_line() {
    let keys = format!("{} y", line("freeze production 2h hold INC-1"));
    let spec = sent(planera().typing("1"), &keys);
    let with = spec.parameters.unwrap();
    assert_eq!((spec.action, spec.environment.as_str()), (ActionKind::Freeze, "production"));
    assert_eq!((with.in_flight, with.incident.as_deref()), (Some(InFlight::Hold), Some("INC-1")));
    assert_eq!(with.until, Some(now() + chrono::TimeDelta::hours(2)));
    assert_eq!((spec.reason.as_deref(), spec.release), (Some("INC-1"), None));
}

#[test]
fn a_word_that_is_typed_on_a_button_answers_nothing() {
    let (mut store, effects) = (planera().store(), Vec::new());
    let effects =
        [effects, press(&mut store, &format!("{} {PHRASE}", line("freeze production 2h INC-1")))].concat();
    assert_eq!(effects, [], "the y in it is no answer");
    let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!("it is still asked") };
    assert_eq!(confirm.reason.as_ref().unwrap().editor.text(), "INC-1deploy-to-production");
}

#[test]
fn what_is_asked_grows_with_what_it_reaches() {
    let development = || planera().with(environment("dev"));
    let rows: Vec<(World, String, bool, bool)> = vec![
        // world, line, a window opens, it wants the phrase
        (planera(), line("stop production INC-1"), true, false),
        (planera(), line("scale production backend 5"), true, true),
        (planera(), line("scale staging backend 5"), true, false),
        (planera(), line("scale staging backend 0"), true, false),
        (planera(), line("freeze production 2h INC-1"), true, false),
        (development(), line("freeze dev 2h INC-1"), true, false),
        (development(), line("scale dev backend 5"), false, false),
        (development(), line("deny dev x"), false, false),
        (planera(), line("drive 30m"), true, false),
    ];
    for (world, keys, asked, phrase) in rows {
        let mut store = world.store();
        press(&mut store, &keys);
        let found = match store.ui.overlay() {
            Some(Overlay::Confirm(confirm)) => (true, confirm.phrase.is_some()),
            None => (false, false),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, (asked, phrase), "{keys}: {}", said(&store));
    }
}

#[test]
fn what_is_done_in_development_is_sent_at_once() {
    let world = planera().with(environment("dev"));
    let spec = sent(world, &line("scale dev backend 5"));
    assert_eq!(spec.parameters.unwrap().replicas, Some(5));
    // but never into data that is out of step
    let mut store = planera().with(environment("dev")).lost(WatchedKind::Actions, 5).store();
    assert_eq!(press(&mut store, &line("scale dev backend 5")), []);
    assert!(said(&store).starts_with("scale: data 5 s old"), "{}", said(&store));
}

#[test]
fn words_that_are_missing_are_asked_for() {
    for (text, expected) in [
        ("deny nonsense", "deny: which digest? :deny sha256:… REASON"),
        ("scale nonsense 3", "scale: what, and to how many? :scale COMPONENT 3, or :scale COMPONENT back"),
        ("scale backend", "scale: what, and to how many? :scale COMPONENT 3, or :scale COMPONENT back"),
        ("restart", "restart: which component? :restart COMPONENT REASON"),
        ("override approval 30m", "override: which gate, in which incident? :override GATE 30m INC-1 REASON"),
        ("override window INC-1", "override: which gate, in which incident? :override GATE 30m INC-1 REASON"),
        ("unfreeze", "unfreeze: production is not frozen"),
        ("allow", "allow: nothing is denied in production"),
        ("review", "review: nothing is to be reviewed in production"),
        ("check", "check: this environment has no checklist"),
        ("withdraw", "withdraw: no approval of yours counts here"),
        ("hand-over it is odd", "hand over: nobody drives it: :drive claims it"),
        ("stop staging", "stop: no release waits or runs in staging"),
    ] {
        let mut store = planera().store();
        assert_eq!(press(&mut store, &line(text)), [], "{text}");
        assert_eq!(said(&store), expected, "{text}");
        assert!(store.ui.overlays.is_empty(), "{text}");
    }
}

#[test]
fn checklists_are_ticked_from_the_inbox() {
    let listed = || {
        changed(planera(), "production", |environment| {
            environment.spec.gates = Some(Gates {
                checklist: vec!["Team notified".into(), "Migrations tested".into()],
                ..Gates::default()
            });
        })
    };
    let mut store = listed().store();
    let words: Vec<&str> = store.rows.inbox.iter().map(|row| row.key.word()).collect();
    assert_eq!(words, ["approve", "check"]);
    assert_eq!(&*store.rows.inbox[1].missing, "2 of 2 checks open, next: Team notified");
    press(&mut store, &line("check"));
    assert_eq!(said(&store), "check: which item? open are Team notified, Migrations tested");
    for keys in [format!("{} y", line("check team")), "i 2 v y".to_owned()] {
        let spec = sent(listed(), &keys);
        assert_eq!(spec.action, ActionKind::Check);
        assert_eq!(spec.parameters.unwrap().item.as_deref(), Some("Team notified"));
        assert!(spec.expected.unwrap().plan_digest.is_some());
    }
    // what is ticked is not open any more
    let mut world = listed();
    let id = release_id("production", "production-v1-8-2-cc");
    let mut release = (**world.store.release(&id).unwrap()).clone();
    let status = release.status.as_mut().unwrap();
    let digest = status.plan.as_ref().unwrap().digest.clone();
    status.checks.push(CheckRecord { item: "Team notified".into(), by: "bob".into(), at: ago(1), digest });
    world.apply_release(release);
    let row = &world.store.rows.inbox[1];
    assert_eq!((&*row.missing, row.open.len()), ("1 of 2 checks open, next: Migrations tested", 1));
}

#[test]
fn an_approval_is_taken_back_until_it_starts() {
    let approved = || {
        release("production", "production-v1-8-2-cc")
            .version("v1.8.2", &["backend", "frontend"])
            .waiting_for_approval()
            .approved_by("alice")
    };
    let spec = sent(planera().with_release(approved()), &format!("{} y", line("withdraw")));
    assert_eq!(spec.action, ActionKind::Withdraw);
    let mut store = planera().with_release(approved().phase(Phase::Progressing).at_step(0)).store();
    assert_eq!(press(&mut store, &line("withdraw")), []);
    assert_eq!(said(&store), "withdraw: v1.8.2 has started: Progressing");
}

#[test]
fn the_wheel_is_claimed_and_left() {
    let spec = sent(planera(), &format!("{} y", line("drive 1h")));
    assert_eq!(spec.parameters.unwrap().until, Some(now() + chrono::TimeDelta::hours(1)));
    let driven = |by: &str| {
        let mut release = release("production", "production-v1-8-2-cc").waiting_for_approval();
        let driver = Driver { by: by.into(), since: ago(60), until: Some(ago(-600)), note: None };
        release.0.status.get_or_insert_default().driver = Some(driver);
        planera().with_release(release)
    };
    let spec = sent(driven("alice"), &format!("{} shift-tab enter", line("hand-over watch p99")));
    assert_eq!((spec.action, spec.reason.as_deref()), (ActionKind::HandOver, Some("watch p99")));
    let mut store = driven("bob").store();
    press(&mut store, &line("hand-over x"));
    assert_eq!(said(&store), "hand over: bob drives it, not you");
    press(&mut store, "esc v");
    let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!() };
    assert_eq!(confirm.warnings, ["bob drives this release for another 10m: speak with them first"]);
}

#[test]
fn a_window_refuses_when_somebody_else_was_faster() {
    let world = planera().typing(&line("freeze 2h INC-1"));
    let ready = |world: &World| match world.store.ui.overlay() {
        Some(Overlay::Confirm(confirm)) => (confirm.is_ready(), confirm.changed.clone()),
        other => panic!("{other:?}"),
    };
    assert!(ready(&world).0);
    let world = changed(world, "production", |environment| {
        environment.status.get_or_insert_default().frozen =
            Some(Frozen { by: "carol".into(), reason: "INC-1".into(), ..Frozen::default() });
    });
    assert_eq!(ready(&world), (false, vec!["the freeze: not frozen → frozen by carol (INC-1)".to_owned()]));
}

#[test]
fn why_asks_the_server_about_the_very_object() {
    let mut store = planera().store();
    let effects = press(&mut store, "w");
    let [Effect::Background(BackgroundEffect::CreateAction { action, dry_run: true, request, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(action.spec.action, ActionKind::Approve);
    let outcome = Outcome::Refused("EnvironmentFrozen: production is frozen".into());
    update(&mut store, Event::RequestDone { request: *request, outcome });
    let View::Why(why) = store.ui.view() else { panic!() };
    let reason = "EnvironmentFrozen: production is frozen".to_owned();
    assert_eq!(why.server, ServerWord::Refuses { what: "your approval", reason });
    assert_eq!(why.ours, None);
    // what admission judges itself is asked for as a release
    let frozen =
        release("production", "production-v1-8-2-cc").version("v1.8.2", &["backend"]).waiting_for_approval();
    let mut frozen = frozen.0;
    let gate = crate::api::release::GateStatus { name: "frozen".into(), ..Default::default() };
    frozen.status.get_or_insert_default().gates.push(gate);
    let mut store = planera().with_release(frozen).store();
    let effects = press(&mut store, "w");
    assert!(
        matches!(
            effects.as_slice(),
            [Effect::Background(BackgroundEffect::CreateRelease { dry_run: true, .. })]
        ),
        "{effects:?}"
    );
    // who may not approve asks for the same release, in their own name
    let mut store = planera().connected_as("bob", &[]).allowed("production", &[Verb::Deploy]).store();
    let effects = press(&mut store, "w");
    let [Effect::Background(BackgroundEffect::CreateRelease { release, dry_run: true, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((release.spec.requested_by.as_str(), release.spec.version.as_str()), ("bob", "v1.8.2"));
    assert_ne!(release.metadata.name.as_deref(), Some("production-v1-8-2-cc"));
    // who may do neither asks nothing
    let mut store = planera().allowed("production", &[]).store();
    assert_eq!(press(&mut store, "w"), []);
    let View::Why(why) = store.ui.view() else { panic!() };
    let expected = "the server was not asked: needs deploy on environments/production";
    assert_eq!(why.server, ServerWord::NotAsked(expected.to_owned()));
}

/// Every key of every command, in every view, by someone who may do nothing: nothing is sent, not even as a dry run, and every
/// refusal of what changes something was to be seen before the key was pressed.
#[test]
fn a_viewer_presses_every_key_and_nothing_reaches_the_server() {
    use crate::app::command::{self, COMMANDS};
    let viewer =
        || planera().connected_as("victor", &["viewers"]).allowed("production", &[]).allowed("staging", &[]);
    for before in ["", "1", "tab", "tab tab", "enter", "R", "i", "w", "? esc", "tab l"] {
        for command in COMMANDS.iter().copied() {
            let keys = command.keys.iter().map(ToString::to_string);
            let lines = [line(command.id), line(&format!("{} production 2h INC-1 because", command.id))];
            for keys in keys.chain(lines) {
                let mut store = viewer().typing(before).store();
                let target = crate::app::target::target(&store);
                let shown = command::availability(&store, command, &target);
                let effects = press(&mut store, &format!("{keys} enter y {PHRASE} enter enter"));
                let writes = |effect: &Effect| {
                    matches!(
                        effect,
                        Effect::Background(
                            BackgroundEffect::CreateRelease { .. } | BackgroundEffect::CreateAction { .. }
                        )
                    )
                };
                assert!(!effects.iter().any(writes), "{before} {keys}: {effects:?}");
                assert!(
                    command.verb.is_none() || !shown.is_ready(),
                    "{} looks usable to a viewer after {before}",
                    command.id
                );
            }
        }
    }
}

#[test]
fn the_inbox_spans_clusters_oldest_first() {
    use crate::app::state::event::{ClusterEvent, Delta};
    use crate::app::state::located::ClusterId;
    let here = planera().store.clusters.remove(0);
    let mut store = Store::new(["prod-eu".into(), "prod-us".into()], "test");
    update(&mut store, Event::Tick(now()));
    for (id, asked) in [(ClusterId(0), 60), (ClusterId(1), 600)] {
        let waiting = release("production", "production-v1-8-2-cc")
            .version("v1.8.2", &["backend", "frontend"])
            .waiting_for_approval()
            .asked(asked);
        let waiting = crate::api::Release::from(waiting);
        let identity = here.identity.clone().unwrap();
        let mut events = vec![
            ClusterEvent::Connected { identity, server_version: "v1.36.2".into() },
            ClusterEvent::Environments(Delta::Reset(here.environments.clone().into_iter().collect())),
            ClusterEvent::Releases(Delta::Applied(waiting.key(), std::sync::Arc::new(waiting))),
        ];
        events.extend(here.permissions.iter().map(|(environment, verbs)| ClusterEvent::Permissions {
            environment: environment.clone(),
            allowed: verbs.iter().copied().collect(),
        }));
        for event in events {
            update(&mut store, Event::Cluster(id, event));
        }
    }
    let clusters: Vec<u16> = store.rows.inbox.iter().map(|row| row.environment.cluster.0).collect();
    assert_eq!(clusters, [1, 0]);
}

/// Old data and an environment that opens read-only lock what starts something, and nothing that stops something.
#[test]
fn old_data_and_a_lock_keep_nobody_from_stopping() {
    use crate::app::command;
    let executing = |phase| {
        let cc = release("production", "production-v1-8-2-cc").version("v1.8.2", &["backend", "frontend"]);
        planera().with_release(cc.planned().phase(phase).at_step(0).after("v1.8.1"))
    };
    let locked = |mut world: World| {
        world.store.arming.production = true;
        world.lost(WatchedKind::Releases, 20)
    };
    let found = |world: World, id: &str| {
        let (store, command) = (world.store(), command::find(id).unwrap());
        let target = crate::app::target::target(&store);
        command::availability(&store, command, &target)
    };
    for phase in [Phase::Pending, Phase::Progressing, Phase::Verifying, Phase::Held] {
        for id in ["pause", "abort", "reject", "freeze", "stop", "deny"] {
            let (live, old) = (found(executing(phase), id), found(locked(executing(phase)), id));
            assert_eq!(old, live, "{id} at {phase}");
        }
        for id in ["deploy", "approve", "resume", "promote-full", "retry", "scale", "unfreeze"] {
            let old = found(locked(executing(phase)), id);
            assert!(
                old.reason().is_some_and(|why| why.contains("data 20 s old")),
                "{id} at {phase}: {old:?}"
            );
        }
    }
    // the age is seen before it is sent, and it is sent
    let world = locked(planera()).typing(&line("freeze production 2h hold INC-1"));
    let Some(Overlay::Confirm(confirm)) = world.store.ui.overlay() else { panic!() };
    assert_eq!(confirm.lock, None);
    assert!(
        confirm.warnings.iter().any(|warning| warning.contains("data 20 s old")),
        "{:?}",
        confirm.warnings
    );
    let keys = format!("{} {PHRASE} enter enter", line("freeze production 2h hold INC-1"));
    assert_eq!(sent(locked(planera()), &keys).action, ActionKind::Freeze);
}
