//! Scaling and restarting a component: what is written down before, and what is done to its workload.

use super::{
    Case, Change, ComponentName, Effect, EnvironmentStatus, FRESH, Refusal, ScaledComponent, WorkloadState,
    no, time,
};
use crate::domain::workload_kind;

impl Case<'_> {
    pub(super) fn is_too_old(&self) -> Result<(), Refusal> {
        if self.now.signed_duration_since(self.at()) <= FRESH {
            return Ok(());
        }
        Err(no(format!(
            "it was asked for at {}, and nobody could carry it out since: ask again",
            time(self.at())
        )))
    }

    pub(super) fn component(&self) -> Result<(ComponentName, &WorkloadState), Refusal> {
        let name = self.parameters().component.unwrap_or_default();
        let spec = &self.seen.environment.spec;
        let component = spec.component(&name).ok_or_else(|| no(format!("there is no component {name}")))?;
        let workload = self.seen.workloads.get(&name);
        let workload = workload.ok_or_else(|| {
            no(format!("{} {} does not exist", component.workload.kind, component.workload.name))
        })?;
        Ok((component.name.clone(), workload))
    }

    /// Remembers the size before, unless that was nothing: going back never means going back to nothing.
    pub(super) fn scale(&self, stored: &EnvironmentStatus) -> Result<Change, Refusal> {
        self.is_too_old()?;
        let (component, workload) = self.component()?;
        if !workload_kind::row(workload.kind).scales {
            return Err(no(format!("a {} has no size of its own", workload.kind)));
        }
        let remembered = stored.scaled.iter().find(|scaled| scaled.component == component);
        let from = workload.desired;
        let to = match (self.parameters().replicas, remembered) {
            (Some(to), _) => to,
            (None, Some(before)) => before.replicas,
            (None, None) => {
                return Err(no(format!("{component} has not been scaled: say how many replicas")));
            }
        };
        if let Some(autoscaler) = self.seen.autoscalers.get(component.as_str())
            && (to > 0 && from > 0 && to != from)
        {
            return Err(no(format!(
                "HorizontalPodAutoscaler {autoscaler} sets the size of {component} and would undo this: change its bounds, or scale to 0"
            )));
        }
        let mut before = stored.clone();
        if from != to && from > 0 {
            before.scaled.retain(|scaled| scaled.component != component);
            let entry = ScaledComponent {
                component: component.clone(),
                replicas: from,
                by: self.by(),
                at: self.at(),
            };
            before.scaled.push(entry);
        }
        // back to what it was: there is nothing left to go back to
        let is_back = remembered.is_some_and(|remembered| remembered.replicas == to);
        if is_back {
            before = stored.clone();
        }
        let mut after = before.clone();
        if is_back {
            after.scaled.retain(|scaled| scaled.component != component);
        }
        Ok(Change { before: Some(before), effect: Some(Effect::Scale { component, from, to }), after })
    }

    pub(super) fn restart(&self, stored: &EnvironmentStatus) -> Result<Change, Refusal> {
        self.is_too_old()?;
        let (component, _) = self.component()?;
        if let Some(release) = self.seen.releases.iter().find(|release| release.phase().holds_lane()) {
            let name = release.metadata.name.as_deref().unwrap_or_default();
            return Err(no(format!("{name} is being executed: its pods are being replaced anyway")));
        }
        let effect = Some(Effect::Restart { component });
        Ok(Change { before: None, effect, after: stored.clone() })
    }
}
