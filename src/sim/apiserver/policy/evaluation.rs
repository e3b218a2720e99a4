//! One evaluation of a policy: match conditions, variables on first use, validations with their messages, mutations.

use std::sync::OnceLock;

use cel::context::VariableResolver;
use cel::{Context, ExecutionError, Value as Cel};
use serde_json::Value;

use super::expression::to_cel;
use super::expression::{Expression, to_json};
use super::spec::{Mutation, Spec, Validation};

/// Longest result of a `messageExpression`, in bytes.
const LONGEST_MESSAGE: usize = 5 << 10;

/// Why a policy denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// Message for people.
    pub message: String,
    /// Reason of the status.
    pub reason: String,
}

/// The decisions of a validating policy against a request; none when it admits.
pub(super) fn decide(spec: &Spec, inputs: &Context<'_>) -> Vec<Decision> {
    let scope = Scope::new(spec, inputs);
    match scope.is_met() {
        Ok(true) => {}
        Ok(false) => return Vec::new(),
        Err(why) => return spec.failure(why).into_iter().collect(),
    }
    let refused = spec.validations.iter().filter_map(|validation| scope.judge(validation));
    let annotations = spec.audit_annotations.iter();
    let unevaluated = annotations
        .filter_map(|annotation| scope.evaluate(&annotation.value_expression).err())
        .filter_map(|why| spec.failure(why));
    refused.chain(unevaluated).collect()
}

/// The object as a mutating policy changes it; `None` where it does not apply.
///
/// # Errors
/// The denial that follows from an error.
pub(super) fn mutate(
    spec: &Spec,
    inputs: &Context<'_>,
    object: Option<&Value>,
) -> Result<Option<Value>, Decision> {
    let scope = Scope::new(spec, inputs);
    let ignored = |why: String| spec.failure(why).map_or(Ok(None), Err);
    match scope.is_met() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(why) => return ignored(why),
    }
    let Some(mut object) = object.cloned() else { return Ok(None) };
    for mutation in &spec.mutations {
        // a later mutation sees what an earlier one has made
        let mut inputs = inputs.new_inner_scope();
        inputs.add_variable_from_value("object", to_cel(&object));
        if let Err(why) = patch(&Scope::new(spec, &inputs), mutation, &mut object) {
            return ignored(why);
        }
    }
    Ok(Some(object))
}

fn patch(scope: &Scope<'_>, mutation: &Mutation, object: &mut Value) -> Result<(), String> {
    let result = |expression: &Expression| {
        let value = scope.evaluate(expression)?;
        to_json(&value).ok_or_else(|| format!("expression '{}' has no JSON value", expression.source()))
    };
    if let Some(apply) = &mutation.apply_configuration {
        overlay(object, result(&apply.expression)?);
    }
    if let Some(patch) = &mutation.json_patch {
        let operations: json_patch::Patch =
            serde_json::from_value(result(&patch.expression)?).map_err(|error| error.to_string())?;
        json_patch::patch(object, &operations).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Sets the fields of an applied configuration; lists are replaced.
fn overlay(object: &mut Value, applied: Value) {
    match (object, applied) {
        (Value::Object(fields), Value::Object(applied)) => {
            for (field, value) in applied {
                overlay(fields.entry(field).or_insert(Value::Null), value);
            }
        }
        (object, applied) => *object = applied,
    }
}

/// The variables of a policy, in order, with their values.
type Memo = Vec<OnceLock<Result<Cel, String>>>;

/// The names that the expressions of one evaluation see.
struct Scope<'a> {
    spec: &'a Spec,
    inputs: &'a Context<'a>,
    memo: Memo,
}

/// A scope in which only the first variables exist: each sees those before it.
struct Known<'a> {
    scope: &'a Scope<'a>,
    count: usize,
}

impl<'a> Scope<'a> {
    fn new(spec: &'a Spec, inputs: &'a Context<'a>) -> Self {
        Self { spec, inputs, memo: spec.variables.iter().map(|_| OnceLock::new()).collect() }
    }

    /// Whether every match condition holds. A false one counts more than an error.
    fn is_met(&self) -> Result<bool, String> {
        let mut errors = Vec::new();
        let none = Known { scope: self, count: 0 };
        for condition in &self.spec.match_conditions {
            match none.evaluate(&condition.expression) {
                Ok(Cel::Bool(false)) => return Ok(false),
                Ok(_) => {}
                Err(why) => errors.push(why),
            }
        }
        match errors.as_slice() {
            [] => Ok(true),
            [one] => Err(one.clone()),
            _ => Err(format!("[{}]", errors.join(", "))),
        }
    }

    fn evaluate(&self, expression: &Expression) -> Result<Cel, String> {
        Known { scope: self, count: self.memo.len() }.evaluate(expression)
    }

    /// The decision of one validation; `None` when it holds.
    fn judge(&self, validation: &Validation) -> Option<Decision> {
        match self.evaluate(&validation.expression) {
            Ok(Cel::Bool(true)) => None,
            Ok(_) => Some(Decision {
                message: self.message(validation),
                reason: validation.reason.clone().unwrap_or_else(|| "Invalid".to_owned()),
            }),
            Err(why) => self.spec.failure(why),
        }
    }

    /// The result of the message expression where it is usable, else the message, else the expression.
    fn message(&self, validation: &Validation) -> String {
        let computed =
            validation.message_expression.as_ref().and_then(|expression| self.evaluate(expression).ok());
        let computed = match &computed {
            Some(Cel::String(text)) => text.trim(),
            _ => "",
        };
        let is_usable = !computed.is_empty() && computed.len() <= LONGEST_MESSAGE && !computed.contains('\n');
        match (is_usable, validation.message.trim()) {
            (true, _) => computed.to_owned(),
            (false, "") => format!("failed expression: {}", validation.expression.source().trim()),
            (false, message) => message.to_owned(),
        }
    }
}

impl Known<'_> {
    fn evaluate(&self, expression: &Expression) -> Result<Cel, String> {
        let mut context = self.scope.inputs.new_inner_scope();
        context.set_variable_resolver(self);
        expression.evaluate(&context).map_err(|error| {
            format!("expression '{}' resulted in error: {}", expression.source(), self.cause(&error))
        })
    }

    /// An error in the API server's words; the interpreter takes a variable that failed for one that is not declared.
    fn cause(&self, error: &ExecutionError) -> String {
        let variable = match error {
            ExecutionError::UndeclaredReference(name) => name.strip_prefix("variables."),
            ExecutionError::NoSuchKey(key) => return format!("no such key: {key}"),
            _ => None,
        };
        let failed = variable.and_then(|name| {
            let why = self.memo(name)?.1.get()?.as_ref().err()?;
            Some(format!("composited variable {name:?} fails to evaluate: {why}"))
        });
        failed.unwrap_or_else(|| error.to_string())
    }

    fn memo(&self, name: &str) -> Option<(usize, &OnceLock<Result<Cel, String>>)> {
        let at = self.scope.spec.variables[..self.count].iter().position(|variable| variable.name == name)?;
        Some((at, &self.scope.memo[at]))
    }
}

impl VariableResolver for Known<'_> {
    fn resolve(&self, name: &str) -> Option<Cel> {
        let (at, memo) = self.memo(name.strip_prefix("variables.")?)?;
        let before = Known { scope: self.scope, count: at };
        let value = memo.get_or_init(|| before.evaluate(&self.scope.spec.variables[at].expression));
        value.as_ref().ok().cloned()
    }
}
