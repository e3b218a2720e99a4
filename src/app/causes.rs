//! What keeps pods and releases from getting well: which pods are looked at closer, what is told of them, and where the evidence is.
//!
//! The causes themselves are `domain::diagnosis`'s. A pod tells most by itself; its events and the last line of its log are asked for
//! only where it is in sight and stays sick, a few at a time and not often.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::api::{Environment, Release};
use crate::app::refusals::{self, is_stuck};
use crate::app::rows::pods::ailing_of;
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::{Effect, FetchText, YamlOf};
use crate::app::state::examined::{Examined, Subject};
use crate::app::state::located::{ClusterId, PodId, ReleaseId};
use crate::app::state::logs::LogSubject;
use crate::app::state::store::Store;
use crate::app::state::target::Target;
use crate::app::{log_view, views};
use crate::domain::diagnosis::{self, Case, Diagnosis, Evidence, Facts, Jump, PodFacts, WorkloadFacts};
use crate::domain::known_version::tag;
use crate::domain::pod_row::{PodHealth, PodKey, PodRow};
use crate::domain::workload_row::WorkloadKey;

/// Pods that are looked at closer within one span of [`AGAIN`].
const MOST: usize = 6;
/// Pods of one revision that are looked at closer: the others tell the same.
const MOST_ALIKE: usize = 2;
/// For how long what was read is good enough.
const AGAIN: TimeDelta = TimeDelta::seconds(20);
/// For how long a pod may be on its way up before anybody wonders.
const PATIENCE: TimeDelta = TimeDelta::seconds(10);

/// Renews the one line of a pod's trouble from itself and what was read about it.
pub(super) fn tell(examined: &BTreeMap<PodKey, Examined>, row: &mut PodRow) {
    let evidence = examined.get(&row.key).and_then(|examined| examined.evidence.as_deref());
    if let (Some(facts), Some(evidence)) = (row.facts.as_deref(), evidence)
        && let Some(found) = diagnosis::diagnose(&Facts::of_pod(facts, Some(evidence)))
    {
        row.cause = found.sentence.into();
    }
}

/// Takes in what was read about a pod; tells whether that changed anything.
pub(super) fn examined(cluster: &mut ClusterState, key: &PodKey, evidence: Evidence) -> bool {
    let ClusterState { pods, examined, .. } = cluster;
    let Some(found) = examined.get_mut(key) else { return false };
    found.evidence = Some(Arc::new(evidence));
    pods.retell(key, |row| tell(examined, row))
}

/// Forgets what was read about pods that are well or gone, and asks about those in sight that are not.
pub(super) fn examine(store: &mut Store) -> Vec<Effect> {
    let now = store.now;
    for cluster in &mut store.clusters {
        let ClusterState { pods, examined, .. } = cluster;
        examined.retain(|key, _| pods.get(key).is_some_and(|pod| pod.facts.is_some()));
    }
    let recent = |cluster: &ClusterState| {
        cluster.examined.values().filter(|examined| now - examined.asked < AGAIN).count()
    };
    let mut left = MOST.saturating_sub(store.clusters.iter().map(recent).sum());
    let mut alike: BTreeMap<(ClusterId, Box<str>, Box<str>), usize> = BTreeMap::new();
    let mut wanted = Vec::new();
    for id in sick_in_sight(store) {
        let (Some(cluster), Some(pod)) = (store.cluster(id.cluster), store.pod(&id)) else { continue };
        let kin = alike.entry((id.cluster, pod.owner.clone(), pod.template_hash.clone())).or_default();
        *kin += 1;
        let is_known = cluster.examined.get(&id.key).is_some_and(|examined| now - examined.asked < AGAIN);
        if *kin > MOST_ALIKE || is_known {
            continue;
        }
        if left == 0 {
            break;
        }
        left -= 1;
        let crashed = pod.facts.as_deref().is_some_and(PodFacts::has_crashed);
        wanted.push((id, crashed));
    }
    wanted.into_iter().filter_map(|(id, crashed)| ask(store, id, crashed)).collect()
}

fn ask(store: &mut Store, id: PodId, crashed: bool) -> Option<Effect> {
    let asked = store.now;
    let cluster = store.clusters.get_mut(usize::from(id.cluster.0))?;
    let evidence = cluster.examined.get(&id.key).and_then(|examined| examined.evidence.clone());
    cluster.examined.insert(id.key.clone(), Examined { asked, evidence });
    Some(Effect::Background(BackgroundEffect::Examine { cluster: id.cluster, pod: id.key, crashed }))
}

/// Pods of the environment that the screen is about which are failing, or have been starting for too long.
fn sick_in_sight(store: &Store) -> Vec<PodId> {
    let Some(id) = store.focused_environment() else { return Vec::new() };
    let (Some(cluster), Some(environment)) = (store.cluster(id.cluster), store.environment(&id)) else {
        return Vec::new();
    };
    let is_sick = |pod: &&PodRow| {
        let is_late = pod.created.is_none_or(|created| store.now - created >= PATIENCE);
        pod.health == PodHealth::Failing || is_late
    };
    let mut sick: Vec<&PodRow> = ailing_of(cluster, environment).filter(is_sick).collect();
    sick.sort_by_key(|pod| (pod.health, std::cmp::Reverse(pod.created)));
    sick.iter().map(|pod| PodId::new(id.cluster, pod.key.clone())).collect()
}

