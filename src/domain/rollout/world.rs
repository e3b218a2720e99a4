//! A small world in which one release is carried out.

use super::*;
use crate::api::Duration;
use crate::api::environment::{Gates, HealthCheck, HttpProbe, Probe};
use crate::api::labels::CONTROLLER_FIELD_MANAGER;
use crate::api::release::{ComponentState, GateState};
use crate::api::release_action::ReleaseActionStatus;
use crate::domain::fixtures::{at, observed};
use crate::domain::health::{Answer, Found};
use crate::domain::measure::{Measurement, Reading};
use crate::domain::rollout_status::{PROGRESS_DEADLINE_EXCEEDED, Progressing};

/// One release and what it acts on. Everything is stored and done at once; pods are replaced when [`World::roll`] is called.
#[derive(Clone)]
pub(super) struct World {
    pub observed: Observed,
    pub secs: i64,
    pub writes: Vec<(String, String)>,
    pub verdicts: Vec<(String, ActionResult, String)>,
    pub asked: Vec<String>,
    /// Components whose new pods never become available.
    pub broken: Vec<&'static str>,
    pub answer: GateState,
    /// What the new version's queries give; nothing: no data.
    pub number: Option<f64>,
    /// Whether nobody carries out what the workloads ask for.
    pub is_still: bool,
    /// Components whose changes the API server refuses, with its words, and whether that may pass by itself.
    pub refuses: Vec<(&'static str, &'static str, bool)>,
    /// What fires.
    pub alerts: Vec<crate::domain::measure::Alert>,
}

impl World {
    pub(super) fn new(environment: Environment) -> Self {
        Self {
            observed: observed(environment),
            secs: 10,
            writes: Vec::new(),
            verdicts: Vec::new(),
            asked: Vec::new(),
            broken: Vec::new(),
            answer: GateState::Pass,
            number: None,
            is_still: false,
            refuses: Vec::new(),
            alerts: Vec::new(),
        }
    }

    pub(super) fn status(&self) -> &ReleaseStatus {
        self.observed.release.status.as_ref().unwrap()
    }

    pub(super) fn status_or_default(&self) -> ReleaseStatus {
        self.observed.release.status.clone().unwrap_or_default()
    }

    pub(super) fn status_of(&self, component: &str) -> Option<ComponentState> {
        let components = &self.observed.release.status.as_ref()?.components;
        components.iter().find(|c| c.component.as_str() == component).map(|c| c.state)
    }

    pub(super) fn phase(&self) -> Phase {
        self.observed.release.phase()
    }

    /// One decision, stored and done.
    pub(super) fn turn(&mut self) -> Decision {
        let decision = next(&self.observed, at(self.secs));
        self.observed.release.status = Some(decision.status.clone());
        for effect in &decision.effects {
            self.carry_out(effect);
        }
        decision
    }

