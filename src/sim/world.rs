//! The world: objects that move. Owns time, chance, and what controllers, scheduler and kubelets do; must not know about HTTP.
//!
//! [`World::step`] is a discrete-event simulation: it runs whatever is due up to an instant, in order, and nothing depends on
//! how often it is called. `deployment`, `replica_set` and `budget` are the controllers, `pod` scheduler and kubelet, `traffic` the
//! users of the applications, `setup` the world as it is when it starts.

mod budget;
mod deployment;
mod emit;
mod garbage;
mod gauges;
pub(crate) mod log;
mod pod;
mod product;
mod replica_set;
mod replica_set_shape;
mod rolling;
mod routes;
mod setup;
mod traffic;

pub(super) use budget::Held;
pub(super) use traffic::health;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use chrono::{DateTime, TimeDelta, Utc};

use crate::sim::Error;
use crate::sim::kinds::{self, BUDGETS, DEPLOYMENTS, PODS, REPLICA_SETS, Resource};
use crate::sim::prometheus::{Rules, Samples};
use crate::sim::rng::Seed;
use crate::sim::scenario::Scenario;
use crate::sim::store::{Key, Store};

/// Time between two scrapes.
pub(super) const SCRAPE: TimeDelta = TimeDelta::seconds(5);
/// How long a controller takes to notice a change.
const LAG: TimeDelta = TimeDelta::milliseconds(25);

/// Something that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Task {
    Deployment(Key),
    ReplicaSet(Key),
    Pod { key: Key, uid: String, stage: pod::Stage },
    Budgets(Box<str>),
    Collect,
    Scrape,
}

/// The world.
#[derive(Debug)]
pub(super) struct World {
    /// Its objects.
    pub store: Store,
    /// The samples that its Prometheus has scraped.
    pub samples: Arc<RwLock<Samples>>,
    scenario: Arc<Scenario>,
    now: DateTime<Utc>,
    seed: Seed,
    tasks: BTreeMap<(DateTime<Utc>, u64), Task>,
    waiting: HashMap<Task, DateTime<Utc>>,
    serial: u64,
    names: u64,
    runs: HashMap<String, pod::Run>,
    traffic: traffic::Traffic,
}

impl World {
    /// The world of a scenario as it is at `start`, with its past.
    ///
    /// # Errors
    /// [`Error::Scenario`] when its objects cannot be read.
    pub(super) fn new(scenario: Arc<Scenario>, start: DateTime<Utc>) -> Result<Self, Error> {
        let seed = Seed(scenario.seed);
        let rules = Rules::read(&scenario.rules).map_err(Error::Scenario)?;
        let mut world = Self {
            store: Store::new(seed.child("store")),
            samples: Arc::new(RwLock::new(Samples::with(rules))),
            traffic: traffic::Traffic::new(seed.child("traffic")),
            scenario,
            now: start,
            seed,
            tasks: BTreeMap::new(),
            waiting: HashMap::new(),
            serial: 0,
            names: 0,
            runs: HashMap::new(),
        };
        world.set_up()?;
        Ok(world)
    }

    /// The scenario.
    #[must_use]
    pub(super) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Moves the world on to `until`; an instant in its past changes nothing.
    pub(super) fn step(&mut self, until: DateTime<Utc>) {
        self.notice();
        while let Some((&(at, serial), _)) = self.tasks.first_key_value() {
            if at > until {
                break;
            }
            let Some(task) = self.tasks.remove(&(at, serial)) else { break };
            if self.waiting.get(&task) == Some(&at) {
                self.waiting.remove(&task);
            }
            self.now = self.now.max(at);
            self.run(task);
            self.notice();
        }
        self.now = self.now.max(until);
    }

    /// Lets the controllers notice what others have written.
    pub(super) fn notice(&mut self) {
        for (resource, key) in self.store.take_touched() {
            self.noticed(resource, key);
        }
    }

    fn noticed(&mut self, resource: &'static Resource, key: Key) {
        let object = self.store.get(resource, &key.namespace, &key.name).cloned();
        let gone = object.is_none();
        let is_counted = resource.table == PODS.table || resource.table == BUDGETS.table;
        if is_counted && self.has_budgets(&key.namespace) {
            self.after(LAG, Task::Budgets(key.namespace.clone()));
        }
        if resource.table == DEPLOYMENTS.table {
            self.after(LAG, Task::Deployment(key));
        } else if resource.table == REPLICA_SETS.table {
            if let Some(owner) = object.as_ref().and_then(|set| kinds::owner(&set.value, "Deployment")) {
                self.after(LAG, Task::Deployment(Key::new(&key.namespace, owner)));
            }
            self.after(LAG, Task::ReplicaSet(key));
        } else if resource.table == PODS.table {
            let owner =
                object.as_ref().and_then(|pod| kinds::owner(&pod.value, "ReplicaSet")).map(str::to_owned);
            let owner = owner.or_else(|| key.name.rsplit_once('-').map(|(set, _)| set.to_owned()));
            if let Some(owner) = owner {
                self.after(LAG, Task::ReplicaSet(Key::new(&key.namespace, &owner)));
            }
            if let Some(pod) = object
                && !self.runs.contains_key(pod.uid())
            {
                self.adopt(&key, &pod.value);
            }
            return;
        }
        let owns_nothing = matches!(resource.plural, "events" | "leases");
        if gone && !owns_nothing {
            self.after(TimeDelta::milliseconds(60), Task::Collect);
        }
    }

    fn run(&mut self, task: Task) {
        match task {
            Task::Deployment(key) => self.reconcile_deployment(&key),
            Task::ReplicaSet(key) => self.reconcile_replica_set(&key),
            Task::Pod { key, uid, stage } => self.advance_pod(&key, &uid, stage),
            Task::Budgets(namespace) => self.count_budgets(&namespace),
            Task::Collect => self.collect_garbage(),
            Task::Scrape => {
                self.scrape(self.now);
                self.after(SCRAPE, Task::Scrape);
            }
        }
    }

    fn after(&mut self, span: TimeDelta, task: Task) {
        let at = self.now + span;
        if self.waiting.get(&task).is_none_or(|due| at < *due) {
            self.serial += 1;
            self.waiting.insert(task.clone(), at);
            self.tasks.insert((at, self.serial), task);
        }
    }

    fn after_seconds(&mut self, seconds: f64, task: Task) {
        self.after(TimeDelta::microseconds((seconds * 1e6) as i64), task);
    }

    /// A free name with a random suffix.
    pub(super) fn generate_name(&mut self, prefix: &str) -> String {
        self.names += 1;
        let suffix = self.seed.child(prefix).nth(self.names).suffix(5);
        format!("{}{suffix}", prefix.get(..prefix.len().min(58)).unwrap_or(prefix))
    }
}
