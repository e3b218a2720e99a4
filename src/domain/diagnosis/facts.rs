//! What causes are recognised by: the sick part of a pod, warnings about it, the conditions of its workload.

use crate::domain::disruption_budget::Budget;

/// Everything that is known about one pod, one workload, or both. All texts are sanitised.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'a> {
    /// The pod.
    pub pod: Option<&'a PodFacts>,
    /// What was read about the pod besides itself.
    pub evidence: Option<&'a Evidence>,
    /// Its workload.
    pub workload: Option<&'a WorkloadFacts>,
}

/// The part of a pod that tells why it is not well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodFacts {
    /// `status.reason`, such as `Evicted`.
    pub reason: Box<str>,
    /// `status.message`.
    pub message: Box<str>,
    /// Message of the condition `PodScheduled` while it is `False` with the reason `Unschedulable`.
    pub unscheduled: Option<Box<str>>,
    /// Names of the `spec.schedulingGates` that are still closed.
    pub gates: Box<[Box<str>]>,
    /// Names of the secrets in `spec.imagePullSecrets`.
    pub pull_secrets: Box<[Box<str>]>,
    /// Init containers, then the others.
    pub containers: Box<[ContainerFacts]>,
}

impl PodFacts {
    /// Whether a container has ended before, so that there is a log of its last run.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.containers.iter().any(|container| container.last.is_some())
    }

    /// Whether a container is down after a run: that run's log is the one of interest.
    #[must_use]
    pub fn waits_after_a_crash(&self) -> bool {
        self.containers.iter().any(|container| container.last.is_some() && container.waiting.is_some())
    }
}

/// One container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Name.
    pub name: Box<str>,
    /// Image as the pod writes it.
    pub image: Box<str>,
    /// Memory limit as the pod writes it; empty: none.
    pub memory_limit: Box<str>,
    /// It is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: u32,
    /// It waits.
    pub waiting: Option<Waiting>,
    /// It has ended and was not started again.
    pub ended: Option<Ended>,
    /// How its run before this one ended.
    pub last: Option<Ended>,
}

/// Why a container waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// CamelCase reason.
    pub reason: Box<str>,
    /// The kubelet's sentence.
    pub message: Box<str>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Exit code.
    pub code: i32,
    /// Signal; 0 where there was none.
    pub signal: i32,
    /// CamelCase reason.
    pub reason: Box<str>,
    /// The last line of its termination message; empty: none.
    pub message: Box<str>,
}

/// What was read about a pod besides itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Warnings about it, newest first.
    pub warnings: Vec<Warning>,
    /// The last line of its log, of the last run where it crashed.
    pub last_line: Option<Box<str>>,
}

/// An event of the type `Warning`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warning {
    /// CamelCase reason.
    pub reason: Box<str>,
    /// The sentence.
    pub message: Box<str>,
}

/// The part of a workload that tells why it does not get on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadFacts {
    /// Name of the object.
    pub name: Box<str>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What else was said about it: events, refusals that the controller met.
    pub said: Vec<Warning>,
    /// The image that it was given and the one that it has, where they differ.
    pub replaced: Option<(Box<str>, Box<str>)>,
    /// Who last wrote its images, by the name of the field manager.
    pub written_by: Option<Box<str>>,
    /// Its pods are being replaced.
    pub rolls: bool,
    /// Disruption budgets that hold back pods of it which are to leave.
    pub budgets: Box<[Budget]>,
}

/// What was read about a workload besides itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadEvidence {
    /// Warnings about it that nothing good has followed, newest first.
    pub said: Vec<Warning>,
    /// Disruption budgets that hold back pods of it which are to leave.
    pub budgets: Box<[Budget]>,
}

/// A condition of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Type.
    pub kind: Box<str>,
    /// `True`, `False` or `Unknown`.
    pub status: Box<str>,
    /// CamelCase reason.
    pub reason: Box<str>,
    /// The sentence.
    pub message: Box<str>,
}

impl<'a> Facts<'a> {
    /// A pod alone.
    #[must_use]
    pub(crate) fn of_pod(pod: &'a PodFacts, evidence: Option<&'a Evidence>) -> Self {
        Self { pod: Some(pod), evidence, workload: None }
    }

    /// A workload alone.
    #[must_use]
    pub(crate) fn of_workload(workload: &'a WorkloadFacts) -> Self {
        Self { workload: Some(workload), ..Self::default() }
    }

    /// The containers of the pod.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a ContainerFacts> + use<'a> {
        self.pod.into_iter().flat_map(|pod| pod.containers.iter())
    }

    /// A container that waits for one of these reasons.
    pub(super) fn waits(&self, reasons: &[&str]) -> Option<(&'a ContainerFacts, &'a Waiting)> {
        self.containers()
            .filter_map(|container| Some((container, container.waiting.as_ref()?)))
            .find(|(_, waiting)| reasons.contains(&&*waiting.reason))
    }

    /// The newest warnings about the pod for one of these reasons.
    pub(super) fn warned(&self, reasons: &'a [&'a str]) -> impl Iterator<Item = &'a Warning> + use<'a> {
        let warnings = self.evidence.map(|evidence| evidence.warnings.as_slice()).unwrap_or_default();
        warnings.iter().filter(move |warning| reasons.contains(&&*warning.reason))
    }

    /// Sentences by which something was refused: conditions and events of the workload, warnings about the pod.
    pub(super) fn refusals(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let said = self.workload.into_iter().flat_map(|workload| {
            let failed = workload
                .conditions
                .iter()
                .filter(|condition| &*condition.kind == "ReplicaFailure" && &*condition.status == "True");
            failed.map(|condition| &*condition.message).chain(workload.said.iter().map(|said| &*said.message))
        });
        let warnings = self.evidence.map(|evidence| evidence.warnings.as_slice()).unwrap_or_default();
        said.chain(warnings.iter().map(|warning| &*warning.message))
    }
}
