//! The three weights of the new version: what was asked for, what whole pods make of it, and what is seen.

use super::Draft;
use super::progress::Running;
use crate::api::names::ComponentName;
use crate::api::release::{Phase, PlanStep, Weights};
use crate::api::strategy::StrategyName;
use crate::domain::{analysis, weight};

impl Draft<'_> {
    /// Measures the weights over all components, once there is anything to weigh.
    pub(super) fn measure_weight(&mut self) {
        let phase = self.status.phase;
        if self.status.components.is_empty() || !(phase.holds_lane() || self.stored.phase.holds_lane()) {
            return;
        }
        let before = self.status.weight.clone().unwrap_or_default();
        let back = matches!(phase, Phase::RollingBack | Phase::RolledBack | Phase::Aborted);
        let desired = match () {
            () if back => 0,
            () if self.is_rolled_in_place() => 100,
            () => before.desired,
        };
        let is_stepwise = !back && !self.is_rolled_in_place();
        let achievable = if is_stepwise { weight::achievable(&self.splits()) } else { Some(desired) };
        let is_same = before.desired == desired;
        self.status.weight = Some(Weights {
            desired,
            achievable,
            observed: self.measured_weight().or_else(|| self.observed_weight()),
            since: if is_same { before.since } else { before.since.map(|_| self.now) },
            by: before.by.filter(|_| is_same),
        });
    }

    /// Whether the environment's own workloads get the new version now, or have it.
    fn is_rolled_in_place(&self) -> bool {
        let plan = self.plan();
        if plan.strategy == StrategyName::Rolling {
            return true;
        }
        let first = plan.steps.iter().position(|step| matches!(step, PlanStep::Roll(_)));
        first.is_some_and(|first| self.step() >= first)
    }

    /// The share of all requests that the second workloads serve, where it is measured.
    fn measured_weight(&self) -> Option<f64> {
        if self.is_rolled_in_place() || self.status.tracks.is_empty() {
            return None;
        }
        let share = analysis::observed_weight(&self.observed.release, &self.observed.answers, self.now)?;
        Some((share * 10.0).round() / 10.0)
    }

    /// The share of the new version as pods and routers tell it.
    fn observed_weight(&self) -> Option<f64> {
        let (mut new, mut all) = (0.0, 0.0);
        for progress in &self.status.components {
            let name = &progress.component;
            let Some(own) = self.observed.workloads.get(name.as_str()) else { continue };
            let fresh = f64::from(self.new_pods(name));
            let track = self.status.tracks.iter().find(|track| track.component == *name);
            match track.map(|track| (track, track.verified)) {
                Some((_, Some(verified))) => {
                    let pods = f64::from(own.desired);
                    let share = f64::from(verified) / 100.0;
                    new += pods * share + fresh * (1.0 - share);
                    all += pods;
                }
                Some((track, None)) => {
                    new += fresh + f64::from(track.available);
                    all += f64::from(own.desired) + f64::from(track.available);
                }
                None => {
                    new += fresh;
                    all += f64::from(own.desired);
                }
            }
        }
        (all > 0.0).then(|| (new * 1000.0 / all).round() / 10.0)
    }

    /// Pods of a component's own workload that serve the new version.
    fn new_pods(&self, name: &ComponentName) -> i32 {
        match self.sight(name) {
            Running::New(workload) if workload.observed_generation >= workload.generation => {
                workload.updated_available().min(workload.desired)
            }
            // pods of the version that leaves
            Running::Old(workload) if self.is_change(name) => {
                workload.replicas.saturating_sub(workload.updated).clamp(0, workload.desired)
            }
            _ => 0,
        }
    }
}
