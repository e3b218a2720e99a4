//! Whatever is typed and whatever happens: nothing panics, and nothing is sent that was not asked and answered.

use proptest::prelude::*;

use crate::api::Phase;
use crate::app::fixtures::{burning, chords, environment_id, now, planera, pod, release};
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::event::{ClusterEvent, Delta, Event, Outcome};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::update;
use crate::config::key::{KeyChord, KeyCode, Modifiers};
use crate::domain::action_rule::rule;
use crate::domain::watch_state::WatchState;

fn keys() -> impl Strategy<Value = Event> {
    let code = prop_oneof![
        6 => prop::sample::select("nvxpuAtRPdylcsmwe/:?0123gGjk iq+-".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
        2 => any::<char>().prop_map(KeyCode::Char),
        6 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::Backspace, KeyCode::Delete, KeyCode::Up, KeyCode::Down,
            KeyCode::Left, KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown,
        ]),
    ];
    let modifiers = (prop::bool::weighted(0.05), prop::bool::weighted(0.05), prop::bool::weighted(0.1))
        .prop_map(|(ctrl, alt, shift)| Modifiers { ctrl, alt, shift });
    (code, modifiers, prop::bool::weighted(0.1))
        .prop_map(|(code, modifiers, repeat)| Event::Key { chord: KeyChord::new(code, modifiers), repeat })
}

/// A line of the palette, typed as keys.
fn lines() -> impl Strategy<Value = Vec<Event>> {
    prop::sample::select(vec![
        ": freeze space 2h space INC-1 enter",
        ": stop space staging space INC-1 enter",
        ": scale space backend space 0 enter",
        ": override space approval space INC-1 space because enter",
        ": drive enter",
        ": arm space 15m space INC-1 enter",
        ": disarm enter",
        ": review space fine enter",
    ])
    .prop_map(|line| {
        chords(line).into_iter().map(|chord| Event::Key { chord, repeat: false }).collect::<Vec<_>>()
    })
}

fn happenings() -> impl Strategy<Value = Event> {
    let phases = prop::sample::select(Phase::ALL.to_vec()).prop_map(|phase| {
        let release =
            release("production", "production-v1-8-2-cc").planned().phase(phase).at_step(1).after("v1.8.1");
        let release = crate::api::Release::from(release);
        ClusterEvent::Releases(Delta::Applied(release.key(), std::sync::Arc::new(release)))
    });
    let feeds = (prop::sample::select(WatchedKind::ALL.to_vec()), any::<bool>()).prop_map(|(feed, live)| {
        let lost = WatchState::Stale { since: Some(now()), reason: "gone".into(), retry_at: None };
        ClusterEvent::Watch(feed, if live { WatchState::Live { heard: now() } } else { lost })
    });
    let gone = Just(ClusterEvent::Environments(Delta::Deleted(environment_id("production").key)));
    let pods = Just(ClusterEvent::Pods(Delta::Reset(vec![{
        let pod = pod("production", "backend", "only", "v1");
        (pod.key.clone(), pod)
    }])));
    let cluster = prop_oneof![6 => phases, 6 => feeds, 1 => gone, 2 => pods];
    let outcome = prop_oneof![
        Just(Outcome::WouldPass),
        Just(Outcome::Accepted { name: "x".into(), remark: None }),
        Just(Outcome::Refused("No: no".into())),
        Just(Outcome::Unknown("lost".into())),
        Just(Outcome::Text("a\nb".into())),
    ];
    prop_oneof![
        4 => cluster.prop_map(|event| Event::Cluster(ClusterId(0), event)),
        2 => (1..12_u64, outcome).prop_map(|(id, outcome)| Event::RequestDone { request: RequestId(id), outcome }),
        1 => ".{0,20}".prop_map(Event::Paste),
        1 => (0..300_u16, 0..100_u16).prop_map(|(width, height)| Event::Resize { width, height }),
        1 => (0..100_i64).prop_map(|s| Event::Tick(now() + chrono::TimeDelta::seconds(s))),
    ]
}

/// A question that is ready and has the focus where this key answers.
fn answers(store: &Store, event: &Event) -> bool {
    let Event::Key { chord, repeat: false } = event else { return false };
    match store.ui.overlay() {
        Some(Overlay::Confirm(confirm)) => {
            let yes = chord.code() == KeyCode::Enter || matches!(chord.typed(), Some('y' | 'Y'));
            confirm.is_ready() && yes
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_sent_unasked(
        calm in any::<bool>(),
        sealed in prop::bool::weighted(0.2),
        events in prop::collection::vec(
            prop_oneof![
                12 => keys().prop_map(|event| vec![event]),
                2 => happenings().prop_map(|event| vec![event]),
                1 => lines(),
            ],
            1..120,
        ),
    ) {
        let mut store = if calm { planera().store() } else { burning().store() };
        store.arming.production = sealed;
        for event in events.into_iter().flatten() {
            let answered = answers(&store, &event);
            let effects = update(&mut store, event);
            for effect in &effects {
                let sends = matches!(
                    effect,
                    Effect::Background(BackgroundEffect::CreateRelease { dry_run: false, .. } | BackgroundEffect::CreateAction { dry_run: false, .. })
                );
                prop_assert!(!sends || answered, "{effect:?}");
                let production = matches!(effect, Effect::Background(BackgroundEffect::CreateAction { action, .. }) if action.spec.environment == "production");
                let stops = matches!(effect, Effect::Background(BackgroundEffect::CreateAction { action, .. }) if rule(action.spec.action).is_stop());
                prop_assert!(!sealed || !sends || !production || stops || store.armed.is_some(), "{effect:?}");
            }
            prop_assert!(!store.ui.views.is_empty());
            prop_assert!(store.ui.pods.selected.is_none() == store.rows.pods.is_empty());
            prop_assert!(store.ui.queue.selected.is_none() == store.rows.queue.is_empty());
        }
    }
}
