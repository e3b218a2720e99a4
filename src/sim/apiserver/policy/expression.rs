//! One CEL expression of a policy: parsed once, rewritten where the interpreter differs from an API server, evaluated.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, MapEntryExpr, MapExpr, operators};
use cel::extractors::This;
use cel::objects::{Key, Map};
use cel::parser::Parser;
use cel::{Context, ExecutionError};
use kube::core::cel::KubeCelExt as _;
use serde::Deserialize;
use serde_json::Value;

use super::authorizer;

/// The functions of Kubernetes' CEL environment.
pub(super) static FUNCTIONS: LazyLock<Context<'static>> = LazyLock::new(|| {
    let mut context = Context::default().with_all();
    context.add_function("size", size);
    authorizer::register(&mut context);
    context
});

/// Names with a dot that are variables of their own: `variables.x` and `authorizer.requestResource`.
const PREFIXES: [(&str, Option<&str>); 2] = [("variables", None), ("authorizer", Some("requestResource"))];

/// An expression of a policy.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Expression {
    source: String,
    parsed: OnceLock<Result<IdedExpr, String>>,
    outcomes: AtomicU8,
}

/// The kinds of results of an expression so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes(u8);

impl Outcomes {
    const TRUE: u8 = 1;
    const FALSE: u8 = 2;
    const OTHER: u8 = 4;
    const ERROR: u8 = 8;

    /// It was false.
    #[must_use]
    pub fn has_refused(self) -> bool {
        self.0 & Self::FALSE != 0
    }

    /// It had a value at least once.
    #[must_use]
    pub fn has_succeeded(self) -> bool {
        self.0 & (Self::TRUE | Self::FALSE | Self::OTHER) != 0
    }

    /// It failed at least once.
    #[must_use]
    pub fn has_failed(self) -> bool {
        self.0 & Self::ERROR != 0
    }

    fn of(result: &Result<cel::Value, ExecutionError>) -> u8 {
        match result {
            Ok(cel::Value::Bool(true)) => Self::TRUE,
            Ok(cel::Value::Bool(false)) => Self::FALSE,
            Ok(_) => Self::OTHER,
            Err(_) => Self::ERROR,
        }
    }
}

impl From<String> for Expression {
    fn from(source: String) -> Self {
        Self { source, parsed: OnceLock::new(), outcomes: AtomicU8::new(0) }
    }
}

impl Expression {
    /// The text.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The results so far.
    pub(super) fn outcomes(&self) -> Outcomes {
        Outcomes(self.outcomes.load(Ordering::Relaxed))
    }

    /// The parsed form.
    ///
    /// # Errors
    /// The parser's message.
    pub(super) fn parsed(&self) -> Result<&IdedExpr, &str> {
        let parse = || {
            let parser = Parser::new().enable_optional_syntax(true);
            let mut parsed = parser.parse(&self.source).map_err(|errors| errors.to_string())?;
            rewrite(&mut parsed);
            Ok(parsed)
        };
        self.parsed.get_or_init(parse).as_ref().map_err(String::as_str)
    }

    /// The value in a context.
    ///
    /// # Errors
    /// Errors of the parser and of the evaluation.
    pub(super) fn evaluate(&self, context: &Context<'_>) -> Result<cel::Value, ExecutionError> {
        let parsed = self.parsed().map_err(|why| ExecutionError::function_error("parse", why));
        let result = parsed.and_then(|parsed| cel::Value::resolve(parsed, context));
        self.outcomes.fetch_or(Outcomes::of(&result), Ordering::Relaxed);
        result
    }
}

