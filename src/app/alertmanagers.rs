//! What Alertmanagers do with alerts: who is told of them, and which are kept quiet; silences that are made and ended from here.
//!
//! Owns which silence is proposed and what of it is shown before it is sent. Must not know how an Alertmanager is reached.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::EnvironmentKey;
use crate::api::environment::AlertmanagerRef;
use crate::app::alerts::{self, AlertLine};
use crate::app::arguments::Words as Arguments;
use crate::app::ask::{self, Question};
use crate::app::cluster_state::{ClusterId, ClusterState};
use crate::app::command::{Availability, Confirmation};
use crate::app::confirm::{Confirm, Fact, Intent};
use crate::app::effect::{Effect, SilenceAsk};
use crate::app::event::{ClusterEvent, Outcome};
use crate::app::located::EnvironmentId;
use crate::app::store::Store;
use crate::app::toast::Level;
use crate::domain::age::Age;
use crate::domain::alert_row::Words;
use crate::domain::silence::{Handling, Matcher, NewSilence, Silence, all_match, proposed};

/// Where nobody can be asked.
pub const NOBODY: &str =
    "no Alertmanager is known: set spec.metrics.alertmanager of the Environment, or --alertmanager";
/// What is to be typed.
const FORM: &str = "say for how long and why: :silence 2h [LABEL=VALUE…] REASON";

/// An Alertmanager, and what it said last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managed {
    /// How it is reached.
    pub reference: AlertmanagerRef,
    /// The environments whose alerts it is told of.
    pub environments: BTreeSet<EnvironmentKey>,
    /// What it does with each alert.
    pub handled: Vec<Handling>,
    /// Silences that hold, or will.
    pub silences: Vec<Silence>,
    /// When that was so.
    pub at: Option<DateTime<Utc>>,
    /// Why the newest answer is missing; `None` while all is well.
    pub error: Option<String>,
}

/// An Alertmanager that is meant by a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// How it is reached.
    pub reference: AlertmanagerRef,
    /// How people call it.
    pub name: Box<str>,
}

/// What becomes of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// Silences that keep it quiet.
    pub silences: Vec<Silence>,
    /// Another alert keeps it quiet.
    pub is_inhibited: bool,
    /// Who is told of it.
    pub receivers: Vec<Box<str>>,
}

impl Handled {
    /// The state that takes the place of the alert's own, where nobody is told.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        match (self.silences.is_empty(), self.is_inhibited) {
            (false, _) => Some("silenced"),
            (true, true) => Some("inhibited"),
            (true, false) => None,
        }
    }
}

/// Folds in what was told of an Alertmanager.
pub(super) fn fold(cluster: &mut ClusterState, event: ClusterEvent) {
    match event {
        ClusterEvent::AlertmanagerSources(names) => {
            cluster.alertmanagers.retain(|name, _| names.contains(name));
        }
        ClusterEvent::Alertmanager { name, reference, environments, at, result } => {
            let managed = cluster.alertmanagers.entry(name).or_default();
            (managed.reference, managed.environments) = (reference, environments);
            match result {
                Ok((handled, silences)) => {
                    (managed.handled, managed.silences) = (handled, silences);
                    (managed.at, managed.error) = (Some(at), None);
                }
                Err(reason) => managed.error = Some(reason),
            }
        }
        _ => {}
    }
}

/// What becomes of the alert with these labels, as far as an Alertmanager has told.
pub(super) fn of(cluster: &ClusterState, labels: &Words) -> Option<Handled> {
    cluster.alertmanagers.values().find_map(|managed| {
        let handling = managed.handled.iter().find(|handling| handling.is_about(labels))?;
        let kept = managed.silences.iter().filter(|silence| handling.silenced_by.contains(&silence.id));
        Some(Handled {
            silences: kept.cloned().collect(),
            is_inhibited: handling.is_inhibited,
            receivers: handling.receivers.clone(),
        })
    })
}

/// Whether the chosen alert can be silenced, and why not.
pub(super) fn availability(store: &Store) -> Availability {
    let Some(line) = alerts::selected(store) else {
        return Availability::Unavailable("no alert is selected".to_owned());
    };
    manager(store, line).map_or_else(Availability::Unavailable, |_| Availability::Ready)
}

/// Whether a silence of the chosen alert can be ended.
pub(super) fn expiry(store: &Store) -> Availability {
    match alerts::selected(store).and_then(silence_of) {
        Some(_) => availability(store),
        None => Availability::Unavailable("no silence keeps the chosen alert quiet".to_owned()),
    }
}

