//! The subresource `eviction`: a deletion that asks the pod's disruption budget first.

use axum::response::Response;
use serde_json::json;

use super::Shared;
use super::call::{Call, Target};
use super::delete;
use super::refusal::{Refusal, json_response};
use crate::sim::store::Key;
use crate::sim::world::Held;

/// Evicts a pod.
pub(super) fn one(shared: &Shared, call: &Call, target: &Target) -> Result<Response, Refusal> {
    let key = Key::new(target.space(), target.named());
    let asked = shared.world().let_go(&key);
    match asked {
        // the deletion is the answer's cause, not its body
        Ok(()) => delete::one(shared, call, target).map(|_| {
            let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
            json_response(201, done.to_string())
        }),
        Err(Held::Spent(budget, needs, healthy)) => {
            let cause = format!(
                "The disruption budget {budget} needs {needs} healthy pods and has {healthy} currently"
            );
            Err(Refusal::too_many(
                "Cannot evict pod as it would violate the pod's disruption budget.",
                json!({"causes": [{"reason": "DisruptionBudget", "message": cause}]}),
            ))
        }
        Err(Held::Twice) => Err(Refusal::internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        )),
    }
}
