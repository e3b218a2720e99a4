//! A field that somebody else sets again and again while the release sets it, too: counted in the status, and in the end a release that
//! is held.
//!
//! The count stands in the status, so that a controller that is restarted counts on.

use super::{Draft, Effect};
use crate::api::labels::CONTROLLER_FIELD_MANAGER;
use crate::api::names::ComponentName;
use crate::api::release::ContestedField;
use crate::domain::rollout_status::WorkloadState;
use crate::domain::timeline::cut;

/// How often a release sets a field against somebody else before it is held.
pub(super) const WRITES: i32 = 5;
/// The reason of that, as Events and timelines spell it.
pub(super) const REASON: &str = "FieldContested";
const PARTITION: &str = "spec.updateStrategy.rollingUpdate.partition";

impl Draft<'_> {
    /// Counts a partition that somebody else has raised, which is about to be lowered again. An error says who keeps raising it, once
    /// that has been done often enough.
    pub(super) fn contest_partition(
        &mut self,
        name: &ComponentName,
        workload: &WorkloadState,
    ) -> Result<(), String> {
        // what this controller has set itself, it lowers step by step
        if workload.partition_by.as_deref() == Some(CONTROLLER_FIELD_MANAGER) {
            return Ok(());
        }
        let text = |partition: Option<i32>| partition.unwrap_or_default().to_string();
        let (found, wanted) = (text(workload.partition), text(self.partition(name)));
        let by = cut(workload.partition_by.clone().unwrap_or_default(), 128);
        let now = self.now;
        let is_same = |known: &&mut ContestedField| known.component == *name && known.field == PARTITION;
        let Some(known) = self.status.contested.iter_mut().find(is_same) else {
            let message = format!(
                "{} has set {PARTITION} of {} {} to {found}: it is set to {wanted} again",
                who(&by),
                workload.kind,
                workload.name
            );
            self.do_after(Effect::EmitEvent { reason: REASON.to_owned(), message, is_warning: true });
            let (component, generation) = (name.clone(), workload.generation);
            let field = PARTITION.to_owned();
            let new =
                ContestedField { component, field, by, found, wanted, generation, count: 1, since: now };
            if self.status.contested.len() < 32 {
                self.status.contested.push(new);
            }
            return Ok(());
        };
        // one look more at the same change is not another one
        if known.generation == workload.generation {
            return Ok(());
        }
        (known.by, known.found, known.wanted, known.generation) = (by, found, wanted, workload.generation);
        if known.count < WRITES {
            known.count = known.count.saturating_add(1);
            return Ok(());
        }
        Err(sentence(known, workload))
    }
}

fn sentence(known: &ContestedField, workload: &WorkloadState) -> String {
    let who = who(&known.by);
    format!(
        "{who} sets {} of {} {} to {} again and again; this release has set it to {} {} times. Keep {who} from setting it, then retry",
        known.field, workload.kind, workload.name, known.found, known.wanted, known.count
    )
}

/// A field manager, for sentences.
pub(super) fn who(manager: &str) -> &str {
    if manager.is_empty() { "somebody else" } else { manager }
}