fn silence_of(line: &AlertLine) -> Option<&Silence> {
    line.handled.as_ref()?.silences.first()
}

/// The Alertmanager of an alert, and the environment in whose name it is asked: the alert's own, else the most careful one.
fn manager(store: &Store, line: &AlertLine) -> Result<(EnvironmentId, Manager), String> {
    let cluster = store.cluster(line.id.cluster).ok_or(NOBODY)?;
    let own = line.environment.as_ref().map(|id| &id.key);
    let is_own = |managed: &Managed| own.is_none_or(|key| managed.environments.contains(key));
    let found = cluster.alertmanagers.iter().find(|(_, managed)| is_own(managed)).ok_or(NOBODY)?;
    let (name, managed) = found;
    let careful = || {
        let tier = |key: &&EnvironmentKey| cluster.environments.get(*key).map(|one| one.spec.tier);
        managed.environments.iter().max_by_key(tier)
    };
    let key = own.or_else(careful).ok_or(NOBODY)?.clone();
    let to = Manager { reference: managed.reference.clone(), name: name.clone() };
    Ok((EnvironmentId::new(line.id.cluster, key), to))
}

/// Opens the question whether to silence the chosen alert: for how long, which labels, why.
pub(super) fn silence(store: &mut Store, argument: &str) -> Vec<Effect> {
    let Some(line) = alerts::selected(store).cloned() else { return Vec::new() };
    let (environment, to) = match manager(store, &line) {
        Ok(found) => found,
        Err(reason) => {
            store.say(Level::Warning, format!("silence: {reason}"));
            return Vec::new();
        }
    };
    let mut words = Arguments::of(Some(argument));
    let Some(span) = words.span().filter(|span| *span > TimeDelta::zero()) else {
        store.say(Level::Warning, format!("silence: {FORM}"));
        return Vec::new();
    };
    let (mut matchers, mut comment) = (Vec::new(), Vec::new());
    for word in words.rest().split_whitespace() {
        match Matcher::parse(word).filter(|_| comment.is_empty()) {
            Some(matcher) => matchers.push(matcher),
            None => comment.push(word.to_owned()),
        }
    }
    if matchers.is_empty() {
        matchers = proposed(&line.alert.labels);
    }
    let question = Question {
        verb: "Silence",
        environment,
        release: None,
        confirmation: Confirmation::Light,
        reason_least: 3,
        reason: &comment.join(" "),
        intent: Intent::Silence { to, matchers, span },
    };
    ask::open(store, question)
}

/// Opens the question whether to end the silence that keeps the chosen alert quiet.
pub(super) fn expire(store: &mut Store) -> Vec<Effect> {
    let Some(line) = alerts::selected(store).cloned() else { return Vec::new() };
    let (Some(silence), Ok((environment, to))) = (silence_of(&line).cloned(), manager(store, &line)) else {
        return Vec::new();
    };
    let question = Question {
        verb: "End the silence",
        environment,
        release: None,
        confirmation: Confirmation::Light,
        reason_least: 0,
        reason: "",
        intent: Intent::Expire { to, silence: Box::new(silence) },
    };
    ask::open(store, question)
}

/// What is sent when the answer is yes.
pub(super) fn asked(store: &Store, confirm: &Confirm) -> Option<(AlertmanagerRef, SilenceAsk)> {
    match &confirm.intent {
        Intent::Silence { to, matchers, span } => {
            let identity = store.cluster(confirm.environment.cluster)?.identity.as_ref()?;
            let reason = confirm.reason.as_ref().map_or("", |reason| reason.editor.text().trim());
            let silence = NewSilence {
                matchers: matchers.clone(),
                from: store.now,
                until: store.now + *span,
                by: identity.user.to_string(),
                comment: reason.to_owned(),
            };
            Some((to.reference.clone(), SilenceAsk::Create(Box::new(silence))))
        }
        Intent::Expire { to, silence } => {
            Some((to.reference.clone(), SilenceAsk::Expire(silence.id.clone())))
        }
        _ => None,
    }
}

