//! Triples: a world, keys typed, what follows.

use crate::api::{Phase, Release, Verb};
use crate::app::fixtures::{self, World, chords, environment, planera, release, release_id};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::confirm::Confirm;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::effect::{Effect, FetchText};
use crate::app::state::event::{Event, Outcome};
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::View;
use crate::app::update;

/// Types keys and gathers the effects; sentences as in [`chords`].
pub(super) fn typed(world: World, keys: &str) -> (Store, Vec<Effect>) {
    let mut store = world.store();
    let effects = press(&mut store, keys);
    (store, effects)
}

pub(super) fn press(store: &mut Store, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for chord in chords(keys) {
        effects.extend(update(store, Event::Key { chord, repeat: false }));
    }
    effects
}

/// One line about where the screen is: the topmost window, else the view, and the last message.
pub(super) fn told(store: &Store) -> String {
    let place = match (store.ui.overlay(), store.ui.view()) {
        (Some(Overlay::Confirm(confirm)), _) => format!("confirm: {}", confirm.title),
        (Some(Overlay::Form(form)), _) => format!("form: {:?} {}", form.kind, form.version.text()),
        (Some(Overlay::Weight(form)), _) => format!("weight: {}", form.weight.text()),
        (Some(Overlay::Help { .. }), _) => "help".to_owned(),
        (Some(Overlay::Palette(palette)), _) => format!("palette: {}", palette.editor.text()),
        (Some(Overlay::HandOff(form)), _) => format!("leave: {}", form.title),
        (Some(Overlay::Pattern(line)), _) => format!("{:?}: {}", line.purpose, line.editor.text()),
        (Some(Overlay::Filter { pane, editor, .. }), _) => format!("filter {pane:?}: {}", editor.text()),
        (Some(Overlay::Message { title, .. }), _) => format!("message: {title}"),
        (None, View::Home) => format!("home: {:?}", store.ui.focus),
        (None, View::Release(view)) => format!("release: {}", view.id.key.name),
        (None, View::Rollback(view)) => format!("rollback: {}", view.environment.key.name),
        (None, View::Inbox(view)) => {
            format!(
                "inbox: {:?}",
                view.cursor.selected.as_ref().map(crate::app::state::inbox::InboxKey::word)
            )
        }
        (None, View::Why(view)) => format!("why: {}", view.id.key.name),
        (None, View::Listed(list)) => format!("{}: {}", list.name, list.environment.key.name),
        (None, View::Events(view)) => format!("events: {}", view.environment.key.name),
        (None, View::Alerts(view)) => {
            let chosen = view.cursor.selected.as_ref().map(|id| &*id.labels["alertname"]);
            format!("alerts: {} {}", view.scope.words(), chosen.unwrap_or("-"))
        }
        (None, View::Differences(view)) => {
            let [left, right] = [&view.left, &view.right].map(|side| &side.environment.key.name);
            format!("differences: {left} {right} {}", if view.all { "all" } else { "differing" })
        }
        (None, View::Zoom(view)) => {
            let curve = view.curve.as_deref().unwrap_or("-");
            let cursor = view.cursor.map(|at| (store.now - at).num_seconds());
            format!("zoom: {} {} {:?} {cursor:?} {curve}", view.pane, view.word(), view.compare)
        }
        (None, View::Matrix) => "matrix".to_owned(),
        (None, View::Dora(view)) => format!("numbers: {}", view.days),
        (None, View::Text(view)) => format!("text: {}", view.title),
        (None, View::Logs(view)) => format!("logs: {}", view.subject.words()),
    };
    match store.toasts.back() {
        Some(toast) => format!("{place} | {}", toast.text),
        None => place,
    }
}

pub(super) fn confirm(store: &Store) -> &Confirm {
    match store.ui.overlay() {
        Some(Overlay::Confirm(confirm)) => confirm,
        other => panic!("no question is open: {other:?}"),
    }
}

fn executing(phase: Phase) -> World {
    let cc = release("production", "production-v1-8-2-cc").version("v1.8.2", &["backend", "frontend"]);
    planera().with_release(cc.planned().phase(phase).at_step(0).after("v1.8.1"))
}

