//! When a person is called: once per event, and only when *they* are needed. Never for what was there already when the cockpit
//! opened.
//!
//! Owns which events call, in which words, and the title of the window. Must not know the bytes that a terminal wants (`tui`).

use crate::api::{Phase, Release, Tier};
use crate::app::needs;
use crate::app::state::attention::{Attention, Occasion, Protocol, Ways};
use crate::app::state::cluster_state::{ClusterState, WatchedKind};
use crate::app::state::effect::Effect;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::inbox::{InboxKey, InboxRow};
use crate::app::state::located::{ClusterId, EnvironmentId, ReleaseId};
use crate::app::state::store::Store;
use crate::domain::outcome;
use crate::domain::watch_state::WatchState;
use crate::sanitize;

/// Title of a window that has nothing to tell, and the end of every other.
const NAME: &str = "release-cockpit";
/// Characters of a notification; desktops cut longer ones.
const LONGEST: usize = 200;

/// An event, where it happened, and the sentence that tells of it.
type News = (Occasion, EnvironmentId, String);

/// Calls for what is new, and keeps the window's title right. `fresh`: releases or permissions have changed.
pub(super) fn watch(store: &mut Store, fresh: bool) -> Vec<Effect> {
    let mut effects = Vec::new();
    let environments: usize = store.clusters.iter().map(|cluster| cluster.environments.len()).sum();
    if fresh || store.attention.known.len() < environments {
        let sentences = news(store);
        effects.extend(call(store.attention.ways, &sentences));
    }
    let title = if store.attention.ways.title { title(store) } else { String::new() };
    if title != store.attention.title {
        store.attention.title.clone_from(&title);
        effects.push(Effect::Terminal(TerminalEffect::Title(title)));
    }
    effects
}

/// The sentences of what is new; from now on it is not.
fn news(store: &mut Store) -> Vec<String> {
    let found = occasions(store);
    let loaded = loaded(store);
    let Attention { known, told, .. } = &mut store.attention;
    let mut sentences = Vec::new();
    for (occasion, place, sentence) in found {
        let is_new = told.insert(occasion);
        if is_new && known.contains(&place) {
            sentences.push(sentence);
        }
    }
    known.extend(loaded);
    sentences
}

/// What several sentences at once become: one call each way.
fn call(ways: Ways, sentences: &[String]) -> Vec<Effect> {
    let Some(first) = sentences.first() else { return Vec::new() };
    let text = match sentences.len() - 1 {
        0 => first.clone(),
        more => format!("{first}; and {more} more"),
    };
    let text: String = sanitize::line(&text).chars().take(LONGEST).collect();
    let mut effects = Vec::new();
    if ways.bell {
        effects.push(Effect::Terminal(TerminalEffect::Bell));
    }
    for (wanted, protocol) in [(ways.osc9, Protocol::Osc9), (ways.osc777, Protocol::Osc777)] {
        if wanted {
            effects.push(Effect::Terminal(TerminalEffect::Notify { protocol, text: text.clone() }));
        }
    }
    effects
}

/// Environments of clusters whose first lists have come, and that have told what we may do there.
fn loaded(store: &Store) -> Vec<EnvironmentId> {
    let live = |cluster: &ClusterState, feed| cluster.feeds.get(&feed).is_some_and(WatchState::is_live);
    let clusters = store.clusters().filter(|(_, cluster)| {
        cluster.identity.is_some()
            && live(cluster, WatchedKind::Environments)
            && live(cluster, WatchedKind::Releases)
    });
    let environments = clusters.flat_map(|(id, cluster)| {
        let keys = cluster.environments.keys().filter(|key| cluster.permissions.contains_key(*key));
        keys.map(move |key| EnvironmentId::new(id, key.clone()))
    });
    environments.collect()
}

/// Everything that would call us if it were new.
fn occasions(store: &Store) -> Vec<News> {
    let mut found: Vec<News> = store.rows.inbox.iter().map(|row| waiting(store, row)).collect();
    for (id, cluster) in store.clusters() {
        found.extend(cluster.releases.values().filter_map(|release| ours((id, cluster), release)));
    }
    found
}

/// `PROD planera/production v1.8.2: approval as any: 0 of 1 people`.
fn waiting(store: &Store, row: &InboxRow) -> News {
    let release = row.key.release().and_then(|id| store.release(id));
    let status = release.and_then(|release| release.status.as_ref());
    let occasion = match (&row.key, status) {
        (InboxKey::Decide(id), Some(status)) => Occasion::Held(id.clone(), status.attempt),
        (key, Some(status)) => {
            let plan = status.plan.as_ref().map_or("", |plan| plan.digest.as_str());
            let step = status.step.as_ref().map_or(-1, |step| step.index);
            let paused = status.paused.as_ref().map(|paused| paused.at.timestamp());
            Occasion::Waits(key.clone(), format!("{plan} {step} {}", paused.unwrap_or_default()))
        }
        (key, None) => Occasion::Waits(key.clone(), String::new()),
    };
    let place = place(row.tier, &row.application, &row.environment);
    let gap = if row.version.is_empty() { "" } else { " " };
    let sentence = format!("{place}{gap}{}: {}", row.version, row.missing);
    (occasion, row.environment.clone(), sentence)
}

