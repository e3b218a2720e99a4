//! A request, taken apart: path, query, who asks.

use axum::body::Bytes;
use http::Method;
use serde_json::Value;

use super::rbac::User;
use super::refusal::Refusal;
use crate::sim::kinds::{self, Resource};

/// What a path of the resource API points at.
#[derive(Debug)]
pub(crate) struct Target {
    /// The resource.
    pub resource: &'static Resource,
    /// The namespace in the path.
    pub namespace: Option<String>,
    /// The name in the path.
    pub name: Option<String>,
    /// The subresource in the path.
    pub sub: Option<String>,
    /// Whatever follows the subresource.
    pub rest: String,
}

impl Target {
    /// The namespace, empty for none.
    pub(crate) fn space(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// The name, empty for none.
    pub(crate) fn named(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Takes a path apart; nothing when it is no path of a served resource.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, plural, ..] if !is_namespace_subresource(plural) => {
                (Some((*namespace).to_owned()), &rest[2..])
            }
            _ => (None, rest),
        };
        let (plural, rest) = rest.split_first()?;
        let resource = kinds::find(group, version, plural)?;
        if namespace.is_some() && !resource.namespaced {
            return None;
        }
        let mut rest = rest.iter();
        let name = rest.next().filter(|name| !name.is_empty()).map(|name| (*name).to_owned());
        let sub = rest.next().map(|sub| (*sub).to_owned());
        let rest = rest.copied().collect::<Vec<_>>().join("/");
        Some(Self { resource, namespace, name, sub, rest })
    }
}

fn is_namespace_subresource(segment: &str) -> bool {
    matches!(segment, "status" | "finalize")
}

/// The query of a URL.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes the part after `?` apart.
    pub(super) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every pair.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether a flag is set.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }
}

/// One request.
#[derive(Debug)]
pub(super) struct Call {
    /// Method.
    pub method: Method,
    /// Path without query.
    pub path: String,
    /// Query.
    pub query: Query,
    /// Who asks.
    pub user: User,
    /// The `Accept` header.
    pub accept: String,
    /// The `Content-Type` header.
    pub content_type: String,
    /// The first word of the `User-Agent` header, which names the field manager when the query does not.
    pub agent: String,
    /// Body.
    pub body: Bytes,
}

impl Call {
    /// The body as JSON or YAML.
    ///
    /// # Errors
    /// 400 when it is neither, 415 when it says that it is something else.
    pub(super) fn object(&self) -> Result<Value, Refusal> {
        let form = self.content_type.split(';').next().unwrap_or_default().trim();
        let is_text = form.is_empty() || form.ends_with("json") || form.ends_with("yaml") || form == "*/*";
        if form == "application/vnd.kubernetes.protobuf" {
            return Err(Refusal::protobuf());
        }
        if !is_text {
            return Err(Refusal::unknown_format("application/json, application/yaml"));
        }
        if let Ok(value) = serde_json::from_slice::<Value>(&self.body) {
            return Ok(value);
        }
        let text = std::str::from_utf8(&self.body)
            .map_err(|_| Refusal::bad_request("the body of the request is neither JSON nor YAML"))?;
        serde_saphyr::from_str(text).map_err(|error| {
            Refusal::bad_request(format!("the body of the request is neither JSON nor YAML: {error}"))
        })
    }

    /// Whether nothing is to be stored.
    ///
    /// # Errors
    /// 422 for a value that does not exist.
    pub(super) fn dry_run(&self) -> Result<bool, Refusal> {
        let options = match self.method {
            Method::POST => "CreateOptions",
            Method::PUT => "UpdateOptions",
            Method::DELETE => "DeleteOptions",
            _ => "PatchOptions",
        };
        match self.query.get("dryRun") {
            None | Some("") => Ok(false),
            Some("All") => Ok(true),
            Some(other) => Err(Refusal::options(
                options,
                "dryRun",
                &format!("Unsupported value: \"{other}\": supported values: \"All\""),
            )),
        }
    }

    /// The field manager that the request names, or its user agent.
    pub(super) fn manager(&self) -> &str {
        match self.query.get("fieldManager") {
            Some(name) if !name.is_empty() => name,
            _ if self.agent.is_empty() => "unknown",
            _ => &self.agent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kinds::{NAMESPACES, PODS, RELEASES, SERVICES};

    fn parse(path: &str) -> Target {
        Target::parse(path).unwrap()
    }

    #[test]
    fn paths_are_taken_apart() {
        let target = parse("/api/v1/namespaces/a/pods/x/log");
        assert!(std::ptr::eq(target.resource, PODS));
        assert_eq!((target.space(), target.named(), target.sub.as_deref()), ("a", "x", Some("log")));
        let target = parse("/api/v1/namespaces/a");
        assert!(std::ptr::eq(target.resource, NAMESPACES));
        assert_eq!((target.space(), target.named()), ("", "a"));
        let target = parse("/apis/release-cockpit.dev/v1alpha1/releases");
        assert!(std::ptr::eq(target.resource, RELEASES));
        assert!(target.namespace.is_none() && target.name.is_none());
        let target = parse("/api/v1/namespaces/m/services/http:prometheus:9090/proxy/api/v1/query");
        assert!(std::ptr::eq(target.resource, SERVICES));
        assert_eq!((target.named(), target.rest.as_str()), ("http:prometheus:9090", "api/v1/query"));
        assert!(Target::parse("/apis/nothing.io/v1/things").is_none());
    }
}
