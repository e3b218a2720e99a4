//! Evaluation of a parsed expression at one instant.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use promql_parser::parser::Expr;

use super::samples::{Labels, Samples, Series};

mod aggregate;
mod binary;
mod functions;

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EvalError {
    /// The query itself is wrong or unsupported.
    #[error("{0}")]
    BadData(String),
    /// It cannot be evaluated over this data.
    #[error("{0}")]
    Execution(String),
    /// It took too long.
    #[error("query timed out in expression evaluation")]
    Timeout,
}

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    /// Labels.
    pub labels: Labels,
    /// Value.
    pub value: f64,
}

/// What an expression yields at an instant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A number.
    Scalar(f64),
    /// An instant vector.
    Vector(Vec<Point>),
    /// A range vector: samples of (start, end] per series, with that window in milliseconds.
    Matrix(Vec<(Labels, Vec<(i64, f64)>)>, (i64, i64)),
    /// A text.
    Text(String),
}

/// Most series that one query may touch.
const MOST_SERIES: usize = 50_000;

/// Evaluates expressions over samples.
pub(super) struct Evaluator<'a> {
    pub(super) samples: &'a Samples,
    /// Start and end of the query, in milliseconds, for `@ start()` and `@ end()`.
    pub(super) bounds: (i64, i64),
    /// Series found per selector, so that a range query finds them once.
    pub(super) found: RefCell<HashMap<usize, Arc<Vec<&'a Series>>>>,
}

impl std::fmt::Debug for Evaluator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluator").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl<'a> Evaluator<'a> {
    /// An evaluator for a query from `start` to `end`, in milliseconds.
    pub(super) fn new(samples: &'a Samples, start: i64, end: i64) -> Self {
        Self { samples, bounds: (start, end), found: RefCell::default() }
    }

    /// The value of an expression at an instant in milliseconds.
    ///
    /// # Errors
    /// [`EvalError`] for what cannot be evaluated.
    pub(super) fn eval(&self, expr: &Expr, at: i64) -> Result<Value, EvalError> {
        match expr {
            Expr::NumberLiteral(literal) => Ok(Value::Scalar(literal.val)),
            Expr::StringLiteral(literal) => Ok(Value::Text(literal.val.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr, at),
            Expr::Unary(unary) => Ok(match self.eval(&unary.expr, at)? {
                Value::Scalar(number) => Value::Scalar(-number),
                Value::Vector(points) => Value::Vector(
                    points
                        .into_iter()
                        .map(|point| Point { labels: point.labels.nameless(), value: -point.value })
                        .collect(),
                ),
                _ => {
                    return Err(bad(
                        "unary expression only allowed on expressions of type scalar or instant vector",
                    ));
                }
            }),
            Expr::VectorSelector(selector) => self.instant(selector, at).map(Value::Vector),
            Expr::MatrixSelector(selector) => self.range(selector, at),
            Expr::Subquery(subquery) => self.subquery(subquery, at),
            Expr::Binary(expression) => binary::eval(self, expression, at),
            Expr::Aggregate(expression) => aggregate::eval(self, expression, at).map(Value::Vector),
            Expr::Call(call) => functions::call(self, call, at),
            Expr::Extension(_) => Err(bad("unsupported expression")),
        }
    }

    /// The value of an expression that must be a number.
    pub(super) fn scalar(&self, expr: &Expr, at: i64) -> Result<f64, EvalError> {
        match self.eval(expr, at)? {
            Value::Scalar(number) => Ok(number),
            _ => Err(bad("expected type scalar")),
        }
    }

    /// The value of an expression that must be an instant vector.
    pub(super) fn vector(&self, expr: &Expr, at: i64) -> Result<Vec<Point>, EvalError> {
        match self.eval(expr, at)? {
            Value::Vector(points) => Ok(points),
            _ => Err(bad("expected type instant vector")),
        }
    }

    pub(super) fn check_size(count: usize) -> Result<(), EvalError> {
        if count > MOST_SERIES {
            return Err(EvalError::Execution(
                "query processing would load too many samples into memory in query execution".to_owned(),
            ));
        }
        Ok(())
    }
}

/// Refuses a query for what it says.
pub(super) fn bad(why: impl Into<String>) -> EvalError {
    EvalError::BadData(why.into())
}

/// Refuses a vector in which two elements have the same labels.
pub(super) fn unique(points: Vec<Point>) -> Result<Vec<Point>, EvalError> {
    let mut seen = std::collections::HashSet::with_capacity(points.len());
    if points.iter().all(|point| seen.insert(&point.labels)) {
        Ok(points)
    } else {
        Err(EvalError::Execution("vector cannot contain metrics with the same labelset".to_owned()))
    }
}
