//! The message of an applied environment action.

use super::time;
use crate::api::environment::{EnvironmentStatus, Frozen, InFlight};
use crate::api::release_action::{ActionKind, ActionResult, ReleaseAction};
use crate::domain::action::Verdict;

/// The verdict on an applied action; `status` is the environment's status afterwards.
#[must_use]
pub(super) fn applied(status: &EnvironmentStatus, action: &ReleaseAction) -> Verdict {
    let parameters = action.spec.parameters.clone().unwrap_or_default();
    let until = parameters.until.map_or(String::new(), |until| format!(" until {}", time(until)));
    let component = parameters.component.as_deref().unwrap_or_default();
    let message = match action.spec.action {
        ActionKind::Freeze => frozen(status.frozen.as_ref(), &action.spec.actor),
        ActionKind::Unfreeze => match &status.frozen {
            Some(left) => {
                format!("earlier freezes are lifted; still frozen by {}, who froze it later", left.by)
            }
            None => "releases may start again".to_owned(),
        },
        ActionKind::Deny => format!("on the deny list{until}"),
        ActionKind::Allow => "off the deny list".to_owned(),
        ActionKind::AbortAll => {
            "aborting every release requested so far, except rollbacks; their changes are being rolled back"
                .to_owned()
        }
        ActionKind::Scale => match parameters.replicas {
            Some(replicas) => format!("{component} has {replicas} replicas"),
            None => format!("{component} has as many replicas as before"),
        },
        ActionKind::Restart => format!("the pods of {component} are being started anew"),
        ActionKind::Retire => "the Environment may be deleted within an hour".to_owned(),
        ActionKind::Review => {
            format!("the debt of {} is cleared", parameters.debt.as_deref().unwrap_or_default())
        }
        _ => "carried out".to_owned(),
    };
    Verdict { result: ActionResult::Applied, message, is_suspicious: false }
}

/// `frozen until 2027-01-15 09:00:00Z; a release in progress may finish`, by what all freezes amount to.
fn frozen(summary: Option<&Frozen>, actor: &str) -> String {
    let Some(frozen) = summary else { return "frozen, and lifted again since".to_owned() };
    let until = frozen.until.map_or(String::new(), |until| format!(" until {}", time(until)));
    let by = if frozen.by == actor { String::new() } else { format!(" by {}", frozen.by) };
    let in_flight = match frozen.in_flight {
        InFlight::Finish => "a release in progress may finish",
        InFlight::Hold => "a release in progress is held",
        InFlight::RollBack => "a release in progress is rolled back",
    };
    format!("frozen{until}{by}; {in_flight}")
}