/// Rewrites what the interpreter evaluates differently from an API server:
///
/// - `variables.x` and `authorizer.requestResource` become variables of that name, so that `variables.x` is evaluated on first use.
/// - `a.b` becomes `a["b"]`, and `has(a.b)` becomes `"b" in a`: a field of what is no map is an error, not `false`.
/// - `a.?b` becomes `a[?"b"]`: a missing field is no error.
/// - `dyn(a)` becomes `a`: every value is dynamic here.
/// - `Object{spec: …}` becomes the map `{"spec": …}`.
fn rewrite(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Call(call) => call.target.iter_mut().map(AsMut::as_mut).chain(&mut call.args).for_each(rewrite),
        Expr::Comprehension(loops) => {
            let loops = loops.as_mut();
            let parts = [
                &mut loops.iter_range,
                &mut loops.accu_init,
                &mut loops.loop_cond,
                &mut loops.loop_step,
                &mut loops.result,
            ];
            parts.into_iter().for_each(rewrite);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(rewrite),
        Expr::Select(select) => rewrite(&mut select.operand),
        Expr::Map(MapExpr { entries }) => entries.iter_mut().for_each(|entry| rewrite_entry(&mut entry.expr)),
        Expr::Struct(object) => object.entries.iter_mut().for_each(|entry| rewrite_entry(&mut entry.expr)),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
    node.expr = match std::mem::take(&mut node.expr) {
        Expr::Select(select) => match &select.operand.expr {
            Expr::Ident(prefix) if is_dotted(prefix, &select.field) => {
                Expr::Ident(format!("{prefix}.{}", select.field))
            }
            _ if select.test => call(operators::IN, text(&select.field), *select.operand),
            _ => call(operators::INDEX, *select.operand, text(&select.field)),
        },
        Expr::Call(mut dynamic)
            if dynamic.func_name == "dyn" && dynamic.target.is_none() && dynamic.args.len() == 1 =>
        {
            dynamic.args.pop().unwrap_or_default().expr
        }
        Expr::Call(mut select) if select.func_name == operators::OPT_SELECT => {
            operators::OPT_INDEX.clone_into(&mut select.func_name);
            Expr::Call(select)
        }
        Expr::Struct(object) => Expr::Map(MapExpr { entries: object.entries }),
        other => other,
    };
}

fn rewrite_entry(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::MapEntry(entry) => {
            rewrite(&mut entry.key);
            rewrite(&mut entry.value);
        }
        EntryExpr::StructField(field) => {
            rewrite(&mut field.value);
            let (key, value) = (text(&field.field), std::mem::take(&mut field.value));
            *entry = EntryExpr::MapEntry(MapEntryExpr { key, value, optional: field.optional });
        }
    }
}

fn is_dotted(prefix: &str, field: &str) -> bool {
    PREFIXES.iter().any(|(name, only)| *name == prefix && only.is_none_or(|only| only == field))
}

fn call(function: &str, left: IdedExpr, right: IdedExpr) -> Expr {
    Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args: vec![left, right] })
}

fn text(text: &str) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::String(text.into())) }
}

/// `size()`: of a text in characters, not in bytes.
fn size(This(this): This<cel::Value>) -> Result<cel::Value, ExecutionError> {
    let size = match &this {
        cel::Value::String(text) => text.chars().count(),
        cel::Value::List(list) => list.len(),
        cel::Value::Map(map) => map.map.len(),
        cel::Value::Bytes(bytes) => bytes.len(),
        _ => return Err(ExecutionError::function_error("size", "no such overload")),
    };
    Ok(cel::Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

/// A JSON value as an expression sees it.
pub(super) fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => {
            let whole =
                number.as_i64().map(cel::Value::Int).or_else(|| number.as_u64().map(cel::Value::UInt));
            whole.unwrap_or_else(|| cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)))
        }
        Value::String(text) => cel::Value::from(text.as_str()),
        Value::Array(list) => cel::Value::List(Arc::new(list.iter().map(to_cel).collect())),
        Value::Object(fields) => {
            let entry = |(key, value): (&String, &Value)| (Key::String(Arc::new(key.clone())), to_cel(value));
            let map: HashMap<Key, cel::Value> = fields.iter().map(entry).collect();
            cel::Value::Map(Map { map: Arc::new(map) })
        }
    }
}

/// The JSON of a value; `None` for what JSON does not have.
pub(super) fn to_json(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => (*value).into(),
        cel::Value::Int(number) => (*number).into(),
        cel::Value::UInt(number) => (*number).into(),
        cel::Value::Float(number) => (*number).into(),
        cel::Value::String(text) => text.as_str().into(),
        cel::Value::List(list) => Value::Array(list.iter().map(to_json).collect::<Option<_>>()?),
        cel::Value::Map(map) => {
            let entry = |(key, value)| Some((Key::to_string(key), to_json(value)?));
            Value::Object(map.map.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
