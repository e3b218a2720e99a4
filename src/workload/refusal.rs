//! What a failed request to the API server means: a lost race, a failure that may pass, or a refusal that stands.
//!
//! The one place that tells these three apart; every adapter asks it.

/// What the API server answers where an operation `test` of a JSON patch does not hold. It names neither the object nor a cause; every
/// other 422 does, or says who denies the request.
const TEST_FAILED: &str = "the server rejected our request due to an error in our request";

/// Whether the same request may succeed later without anybody changing anything.
#[must_use]
pub(crate) fn is_transient(error: &kube::Error) -> bool {
    match error {
        // 401: the token is about to be renewed
        kube::Error::Api(status) => matches!(status.code, 401 | 408 | 429) || status.code >= 500,
        _ => true,
    }
}

/// Whether somebody else changed or made the object between the read and the write.
#[must_use]
pub(crate) fn is_lost_race(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let is_denied = status.message.starts_with("admission webhook ");
    match status.code {
        409 => matches!(status.reason.as_str(), "Conflict" | "AlreadyExists") && !is_denied,
        422 => {
            let details = status.details.as_ref();
            let names_nothing =
                details.is_none_or(|details| details.name.is_empty() && details.causes.is_empty());
            status.reason == "Invalid" && status.message == TEST_FAILED && names_nothing
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn answer(code: u16, reason: &str, message: &str) -> Status {
        Status::failure(message, reason).with_code(code)
    }

    fn error(status: Status) -> kube::Error {
        kube::Error::Api(status.boxed())
    }

    #[test]
    fn only_the_servers_own_answer_is_a_lost_race() {
        for (code, reason, message, expected) in [
            (422, "Invalid", TEST_FAILED, true),
            (
                409,
                "Conflict",
                "Operation cannot be fulfilled on deployments.apps \"api\": the object has been modified",
                true,
            ),
            (409, "AlreadyExists", "deployments.apps \"api-canary\" already exists", true),
            (409, "Conflict", "admission webhook \"x\" denied the request: conflicts with quota", false),
            (409, "", "conflict", false),
            (422, "Invalid", "admission webhook \"x\" denied the request: image is not attested", false),
            (422, "Invalid", "Deployment.apps \"api\" is invalid: spec.replicas: must be positive", false),
            (
                422,
                "Invalid",
                "deployments.apps \"api\" is forbidden: ValidatingAdmissionPolicy 'x' denied request: tag latest",
                false,
            ),
            (422, "Invalid", "the image was modified in a test: conflict", false),
            (422, "", TEST_FAILED, false),
            (403, "Forbidden", TEST_FAILED, false),
            (400, "BadRequest", "testing value /spec/x failed", false),
        ] {
            assert_eq!(is_lost_race(&error(answer(code, reason, message))), expected, "{code} {message}");
        }
        let mut named = answer(422, "Invalid", TEST_FAILED);
        let details =
            serde_json::json!({"causes": [{"reason": "FieldValueInvalid", "message": "", "field": "spec"}]});
        named.details = Some(serde_json::from_value(details).unwrap());
        assert!(!is_lost_race(&error(named)));
    }

    #[test]
    fn what_may_pass_is_told_from_what_stands() {
        for (code, expected) in [
            (400, false),
            (401, true),
            (403, false),
            (404, false),
            (408, true),
            (409, false),
            (413, false),
            (422, false),
            (429, true),
            (500, true),
            (503, true),
            (504, true),
        ] {
            assert_eq!(is_transient(&error(answer(code, "", ""))), expected, "{code}");
        }
    }
}
