//! `authorizer` in expressions: `authorizer.group(…).resource(…).check(…).allowed()`, answered by the roles of the world.

use std::sync::Arc;

use cel::extractors::This;
use cel::objects::Opaque;
use cel::{Context, ExecutionError, Value};

use super::Request;
use crate::sim::apiserver::rbac::{Authorizer, Question, User};

/// A check under construction.
#[derive(Clone, Debug)]
struct Check {
    authorizer: Arc<Authorizer>,
    user: User,
    /// A path that is no resource; paths are open in the world.
    path: bool,
    group: String,
    resource: String,
    sub: String,
    namespace: String,
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        let parts =
            |check: &Self| [&check.group, &check.resource, &check.sub, &check.namespace].map(String::clone);
        self.user == other.user && self.path == other.path && parts(self) == parts(other)
    }
}

impl Eq for Check {}

impl Opaque for Check {
    fn runtime_type_name(&self) -> &'static str {
        "kubernetes.authorization.ResourceCheck"
    }
}

/// The answer: the role that allows, if any.
#[derive(Debug, PartialEq, Eq)]
struct Decision(Option<String>);

impl Opaque for Decision {
    fn runtime_type_name(&self) -> &'static str {
        "kubernetes.authorization.Decision"
    }
}

/// `authorizer`, and `authorizer.requestResource`, which asks about the resource of the request.
pub(super) fn values(authorizer: &Arc<Authorizer>, request: Request<'_>) -> [Value; 2] {
    let [none, sub, namespace] = ["", request.sub, request.namespace].map(str::to_owned);
    let any = Check {
        authorizer: authorizer.clone(),
        user: request.user.clone(),
        path: false,
        group: none.clone(),
        resource: none.clone(),
        sub: none.clone(),
        namespace: none,
    };
    let (group, resource) = (request.resource.group.to_owned(), request.resource.plural.to_owned());
    let own = Check { group, resource, sub, namespace, ..any.clone() };
    [Value::Opaque(Arc::new(any)), Value::Opaque(Arc::new(own))]
}

/// Registers the functions of `authorizer`.
pub(super) fn register(context: &mut Context<'_>) {
    let mut step = |name: &'static str, set: fn(&mut Check, &str)| {
        context.add_function(name, move |This(this): This<Value>, value: Arc<String>| {
            let mut check = of::<Check>(&this, name)?.clone();
            set(&mut check, &value);
            Ok::<Value, ExecutionError>(Value::Opaque(Arc::new(check)))
        });
    };
    step("group", |check, group| group.clone_into(&mut check.group));
    step("resource", |check, resource| resource.clone_into(&mut check.resource));
    step("subresource", |check, sub| sub.clone_into(&mut check.sub));
    step("namespace", |check, namespace| namespace.clone_into(&mut check.namespace));
    step("path", |check, _| check.path = true);
    // roles of the world know neither names nor selectors
    for narrowed in ["name", "fieldSelector", "labelSelector"] {
        step(narrowed, |_, _| {});
    }
    context.add_function("serviceAccount", service_account);
    context.add_function("check", check);
    context.add_function("allowed", |This(this): This<Value>| {
        of::<Decision>(&this, "allowed").map(|decision| Value::Bool(decision.0.is_some()))
    });
    context.add_function("reason", |This(this): This<Value>| {
        of::<Decision>(&this, "reason").map(|decision| Value::from(decision.0.as_deref().unwrap_or_default()))
    });
    context.add_function("errored", |This(this): This<Value>| {
        of::<Decision>(&this, "errored").map(|_| Value::Bool(false))
    });
    context.add_function("error", |This(this): This<Value>| {
        of::<Decision>(&this, "error").map(|_| Value::from(""))
    });
}

#[expect(clippy::needless_pass_by_value, reason = "the interpreter hands arguments over by value")]
fn service_account(
    This(this): This<Value>,
    namespace: Arc<String>,
    name: Arc<String>,
) -> Result<Value, ExecutionError> {
    let mut check = of::<Check>(&this, "serviceAccount")?.clone();
    check.user = check.authorizer.named(&format!("system:serviceaccount:{namespace}:{name}"));
    Ok(Value::Opaque(Arc::new(check)))
}

#[expect(clippy::needless_pass_by_value, reason = "the interpreter hands arguments over by value")]
fn check(This(this): This<Value>, verb: Arc<String>) -> Result<Value, ExecutionError> {
    let check = of::<Check>(&this, "check")?;
    let resource = match check.sub.as_str() {
        "" => check.resource.clone(),
        sub => format!("{}/{sub}", check.resource),
    };
    let question =
        Question { verb: &verb, group: &check.group, resource: &resource, namespace: &check.namespace };
    let role = if check.path {
        Some("non-resource paths are open".to_owned())
    } else {
        check.authorizer.allows(&check.user, question)
    };
    Ok(Value::Opaque(Arc::new(Decision(role))))
}

fn of<'a, T: 'static>(value: &'a Value, function: &str) -> Result<&'a T, ExecutionError> {
    let found = match value {
        Value::Opaque(opaque) => opaque.downcast_ref::<T>(),
        _ => None,
    };
    found.ok_or_else(|| ExecutionError::function_error(function, "no such overload"))
}
