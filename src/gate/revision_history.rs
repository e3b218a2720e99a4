//! Whether enough old revisions are kept to go back to.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Answered, Gate, Scope, Verdict};
use crate::api::environment::{Preflight, WorkloadRef};
use crate::api::release::GateState;
use crate::domain::health::{PreflightQuestion, Question};
use crate::workload::{self, Target};

/// So many old revisions of each workload are kept.
pub(super) struct RevisionHistoryGate;

impl Gate for RevisionHistoryGate {
    fn name(&self) -> &'static str {
        "revision-history"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Preflight(PreflightQuestion {
            wanted: Preflight::RevisionHistory(wanted),
            workloads,
            ..
        }) = question
        else {
            return None;
        };
        Some(count(scope, wanted.at_least, workloads).map(Answered::from).boxed())
    }
}

async fn count(scope: &Scope, at_least: i32, workloads: &[WorkloadRef]) -> Verdict {
    for reference in workloads {
        let target = Target {
            client: scope.client.clone(),
            namespace: scope.namespace.clone(),
            name: reference.name.clone(),
            container: String::new(),
        };
        let revisions = match workload::workload(reference.kind) {
            Ok(workload) => workload.revisions(&target).await,
            Err(error) => Err(error),
        };
        match revisions {
            Ok(revisions) => {
                let old = revisions.len().saturating_sub(1);
                if i64::try_from(old).unwrap_or(i64::MAX) < i64::from(at_least) {
                    let detail = format!(
                        "{} {} keeps {old} old revisions of {at_least}",
                        reference.kind, reference.name
                    );
                    return (GateState::Fail, detail);
                }
            }
            Err(error) => return (GateState::NoData, format!("revisions cannot be read: {error}")),
        }
    }
    (GateState::Pass, format!("{at_least} or more old revisions are kept"))
}
