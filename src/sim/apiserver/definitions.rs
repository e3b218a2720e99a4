//! The `CustomResourceDefinitions` of the product, generated from its own types, and what follows from them.

use std::sync::OnceLock;

use kube::CustomResourceExt;
use kube::core::cel::{CompiledSchema, compile_schema, validate_compiled};
use serde_json::Value;

use super::refusal::{Cause, Refusal};
use super::{metadata, native, schema};
use crate::api::{Environment, Release, ReleaseAction};
use crate::sim::kinds::Resource;

/// One definition, prepared.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The `CustomResourceDefinition`.
    pub crd: Value,
    /// Its structural schema.
    pub schema: Value,
    rules: CompiledSchema,
}

/// The definition of one of the product's kinds.
pub(crate) fn of(resource: &Resource) -> Option<&'static Definition> {
    if !resource.is_ours() {
        return None;
    }
    all().iter().find(|definition| definition.crd["spec"]["names"]["plural"] == resource.plural)
}

/// All three definitions.
pub(crate) fn all() -> &'static [Definition] {
    static ALL: OnceLock<Vec<Definition>> = OnceLock::new();
    ALL.get_or_init(|| {
        [Environment::crd(), Release::crd(), ReleaseAction::crd()]
            .iter()
            .filter_map(|crd| {
                let crd = serde_json::to_value(crd).ok()?;
                let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema")?.clone();
                let rules = compile_schema(&schema);
                Some(Definition { crd, schema, rules })
            })
            .collect()
    })
}

/// Drops the unknown fields of an object and tells their paths; fills in the defaults of the product's own.
///
/// # Errors
/// 400 for unknown fields when the client asks for strictness, and for values that a built-in kind cannot hold.
pub(crate) fn decode(resource: &Resource, value: &mut Value, strict: bool) -> Result<Vec<String>, Refusal> {
    let mut unknown = Vec::new();
    match of(resource) {
        Some(definition) => schema::prune(&definition.schema, value, "", &mut unknown),
        None => native::prune(resource, value, &mut unknown)?,
    }
    if strict && !unknown.is_empty() {
        let fields: Vec<_> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
        return Err(Refusal::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
            resource.kind,
            resource.version,
            resource.kind,
            fields.join(", ")
        )));
    }
    if let Some(definition) = of(resource) {
        schema::default(&definition.schema, value);
    }
    Ok(unknown)
}

/// Checks an object of the product against schema and rules.
///
/// # Errors
/// 422 with every cause.
pub(crate) fn validate(resource: &Resource, value: &Value, old: Option<&Value>) -> Result<(), Refusal> {
    let Some(definition) = of(resource) else { return Ok(()) };
    let name = crate::sim::kinds::text(value, &["metadata", "name"]);
    let mut causes = metadata::causes(resource, value, old.is_none());
    schema::validate(&definition.schema, value, old, "", &mut causes);
    // rules are not judged anew on a part that nobody has changed, as on a real server
    let is_unchanged = |part: &str| old.is_some_and(|old| old.get(part) == value.get(part));
    if causes.is_empty()
        && !(is_unchanged("spec") && is_unchanged("status"))
        && let Err(errors) = validate_compiled(&definition.rules, value, old)
    {
        let stands = |path: &str| {
            ["spec", "status"]
                .iter()
                .any(|part| is_unchanged(part) && path.trim_start_matches('.').starts_with(part))
        };
        let errors = errors.into_vec().into_iter().filter(|error| !stands(&error.field_path));
        causes.extend(errors.map(|error| {
            let forbidden = error.reason.as_deref() == Some("FieldValueForbidden");
            let field = if error.field_path.is_empty() { "<nil>".to_owned() } else { error.field_path };
            if forbidden {
                Cause::new(&field, "FieldValueForbidden", format!("Forbidden: {}", error.message))
            } else {
                Cause::new(&field, "FieldValueInvalid", format!("Invalid value: {}", error.message))
            }
        }));
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, name, &causes)) }
}
