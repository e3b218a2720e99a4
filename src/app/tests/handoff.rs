//! Leaving for kubectl: when it may be done, and what is asked first.

use std::collections::BTreeSet;

use super::keys::{press, typed};
use crate::app::fixtures::{World, environment_id, planera};
use crate::app::state::effect::TerminalEffect;
use crate::app::state::effect::{Effect, HandOff};
use crate::app::state::event::{ClusterEvent, Event};
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::update;

fn allowed(environment: &str, access: &[&'static str]) -> World {
    let mut world = planera();
    let namespace = environment_id(environment).key.namespace;
    let allowed: BTreeSet<&'static str> = access.iter().copied().collect();
    world.send(Event::Cluster(ClusterId(0), ClusterEvent::PodAccess { namespace, allowed }));
    world
}

fn said(store: &Store) -> &str {
    store.toasts.back().map_or("", |toast| &toast.text)
}

#[test]
fn a_shell_needs_the_right_and_a_cluster_that_kubectl_reaches() {
    let (store, effects) = typed(planera(), "tab S");
    assert!(effects.is_empty());
    assert_eq!(said(&store), "shell: permissions in planera-production are not known yet");
    let (store, _) = typed(allowed("production", &[]), "tab S");
    assert_eq!(said(&store), "shell: needs create on pods/exec in planera-production");
    let (store, _) = typed(allowed("production", &["pods/exec"]), "tab f");
    assert_eq!(said(&store), "forward: needs create on pods/portforward in planera-production");
    let mut world = allowed("production", &["pods/exec"]);
    world.store.clusters[0].no_kubectl = Some("nothing runs there".into());
    let (store, _) = typed(world, "tab S");
    assert_eq!(said(&store), "shell: nothing runs there");
}

#[test]
fn production_is_asked_for_by_its_phrase_and_staging_is_not() {
    let (mut store, effects) = typed(allowed("production", &["pods/exec"]), "tab S");
    assert!(effects.is_empty());
    assert!(press(&mut store, "enter prod enter").is_empty(), "the phrase is not typed");
    update(&mut store, Event::Paste("deploy-to-production".into()));
    let Some(Overlay::HandOff(form)) = store.ui.overlay() else { panic!("nothing is asked") };
    let phrase = form.phrase.as_ref().unwrap().expected.clone();
    assert_eq!(form.phrase.as_ref().unwrap().editor.text(), "prod", "a phrase is never pasted");
    let rest = format!("ctrl-u {phrase} enter");
    let effects = press(&mut store, &rest);
    let [Effect::Terminal(TerminalEffect::HandOff { what: HandOff::Shell { pod, .. }, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(&*pod.namespace, "planera-production");
    assert!(store.ui.overlays.is_empty());
    let (_, effects) = typed(allowed("staging", &["pods/exec"]), "1 tab S");
    assert!(matches!(effects.last(), Some(Effect::Terminal(TerminalEffect::HandOff { .. }))), "{effects:?}");
}

#[test]
fn ports_are_asked_for_everywhere() {
    let (mut store, effects) = typed(allowed("staging", &["pods/portforward"]), "1 tab f");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Terminal(TerminalEffect::HandOff { .. }))));
    press(&mut store, "ctrl-u http enter");
    let Some(Overlay::HandOff(form)) = store.ui.overlay() else { panic!("it is gone") };
    assert!(form.refusal.as_ref().unwrap().starts_with("`http` is no port"), "{:?}", form.refusal);
    let effects = press(&mut store, "ctrl-u 9000:80 enter");
    let [Effect::Terminal(TerminalEffect::HandOff { what: HandOff::Forward { ports, .. }, .. })] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(ports[..], ["9000:80".into()]);
    update(&mut store, Event::CameBack(Err("kubectl ended with exit code 1".into())));
    assert_eq!(said(&store), "kubectl ended with exit code 1");
}