/// What the person sees before a silence is made or ended: the matchers, and which alerts they match now.
pub(super) fn facts(store: &Store, confirm: &Confirm) -> Vec<Fact> {
    let good = |label, value: String| Fact { label, value, bad: false };
    let cluster = confirm.environment.cluster;
    match &confirm.intent {
        Intent::Silence { to, matchers, span } => {
            let by = store.cluster(cluster).and_then(|cluster| cluster.identity.as_ref());
            let until = store.now + *span;
            let mut facts = vec![good("alertmanager", to.name.to_string())];
            facts.extend(matchers.iter().map(|matcher| good("matcher", matcher.to_string())));
            facts.push(matched(store, cluster, matchers));
            facts.push(good("until", format!("{} ({})", until.format("%Y-%m-%d %H:%MZ"), Age::of(*span))));
            facts.push(good("by", by.map_or_else(String::new, |identity| identity.user.to_string())));
            facts
        }
        Intent::Expire { to, silence } => {
            let mut facts =
                vec![good("alertmanager", to.name.to_string()), good("silence", silence.id.to_string())];
            facts.extend(silence.matchers.iter().map(|matcher| good("matcher", matcher.to_string())));
            facts.push(matched(store, cluster, &silence.matchers));
            facts.push(good("made by", format!("{}: {}", silence.by, silence.comment)));
            facts.push(good("else until", silence.until.format("%Y-%m-%d %H:%MZ").to_string()));
            facts
        }
        _ => Vec::new(),
    }
}

/// How many alerts are meant right now, and which.
fn matched(store: &Store, cluster: ClusterId, matchers: &[Matcher]) -> Fact {
    let told = store.cluster(cluster).into_iter().flat_map(|cluster| cluster.alerts.values());
    let meant: Vec<&str> = told
        .flat_map(|told| &told.alerts)
        .filter(|alert| all_match(matchers, &alert.labels))
        .map(|alert| &*alert.name)
        .collect();
    let names: BTreeSet<&str> = meant.iter().copied().collect();
    let value = match meant.len() {
        0 => "no alert that is active now".to_owned(),
        1 => format!("1 alert that is active now: {}", meant[0]),
        several => {
            let names: Vec<&str> = names.into_iter().collect();
            format!("{several} alerts that are active now: {}", names.join(", "))
        }
    };
    Fact { label: "matches", value, bad: meant.is_empty() }
}

