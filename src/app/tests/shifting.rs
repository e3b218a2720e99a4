//! Weights and steps by keys: what is proposed, what the policy refuses beforehand, what is sent.

use crate::api::release::GateState;
use crate::api::{ActionKind, Phase};
use crate::app::fixtures::{World, burning, canary_paused, chords, progressive, release_id};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::event::Event;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::weight_form::WeightForm;
use crate::app::update;

fn typed(world: World, keys: &str) -> (Store, Vec<Effect>) {
    let mut store = world.store();
    let mut effects = Vec::new();
    for chord in chords(keys) {
        effects.extend(update(&mut store, Event::Key { chord, repeat: false }));
    }
    (store, effects)
}

fn form(store: &Store) -> &WeightForm {
    match store.ui.overlay() {
        Some(Overlay::Weight(form)) => form,
        other => panic!("no form is open: {other:?}"),
    }
}

fn state(name: &str) -> World {
    progressive().into_iter().find(|(known, _)| *known == name).unwrap().1
}

fn said(store: &Store) -> &str {
    store.toasts.back().map_or("", |toast| &toast.text)
}

#[test]
fn plus_and_minus_propose_the_plans_weights_inside_the_policy() {
    for (keys, weight) in [("+", "50"), ("-", "0"), ("+ +", "55"), ("+ - -", "40"), ("+ up down", "50")] {
        let (store, effects) = typed(canary_paused(), keys);
        assert_eq!((form(&store).weight.text(), effects.len()), (weight, 0), "{keys}");
    }
    let (store, _) = typed(canary_paused(), "+");
    let form = form(&store);
    assert_eq!(form.problem, None);
    let line = |label: &str| form.preview.iter().find(|line| line.0 == label).map(|line| line.1.as_str());
    assert_eq!(line("weight"), Some("10% → 50% (observed 10% now)"));
    assert_eq!(line("split"), Some("new version 1 → 2, old version 3 → 3"));
    assert_eq!(line("requests"), Some("how many there are is not known"));
}

#[test]
fn requests_are_counted_where_they_are_measured() {
    let world = canary_paused().with_metric("production", "requestRate", "stable", &[120.0; 30]);
    let (store, _) = typed(world, "+");
    let line = form(&store).preview.iter().find(|line| line.0 == "requests").unwrap();
    assert_eq!(line.1, "12 → 60 of 120 a second meet the new version");
}

#[test]
fn the_policys_refusal_is_read_before_anything_is_sent() {
    let (store, effects) = typed(canary_paused(), "+ backspace backspace 60 tab tab enter");
    let problem = form(&store).problem.as_deref().unwrap();
    assert!(problem.starts_with("production lets the weight grow by 40% at most in one step"), "{problem}");
    assert_eq!(effects, []);
    let (store, effects) = typed(canary_paused(), ": weight space 60 enter");
    assert!(said(&store).contains("lets the weight grow by 40%"), "{}", said(&store));
    assert_eq!(effects, []);
    for (keys, expected) in [
        ("+ backspace backspace tab tab enter", "a weight is a whole number from 0 to 100"),
        ("+ backspace backspace 101", "a weight is a whole number from 0 to 100"),
    ] {
        let (store, _) = typed(canary_paused(), keys);
        assert_eq!(form(&store).problem.as_deref(), Some(expected), "{keys}");
    }
}

#[test]
fn a_weight_is_sent_for_the_step_that_was_seen() {
    for keys in ["+ enter good enter enter", ": weight space 50 space good enter"] {
        let (store, effects) = typed(canary_paused(), keys);
        assert_eq!(effects, []);
        let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!("{keys}") };
        assert_eq!(confirm.title, "Shift the weight of planera v1.8.2 on production?");
        assert!(confirm.facts.iter().any(|fact| fact.label == "weight" && fact.value.contains("10% → 50%")));
        let world = World { store };
        let (store, effects) = typed(world, "deploy-to-production tab enter");
        let [Effect::Background(BackgroundEffect::CreateAction { action, dry_run: false, .. })] =
            effects.as_slice()
        else {
            panic!("{keys}: {effects:?}");
        };
        assert_eq!(action.spec.action, ActionKind::SetWeight);
        assert_eq!(action.spec.parameters.as_ref().and_then(|with| with.weight), Some(50));
        assert_eq!(action.spec.expected.as_ref().and_then(|expected| expected.step), Some(1));
        assert_eq!(action.spec.reason.as_deref(), Some("good"));
        assert!(store.ui.overlays.is_empty(), "the form has done its work");
    }
}

#[test]
fn a_weight_that_somebody_else_sets_meanwhile_is_seen() {
    let (store, _) = typed(canary_paused(), ": weight space 50 enter");
    let mut world = World { store };
    let id = release_id("production", "production-v1-8-2-cc");
    let mut release = (**world.store.release(&id).unwrap()).clone();
    release.status.as_mut().unwrap().weight.as_mut().unwrap().desired = 20;
    world.apply_release(release);
    let Some(Overlay::Confirm(confirm)) = world.store.ui.overlay() else { panic!() };
    assert_eq!(confirm.changed, ["weight: 10% → 20%"]);
    assert!(!confirm.is_ready());
}

#[test]
fn keys_say_why_they_mean_nothing() {
    for (world, keys, expected) in [
        (burning(), "+", "weight: v1.8.2 replaces pods in place: there is no weight to shift"),
        (
            state("green-kept"),
            "+",
            "weight: v1.8.2 is switched at once: only the weight of a canary can be set",
        ),
        (canary_paused(), "F", "full: step 5 asks for an approval, which nobody passes"),
        (canary_paused().allowed("production", &[]), "+", "weight: needs shift on environments/production"),
    ] {
        let (store, effects) = typed(world, keys);
        assert_eq!((said(&store), effects.len()), (expected, 0), "{keys}");
    }
}

#[test]
fn the_next_step_says_what_it_leaves_out() {
    let (store, _) = typed(canary_paused(), ">");
    let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!("{}", said(&store)) };
    assert_eq!(confirm.title, "Go on with planera v1.8.2 on production?");
    let steps = confirm.facts.iter().find(|fact| fact.label == "steps").unwrap();
    assert_eq!(steps.value, "pause 5m → analysis");
    let (store, _) = typed(state("green-kept"), "F");
    let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!("{}", said(&store)) };
    assert!(confirm.facts.iter().any(|fact| fact.value == "keep the way back for 10m → roll backend"));
}

#[test]
fn an_approval_in_the_middle_is_asked_for_and_given() {
    let mut world = canary_paused();
    let id = release_id("production", "production-v1-8-2-cc");
    let mut release = (**world.store.release(&id).unwrap()).clone();
    let status = release.status.as_mut().unwrap();
    status.step.as_mut().unwrap().index = 4;
    status.gates.push(crate::api::release::GateStatus {
        name: "approval".into(),
        state: GateState::Wait,
        detail: "step 4: 0 of 1 people; open: any".into(),
        ..Default::default()
    });
    assert_eq!(status.phase, Phase::Progressing);
    world.apply_release(release);
    let words: Vec<&str> = world.store.rows.inbox.iter().map(|row| row.key.word()).collect();
    assert_eq!(words, ["approve"]);
    let (store, _) = typed(world, "v");
    let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!("{}", said(&store)) };
    assert_eq!(confirm.title, "Approve planera v1.8.2 on production?");
}
