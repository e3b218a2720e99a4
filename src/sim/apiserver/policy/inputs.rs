//! The names that an expression may use: `object`, `oldObject`, `request`, `params`, `namespaceObject` and `authorizer`.

use std::cell::OnceCell;
use std::sync::Arc;

use cel::Context;
use serde_json::{Value, json};

use super::expression::{FUNCTIONS, to_cel};
use super::{Request, authorizer};
use crate::sim::apiserver::rbac::Authorizer;
use crate::sim::kinds::NAMESPACES;
use crate::sim::store::Store;

/// What one request offers to expressions; converted when the first policy matches.
pub(super) struct Inputs<'a> {
    store: &'a Store,
    authorizer: &'a Arc<Authorizer>,
    request: Request<'a>,
    context: OnceCell<Context<'static>>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(store: &'a Store, authorizer: &'a Arc<Authorizer>, request: Request<'a>) -> Self {
        Self { store, authorizer, request, context: OnceCell::new() }
    }

    /// The names for one evaluation.
    pub(super) fn with(&self, params: &Value) -> Context<'_> {
        let mut context = self.context.get_or_init(|| self.context()).new_inner_scope();
        context.add_variable_from_value("params", to_cel(params));
        context
    }

    fn context(&self) -> Context<'static> {
        let request = self.request;
        let mut context = FUNCTIONS.new_inner_scope();
        let is_namespace = request.resource.table == NAMESPACES.table;
        let namespace = self.store.get(NAMESPACES, "", request.namespace).filter(|_| !is_namespace);
        for (name, value) in [
            ("object", request.object),
            ("oldObject", request.old),
            ("namespaceObject", namespace.map(|found| &found.value)),
        ] {
            context.add_variable_from_value(name, value.map_or(cel::Value::Null, to_cel));
        }
        context.add_variable_from_value("request", to_cel(&described(request)));
        let [any, own] = authorizer::values(self.authorizer, request);
        context.add_variable_from_value("authorizer", any);
        context.add_variable_from_value("authorizer.requestResource", own);
        context
    }
}

/// `request`, in which an empty field is absent.
fn described(request: Request<'_>) -> Value {
    let row = request.resource;
    let kind = match request.sub {
        "scale" => json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}),
        _ => json!({"group": row.group, "version": row.version, "kind": row.kind}),
    };
    let resource = json!({"group": row.group, "version": row.version, "resource": row.plural});
    let mut described = json!({
        "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
        "operation": request.operation.name(), "dryRun": request.dry_run,
        "userInfo": {"username": request.user.name, "groups": request.user.groups},
    });
    // a namespace lies in itself
    let namespace = if row.table == NAMESPACES.table { request.name } else { request.namespace };
    for (field, value) in [
        ("subResource", request.sub),
        ("requestSubResource", request.sub),
        ("name", request.name),
        ("namespace", namespace),
    ] {
        if !value.is_empty() {
            described[field] = value.into();
        }
    }
    described
}
