//! Aggregations: `sum`, `avg`, `topk` and the like, by or without labels.

use std::collections::HashMap;

use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::super::histogram::quantile;
use super::super::range::variance;
use super::super::samples::Labels;
use super::{EvalError, Evaluator, Point, bad};

/// Evaluates an aggregation.
pub(super) fn eval(
    evaluator: &Evaluator<'_>,
    expr: &AggregateExpr,
    at: i64,
) -> Result<Vec<Point>, EvalError> {
    let name = expr.op.to_string();
    let points = evaluator.vector(&expr.expr, at)?;
    let parameter = match (&expr.param, name.as_str()) {
        (Some(parameter), "topk" | "bottomk" | "quantile") => Some(evaluator.scalar(parameter, at)?),
        _ => None,
    };
    let mut order: Vec<Labels> = Vec::new();
    let mut groups: HashMap<Labels, Vec<Point>> = HashMap::new();
    for point in points {
        let labels = group_labels(&point.labels, expr.modifier.as_ref());
        let group = groups.entry(labels.clone()).or_insert_with(|| {
            order.push(labels);
            Vec::new()
        });
        group.push(point);
    }
    let mut result = Vec::new();
    for labels in order {
        let Some(group) = groups.remove(&labels) else { continue };
        match name.as_str() {
            "topk" | "bottomk" => result.extend(ranked(group, parameter.unwrap_or(0.0), name == "topk")),
            _ => {
                let values: Vec<f64> = group.iter().map(|point| point.value).collect();
                result.push(Point { labels, value: reduce(&name, values, parameter)? });
            }
        }
    }
    Ok(result)
}

fn group_labels(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::default(),
        Some(LabelModifier::Include(names)) => labels.project(&names.labels, true),
        Some(LabelModifier::Exclude(names)) => labels.project(&names.labels, false),
    }
}

fn reduce(name: &str, values: Vec<f64>, parameter: Option<f64>) -> Result<f64, EvalError> {
    let count = values.len() as f64;
    let best = |better: fn(&f64, &f64) -> bool| {
        values
            .iter()
            .copied()
            .fold(f64::NAN, |best, value| if best.is_nan() || better(&value, &best) { value } else { best })
    };
    Ok(match name {
        "sum" => values.iter().sum(),
        "avg" => values.iter().sum::<f64>() / count,
        "min" => best(f64::lt),
        "max" => best(f64::gt),
        "count" => count,
        "group" => 1.0,
        "stddev" => variance(values.into_iter()).sqrt(),
        "stdvar" => variance(values.into_iter()),
        "quantile" => quantile(parameter.unwrap_or(f64::NAN), values),
        other => return Err(bad(format!("unsupported aggregation \"{other}\""))),
    })
}

/// The `k` largest or smallest, in that order; NaN last.
fn ranked(mut group: Vec<Point>, k: f64, largest: bool) -> Vec<Point> {
    group.sort_by(|a, b| match (a.value.is_nan(), b.value.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Greater,
        (false, true) => std::cmp::Ordering::Less,
        _ if largest => b.value.total_cmp(&a.value),
        _ => a.value.total_cmp(&b.value),
    });
    group.truncate(if k >= 1.0 { k as usize } else { 0 });
    group
}