    pub(super) fn carry_out(&mut self, effect: &Effect) {
        if let Some(component) = effect.component() {
            let refused = self.refuses.iter().find(|(name, ..)| *name == component.as_str());
            let refusal = refused
                .map(|(_, words, may_pass)| Refusal { message: (*words).to_owned(), may_pass: *may_pass });
            let is_refused = refusal.is_some();
            let outcome = WriteOutcome { at: at(self.secs), refusal };
            self.observed.writes.insert(component.to_string(), outcome);
            if is_refused {
                return;
            }
        }
        match effect {
            Effect::SetImage(set) => {
                let workload = self.observed.workloads.get_mut(set.component.as_str()).unwrap();
                if workload.image.as_deref() == Some(set.to.as_str()) && workload.partition != set.partition {
                    workload.generation += 1;
                    self.writes.push((set.component.to_string(), format!("partition {:?}", set.partition)));
                    workload.partition = set.partition;
                    workload.partition_by = Some(CONTROLLER_FIELD_MANAGER.to_owned());
                    return;
                }
                if workload.image.as_deref() != Some(set.from.as_str()) {
                    return;
                }
                workload.image = Some(set.to.clone());
                for other in &set.others {
                    let found =
                        workload.images.iter_mut().find(|found| found.name == other.container).unwrap();
                    assert_eq!(found.image, other.from);
                    found.image.clone_from(&other.to);
                }
                workload.generation += 1;
                workload.partition = set.partition;
                workload.partition_by = Some(CONTROLLER_FIELD_MANAGER.to_owned());
                self.writes.push((set.component.to_string(), set.to.clone()));
            }
            Effect::SetTrack(_) | Effect::ScaleStable(_) | Effect::SetTraffic(_) | Effect::RemoveTrack(_) => {
                self.carry_out_beside(effect);
            }
            Effect::Ask { name, question } => {
                self.asked.push(name.clone());
                let found = match question {
                    Question::Measure(_) => {
                        let reading = self.number.map(|number| ("new".to_owned(), Reading::Number(number)));
                        Some(Found::Measurement(Measurement(reading.into_iter().collect())))
                    }
                    Question::Alerts(_) => Some(Found::Alerts(self.alerts.clone())),
                    _ => None,
                };
                let answer = Answer { found, ..Answer::new(at(self.secs), self.answer, "asked") };
                self.observed.answers.record(name, answer);
            }
            Effect::JudgeAction { name, result, message } => {
                self.verdicts.push((name.clone(), *result, message.clone()));
                let action = self
                    .observed
                    .actions
                    .iter_mut()
                    .find(|a| a.metadata.name.as_ref() == Some(name))
                    .unwrap();
                action.status = Some(ReleaseActionStatus {
                    result: Some(*result),
                    message: Some(message.clone()),
                    at: None,
                    seal: None,
                });
            }
            _ => {}
        }
    }

    /// Changes of second workloads and of traffic, as `writes` tells them.
    fn carry_out_beside(&mut self, effect: &Effect) {
        match effect {
            Effect::SetTrack(set) => {
                let name = set.component.as_str();
                let workload = set.track.workload_name(&set.workload.name);
                let fresh = || WorkloadState { image: None, ..deployment_of(&workload, 0) };
                let template = self.observed.workloads[name].template.clone();
                let second = self.observed.tracks.entry(name.to_owned()).or_insert_with(fresh);
                if second.made_of != template {
                    second.made_of = template;
                    second.updated = 0;
                }
                if second.image.as_deref() != Some(set.image.as_str()) {
                    second.image = Some(set.image.clone());
                    second.updated = 0;
                }
                second.desired = set.replicas;
                second.generation += 1;
                if let Some(state) = self.observed.traffic.get_mut(name) {
                    (state.lacks, state.remains) = (None, None);
                }
                self.writes.push((workload, format!("{} pods", set.replicas)));
            }
            Effect::ScaleStable(set) => {
                let own = self.observed.workloads.get_mut(set.component.as_str()).unwrap();
                if own.desired == set.from {
                    own.desired = set.to;
                    own.generation += 1;
                    self.writes.push((set.component.to_string(), format!("{} pods", set.to)));
                }
            }
            Effect::SetTraffic(set) => {
                let state = self.observed.traffic.get_mut(set.component.as_str()).unwrap();
                if state.weight == Some(set.from) {
                    state.weight = Some(set.to);
                    self.writes.push((set.component.to_string(), format!("{} traffic", set.to)));
                }
            }
            Effect::RemoveTrack(remove) => {
                let gone = self.observed.tracks.remove(remove.component.as_str());
                if let Some(state) = self.observed.traffic.get_mut(remove.component.as_str()) {
                    (state.lacks, state.remains) = (None, None);
                }
                let workload = remove.track.workload_name(&remove.workload.name);
                self.writes.extend(gone.map(|_| (workload, "gone".to_owned())));
            }
            _ => {}
        }
    }

    /// Somebody deletes the second workload of a component; what was made for it stays.
    pub(super) fn vanish(&mut self, component: &str) {
        if self.observed.tracks.remove(component).is_some()
            && let Some(state) = self.observed.traffic.get_mut(component)
        {
            state.remains = Some(format!("Service {component}-canary"));
        }
    }