/// A release that we asked for and that is held or has ended.
fn ours((id, cluster): (ClusterId, &ClusterState), release: &Release) -> Option<News> {
    let phase = release.phase();
    if phase != Phase::Held && !phase.is_final() {
        return None;
    }
    let key = release.environment_key();
    let environment = cluster.environments.get(&key)?;
    if !needs::is_me(environment, cluster.identity.as_ref()?, &release.spec.requested_by) {
        return None;
    }
    let release_id = ReleaseId::new(id, release.key());
    let status = release.status.as_ref()?;
    let occasion = match phase {
        Phase::Held => Occasion::Held(release_id, status.attempt),
        _ => Occasion::Ended(release_id),
    };
    let environment_id = EnvironmentId::new(id, key);
    let place = place(environment.spec.tier, &environment.spec.application, &environment_id);
    let sentence =
        format!("{place}: your {} is {phase}: {}", release.spec.version, outcome::message(release));
    Some((occasion, environment_id, sentence))
}

/// `PROD planera/production`.
fn place(tier: Tier, application: &str, id: &EnvironmentId) -> String {
    let badge = if tier == Tier::Production { "PROD " } else { "" };
    format!("{badge}{application}/{}", id.key.name)
}

/// `(2) PROD planera/production v1.8.2 Paused 25% - release-cockpit`: how much waits for us, where we are, what is under way there.
fn title(store: &Store) -> String {
    let mut title = String::new();
    if !store.rows.inbox.is_empty() {
        title = format!("({}) ", store.rows.inbox.len());
    }
    let focused = store.focused_environment();
    let row = focused.and_then(|id| store.rows.environments.iter().find(|row| row.id == id));
    if let Some(row) = row {
        title.push_str(&place(row.tier, &row.application, &row.id));
        if let Some(active) = &row.active {
            title = format!("{title} {} {}", active.version, active.phase);
        }
        if let Some(weight) = row.active.as_ref().and_then(|active| active.weight) {
            title = format!("{title} {weight}%");
        }
        title.push_str(" - ");
    }
    title.push_str(NAME);
    sanitize::line(&title).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::Environment;
    use crate::app::fixtures::{World, environment, environment_id, now, planera, release};
    use crate::app::state::event::{ClusterEvent, Delta, Event};
    use crate::app::update;

    fn called(world: &mut World, event: ClusterEvent) -> Vec<String> {
        world.store.attention.ways = Ways::of(["osc9"]);
        let effects = update(&mut world.store, Event::Cluster(ClusterId(0), event));
        let texts = effects.into_iter().filter_map(|effect| match effect {
            Effect::Terminal(TerminalEffect::Notify { text, .. }) => Some(text),
            _ => None,
        });
        texts.collect()
    }

    fn applied(release: impl Into<Release>) -> ClusterEvent {
        let release = release.into();
        ClusterEvent::Releases(Delta::Applied(release.key(), Arc::new(release)))
    }

    /// One event in, the notifications that it causes.
    #[test]
    fn one_event_is_one_notification() {
        let mine = || release("staging", "mine").by("alice").planned();
        let his = || release("production", "his").by("bob");
        for (what, event, expected) in [
            (
                "somebody's release waits for my approval",
                his().waiting_for_approval(),
                Some("PROD planera/production v1.8.2: approval as any"),
            ),
            ("somebody's release has not been looked at", his(), None),
            ("my own release waits for somebody else", his().by("alice").waiting_for_approval(), None),
            ("my release begins", mine().phase(Phase::Progressing), None),
            (
                "my release is done",
                mine().phase(Phase::Succeeded).says("done"),
                Some("planera/staging: your v1.8.2 is Succeeded: done"),
            ),
            (
                "my release failed",
                mine().phase(Phase::Failed).says("error rate 11%"),
                Some("planera/staging: your v1.8.2 is Failed: error rate 11%"),
            ),
            (
                "my release is held",
                mine().phase(Phase::Held).says("503"),
                Some("planera/staging v1.8.2: held: 503"),
            ),
            ("somebody's release is done", his().planned().phase(Phase::Succeeded), None),
            (
                "somebody's release is held",
                his().planned().phase(Phase::Held),
                Some("PROD planera/production v1.8.2: held"),
            ),
        ] {
            let mut world = World::live()
                .with(environment("staging").staging())
                .with(environment("production").production());
            let told = called(&mut world, applied(event.clone()));
            assert_eq!(told.len(), usize::from(expected.is_some()), "{what}: {told:?}");
            assert!(
                told.iter().all(|text| expected.is_some_and(|it| text.starts_with(it))),
                "{what}: {told:?}"
            );
            let again = event.happened(1, "controller", "Looked", "once more");
            assert_eq!(called(&mut world, applied(again)), Vec::<String>::new(), "{what}, told again");
        }
    }

    #[test]
    fn what_waited_before_the_cockpit_opened_is_no_news() {
        let production: Environment = environment("production").production().into();
        let waits: Release = release("production", "his").waiting_for_approval().into();
        let key = production.key();
        let mut world = World::connecting().connected_as("alice", &["team-leads"]);
        let allowed = crate::api::Verb::ALL.to_vec();
        for event in [
            ClusterEvent::Environments(Delta::Reset(vec![(key.clone(), Arc::new(production))])),
            ClusterEvent::Watch(WatchedKind::Environments, WatchState::Live { heard: now() }),
            ClusterEvent::Permissions { environment: key, allowed },
            ClusterEvent::Releases(Delta::Reset(vec![(waits.key(), Arc::new(waits.clone()))])),
            ClusterEvent::Watch(WatchedKind::Releases, WatchState::Live { heard: now() }),
            applied(waits.clone()),
        ] {
            assert_eq!(called(&mut world, event.clone()), Vec::<String>::new(), "{event:?}");
        }
        assert_eq!(world.store.rows.inbox.len(), 1);
        let next = release("production", "next").waiting_for_approval();
        assert_eq!(called(&mut world, applied(next)).len(), 1);
    }

    #[test]
    fn a_plan_that_changed_needs_me_again_and_a_lost_connection_does_not() {
        let mut world = planera();
        let waits = release("production", "production-v1-8-2-cc")
            .version("v1.8.2", &["backend", "frontend"])
            .waiting_for_approval();
        world = world.lost(WatchedKind::Releases, 20);
        let reset = ClusterEvent::Releases(Delta::Reset(vec![(waits.0.key(), Arc::new(waits.0.clone()))]));
        assert_eq!(called(&mut world, reset), Vec::<String>::new());
        let mut changed = waits;
        changed.0.status.as_mut().unwrap().plan.as_mut().unwrap().digest = "sha256:00".into();
        assert_eq!(called(&mut world, applied(changed)).len(), 1);
    }

    #[test]
    fn several_at_once_call_once_by_every_way_that_was_chosen() {
        let sentences = ["a".to_owned(), "b\u{1b}]0;evil\u{7}".to_owned(), "c".to_owned()];
        let notify = |protocol| {
            Effect::Terminal(TerminalEffect::Notify { protocol, text: "a; and 2 more".to_owned() })
        };
        for (words, expected) in [
            (&["none"][..], vec![]),
            (&["bell"], vec![Effect::Terminal(TerminalEffect::Bell)]),
            (&["osc9", "title"], vec![notify(Protocol::Osc9)]),
            (&["bell", "osc777"], vec![Effect::Terminal(TerminalEffect::Bell), notify(Protocol::Osc777)]),
        ] {
            assert_eq!(call(Ways::of(words.iter().copied()), &sentences), expected, "{words:?}");
            assert_eq!(call(Ways::of(words.iter().copied()), &[]), vec![]);
        }
        let Effect::Terminal(TerminalEffect::Notify { text, .. }) =
            &call(Ways::of(["osc9"]), &sentences[1..2])[0]
        else {
            panic!()
        };
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }

    #[test]
    fn the_title_tells_place_release_and_what_waits_for_me() {
        let mut world = planera();
        world.store.attention.ways = Ways::of(["title"]);
        let mut titles = |event| -> Vec<String> {
            let effects = update(&mut world.store, event);
            let titles = effects.into_iter().filter_map(|effect| match effect {
                Effect::Terminal(TerminalEffect::Title(title)) => Some(title),
                _ => None,
            });
            titles.collect()
        };
        let tick = |seconds| Event::Tick(now() + chrono::TimeDelta::seconds(seconds));
        assert_eq!(titles(tick(1)), ["(1) PROD planera/production - release-cockpit"]);
        assert_eq!(titles(tick(2)), Vec::<String>::new());
        let running = release("production", "production-v1-8-2-cc").planned().phase(Phase::Progressing);
        let event = Event::Cluster(ClusterId(0), applied(running));
        assert_eq!(titles(event), ["PROD planera/production v1.8.2 Progressing - release-cockpit"]);
    }

    #[test]
    fn a_review_calls_whoever_may_review() {
        let row = InboxRow {
            key: InboxKey::Review(environment_id("production"), "debt-1".into()),
            environment: environment_id("production"),
            tier: Tier::Production,
            application: "planera".into(),
            version: "".into(),
            missing: "review of bob's override".into(),
            open: Vec::new(),
            since: None,
            expires: None,
        };
        let (occasion, _, sentence) = waiting(&planera().store, &row);
        assert_eq!(occasion, Occasion::Waits(row.key, String::new()));
        assert_eq!(sentence, "PROD planera/production: review of bob's override");
    }
}