/// The cause of each release's standstill, as far as it is known.
pub(super) fn list(store: &Store) -> BTreeMap<ReleaseId, Case<Subject>> {
    let mut causes = BTreeMap::new();
    for (id, cluster) in store.clusters() {
        for release in cluster.releases.values() {
            let Some(environment) = cluster.environments.get(&release.environment_key()) else { continue };
            if let Some(case) = is_stuck(release).then(|| of_release(cluster, environment, release)).flatten()
            {
                causes.insert(ReleaseId::new(id, release.key()), case);
            }
        }
    }
    causes
}

/// What keeps a release from getting on: its own pods' causes, else those of any pod of the environment, and the workloads'.
fn of_release(cluster: &ClusterState, environment: &Environment, release: &Release) -> Option<Case<Subject>> {
    let sick: Vec<&PodRow> = ailing_of(cluster, environment).collect();
    let is_own = |pod: &&&PodRow| {
        *pod.version == *release.spec.version
            || release.spec.images.iter().any(|image| *pod.version == *tag(&image.image))
    };
    let own: Vec<&PodRow> = sick.iter().filter(is_own).copied().collect();
    let pods = if own.is_empty() { sick } else { own };
    let workloads = workloads(cluster, environment, release);
    let pods = pods.into_iter().filter_map(|pod| {
        let evidence = cluster.examined.get(&pod.key).and_then(|examined| examined.evidence.as_deref());
        Some((Subject::Pod(pod.key.clone()), Facts::of_pod(pod.facts.as_deref()?, evidence)))
    });
    let own =
        workloads.iter().map(|(key, facts)| (Subject::Workload(key.clone()), Facts::of_workload(facts)));
    diagnosis::foremost(pods.chain(own))
}

/// What the workloads of a release's components say, each with the image that somebody else put there.
fn workloads(
    cluster: &ClusterState,
    environment: &Environment,
    release: &Release,
) -> Vec<(WorkloadKey, WorkloadFacts)> {
    let namespace: Box<str> = environment.metadata.namespace.as_deref().unwrap_or_default().into();
    let begun = |component: &str| {
        let progress = release.status.iter().flat_map(|status| &status.components);
        progress
            .into_iter()
            .any(|progress| progress.component.as_str() == component && progress.revision.is_some())
    };
    let of = |image: &crate::api::release::ComponentImage| {
        let component =
            environment.spec.components.iter().find(|component| component.name == image.component)?;
        let (kind, name) = (component.workload.kind, component.workload.name.as_str().into());
        let key = WorkloadKey { namespace: namespace.clone(), kind, name };
        let row = cluster.workloads.get(&key)?;
        let present = row.image(&component.container)?;
        let was_replaced = begun(component.name.as_str()) && present != image.image;
        let replaced = was_replaced.then(|| (image.image.as_str().into(), present.into()));
        let mut facts = WorkloadFacts { replaced, ..(*row.facts).clone() };
        if let Some(evidence) = refusals::of(cluster, &key) {
            // what was said before it got on says nothing any more
            if row.ready < row.desired {
                facts.said.extend_from_slice(&evidence.said);
            }
            facts.budgets.clone_from(&evidence.budgets);
        }
        Some((key, facts))
    };
    release.spec.images.iter().filter_map(of).collect()
}

/// The cause of a pod's trouble, with everything that was read about it.
#[must_use]
pub(crate) fn of_pod(store: &Store, id: &PodId) -> Option<Diagnosis> {
    let pod = store.pod(id)?;
    let examined = &store.cluster(id.cluster)?.examined;
    let evidence = examined.get(&id.key).and_then(|examined| examined.evidence.as_deref());
    diagnosis::diagnose(&Facts::of_pod(pod.facts.as_deref()?, evidence))
}

/// Where the evidence for what is selected is; nothing where no cause is known.
#[must_use]
pub(crate) fn place(store: &Store, target: &Target) -> Option<(ClusterId, Subject, Jump)> {
    if let Some(id) = &target.pod
        && let Some(found) = of_pod(store, id)
    {
        return Some((id.cluster, Subject::Pod(id.key.clone()), found.jump));
    }
    let of_environment = || {
        let environment = target.environment.as_ref()?;
        let found = store.rows.causes.iter();
        found.into_iter().find(|(id, _)| store.environment_of(id).as_ref() == Some(environment))
    };
    let case = match &target.release {
        Some(id) => store.rows.causes.get_key_value(id),
        None => of_environment(),
    };
    if let Some((id, case)) = case {
        return Some((id.cluster, case.subject.clone(), case.diagnosis.jump));
    }
    let id = sick_in_sight(store).into_iter().find(|id| of_pod(store, id).is_some())?;
    let jump = of_pod(store, &id)?.jump;
    Some((id.cluster, Subject::Pod(id.key), jump))
}

/// Opens the evidence.
pub(super) fn jump(store: &mut Store, (cluster, subject, jump): (ClusterId, Subject, Jump)) -> Vec<Effect> {
    let (title, what) = match (subject, jump) {
        (Subject::Pod(key), Jump::Log) => {
            let id = PodId::new(cluster, key);
            let waits = store
                .pod(&id)
                .and_then(|pod| pod.facts.as_deref())
                .is_some_and(PodFacts::waits_after_a_crash);
            log_view::open(store, LogSubject::Pod(id));
            if waits {
                log_view::again(store, |view| view.what.previous = true);
            }
            return Vec::new();
        }
        (Subject::Pod(key), Jump::Describe | Jump::Workload) => {
            (format!("describe · {}", key.name), FetchText::PodDescribe(key))
        }
        (Subject::Workload(key), _) => {
            let title = format!("YAML · {}", key.name);
            (title, FetchText::Yaml { of: YamlOf::Workload(key), managed_fields: false })
        }
    };
    views::open_text(store, title, (cluster, what))
}