/// Takes the end of a request in that was about a silence.
pub(super) fn ended(store: &mut Store, what: &str, outcome: Outcome) -> Vec<Effect> {
    match outcome {
        Outcome::Refused(reason) => store.tell(format!("{what} was refused"), reason),
        Outcome::Unknown(reason) => {
            let text = format!(
                "{reason}\n\nIt may or may not have arrived. Look at the alerts before you ask again."
            );
            store.tell(format!("{what}: no answer"), text);
        }
        _ => store.say(Level::Done, format!("{what}: done")),
    }
    vec![Effect::RefreshMetrics]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::effect::RequestId;
    use crate::app::event::Event;
    use crate::app::fixtures::{World, ago, alert, chords, environment_id, now, planera};
    use crate::app::ui_state::Overlay;

    const NAME: &str = "monitoring/alertmanager:9093";

    fn press(store: &mut Store, keys: &str) -> Vec<Effect> {
        let chords = chords(keys).into_iter();
        chords.flat_map(|chord| crate::app::update(store, Event::Key { chord, repeat: false })).collect()
    }

    fn typed(world: World, keys: &str) -> (Store, Vec<Effect>) {
        let mut store = world.store();
        let effects = press(&mut store, keys);
        (store, effects)
    }

    fn reference() -> AlertmanagerRef {
        AlertmanagerRef { service: Some(NAME.to_owned()), url: None }
    }

    fn labels(pairs: &[(&str, &str)]) -> Words {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    /// Two alerts of production, one of which is silenced.
    fn world() -> World {
        let mut world = planera().with_alerts(vec![
            alert("HighErrorRate", &[("severity", "critical"), ("pod", "backend-1")]).of("production"),
            alert("Slow", &[("severity", "warning")]).of("production"),
        ]);
        let silence = Silence {
            id: "7c-1".into(),
            matchers: vec![Matcher::parse("alertname=Slow").unwrap()],
            until: now() + TimeDelta::hours(1),
            by: "bob".into(),
            comment: "known".into(),
        };
        let slow = Handling {
            labels: labels(&[
                ("alertname", "Slow"),
                ("severity", "warning"),
                ("namespace", "planera-production"),
                ("cluster", "eu"),
            ]),
            silenced_by: vec!["7c-1".into()],
            is_inhibited: false,
            receivers: vec!["slack".into()],
        };
        let environments = BTreeSet::from([environment_id("production").key]);
        let (name, result) = (NAME.into(), Ok((vec![slow], vec![silence])));
        let event =
            ClusterEvent::Alertmanager { name, reference: reference(), environments, at: ago(1), result };
        world.send(Event::Cluster(ClusterId(0), event));
        world
    }

    fn shown(store: &Store) -> Vec<(&str, &str)> {
        store.rows.alerts.iter().map(|line| (&*line.alert.name, line.state())).collect()
    }

    #[test]
    fn what_is_silenced_comes_last_and_is_not_counted() {
        let store = world().typing("a").store();
        assert_eq!(shown(&store), [("HighErrorRate", "firing"), ("Slow", "silenced")]);
        let production = store.rows.environments.iter().find(|row| &*row.name == "production").unwrap();
        assert_eq!(production.alerts.unwrap().firing, 1);
    }

    #[test]
    fn a_silence_shows_what_it_matches_before_it_is_sent_once() {
        let (mut store, effects) = typed(world(), "a s h a l f space i space k n o w enter");
        assert_eq!(effects, []);
        assert!(store.toasts.back().unwrap().text.contains("say for how long"), "{:?}", store.toasts);
        store.toasts.clear();
        assert!(press(&mut store, "s 2 h space t h e space d i s k enter").is_empty());
        let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!("{:?}", store.ui.overlay()) };
        let facts: Vec<(&str, &str)> = confirm.facts.iter().map(|fact| (fact.label, &*fact.value)).collect();
        for fact in [
            ("alertmanager", NAME),
            ("matcher", "alertname=\"HighErrorRate\""),
            ("matcher", "namespace=\"planera-production\""),
            ("matches", "1 alert that is active now: HighErrorRate"),
            ("by", "alice"),
        ] {
            assert!(facts.contains(&fact), "{fact:?}: {facts:?}");
        }
        assert!(
            facts.iter().any(|(label, value)| *label == "until" && value.starts_with("2026-11-20 16:03Z"))
        );
        assert!(!facts.iter().any(|(_, value)| value.contains("backend-1")), "pods pass: {facts:?}");
        let sent: Vec<Effect> = press(&mut store, "shift-tab enter")
            .into_iter()
            .filter(|effect| matches!(effect, Effect::Silence { .. }))
            .collect();
        let [Effect::Silence { to, ask: SilenceAsk::Create(silence), request, .. }] = sent.as_slice() else {
            panic!("{sent:?} {:?}", store.ui.overlay())
        };
        assert_eq!((to, &*silence.by, &*silence.comment), (&reference(), "alice", "the disk"));
        assert_eq!(silence.until, now() + TimeDelta::hours(2));
        let done = Event::RequestDone {
            request: *request,
            outcome: Outcome::Accepted { name: "x".into(), remark: None },
        };
        let effects = crate::app::update(&mut store, done);
        assert!(effects.contains(&Effect::RefreshMetrics));
        assert!(store.toasts.back().unwrap().text.contains("done"), "{:?}", store.toasts);
    }

    #[test]
    fn own_matchers_take_the_place_of_those_that_are_proposed() {
        let (store, _) = typed(world(), "a s 2 h space a l e r t n a m e = ~ . + space b u s y enter");
        let Some(Overlay::Confirm(confirm)) = store.ui.overlay() else { panic!("{:?}", store.toasts) };
        let matches = confirm.facts.iter().find(|fact| fact.label == "matches").unwrap();
        assert_eq!(matches.value, "2 alerts that are active now: HighErrorRate, Slow");
    }

    #[test]
    fn a_silence_is_ended_by_its_id() {
        let (mut store, _) = typed(world(), "a S");
        assert!(store.toasts.back().unwrap().text.contains("no silence keeps the chosen alert quiet"));
        let effects = press(&mut store, "esc j S shift-tab enter");
        let expired = effects.iter().any(|effect| {
            matches!(effect, Effect::Silence { ask: SilenceAsk::Expire(id), request: RequestId(_), .. } if &**id == "7c-1")
        });
        assert!(expired, "{effects:?} {:?}", store.ui.overlay());
    }

    #[test]
    fn without_an_alertmanager_a_sentence_says_so() {
        let world = planera().with_alerts(vec![alert("A", &[]).of("production")]).typing("a s");
        let said = &world.store.toasts.back().unwrap().text;
        assert!(said.contains("no Alertmanager is known: set spec.metrics.alertmanager"), "{said}");
    }
}
