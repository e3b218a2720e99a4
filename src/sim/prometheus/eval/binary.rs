//! Binary operators: arithmetic, comparison and set operators, with vector matching.

use std::collections::{HashMap, HashSet};

use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::super::samples::Labels;
use super::{EvalError, Evaluator, Point, Value, bad};

/// Evaluates a binary expression.
pub(super) fn eval(evaluator: &Evaluator<'_>, expr: &BinaryExpr, at: i64) -> Result<Value, EvalError> {
    let op = expr.op.to_string();
    let returns_bool = expr.modifier.as_ref().is_some_and(|modifier| modifier.return_bool);
    let left = evaluator.eval(&expr.lhs, at)?;
    let right = evaluator.eval(&expr.rhs, at)?;
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let (value, holds) = apply(&op, left, right)?;
            Ok(Value::Scalar(holds.map_or(value, |holds| f64::from(u8::from(holds)))))
        }
        (Value::Vector(points), Value::Scalar(number)) => {
            each(points, &op, returns_bool, |value| (value, number)).map(Value::Vector)
        }
        (Value::Scalar(number), Value::Vector(points)) => {
            each(points, &op, returns_bool, |value| (number, value)).map(Value::Vector)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            if let Some(modifier) = &expr.modifier
                && (modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some())
            {
                return Err(bad("fill modifiers are not supported"));
            }
            let matching = expr.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
            match op.as_str() {
                "and" | "or" | "unless" => Ok(Value::Vector(set(&op, left, right, matching))),
                _ => vectors(left, right, &op, expr.modifier.as_ref()).map(Value::Vector),
            }
        }
        _ => Err(bad("binary expression must contain only scalar and instant vector types")),
    }
}

/// The result of an operator; for a comparison, whether it holds.
fn apply(op: &str, left: f64, right: f64) -> Result<(f64, Option<bool>), EvalError> {
    let compared = |holds: bool| Ok((left, Some(holds)));
    Ok((
        match op {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "/" => left / right,
            "%" => left % right,
            "^" => left.powf(right),
            "atan2" => left.atan2(right),
            "==" => return compared(left == right),
            "!=" => return compared(left != right),
            ">" => return compared(left > right),
            "<" => return compared(left < right),
            ">=" => return compared(left >= right),
            "<=" => return compared(left <= right),
            other => return Err(bad(format!("operator \"{other}\" is not supported"))),
        },
        None,
    ))
}

fn each(
    points: Vec<Point>,
    op: &str,
    returns_bool: bool,
    operands: impl Fn(f64) -> (f64, f64),
) -> Result<Vec<Point>, EvalError> {
    let mut result = Vec::with_capacity(points.len());
    for point in points {
        let (left, right) = operands(point.value);
        match apply(op, left, right)? {
            (value, None) => result.push(Point { labels: point.labels.nameless(), value }),
            (_, Some(holds)) if returns_bool => {
                result.push(Point { labels: point.labels.nameless(), value: f64::from(u8::from(holds)) });
            }
            (_, Some(true)) => result.push(point),
            (_, Some(false)) => {}
        }
    }
    Ok(result)
}

fn signature(labels: &Labels, matching: Option<&LabelModifier>) -> Labels {
    match matching {
        None => labels.nameless(),
        Some(LabelModifier::Include(names)) => labels.project(&names.labels, true),
        Some(LabelModifier::Exclude(names)) => labels.project(&names.labels, false),
    }
}

fn set(op: &str, left: Vec<Point>, right: Vec<Point>, matching: Option<&LabelModifier>) -> Vec<Point> {
    let of = |points: &[Point]| -> HashSet<Labels> {
        points.iter().map(|point| signature(&point.labels, matching)).collect()
    };
    match op {
        "and" => {
            let right = of(&right);
            left.into_iter().filter(|point| right.contains(&signature(&point.labels, matching))).collect()
        }
        "unless" => {
            let right = of(&right);
            left.into_iter().filter(|point| !right.contains(&signature(&point.labels, matching))).collect()
        }
        _ => {
            let present = of(&left);
            let mut result = left;
            result.extend(
                right.into_iter().filter(|point| !present.contains(&signature(&point.labels, matching))),
            );
            result
        }
    }
}

fn vectors(
    left: Vec<Point>,
    right: Vec<Point>,
    op: &str,
    modifier: Option<&BinModifier>,
) -> Result<Vec<Point>, EvalError> {
    let matching = modifier.and_then(|modifier| modifier.matching.as_ref());
    let returns_bool = modifier.is_some_and(|modifier| modifier.return_bool);
    let card = modifier.map_or(&VectorMatchCardinality::OneToOne, |modifier| &modifier.card);
    let swapped = matches!(card, VectorMatchCardinality::OneToMany(_));
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let one_to_one = matches!(card, VectorMatchCardinality::OneToOne);
    let mut partners: HashMap<Labels, Point> = HashMap::with_capacity(one.len());
    for point in one {
        let key = signature(&point.labels, matching);
        if partners.insert(key, point).is_some() {
            let side = if swapped { "left" } else { "right" };
            return Err(EvalError::Execution(format!(
                "found duplicate series for the match group on the {side} hand-side of the operation; many-to-many \
                 matching not allowed: matching labels must be unique on one side"
            )));
        }
    }
    let included: &[String] = card.labels().map_or(&[], |labels| &labels.labels);
    let mut seen = HashSet::new();
    let mut result = Vec::new();
    for point in many {
        let key = signature(&point.labels, matching);
        let Some(partner) = partners.get(&key) else { continue };
        let (left, right) = if swapped { (partner.value, point.value) } else { (point.value, partner.value) };
        let (mut value, holds) = apply(op, left, right)?;
        match holds {
            Some(holds) if returns_bool => value = f64::from(u8::from(holds)),
            Some(false) => continue,
            _ => {}
        }
        let drops_name = holds.is_none() || returns_bool;
        let labels = result_labels(&point.labels, partner, (matching, one_to_one, included), drops_name);
        let mark = if one_to_one { key } else { labels.clone() };
        if !seen.insert(mark) {
            let why = if one_to_one {
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            } else {
                "multiple matches for labels: grouping labels must ensure unique matches"
            };
            return Err(EvalError::Execution(why.to_owned()));
        }
        result.push(Point { labels, value });
    }
    Ok(result)
}

fn result_labels(
    labels: &Labels,
    partner: &Point,
    (matching, one_to_one, included): (Option<&LabelModifier>, bool, &[String]),
    drops_name: bool,
) -> Labels {
    let mut labels = if drops_name { labels.nameless() } else { labels.clone() };
    if one_to_one {
        match matching {
            Some(LabelModifier::Include(names)) => labels = labels.project(&names.labels, true),
            Some(LabelModifier::Exclude(names)) => {
                for name in &names.labels {
                    labels = labels.with(name, "");
                }
            }
            None => {}
        }
    }
    for name in included {
        labels = labels.with(name, partner.labels.get(name));
    }
    labels
}
