//! What Alertmanagers do with alerts: who is told of them, and which are kept quiet; silences that are made and ended from here.
//!
//! Owns which silence is proposed and what of it is shown before it is sent. Must not know how an Alertmanager is reached.

use crate::api::EnvironmentKey;
use crate::app::arguments::Arguments;
use crate::app::ask::{self, Question};
use crate::app::state::alerts::{AlertLine, Managed, Manager};
use crate::app::state::confirm::Intent;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::event::Outcome;
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::app::state::target::Availability;
use crate::app::state::toast::Level;
use crate::domain::action_rule::Confirmation;
use crate::domain::silence::{Matcher, Silence, proposed};

/// Where nobody can be asked.
pub(crate) const NOBODY: &str =
    "no Alertmanager is known: set spec.metrics.alertmanager of the Environment, or --alertmanager";
/// What is to be typed.
const FORM: &str = "say for how long and why: :silence 2h [LABEL=VALUE…] REASON";

/// Whether the chosen alert can be silenced, and why not.
pub(super) fn availability(store: &Store) -> Availability {
    let Some(line) = store.selected_alert() else {
        return Availability::Unavailable("no alert is selected".to_owned());
    };
    manager(store, line).map_or_else(Availability::Unavailable, |_| Availability::Ready)
}

/// Whether a silence of the chosen alert can be ended.
pub(super) fn expiry(store: &Store) -> Availability {
    match store.selected_alert().and_then(silence_of) {
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
    let Some(line) = store.selected_alert().cloned() else { return Vec::new() };
    let (environment, to) = match manager(store, &line) {
        Ok(found) => found,
        Err(reason) => {
            store.say(Level::Warning, format!("silence: {reason}"));
            return Vec::new();
        }
    };
    let mut words = Arguments::of(Some(argument));
    let span = match words.duration(FORM, None) {
        Ok(Some(span)) => span,
        Ok(None) => return refuse(store, FORM),
        Err(why) => return refuse(store, &why),
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

fn refuse(store: &mut Store, why: &str) -> Vec<Effect> {
    store.say(Level::Warning, format!("silence: {why}"));
    Vec::new()
}

/// Opens the question whether to end the silence that keeps the chosen alert quiet.
pub(super) fn expire(store: &mut Store) -> Vec<Effect> {
    let Some(line) = store.selected_alert().cloned() else { return Vec::new() };
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
    vec![Effect::Background(BackgroundEffect::RefreshMetrics)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::event::AlertingEvent;
    use chrono::TimeDelta;

    use crate::api::environment::AlertmanagerRef;
    use crate::app::fixtures::{World, ago, alert, chords, environment_id, now, planera};
    use crate::app::state::effect::RequestId;
    use crate::app::state::effect::SilenceAsk;
    use crate::app::state::event::ClusterEvent;
    use crate::app::state::event::Event;
    use crate::app::state::located::ClusterId;
    use crate::app::state::ui_state::Overlay;
    use crate::domain::alert_row::Labels;
    use crate::domain::silence::Handling;
    use std::collections::BTreeSet;

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

    fn labels(pairs: &[(&str, &str)]) -> Labels {
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
        let event = ClusterEvent::Alerting(AlertingEvent::Alertmanager {
            name,
            reference: reference(),
            environments,
            at: ago(1),
            result,
        });
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
            .filter(|effect| matches!(effect, Effect::Background(BackgroundEffect::Silence { .. })))
            .collect();
        let [
            Effect::Background(BackgroundEffect::Silence {
                to,
                ask: SilenceAsk::Create(silence),
                request,
                ..
            }),
        ] = sent.as_slice()
        else {
            panic!("{sent:?} {:?}", store.ui.overlay())
        };
        assert_eq!((to, &*silence.by, &*silence.comment), (&reference(), "alice", "the disk"));
        assert_eq!(silence.until, now() + TimeDelta::hours(2));
        let done = Event::RequestDone {
            request: *request,
            outcome: Outcome::Accepted { name: "x".into(), remark: None },
        };
        let effects = crate::app::update(&mut store, done);
        assert!(effects.contains(&Effect::Background(BackgroundEffect::RefreshMetrics)));
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
            matches!(effect, Effect::Background(BackgroundEffect::Silence { ask: SilenceAsk::Expire(id), request: RequestId(_), .. }) if &**id == "7c-1")
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