    /// The workload controller catches up: good pods are all replaced, broken ones miss their deadline.
    pub(super) fn roll(&mut self) {
        if self.is_still {
            return;
        }
        let now = at(self.secs);
        for (name, workload) in &mut self.observed.workloads {
            let is_new = workload.image.as_deref().is_some_and(|image| image.ends_with(":v2"));
            if workload.generation > workload.observed_generation {
                workload.observed_generation = workload.generation;
                workload.revision = workload.revision.map(|revision| revision + 1);
            }
            let wanted = workload.desired;
            if is_new && wanted > 0 && self.broken.contains(&name.as_str()) {
                (workload.replicas, workload.updated, workload.available) = (wanted + 1, 1, wanted);
                workload.progressing =
                    Some(Progressing { reason: PROGRESS_DEADLINE_EXCEEDED.into(), updated_at: Some(now) });
                // as long as one round of `run`
                workload.progress_deadline = chrono::TimeDelta::seconds(5);
            } else {
                let updated = wanted - workload.partition.unwrap_or(0);
                (workload.replicas, workload.updated, workload.available) = (wanted, updated, wanted);
                workload.progressing = None;
            }
            workload.ready = workload.available;
        }
        for (name, second) in &mut self.observed.tracks {
            second.observed_generation = second.generation;
            let is_broken =
                self.broken.contains(&name.as_str()) || self.broken.contains(&second.name.as_str());
            let available = if is_broken { 0 } else { second.desired };
            (second.replicas, second.updated, second.available) = (second.desired, second.desired, available);
            second.ready = available;
            let reason = PROGRESS_DEADLINE_EXCEEDED.to_owned();
            second.progressing = is_broken.then_some(Progressing { reason, updated_at: Some(now) });
            second.progress_deadline = chrono::TimeDelta::seconds(if is_broken { 5 } else { 600 });
        }
    }

    /// Turns, rolling and time until nothing changes any more or a final phase is reached.
    pub(super) fn run(&mut self) -> Phase {
        self.run_for(60)
    }

    /// So many turns, five seconds each, unless the release ends before.
    pub(super) fn run_for(&mut self, turns: usize) -> Phase {
        for _ in 0..turns {
            self.turn();
            self.roll();
            self.secs += 5;
            if self.phase().is_final() || self.phase() == Phase::Held {
                break;
            }
        }
        self.phase()
    }

    pub(super) fn turns(&mut self, count: usize) -> Phase {
        for _ in 0..count {
            self.turn();
        }
        self.phase()
    }

    pub(super) fn image(&self, component: &str) -> &str {
        self.observed.workloads[component].image.as_deref().unwrap()
    }

    pub(super) fn reasons(&self) -> Vec<&str> {
        self.status().timeline.iter().map(|entry| entry.reason.as_str()).collect()
    }

    pub(super) fn spec(&mut self) -> &mut crate::api::EnvironmentSpec {
        &mut self.observed.environment.as_mut().unwrap().spec
    }

    pub(super) fn act(&mut self, action: ReleaseAction) -> (ActionResult, String) {
        self.observed.actions.push(action);
        self.turn();
        let (_, result, message) = self.verdicts.last().cloned().unwrap();
        (result, message)
    }

    pub(super) fn digest(&self) -> String {
        self.status().plan.as_ref().unwrap().digest.clone()
    }
}

fn deployment_of(name: &str, pods: i32) -> WorkloadState {
    WorkloadState {
        resource_version: "7".into(),
        desired: pods,
        ..WorkloadState::new(crate::api::environment::WorkloadKind::Deployment, name)
    }
}

pub(super) fn healthy(threshold: i32) -> Gates {
    let http = HttpProbe {
        url: "service://backend:80/health".into(),
        status: None,
        within: None,
        body_contains: None,
    };
    Gates {
        health: vec![HealthCheck {
            http: http.clone(),
            interval: Some(Duration::from_secs(5)),
            failure_threshold: threshold,
        }],
        smoke: vec![Probe { http, deadline: Some(Duration::from_secs(30)) }],
        ..Gates::default()
    }
}
