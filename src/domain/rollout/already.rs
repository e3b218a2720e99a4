//! A release of what runs already ends at once: it changes nothing, so that it asks nobody, takes no lane and nobody's place.

use super::Draft;
use crate::api::release::{GateState, Phase, Release};
use crate::domain::gate::{self, Moment};
use crate::domain::rollout_status::WorkloadState;
use crate::domain::rollout_verdict::rollout_status;
use crate::domain::{containers, lane, plan, version};

impl Draft<'_> {
    /// Ends the release where every component runs its image already; whether it has ended.
    pub(super) fn ends_as_running(&mut self) -> bool {
        if !self.runs_already() || self.is_about_to_change() {
            return false;
        }
        let evaluation = self.evaluate(Moment::Waiting);
        let is_denied =
            evaluation.gates.iter().any(|gate| gate.name == gate::DENY_LIST && gate.state != GateState::Pass);
        if evaluation.fatal.is_some() || is_denied {
            return false;
        }
        self.status.gates = evaluation.gates.into_iter().filter(|gate| gate.name == gate::POLICY).collect();
        let spec = &self.observed.release.spec;
        let verb = if self.without_pods().is_empty() { "already runs" } else { "is already set" };
        let but = self.reservations();
        let message = format!("{} {verb} in {}: nothing was changed{but}", spec.version, spec.environment);
        self.enter_by_itself(Phase::Succeeded, "AlreadyRunning", &message);
        true
    }

    /// Whether every component of the release runs the image that it brings, in every pod.
    fn runs_already(&self) -> bool {
        let plan = self.plan();
        let mut components = plan::components(&plan).peekable();
        components.peek().is_some()
            && components.all(|name| {
                self.observed.workloads.get(name.as_str()).is_some_and(|workload| {
                    let target = self.target(name).unwrap_or_default();
                    let is_it = |image: &str| version::same_content(image, target);
                    let further = self.component(name).into_iter();
                    let mut further = further.flat_map(|component| containers::further(component, workload));
                    workload.image.as_deref().is_some_and(is_it)
                        && further.all(|found| is_it(&found.image))
                        && is_settled(workload)
                })
            })
    }

    /// Whether the release that has the lane brings something else to a component of this one: what runs now is then about to leave.
    fn is_about_to_change(&self) -> bool {
        let me = &self.observed.release;
        let Some(holder) = lane::holder(me, &self.observed.others) else { return false };
        let moves = holder.phase() != Phase::Held
            || holder.status.as_ref().is_some_and(|status| !status.tracks.is_empty());
        moves && brings_another(holder, me)
    }

    /// What must be known beside a success: that no pod runs, or that a container of the same repository was left as it is.
    pub(super) fn reservations(&self) -> String {
        let mut told = String::new();
        let idle = self.without_pods();
        if !idle.is_empty() {
            told = format!("; no pod of {} runs (replicas 0)", idle.join(", "));
        }
        let plan = self.plan();
        for name in plan::components(&plan) {
            let found = self.component(name).zip(self.observed.workloads.get(name.as_str()));
            let Some((component, workload)) = found else { continue };
            let target = self.target(name).unwrap_or_default();
            for left in containers::left_behind(component, workload) {
                if !version::same_content(&left.image, target) {
                    told = format!("{told}; {} of {name} still runs {}", left.told(), left.image);
                }
            }
        }
        told
    }

    /// The components of the release that no pod runs, since none is wanted.
    pub(super) fn without_pods(&self) -> Vec<String> {
        let plan = self.plan();
        let is_idle = |name: &str| self.observed.workloads.get(name).is_some_and(|found| found.desired == 0);
        plan::components(&plan).filter(|name| is_idle(name.as_str())).map(ToString::to_string).collect()
    }
}

/// Whether every pod that is wanted is of the newest template.
fn is_settled(workload: &WorkloadState) -> bool {
    workload.kept_back() == 0 && rollout_status(workload).is_done()
}

fn brings_another(holder: &Release, me: &Release) -> bool {
    me.spec.images.iter().any(|mine| {
        let theirs = holder.spec.images.iter().find(|image| image.component == mine.component);
        theirs.is_some_and(|theirs| !version::same_content(&theirs.image, &mine.image))
    })
}