#[test]
fn keys_lead_where_they_say() {
    let rows: Vec<(&str, World, &str, &str)> = vec![
        ("production is selected when nothing burns", planera(), "", "home: Environments"),
        ("tab goes round", planera(), "tab", "home: Pods"),
        ("tab goes round", planera(), "tab tab tab", "home: Environments"),
        ("shift-tab goes back", planera(), "shift-tab", "home: Queue"),
        ("approve asks", planera(), "v", "confirm: Approve planera v1.8.2 on production?"),
        ("esc closes", planera(), "v esc", "home: Environments"),
        ("enter is cancel", planera(), "v enter", "home: Environments"),
        ("reject asks", planera(), "x", "confirm: Reject planera v1.8.2 on production?"),
        ("pause does not fit", planera(), "p", "home: Environments | pause: v1.8.2 has not started"),
        ("resume does not fit", planera(), "u", "home: Environments | resume: v1.8.2 is Pending, not paused"),
        ("nothing to approve", planera(), "1 v", "home: Environments | approve: v1.8.2 has ended: Succeeded"),
        ("deploy opens a form", planera(), "n", "form: Deploy "),
        ("completion takes what runs elsewhere", planera(), "n down enter", "form: Deploy v1.8.2"),
        ("promote takes the source's version", planera(), "P", "form: Promote v1.8.2"),
        (
            "staging has no source",
            planera(),
            "1 P",
            "home: Environments | promote: staging names none that versions are promoted from",
        ),
        ("R only looks", planera(), "R", "rollback: production"),
        ("R, back", planera(), "R esc", "home: Environments"),
        ("enter opens the release", planera(), "enter", "release: production-v1-8-2-cc"),
        ("enter on the queue", planera(), "tab tab enter", "release: production-v1-8-2-cc"),
        ("back from a release is the queue", planera(), "enter esc", "home: Queue"),
        ("i lists what waits for me", planera(), "i", "inbox: Some(\"approve\")"),
        ("v approves from there", planera(), "i v", "confirm: Approve planera v1.8.2 on production?"),
        ("enter opens from there", planera(), "i enter", "release: production-v1-8-2-cc"),
        ("a digit chooses there", planera(), "i 2", "inbox: Some(\"approve\") | no item 2 waits for you"),
        ("why", planera(), "w", "why: production-v1-8-2-cc"),
        ("describe an environment", planera(), "d", "text: describe · production"),
        ("logs need a pod", planera(), "l", "home: Environments | logs: select a pod first"),
        ("describe", planera(), "tab d", "text: describe · backend-7f9c6d-2xk4p"),
        ("logs", planera(), "tab j l", "logs: backend-7f9c6d-9qqlm"),
        ("yaml of an environment", planera(), "y", "text: YAML · production"),
        ("yaml of a release", planera(), "tab tab y", "text: YAML · production-v1-8-2-cc"),
        ("objects", planera(), "O", "text: objects · production"),
        ("help", planera(), "?", "help"),
        ("help closes", planera(), "? q", "home: Environments"),
        ("palette", planera(), ": dep", "palette: dep"),
        ("palette runs", planera(), ": deploy space v1.9.0 enter", "form: Deploy v1.9.0"),
        ("palette completes", planera(), ": prod tab enter", "home: Environments"),
        (
            "palette refuses",
            planera(),
            ": zzz enter",
            "home: Environments | `zzz` is not a command: `?` lists them",
        ),
        (
            "palette opens a release",
            planera(),
            ": release space production-v1-8-1 enter",
            "release: production-v1-8-1-bb",
        ),
        ("filter", planera(), "tab / t7v", "filter Pods: t7v"),
        ("abort asks", executing(Phase::Progressing), "A", "confirm: Abort planera v1.8.2 on production?"),
        ("pause asks", executing(Phase::Progressing), "p", "confirm: Pause planera v1.8.2 on production?"),
        ("resume asks", executing(Phase::Paused), "u", "confirm: Resume planera v1.8.2 on production?"),
        ("retry asks", executing(Phase::Held), "t", "confirm: Retry planera v1.8.2 on production?"),
        (
            "a pause of the plan waits for someone",
            executing(Phase::Paused),
            "i v",
            "confirm: Resume planera v1.8.2 on production?",
        ),
        ("nothing on ctrl-d", planera(), "ctrl-d ctrl-k", "home: Environments"),
    ];
    for (why, world, keys, expected) in rows {
        let (store, effects) = typed(world, keys);
        assert_eq!(told(&store), expected, "{why}: {keys}");
        assert!(!effects.iter().any(is_mutation), "{why}: {effects:?}");
    }
}

