//! The specs of policies and bindings: validating and mutating ones share nearly every field.

use k8s_openapi::api::admissionregistration::v1::{MatchResources, ParamKind, ParamRef};
use serde::Deserialize;

use super::evaluation::Decision;
use super::expression::Expression;

/// The spec of a `ValidatingAdmissionPolicy` or a `MutatingAdmissionPolicy`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    failure_policy: Option<String>,
    pub param_kind: Option<ParamKind>,
    pub match_constraints: Option<MatchResources>,
    pub match_conditions: Vec<Named>,
    pub variables: Vec<Named>,
    pub validations: Vec<Validation>,
    pub audit_annotations: Vec<AuditAnnotation>,
    pub mutations: Vec<Mutation>,
}

/// A match condition or a variable.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub name: String,
    pub expression: Expression,
}

/// One validation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Validation {
    pub expression: Expression,
    #[serde(default)]
    pub message: String,
    pub message_expression: Option<Expression>,
    pub reason: Option<String>,
}

/// What is noted in the audit log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditAnnotation {
    pub value_expression: Expression,
}

/// One mutation, in either form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mutation {
    pub apply_configuration: Option<Patch>,
    pub json_patch: Option<Patch>,
}

/// The expression of a mutation.
#[derive(Debug, Deserialize)]
pub(super) struct Patch {
    pub expression: Expression,
}

impl Spec {
    /// The decision that follows from an error: a denial, or none where failures are ignored.
    pub(super) fn failure(&self, why: String) -> Option<Decision> {
        let ignored = self.failure_policy.as_deref() == Some("Ignore");
        (!ignored).then(|| Decision { message: why, reason: "Invalid".to_owned() })
    }

    /// Every expression with its path below `spec`.
    pub(super) fn expressions(&self) -> impl Iterator<Item = (String, &Expression)> {
        let named = |list: &'static str, all: &'_ [Named]| -> Vec<_> {
            (0..all.len()).map(|n| format!("{list}[{n}].expression")).collect()
        };
        let conditions =
            named("matchConditions", &self.match_conditions).into_iter().zip(&self.match_conditions);
        let variables = named("variables", &self.variables).into_iter().zip(&self.variables);
        let named = conditions.chain(variables).map(|(path, named)| (path, &named.expression));
        let validations = self.validations.iter().enumerate().flat_map(|(n, validation)| {
            let own = (format!("validations[{n}].expression"), &validation.expression);
            let message = validation.message_expression.as_ref();
            let message = message.map(|message| (format!("validations[{n}].messageExpression"), message));
            std::iter::once(own).chain(message)
        });
        let annotations = self.audit_annotations.iter().enumerate();
        let annotations = annotations.map(|(n, annotation)| {
            (format!("auditAnnotations[{n}].valueExpression"), &annotation.value_expression)
        });
        let mutations = self.mutations.iter().enumerate().flat_map(|(n, mutation)| {
            let apply = mutation.apply_configuration.iter().map(|patch| ("applyConfiguration", patch));
            let patch = mutation.json_patch.iter().map(|patch| ("jsonPatch", patch));
            apply
                .chain(patch)
                .map(move |(form, patch)| (format!("mutations[{n}].{form}.expression"), &patch.expression))
        });
        named.chain(validations).chain(annotations).chain(mutations)
    }
}

/// The spec of a binding of either kind of policy.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Binding {
    pub policy_name: String,
    pub param_ref: Option<ParamRef>,
    pub match_resources: Option<MatchResources>,
    pub validation_actions: Vec<String>,
}
