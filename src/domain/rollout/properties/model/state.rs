//! What there is in the model: the API server's objects and two controllers with what each of them knows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::super::super::world::World;
use super::*;
use crate::api::release::{GateState, ReleaseStatus};
use crate::api::release_action::{Expected, ReleaseRef};
use crate::domain::health::Answer;

/// How often the old leader looks, and writes what it then decided whenever it likes.
const LOOKS: u8 = 1;

/// What tells states apart.
pub(super) type Hash = u64;

pub(super) fn hash_of(parts: impl std::hash::Hash) -> Hash {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// Something that a person does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    /// Creates an action on the release of that index.
    Act(ActionKind, usize, &'static str),
    Freeze(InFlight),
    Unfreeze,
}

/// What is explored, and how far.
pub(super) struct Setting {
    pub name: &'static str,
    environment: Environment,
    releases: usize,
    pub people: Vec<Deed>,
    crashes: u8,
    clocks: u8,
    looks: u8,
}

impl Setting {
    pub(super) fn new(
        name: &'static str,
        environment: Environment,
        releases: usize,
        people: Vec<Deed>,
    ) -> Self {
        Self { name, environment, releases, people, crashes: 0, clocks: 0, looks: LOOKS }
    }

    /// How often a controller crashes.
    pub(super) fn crashes(self, crashes: u8) -> Self {
        Self { crashes, ..self }
    }

    /// How often the clock of a controller jumps.
    pub(super) fn clocks(self, clocks: u8) -> Self {
        Self { clocks, ..self }
    }
}

/// A release as it is stored. Two are the same version if they are the same allocation.
pub(super) struct Stored {
    pub release: Release,
    pub hash: Hash,
}

impl Stored {
    pub(super) fn new(release: Release) -> Self {
        // what is merely recorded decides nothing
        let status = release.status.as_ref().map(|status| ReleaseStatus {
            timeline: Vec::new(),
            conditions: Vec::new(),
            message: String::new(),
            ..status.clone()
        });
        let hash = hash_of(serde_json::to_string(&(&release.metadata.name, status)).unwrap());
        Self { release, hash }
    }

    pub(super) fn status(&self) -> ReleaseStatus {
        self.release.status.clone().unwrap_or_default()
    }
}

/// What was decided, and the release as it is stored with it.
pub(super) struct Decided {
    pub status: Arc<Stored>,
    pub effects: Vec<Effect>,
    pub hash: Hash,
}

/// A decision that a controller carries out.
#[derive(Clone)]
pub(super) struct Work {
    pub about: usize,
    pub read: Arc<Stored>,
    pub decided: Arc<Decided>,
    pub has_claimed: bool,
    pub has_stored: bool,
    pub effects: usize,
}

/// What a watch has reported.
#[derive(Clone)]
pub(super) struct Seen {
    pub releases: Vec<Arc<Stored>>,
    pub actions: Vec<Arc<ReleaseAction>>,
    pub hash: Hash,
}

impl Seen {
    pub(super) fn new(releases: Vec<Arc<Stored>>, actions: Vec<Arc<ReleaseAction>>) -> Self {
        let hashes: Vec<_> = releases.iter().map(|stored| stored.hash).collect();
        let hash = hash_of((hashes, hash_of_actions(&actions)));
        Self { releases, actions, hash }
    }

    /// With that action, in the place of the one of its name.
    pub(super) fn with(&self, action: ReleaseAction) -> Self {
        let mut actions = self.actions.clone();
        match actions.iter_mut().find(|found| found.metadata.name == action.metadata.name) {
            Some(found) => *found = Arc::new(action),
            None => actions.push(Arc::new(action)),
        }
        Self::new(self.releases.clone(), actions)
    }
}

fn hash_of_actions(actions: &[Arc<ReleaseAction>]) -> Hash {
    let mut hasher = DefaultHasher::new();
    for action in actions {
        let result = action.status.as_ref().and_then(|status| status.result);
        let release = action.spec.release.as_ref().map(|named| &named.name);
        (&action.spec.actor, action.spec.action.as_str(), release, result.map(|result| result as u8))
            .hash(&mut hasher);
    }
    hasher.finish()
}

#[derive(Clone)]
pub(super) struct Leader {
    pub clock: i64,
    pub seen: Arc<Seen>,
    pub work: Option<Work>,
}

#[derive(Clone)]
pub(super) struct State {
    /// The releases and actions.
    pub reported: Arc<Seen>,
    pub environment: Arc<Environment>,
    pub world: Arc<World>,
    pub world_hash: Hash,
    /// Deeds that were done.
    pub deeds: u32,
    pub leaders: [Leader; 2],
    pub crashes: u8,
    pub clocks: u8,
    /// How often the old leader still looks.
    pub looks: u8,
}

impl State {
    pub(super) fn begin(setting: &Setting) -> Self {
        let mut world = World::new(setting.environment.clone());
        world.observed.workloads.retain(|name, _| setting.environment.spec.component(name).is_some());
        let names = [("planera-2", "v2"), ("planera-3", "v3")];
        let releases: Vec<_> = names[..setting.releases]
            .iter()
            .zip([0, 5])
            .map(|((name, version), secs)| {
                let mut release = release_at(name, version, secs);
                release.spec.images.truncate(setting.environment.spec.components.len());
                Arc::new(Stored::new(release))
            })
            .collect();
        if setting.environment.spec.strategy.is_some() {
            let state = TrafficState {
                weight: Some(Weight::ZERO),
                is_accepted: true,
                detail: "read".into(),
                ..TrafficState::default()
            };
            world.observed.traffic.insert("backend".into(), state);
            for asked in ["traffic/backend", "neighbours/backend"] {
                world.observed.answers.record(asked, Answer::new(at(100), GateState::Pass, "it fits"));
            }
        }
        let seen = Arc::new(Seen::new(releases.clone(), Vec::new()));
        let leader = Leader { clock: 100, seen, work: None };
        Self {
            reported: leader.seen.clone(),
            environment: Arc::new(setting.environment.clone()),
            world_hash: hash_of_world(&world),
            world: Arc::new(world),
            deeds: 0,
            leaders: [leader.clone(), leader],
            crashes: setting.crashes,
            clocks: setting.clocks,
            looks: setting.looks,
        }
    }

    pub(super) fn hash(&self) -> Hash {
        let status = self.environment.status.as_ref().unwrap();
        let environment =
            (status.lane.as_ref().map(|lane| (lane.uid.clone(), lane.at)), status.frozen.is_some());
        let leaders = [self.hash_of_leader(0), self.hash_of_leader(1)];
        let budgets = (self.deeds, self.crashes, self.clocks, self.looks);
        hash_of((self.reported.hash, environment, self.world_hash, leaders, budgets))
    }

    fn hash_of_leader(&self, who: usize) -> Hash {
        let leader = &self.leaders[who];
        let work = leader.work.as_ref().map(|work| {
            let is_current = Arc::ptr_eq(&work.read, &self.releases()[work.about]);
            (work.about, is_current, work.decided.hash, work.has_claimed, work.has_stored, work.effects)
        });
        hash_of((leader.clock, leader.seen.hash, work))
    }

    /// What a controller sees of a release: itself, its environment and its workloads as they are, the rest as the watches reported it.
    pub(super) fn observe(&self, about: usize, seen: &Seen) -> Observed {
        let release = self.releases()[about].release.clone();
        let is_ours = |action: &&Arc<ReleaseAction>| {
            action
                .spec
                .release
                .as_ref()
                .is_some_and(|named| Some(&named.name) == release.metadata.name.as_ref())
        };
        let others = seen.releases.iter().enumerate().filter(|(other, _)| *other != about);
        Observed {
            environment: Some((*self.environment).clone()),
            actions: seen.actions.iter().filter(is_ours).map(|action| (**action).clone()).collect(),
            others: others.map(|(_, stored)| Arc::new(stored.release.clone())).collect(),
            release,
            ..self.world.observed.clone()
        }
    }

    pub(super) fn releases(&self) -> &[Arc<Stored>] {
        &self.reported.releases
    }

    pub(super) fn actions(&self) -> &[Arc<ReleaseAction>] {
        &self.reported.actions
    }

    /// Stores a release.
    pub(super) fn put(&mut self, about: usize, stored: Arc<Stored>) {
        let (mut releases, actions) = (self.reported.releases.clone(), self.reported.actions.clone());
        releases[about] = stored;
        self.reported = Arc::new(Seen::new(releases, actions));
    }

    /// Stores an action under its name.
    pub(super) fn put_action(&mut self, action: ReleaseAction) {
        self.reported = Arc::new(self.reported.with(action));
    }

    /// A new action, as somebody creates it who sees what is stored; nothing where there is no plan yet that could be approved.
    pub(super) fn action(&self, kind: ActionKind, about: usize, actor: &str) -> Option<ReleaseAction> {
        use ActionKind::{Pause, Promote, Resume, Retry};

        let (name, secs) =
            (format!("a{}", self.actions().len()), 20 + i64::try_from(self.actions().len()).unwrap());
        let stored = &self.releases()[about];
        let status = stored.status();
        let mut made = match kind {
            ActionKind::Approve => approve(&name, actor, &status.plan.as_ref()?.digest, &["any"], secs),
            _ => action(&name, kind, actor, secs),
        };
        if matches!(kind, Pause | Promote | Resume | Retry) {
            let step = status.step.as_ref().map_or(0, |step| step.index);
            made.spec.expected = Some(Expected { step: Some(step), ..Expected::default() });
        }
        made.spec.release = Some(ReleaseRef {
            name: stored.release.metadata.name.clone().unwrap(),
            uid: stored.release.metadata.uid.clone().unwrap(),
            requested_by: Some("bob".into()),
        });
        Some(made)
    }
}

pub(super) fn hash_of_world(world: &World) -> Hash {
    let seen = &world.observed;
    hash_of(format!("{:?} {:?} {:?}", seen.workloads, seen.tracks, seen.traffic))
}

/// Decisions that were made already: equal observations give equal decisions.
pub(super) struct Memo {
    pub setting: Setting,
    decided: HashMap<Hash, Arc<Decided>>,
}

impl Memo {
    pub(super) fn new(setting: Setting) -> Self {
        Self { setting, decided: HashMap::new() }
    }

    pub(super) fn decisions(&self) -> usize {
        self.decided.len()
    }

    pub(super) fn decide(
        &mut self,
        state: &State,
        about: usize,
        seen: &Seen,
        (clock, stops): (i64, bool),
    ) -> Arc<Decided> {
        let frozen = state.environment.status.as_ref().unwrap().frozen.is_some();
        let place = (about, state.releases()[about].hash, frozen, state.world_hash);
        let key = hash_of((place, seen.hash, clock, stops));
        if let Some(known) = self.decided.get(&key) {
            return known.clone();
        }
        let mut observed = state.observe(about, seen);
        let decision = if stops {
            observed.workloads.clear();
            observed.tracks.clear();
            observed.traffic.clear();
            stop(&observed, at(clock))
        } else {
            next(&observed, at(clock))
        };
        let status = Stored::new(Release { status: Some(decision.status), ..observed.release });
        let has_effect =
            |effect: &Effect| effect.changes_world() || matches!(effect, Effect::JudgeAction { .. });
        let effects: Vec<_> = decision.effects.into_iter().filter(has_effect).collect();
        let hash = hash_of((status.hash, format!("{effects:?}")));
        let decided = Arc::new(Decided { status: Arc::new(status), effects, hash });
        self.decided.insert(key, decided.clone());
        decided
    }
}