fn is_mutation(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Background(
            BackgroundEffect::CreateRelease { dry_run: false, .. }
                | BackgroundEffect::CreateAction { dry_run: false, .. }
        )
    )
}

#[test]
fn leaving_works_from_everywhere() {
    for keys in [
        "q",
        "ctrl-c",
        "n ctrl-c",
        "v ctrl-c",
        ": q enter",
        ": quit enter",
        "? ctrl-c",
        "/ ctrl-c",
        "R ctrl-c",
    ] {
        let (_, effects) = typed(planera(), keys);
        assert!(effects.contains(&Effect::Terminal(TerminalEffect::Quit)), "{keys}");
    }
    for keys in ["n q", "v q", "/ q", ": q", "R q esc", "x q"] {
        let (_, effects) = typed(planera(), keys);
        assert_eq!(
            effects.contains(&Effect::Terminal(TerminalEffect::Quit)),
            keys.starts_with('R'),
            "{keys}"
        );
    }
}

#[test]
fn keys_that_may_not_be_used_say_why() {
    let other = |user: &str| planera().connected_as(user, &["team-leads"]);
    let silent = |feed| planera().lost(feed, 14);
    let rows: Vec<(World, &str, &str)> = vec![
        (planera().allowed("production", &[]), "v", "approve: needs approve on environments/production"),
        (
            planera().allowed("production", &[Verb::Approve]),
            "n",
            "deploy: needs deploy on environments/production",
        ),
        (
            silent(WatchedKind::Releases),
            "v",
            "approve: data 14 s old: watch of releases lost (connection refused)",
        ),
        (
            silent(WatchedKind::Environments),
            "n",
            "deploy: data 14 s old: watch of environments lost (connection refused)",
        ),
        (other("bob"), "v", "approve: you asked for it: someone else must approve"),
        (World::live(), "n", "deploy: no environment is selected"),
        (World::connecting(), "n", "deploy: not connected to prod-eu yet"),
        (
            World::live().with(environment("production").production().frozen("carol", "INC-1")),
            "n",
            "deploy: production is frozen by carol: INC-1",
        ),
    ];
    for (world, keys, expected) in rows {
        let (store, effects) = typed(world, keys);
        assert_eq!(store.toasts.back().map(|t| t.text.as_str()), Some(expected));
        assert!(store.ui.overlays.is_empty());
        assert!(effects.iter().all(|effect| !is_mutation(effect)));
    }
    // pods and metrics may be lost without locking anything
    let (store, _) = typed(silent(WatchedKind::Pods).lost(WatchedKind::Metrics, 60), "v");
    assert_eq!(told(&store), "confirm: Approve planera v1.8.2 on production?");
}

#[test]
fn moving_follows_things_and_not_rows() {
    let world = planera().typing("tab j");
    let second = world.store.ui.pods.selected.clone().unwrap();
    assert_eq!(&*second.key.name, "backend-7f9c6d-9qqlm");
    // a failing pod comes to the top: the selection moves down with its pod
    let mut failing = fixtures::pod("production", "frontend", "frontend-7f9c6d-t7vzd", "v1.8.1");
    failing.health = crate::domain::pod_row::PodHealth::Failing;
    let world = world.with_pod(failing);
    assert_eq!(world.store.ui.pods.selected, Some(second));
    assert_eq!(world.store.ui.pods.index, 2);
    assert_eq!(world.store.rows.pods_failing, 1);
}

