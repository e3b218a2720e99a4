//! What was seen a moment ago: workloads, for releases that only wait, and what each environment last told whoever waits there.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::lock::locked;
use super::metadata::{name, namespace};
use crate::api::Environment;
use crate::api::environment::{Component, CurrentVersion, Debt, DeniedDigest, Frozen, Stop, WorkloadKind};
use crate::domain::attested;
use crate::domain::rollout_status::WorkloadState;
use crate::time::Stopwatch;

/// How long a look at a workload is good enough to wait on.
const MOMENT: Duration = Duration::from_secs(1);

/// Namespace, kind, name and container.
type Place = (String, WorkloadKind, String, String);

/// A look at a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cached {
    /// What was seen; nothing where it does not exist.
    pub state: Option<WorkloadState>,
}

/// Workloads as they were seen a moment ago.
#[derive(Default)]
pub(super) struct WorkloadCache(Mutex<BTreeMap<Place, (Stopwatch, Option<WorkloadState>)>>);

impl WorkloadCache {
    /// The workload as seen within the last moment; absent where nobody looked.
    pub(super) fn of(&self, namespace: &str, component: &Component) -> Option<Cached> {
        let cached = locked(&self.0);
        let (since, state) = cached.get(&place(namespace, component))?;
        (since.elapsed() < MOMENT).then(|| Cached { state: state.clone() })
    }

    pub(super) fn keep(&self, namespace: &str, component: &Component, state: Option<WorkloadState>) {
        let mut cached = locked(&self.0);
        cached.retain(|_, (since, _)| since.elapsed() < MOMENT);
        cached.insert(place(namespace, component), (Stopwatch::start(), state));
    }

    /// Something changed there.
    pub(super) fn forget(&self, namespace: &str) {
        locked(&self.0).retain(|(other, ..), _| other != namespace);
    }
}

fn place(namespace: &str, component: &Component) -> Place {
    let workload = &component.workload;
    (namespace.to_owned(), workload.kind, workload.name.clone(), component.container.clone())
}

/// Whom a report of an environment concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    /// The releases that wait or execute there.
    pub for_releases: bool,
    /// Those that wait elsewhere for versions to prove themselves there.
    pub for_promotions: bool,
}

/// What releases look at in an environment; all the rest of its status may change without anybody being woken.
#[derive(Clone, Debug, Default, PartialEq)]
struct EnvironmentState {
    generation: Option<i64>,
    frozen: Option<Frozen>,
    stop: Option<Stop>,
    denied: Vec<DeniedDigest>,
    debts: Vec<Debt>,
    policies: Option<String>,
    current: Vec<CurrentVersion>,
}

/// What each environment last told.
#[derive(Default)]
pub(super) struct Known(Mutex<BTreeMap<(String, String), EnvironmentState>>);

impl Known {
    /// Whom this report concerns, given the one before.
    pub(super) fn news(&self, environment: &Environment) -> News {
        let status = environment.status.clone().unwrap_or_default();
        let policies = status.conditions.iter().find(|condition| condition.type_ == attested::CONDITION);
        let told = EnvironmentState {
            generation: environment.metadata.generation,
            policies: policies.map(|condition| format!("{:?}", condition.status)),
            frozen: status.frozen,
            stop: status.stop,
            denied: status.denied,
            debts: status.debts,
            current: status.current,
        };
        let key = (namespace(environment).to_owned(), name(environment).to_owned());
        let before = locked(&self.0).insert(key, told.clone());
        let Some(before) = before else { return News { for_releases: true, for_promotions: true } };
        let moved = before.generation != told.generation;
        let for_promotions = moved || before.current != told.current;
        let for_releases = EnvironmentState { current: before.current.clone(), ..told } != before;
        News { for_releases, for_promotions }
    }

    pub(super) fn forget(&self, environment: &Environment) {
        locked(&self.0).remove(&(namespace(environment).to_owned(), name(environment).to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, deployment, environment};

    #[test]
    fn only_what_releases_look_at_is_news_to_them() {
        type Change = fn(&mut Environment);
        let known = Known::default();
        let mut environment = environment();
        let cases: [(&str, Change, bool, bool); 6] = [
            ("the first report", |_| {}, true, true),
            ("nothing new", |_| {}, false, false),
            ("frozen", |e| e.status.get_or_insert_default().frozen = Some(Frozen::default()), true, false),
            ("another spec", |e| e.metadata.generation = Some(9), true, true),
            ("a lane", |e| e.status.as_mut().unwrap().active_release = Some("r".into()), false, false),
            (
                "another version",
                |e| {
                    let current = CurrentVersion {
                        component: "backend".into(),
                        version: "v1".into(),
                        image: "i".into(),
                        digest: None,
                        revision: None,
                        since: Some(at(0)),
                        healthy_since: None,
                    };
                    e.status.as_mut().unwrap().current = vec![current];
                },
                false,
                true,
            ),
        ];
        for (text, change, for_releases, for_promotions) in cases {
            change(&mut environment);
            assert_eq!(known.news(&environment), News { for_releases, for_promotions }, "{text}");
        }
        known.forget(&environment);
        assert!(known.news(&environment).for_releases);
    }

    #[test]
    fn a_sight_is_good_for_a_moment_or_until_something_changes() {
        let cached = WorkloadCache::default();
        let component = environment().spec.components[0].clone();
        assert_eq!(cached.of("a", &component), None);
        cached.keep("a", &component, None);
        assert_eq!(cached.of("a", &component), Some(Cached { state: None }));
        cached.keep("a", &component, Some(deployment("backend", "v1")));
        cached.keep("b", &component, None);
        assert!(cached.of("a", &component).unwrap().state.is_some());
        cached.forget("a");
        assert_eq!(
            (cached.of("a", &component), cached.of("b", &component)),
            (None, Some(Cached { state: None }))
        );
    }
}
