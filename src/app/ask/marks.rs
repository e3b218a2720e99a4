//! What an action on an environment relies on: when that changes under the window, the window refuses.

use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::rows::environments::workload;
use crate::app::state::confirm::{Confirm, Intent};
use crate::app::state::store::Store;

/// What it relies on and its value now. An emergency stop relies on nothing: it must never come too late.
pub(super) fn of(store: &Store, confirm: &Confirm) -> Vec<(&'static str, String)> {
    let Intent::EnvironmentAction { kind, parameters } = &confirm.intent else { return Vec::new() };
    let id = &confirm.environment;
    let found = store.cluster(id.cluster).zip(store.environment(id));
    let Some((cluster, environment)) = found.filter(|_| *kind != ActionKind::AbortAll) else {
        return Vec::new();
    };
    let nothing = Parameters::default();
    let with = parameters.as_deref().unwrap_or(&nothing);
    let status = environment.status.clone().unwrap_or_default();
    let generation = environment.metadata.generation.unwrap_or_default();
    let mut marks = vec![("the Environment object", format!("generation {generation}"))];
    let yes_or_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    match kind {
        ActionKind::Freeze | ActionKind::Unfreeze => {
            let frozen = status.frozen.filter(|f| f.until.is_none_or(|until| until > store.now));
            let by = frozen.map_or("not frozen".to_owned(), |f| format!("frozen by {} ({})", f.by, f.reason));
            marks.push(("the freeze", by));
        }
        ActionKind::Scale => {
            let component = with.component.as_deref().and_then(|name| environment.spec.component(name));
            let row = component.and_then(|component| workload(cluster, environment, component));
            marks.push(("replicas", row.map_or("unknown".to_owned(), |row| row.desired.to_string())));
        }
        ActionKind::Deny | ActionKind::Allow => {
            let denied = status.denied.iter().any(|denied| Some(&denied.digest) == with.digest.as_ref());
            marks.push(("denied", yes_or_no(denied)));
        }
        ActionKind::Review => {
            let owed = status.debts.iter().any(|debt| Some(&debt.id) == with.debt.as_ref());
            marks.push(("still to be reviewed", yes_or_no(owed)));
        }
        _ => {}
    }
    marks
}
