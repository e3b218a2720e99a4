//! Where each component stands: what it runs, compared with what it ran before and what it shall run.

use super::{Draft, Effect, SetContainer, SetImage};
use crate::api::names::ComponentName;
use crate::api::release::{
    ComponentProgress, ComponentState, ContainerRecord, GateState, GateStatus, Plan, PlanStep, ReleaseKind,
    TrackProgress,
};
use crate::domain::rollout_status::{RolloutStatus, WorkloadState};
use crate::domain::rollout_verdict::rollout_status_since;
use crate::domain::weight::rounded_up;
use crate::domain::{plan, version};

/// A component as it is seen now.
pub(super) enum Running {
    /// Its workload or container is gone.
    Gone,
    /// It runs what the release brings.
    New(WorkloadState),
    /// It runs what it ran before.
    Old(WorkloadState),
    /// It runs something else: another hand was here.
    Foreign(String),
}

impl Draft<'_> {
    pub(super) fn list_components(&mut self, plan: &Plan) {
        self.status.components = plan::components(plan)
            .map(|name| {
                let total = self.observed.workloads.get(name.as_str()).map_or(0, |w| w.desired);
                ComponentProgress {
                    component: name.clone(),
                    state: ComponentState::Waiting,
                    message: String::new(),
                    updated: 0,
                    available: 0,
                    total,
                    revision: None,
                }
            })
            .collect();
    }

    /// Whether this attempt's change of that component has been seen in the world.
    pub(super) fn was_written(&self, name: &ComponentName) -> bool {
        self.status.components.iter().any(|p| p.component == *name && p.revision.is_some())
    }

    pub(super) fn before(&self, name: &ComponentName) -> Option<&str> {
        self.status.before.iter().find(|b| b.component == *name).map(|b| b.image.as_str())
    }

    pub(super) fn target(&self, name: &ComponentName) -> Option<&str> {
        plan::target(&self.observed.release, name)
    }

    /// Whether the release changes that component at all.
    pub(super) fn is_change(&self, name: &ComponentName) -> bool {
        let target = self.target(name);
        !is_same(self.before(name), target)
            || self.records(name).any(|record| !is_same(Some(&record.image), target))
    }

    /// What the further containers of a component ran before.
    fn records<'b>(&'b self, name: &'b ComponentName) -> impl Iterator<Item = &'b ContainerRecord> {
        self.status.containers.iter().filter(move |record| record.component == *name)
    }

    /// The further containers that get a component's image.
    pub(super) fn further_containers(&self, name: &ComponentName) -> Vec<String> {
        self.records(name).map(|record| record.container.clone()).collect()
    }

    /// What is to be written into the further containers of a component: the new image, or on the way back what each ran before.
    fn container_changes(&self, name: &ComponentName) -> Vec<SetContainer> {
        let Some(workload) = self.observed.workloads.get(name.as_str()) else { return Vec::new() };
        let goes_back = self.status.undo.is_some();
        let change = |record: &ContainerRecord| {
            let found = workload.images.iter().find(|found| found.name == record.container)?;
            let to = if goes_back { record.image.as_str() } else { self.target(name)? };
            Some(SetContainer {
                container: record.container.clone(),
                from: found.image.clone(),
                to: to.to_owned(),
            })
        };
        self.records(name).filter_map(change).collect()
    }

    pub(super) fn sight(&self, name: &ComponentName) -> Running {
        let Some(workload) = self.observed.workloads.get(name.as_str()) else { return Running::Gone };
        let Some(image) = workload.image.as_deref() else { return Running::Gone };
        let now = |record: &ContainerRecord| {
            let found = workload.images.iter().find(|found| found.name == record.container);
            found.map(|found| found.image.as_str())
        };
        let target = self.target(name);
        // a container that somebody took out of the template has nothing to be changed any more
        let brought = |r: &ContainerRecord| now(r).is_none_or(|image| is_same(Some(image), target));
        let kept = |r: &ContainerRecord| now(r).is_none_or(|image| is_same(Some(image), Some(&r.image)));
        if is_same(Some(image), target) && self.records(name).all(brought) {
            return Running::New(workload.clone());
        }
        if is_same(Some(image), self.before(name)) && self.records(name).all(kept) {
            return Running::Old(workload.clone());
        }
        let known = [target, self.before(name)];
        let other = self.records(name).find(|record| !brought(record) && !kept(record));
        match other.and_then(|record| Some((record, now(record)?))) {
            Some((record, found)) if known.iter().any(|known| is_same(Some(image), *known)) => {
                Running::Foreign(format!("{found} (container {})", record.container))
            }
            _ => Running::Foreign(image.to_owned()),
        }
    }

    /// Whether anything runs what this release brought and did not run before, or was moved aside for it.
    pub(super) fn has_changed_anything(&self) -> bool {
        let is_new = |p: &ComponentProgress| {
            self.is_change(&p.component) && matches!(self.sight(&p.component), Running::New(_))
        };
        let is_beside = |track: &TrackProgress| {
            let router = self.observed.traffic.get(track.component.as_str());
            self.observed.tracks.contains_key(track.component.as_str())
                || (track.desired > 0 && router.is_some_and(|state| state.remains.is_some()))
                || track.traffic > 0
                || track.verified.is_some_and(|verified| verified > 0)
                || (self.routing_of(track).is_none() && track.stable_desired < self.capacity(track))
        };
        self.status.components.iter().any(is_new) || self.status.tracks.iter().any(is_beside)
    }

    /// Writes down what is seen of a workload whose rollout is being followed.
    pub(super) fn follow(&mut self, name: &ComponentName, workload: &WorkloadState) -> RolloutStatus {
        let status = rollout_status_since(workload, self.step_started_at(), self.now);
        let status = self.unless_asked(name, status);
        let is_observed = workload.observed_generation >= workload.generation;
        if let Some(progress) = self.progress(name) {
            progress.updated = workload.updated;
            progress.available = workload.updated_available();
            progress.total = workload.desired;
            status.message().clone_into(&mut progress.message);
            if is_observed {
                progress.revision = workload.revision;
            }
        }
        status
    }

    pub(super) fn progress(&mut self, name: &ComponentName) -> Option<&mut ComponentProgress> {
        self.status.components.iter_mut().find(|progress| progress.component == *name)
    }

    pub(super) fn set_state(&mut self, name: &ComponentName, state: ComponentState) {
        if let Some(progress) = self.progress(name) {
            progress.state = state;
        }
    }

    /// Decides on replacing an image; [`Draft::finish`] drops it again when the intent is not stored yet.
    pub(super) fn set_image(&mut self, name: &ComponentName, from: &str, to: &str, verb: &str) {
        let Some(component) = self.component(name) else { return };
        let release = &self.observed.release;
        let key = release.key();
        self.do_after(Effect::SetImage(SetImage {
            component: name.clone(),
            workload: component.workload.clone(),
            container: component.container.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            others: self.container_changes(name),
            partition: self.partition(name),
            change_cause: format!(
                "{verb} {to} by release {}, requested by {}",
                key.name, release.spec.requested_by
            ),
            is_undo: self.status.undo.is_some() || release.spec.kind == ReleaseKind::Rollback,
        }));
    }

    /// The partition that a StatefulSet shall have now: what it had, or more of it while only a part of its pods is to change.
    pub(super) fn partition(&self, name: &ComponentName) -> Option<i32> {
        let before = self.status.before.iter().find(|before| before.component == *name)?.partition?;
        let plan = self.plan();
        let part = match plan.steps.get(self.step()) {
            Some(PlanStep::Part(part)) if self.status.undo.is_none() => part,
            _ => return Some(before),
        };
        let pods = self.observed.workloads.get(name.as_str())?.desired;
        // no less than was asked for, and at least one pod stays behind where there are two
        let new = rounded_up(pods, part.percent);
        Some(before.max(pods.saturating_sub(new)))
    }

    /// Whether pods of a StatefulSet are kept back that shall run the new version by now.
    pub(super) fn is_kept_back(&self, name: &ComponentName, workload: &WorkloadState) -> bool {
        self.partition(name).is_some_and(|wanted| workload.partition.is_some_and(|found| found > wanted))
    }

    /// Updates the line of one gate among those kept from the start.
    pub(super) fn keep_gate(&mut self, name: &str, state: GateState, detail: &str) {
        let detail = crate::domain::timeline::cut(detail.to_owned(), 512);
        let holds = state != GateState::Pass;
        let cleared_by = holds.then(|| "whatever is probed, when it answers as it should".to_owned());
        self.put_gate(GateStatus { name: name.to_owned(), state, detail, cleared_by, ..Default::default() });
    }

    /// A gate that held this release while it executed holds it no longer.
    pub(super) fn keep_clear(&mut self, name: &str, detail: &str) {
        if self.status.gates.iter().any(|gate| gate.name == name && gate.state != GateState::Pass) {
            self.keep_gate(name, GateState::Pass, detail);
        }
    }

    /// Puts a gate in the place of the one of its name.
    pub(super) fn put_gate(&mut self, gate: GateStatus) {
        let gates = &mut self.status.gates;
        match gates.iter().position(|other| other.name == gate.name) {
            Some(index) => gates[index] = gate,
            None if gates.len() < 64 => gates.push(gate),
            None => {}
        }
    }
}

/// Whether two references mean the same content.
fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one == other || version::same_content(one, other))
}
