//! Leaving the cockpit for kubectl: a shell in a container, a forwarded port. In production it is asked for first.
//!
//! Owns when it may be done and what is asked. Must not know how kubectl is called (`tui`).

use crate::api::Tier;
use crate::app::arming;
use crate::app::state::confirm::Phrase;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::effect::{Effect, HandOff};
use crate::app::state::handoff::HandOffForm;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::{EnvironmentId, PodId};
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Target};
use crate::app::state::ui_state::Overlay;
use crate::config::key::{KeyChord, KeyCode};

/// What a person wants to do with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A shell in its main container.
    Shell,
    /// A forwarded port.
    Forward,
}

impl Wish {
    /// The subresource that it needs the right to create.
    #[must_use]
    pub(crate) const fn subresource(self) -> &'static str {
        match self {
            Self::Shell => "pods/exec",
            Self::Forward => "pods/portforward",
        }
    }
}

/// Whether it can be done with the selected pod now, and why not.
pub(super) fn availability(store: &Store, target: &Target, wish: Wish) -> Availability {
    let refuse = |reason: &str| Availability::Unavailable(reason.to_owned());
    let Some(pod) = &target.pod else { return refuse("select a pod first") };
    let Some(cluster) = store.cluster(pod.cluster) else { return refuse("no such cluster") };
    if let Some(reason) = &cluster.no_kubectl {
        return refuse(reason);
    }
    let namespace = &pod.key.namespace;
    match cluster.pod_access.get(namespace).map(|access| access.contains(wish.subresource())) {
        Some(false) => return refuse(&format!("needs create on {} in {namespace}", wish.subresource())),
        None => return refuse(&format!("permissions in {namespace} are not known yet")),
        Some(true) => {}
    }
    match environment(store, pod).and_then(|id| arming::read_only(store, &id)) {
        Some(reason) => Availability::Unavailable(reason),
        None => Availability::Ready,
    }
}

/// The environment that a pod belongs to: the one that the screen is about, else one of its namespace.
fn environment(store: &Store, pod: &PodId) -> Option<EnvironmentId> {
    let here = |id: &EnvironmentId| id.cluster == pod.cluster && id.key.namespace == pod.key.namespace;
    store.focused_environment().filter(here).or_else(|| {
        let mut keys = store.cluster(pod.cluster)?.environments.keys();
        keys.find(|key| key.namespace == pod.key.namespace)
            .map(|key| EnvironmentId::new(pod.cluster, key.clone()))
    })
}

/// Asks what must be asked; a shell outside of production is opened at once.
pub(super) fn open(store: &mut Store, pod: PodId, wish: Wish) -> Vec<Effect> {
    let place = environment(store, &pod).and_then(|id| store.environment(&id));
    let tier = place.map(|environment| environment.spec.tier);
    let phrase = place
        .filter(|environment| environment.spec.tier == Tier::Production)
        .map(|place| Phrase { expected: super::ask::confirm_phrase(place), editor: LineEditor::default() });
    let title = match wish {
        Wish::Shell => format!("Shell in {}?", pod.key.name),
        Wish::Forward => format!("Forward a port of {}?", pod.key.name),
    };
    let ports = (wish == Wish::Forward).then(|| LineEditor::with("8080"));
    let on_phrase = ports.is_none();
    let mut form = HandOffForm { title, tier, pod, ports, phrase, on_phrase, refusal: None };
    if form.ports.is_none() && form.phrase.is_none() {
        return go(&mut form).unwrap_or_default();
    }
    store.ui.overlays.push(Overlay::HandOff(Box::new(form)));
    Vec::new()
}

/// What is to be done, or nothing where something is still wrong, which the form says then.
fn go(form: &mut HandOffForm) -> Option<Vec<Effect>> {
    if form.phrase.as_ref().is_some_and(|phrase| !phrase.is_typed()) {
        form.on_phrase = true;
        return None;
    }
    let pod = form.pod.key.clone();
    let what = match &form.ports {
        None => HandOff::Shell { pod, container: None },
        Some(editor) => match ports(editor.text()) {
            Ok(ports) => HandOff::Forward { pod, ports },
            Err(sentence) => {
                form.refusal = Some(sentence);
                form.on_phrase = false;
                return None;
            }
        },
    };
    Some(vec![Effect::Terminal(TerminalEffect::HandOff { cluster: form.pod.cluster, what })])
}

/// Ports as kubectl takes them: `8080`, `9000:80`, `:80`, several with blanks between.
fn ports(text: &str) -> Result<Vec<Box<str>>, String> {
    let number = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let fits = |word: &str| match word.split_once(':') {
        Some(("", remote)) => number(remote),
        Some((local, remote)) => number(local) && number(remote),
        None => number(word),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.iter().find(|word| !fits(word)) {
        Some(word) => {
            Err(format!("`{word}` is no port: write 8080, 9000:80 (here:there) or :80 (any free one here)"))
        }
        None if words.is_empty() => Err("name a port: 8080, or 9000:80 (here:there)".to_owned()),
        None => Ok(words.into_iter().map(Into::into).collect()),
    }
}

/// A key in the form: what it wants done, and whether the form stays.
pub(super) fn press(store: &mut Store, chord: KeyChord, mut form: Box<HandOffForm>) -> (Vec<Effect>, bool) {
    let mut taken = true;
    match chord.code() {
        KeyCode::Esc => return (Vec::new(), true),
        KeyCode::Enter => {
            if let Some(effects) = go(&mut form) {
                return (effects, true);
            }
        }
        KeyCode::Tab if form.ports.is_some() && form.phrase.is_some() => form.on_phrase = !form.on_phrase,
        _ => {
            form.refusal = None;
            taken = match (&mut form.phrase, &mut form.ports) {
                (Some(phrase), _) if form.on_phrase => phrase.editor.key(chord),
                (_, Some(ports)) => ports.key(chord),
                _ => false,
            };
        }
    }
    store.ui.overlays.push(Overlay::HandOff(form));
    (Vec::new(), taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_checked_before_kubectl_sees_them() {
        for (text, expected) in [
            ("8080", Some(1)),
            ("9000:80 :443", Some(2)),
            ("", None),
            ("http", None),
            ("80:", None),
            ("0", None),
            ("70000", None),
            ("8080 --address=0.0.0.0", None),
        ] {
            assert_eq!(ports(text).ok().map(|ports| ports.len()), expected, "{text:?}");
        }
    }
}
