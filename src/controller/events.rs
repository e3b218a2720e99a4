//! Events on the objects that a controller works on.

use std::time::Duration;

use kube::Resource;
use kube::runtime::events::{Event, EventType};

use super::context::Context;

/// How long an Event or a note may take: nobody waits for them.
pub(super) const COURTESY: Duration = Duration::from_secs(2);

/// Events are a courtesy: a failure is logged and forgotten.
pub(super) async fn emit(
    context: &Context,
    object: &impl Resource<DynamicType = ()>,
    reason: &str,
    message: &str,
    is_warning: bool,
) {
    let event = Event {
        type_: if is_warning { EventType::Warning } else { EventType::Normal },
        reason: reason.to_owned(),
        note: Some(crate::domain::timeline::cut(message.to_owned(), 1000)),
        action: "Releasing".to_owned(),
        secondary: None,
    };
    let reference = object.object_ref(&());
    match tokio::time::timeout(COURTESY, context.core.recorder.publish(&event, &reference)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an event was not recorded"),
        Err(_) => tracing::debug!("an event was not recorded in time"),
    }
}
