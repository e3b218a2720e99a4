//! Errors as an API server tells them: `Status` objects with code, reason, message and details.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::sim::kinds::Resource;

/// Why a request was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// Machine-readable reason.
    pub reason: &'static str,
    /// Sentence for people.
    pub message: String,
    /// `details`, when there are any.
    pub details: Option<Value>,
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: String) -> Self {
        Self { code, reason, message, details: None }
    }

    fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into())
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized".into())
    }

    /// 403 with a message of one's own.
    pub(crate) fn forbidden(resource: &Resource, name: &str, message: String) -> Self {
        let details = json!({"name": name, "group": resource.group, "kind": resource.plural});
        Self::new(403, "Forbidden", message).with(clean(details))
    }

    /// 404 of an object.
    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let details = json!({"name": name, "group": resource.group, "kind": resource.plural});
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified()))
            .with(clean(details))
    }

    /// 404 of a path.
    pub(crate) fn unknown_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource".into()).with(json!({}))
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource".into(),
        )
        .with(json!({}))
    }

    /// 409, the name is taken.
    pub(crate) fn exists(resource: &Resource, name: &str) -> Self {
        let details = json!({"name": name, "group": resource.group, "kind": resource.plural});
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource.qualified()))
            .with(clean(details))
    }

    /// 409, somebody was faster.
    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let details = json!({"name": name, "group": resource.group, "kind": resource.plural});
        Self::new(
            409,
            "Conflict",
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified()),
        )
        .with(clean(details))
    }

    /// 409, fields belong to other managers: pairs of manager (quoted) and field.
    pub(crate) fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let causes: Vec<_> = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field})
            })
            .collect();
        let mut by_manager: Vec<(&str, Vec<&str>)> = Vec::new();
        for (manager, field) in conflicts {
            match by_manager.iter_mut().find(|(known, _)| known == manager) {
                Some((_, fields)) => fields.push(field),
                None => by_manager.push((manager, vec![field])),
            }
        }
        let parts: Vec<_> = by_manager
            .iter()
            .map(|(manager, fields)| match fields.as_slice() {
                [field] => format!("conflict with {manager}: {field}"),
                _ => format!("conflicts with {manager}:\n- {}", fields.join("\n- ")),
            })
            .collect();
        let noun = if conflicts.len() == 1 { "conflict" } else { "conflicts" };
        let message = format!("Apply failed with {} {noun}: {}", conflicts.len(), parts.join("\n"));
        Self::new(409, "Conflict", message).with(json!({"causes": causes}))
    }

    /// 410, the history was compacted.
    pub(crate) fn gone(message: &str) -> Self {
        Self::new(410, "Expired", message.into())
    }

    /// 413.
    pub(crate) fn too_large() -> Self {
        Self::new(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728".into())
    }

    /// 422 of an option of the request, such as `dryRun` of `CreateOptions`.
    pub(crate) fn options(kind: &str, field: &str, why: &str) -> Self {
        let required = why.starts_with("Required value");
        let reason = if required { "FieldValueRequired" } else { "FieldValueNotSupported" };
        let causes = json!([{"reason": reason, "message": why, "field": field}]);
        Self::new(422, "Invalid", format!("{kind}.meta.k8s.io \"\" is invalid: {field}: {why}"))
            .with(json!({"group": "meta.k8s.io", "kind": kind, "causes": causes}))
    }

    /// 415, with the types that are accepted.
    pub(crate) fn unknown_format(accepted: &str) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: {accepted}"
            ),
        )
    }

    /// 415 for what kubectl sends for built-in kinds that it makes itself, with the way that works.
    pub(crate) fn protobuf() -> Self {
        let sentence = "the simulator reads JSON and YAML, not protobuf: print the object with `--dry-run=client -o yaml` \
                        and send it with `kubectl apply -f -`";
        Self::new(415, "UnsupportedMediaType", sentence.into())
    }

    /// 422 of a JSON patch that cannot be applied, whatever kept it from that: a real server says no more.
    pub(crate) fn patch_failed() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request".into())
            .with(json!({}))
    }

    /// 422 with causes: field, reason, message.
    pub(crate) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let text: Vec<_> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let joined = if text.len() == 1 { text[0].clone() } else { format!("[{}]", text.join(", ")) };
        let causes: Vec<_> = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        let details = json!({"name": name, "group": resource.group, "kind": resource.kind, "causes": causes});
        Self::new(422, "Invalid", format!("{} \"{name}\" is invalid: {joined}", resource.qualified_kind()))
            .with(clean(details))
    }

    /// A denial by an admission policy, with the code that belongs to the reason.
    pub(crate) fn policy(resource: &Resource, name: &str, sentence: &str, reason: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {sentence}", resource.qualified());
        let details = json!({
            "name": name, "group": resource.group, "kind": resource.plural, "causes": [{"message": sentence}]
        });
        let (code, reason) = match reason {
            "Forbidden" => (403, "Forbidden"),
            "Unauthorized" => (401, "Unauthorized"),
            "RequestEntityTooLarge" => (413, "RequestEntityTooLarge"),
            _ => (422, "Invalid"),
        };
        Self::new(code, reason, message).with(clean(details))
    }

    /// 429 with details.
    pub(crate) fn too_many(message: &str, details: Value) -> Self {
        Self::new(429, "TooManyRequests", message.to_owned()).with(details)
    }

    /// 500.
    pub(crate) fn internal(message: &str) -> Self {
        Self::new(500, "InternalError", message.to_owned())
    }

    /// 503.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message.into())
    }

    /// The refusal as a `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code
        });
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }

    /// The refusal as an HTTP answer.
    pub(crate) fn response(&self) -> Response {
        json_response(self.code, self.status().to_string())
    }
}

/// One cause of a 422.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Path such as `spec.images[0].image`.
    pub field: String,
    /// `FieldValueInvalid` and the like.
    pub reason: &'static str,
    /// Sentence such as `Required value`.
    pub message: String,
}

impl Cause {
    /// A cause from its parts.
    pub(crate) fn new(field: &str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), reason, message: message.into() }
    }
}

/// An answer with a JSON body.
pub(super) fn json_response(code: u16, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer with a `Warning` header for each text.
pub(super) fn with_warnings(mut response: Response, warnings: &[String]) -> Response {
    for warning in warnings {
        let text = format!("299 - \"{}\"", warning.replace('\\', r"\\").replace('"', "\\\""));
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// Leaves out empty texts, as Go's encoder does.
fn clean(mut details: Value) -> Value {
    if let Some(map) = details.as_object_mut() {
        map.retain(|_, value| value.as_str() != Some(""));
    }
    details
}