#[test]
fn filters_invert_and_ask_for_labels() {
    for (keys, shown) in [
        ("tab / t7v enter", 2),
        ("tab / !t7v enter", 4),
        ("tab / - l space version=v1.8.1 enter", 6),
        ("tab / - l space owner=backend enter", 3),
        ("tab / - l space owner!=backend enter", 3),
        ("tab / zzz enter", 0),
        ("tab / zzz esc", 6),
        ("tab / zzz enter esc", 6),
    ] {
        let (store, _) = typed(planera(), keys);
        assert_eq!(store.rows.pods.len(), shown, "{keys}");
        assert_eq!(store.rows.pods_total, 6);
    }
}

#[test]
fn digits_select_and_zero_shows_all() {
    let (store, effects) = typed(planera(), "1");
    assert_eq!(&*store.ui.environments.selected.as_ref().unwrap().key.name, "staging");
    let id = fixtures::environment_id("staging");
    assert_eq!(
        effects,
        [Effect::Background(BackgroundEffect::Focus {
            cluster: id.cluster,
            environment: id.key,
            second: None
        })]
    );
    let (store, _) = typed(planera(), "0");
    assert_eq!(store.rows.pods.len(), 12);
    let (store, _) = typed(planera(), "9");
    assert_eq!(told(&store), "home: Environments | no environment `9`");
}

#[test]
fn texts_come_to_the_view_that_asked() {
    let (mut store, effects) = typed(planera(), "tab d");
    let [Effect::Background(BackgroundEffect::Fetch { what: FetchText::PodDescribe(_), request, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    update(&mut store, Event::RequestDone { request: *request, outcome: Outcome::Text("a\nb".into()) });
    let View::Text(view) = store.ui.view() else { panic!() };
    assert_eq!(view.lines().len(), 2);
    // an answer that nobody waits for changes nothing
    press(&mut store, "esc");
    update(&mut store, Event::RequestDone { request: *request, outcome: Outcome::Text("late".into()) });
    assert_eq!(told(&store), "home: Pods");
}

#[test]
fn the_inbox_holds_what_i_can_unblock() {
    let held = |name: &str| Release::from(release("staging", name).planned().phase(Phase::Held));
    let world = planera().with_release(held("staging-held"));
    let told = |world: &World| -> Vec<String> {
        let rows = world.store.rows.inbox.iter();
        rows.map(|row| format!("{} {} {}", row.key.word(), row.version, row.environment.key.name)).collect()
    };
    assert_eq!(told(&world), ["approve v1.8.2 production", "decide v1.8.2 staging"]);
    let row = &world.store.rows.inbox[0];
    assert_eq!(row.key.release(), Some(&release_id("production", "production-v1-8-2-cc")));
    assert_eq!(&*row.missing, "approval as any: 0 of 1 people; open: any");
    let world = world.allowed("staging", &[]).allowed("production", &[Verb::Deploy]);
    assert!(told(&world).is_empty());
    let other = planera().with(environment("other").production()).connected_as("bob", &[]);
    assert!(told(&other).is_empty(), "bob asked for it himself");
}

#[test]
fn words_after_a_command_are_completed() {
    let rows: [(&str, &[&str]); 8] = [
        (": freeze space", &["freeze 2h", "freeze 30m", "freeze staging", "freeze production"]),
        (": freeze space prod", &["freeze production"]),
        (": freeze space production space", &["freeze production 2h", "freeze production 30m"]),
        (": freeze space production space 2h space ho", &["freeze production 2h hold"]),
        (": scale space ba", &["scale backend"]),
        (
            ": scale space production space backend space",
            &["scale production backend back", "scale production backend 0"],
        ),
        (": override space", &["override approval", "override staging", "override production"]),
        (": drive space 3", &["drive 30m"]),
    ];
    for (keys, expected) in rows {
        let (store, _) = typed(planera(), keys);
        let Some(Overlay::Palette(palette)) = store.ui.overlay() else { panic!("{keys}") };
        let choices: Vec<&str> = palette.choices.iter().map(|choice| choice.completion.as_str()).collect();
        assert_eq!(choices, expected, "{keys}");
    }
}
