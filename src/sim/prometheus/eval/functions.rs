//! Functions, by name. An unknown name is refused.

use promql_parser::parser::{Call, Expr};
use regex::Regex;

use super::super::histogram;
use super::super::range::{extrapolated, instant_change, over_time, slope};
use super::super::samples::Labels;
use super::{EvalError, Evaluator, Point, Value, bad, unique};

/// Evaluates a call.
pub(super) fn call(evaluator: &Evaluator<'_>, call: &Call, at: i64) -> Result<Value, EvalError> {
    let args: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
    let name = call.func.name;
    match name {
        "time" => return Ok(Value::Scalar(at as f64 / 1000.0)),
        "pi" => return Ok(Value::Scalar(std::f64::consts::PI)),
        "scalar" => return scalar(evaluator, arg(&args, 0)?, at),
        "vector" => {
            let value = evaluator.scalar(arg(&args, 0)?, at)?;
            return Ok(Value::Vector(vec![Point { labels: Labels::default(), value }]));
        }
        "absent" | "absent_over_time" => return absent(evaluator, name, arg(&args, 0)?, at),
        "histogram_quantile" => {
            let q = evaluator.scalar(arg(&args, 0)?, at)?;
            let points = evaluator.vector(arg(&args, 1)?, at)?;
            return Ok(Value::Vector(histogram::quantiles(q, &points)));
        }
        "label_replace" => return label_replace(evaluator, &args, at),
        "label_join" => return label_join(evaluator, &args, at),
        "sort" | "sort_desc" => {
            let mut points = evaluator.vector(arg(&args, 0)?, at)?;
            points.sort_by(|a, b| a.value.total_cmp(&b.value));
            if name == "sort_desc" {
                points.reverse();
            }
            return Ok(Value::Vector(points));
        }
        "timestamp" => return timestamp(evaluator, arg(&args, 0)?, at),
        "quantile_over_time" => {
            let q = evaluator.scalar(arg(&args, 0)?, at)?;
            return windows(evaluator, arg(&args, 1)?, at, |samples, _| {
                Some(histogram::quantile(q, samples.iter().map(|(_, value)| *value).collect()))
            });
        }
        "predict_linear" => {
            let ahead = evaluator.scalar(arg(&args, 1)?, at)?;
            return windows(evaluator, arg(&args, 0)?, at, |samples, _| {
                slope(samples, at).map(|(slope, intercept)| slope * ahead + intercept)
            });
        }
        _ => {}
    }
    if let Some(value) = ranges(evaluator, name, &args, at) {
        return value;
    }
    plain(evaluator, name, &args, at)
}

fn arg<'a>(args: &[&'a Expr], n: usize) -> Result<&'a Expr, EvalError> {
    args.get(n).copied().ok_or_else(|| bad("missing argument in call to function"))
}

/// Functions over one range vector; nothing for other names.
fn ranges(
    evaluator: &Evaluator<'_>,
    name: &str,
    args: &[&Expr],
    at: i64,
) -> Option<Result<Value, EvalError>> {
    let known =
        matches!(name, "rate" | "increase" | "delta" | "irate" | "idelta" | "deriv" | "changes" | "resets")
            || name.ends_with("_over_time");
    if !known {
        return None;
    }
    let expr = match arg(args, 0) {
        Ok(expr) => expr,
        Err(error) => return Some(Err(error)),
    };
    if over_time(name, &[(0, 0.0)]).is_none() && name.ends_with("_over_time") {
        return Some(Err(bad(format!("function \"{name}\" is not supported"))));
    }
    let result = windows(evaluator, expr, at, |samples, window| match name {
        "rate" => extrapolated(samples, window, true, true),
        "increase" => extrapolated(samples, window, true, false),
        "delta" => extrapolated(samples, window, false, false),
        "irate" => instant_change(samples, true, true),
        "idelta" => instant_change(samples, false, false),
        "deriv" => slope(samples, at).map(|(slope, _)| slope),
        _ => over_time(name, samples),
    });
    if name == "last_over_time" {
        return Some(result);
    }
    Some(result)
}

fn windows(
    evaluator: &Evaluator<'_>,
    expr: &Expr,
    at: i64,
    function: impl Fn(&[(i64, f64)], (i64, i64)) -> Option<f64>,
) -> Result<Value, EvalError> {
    let Value::Matrix(series, window) = evaluator.eval(expr, at)? else {
        return Err(bad("expected type range vector"));
    };
    let points = series
        .into_iter()
        .filter_map(|(labels, samples)| {
            Some(Point { labels: labels.nameless(), value: function(&samples, window)? })
        })
        .collect();
    unique(points).map(Value::Vector)
}

fn scalar(evaluator: &Evaluator<'_>, expr: &Expr, at: i64) -> Result<Value, EvalError> {
    let points = evaluator.vector(expr, at)?;
    Ok(Value::Scalar(match points.as_slice() {
        [point] => point.value,
        _ => f64::NAN,
    }))
}

fn absent(evaluator: &Evaluator<'_>, name: &str, expr: &Expr, at: i64) -> Result<Value, EvalError> {
    let empty = match evaluator.eval(expr, at)? {
        Value::Vector(points) => points.is_empty(),
        Value::Matrix(series, _) => series.is_empty(),
        _ => return Err(bad(format!("{name} needs a vector"))),
    };
    if !empty {
        return Ok(Value::Vector(Vec::new()));
    }
    let selector = match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(selector) => Some(&selector.vs),
        _ => None,
    };
    let mut labels = Labels::default();
    for matcher in selector.into_iter().flat_map(|selector| &selector.matchers.matchers) {
        if matches!(matcher.op, promql_parser::label::MatchOp::Equal) && matcher.name != "__name__" {
            labels = labels.with(&matcher.name, &matcher.value);
        }
    }
    Ok(Value::Vector(vec![Point { labels, value: 1.0 }]))
}

fn timestamp(evaluator: &Evaluator<'_>, expr: &Expr, at: i64) -> Result<Value, EvalError> {
    let points = evaluator.vector(expr, at)?;
    Ok(Value::Vector(
        points
            .into_iter()
            .map(|point| Point { labels: point.labels.nameless(), value: at as f64 / 1000.0 })
            .collect(),
    ))
}

fn text(evaluator: &Evaluator<'_>, expr: &Expr, at: i64) -> Result<String, EvalError> {
    match evaluator.eval(expr, at)? {
        Value::Text(text) => Ok(text),
        _ => Err(bad("expected type string")),
    }
}

fn label_replace(evaluator: &Evaluator<'_>, args: &[&Expr], at: i64) -> Result<Value, EvalError> {
    let points = evaluator.vector(arg(args, 0)?, at)?;
    let [target, replacement, source, pattern] =
        [1, 2, 3, 4].map(|n| arg(args, n).and_then(|expr| text(evaluator, expr, at)));
    let (target, replacement, source, pattern) = (target?, replacement?, source?, pattern?);
    let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
        EvalError::Execution(format!("invalid regular expression in label_replace(): {pattern}"))
    })?;
    let points = points
        .into_iter()
        .map(|point| match regex.captures(point.labels.get(&source)) {
            Some(found) => {
                let mut value = String::new();
                found.expand(&replacement, &mut value);
                Point { labels: point.labels.with(&target, &value), value: point.value }
            }
            None => point,
        })
        .collect();
    unique(points).map(Value::Vector)
}

fn label_join(evaluator: &Evaluator<'_>, args: &[&Expr], at: i64) -> Result<Value, EvalError> {
    let points = evaluator.vector(arg(args, 0)?, at)?;
    let target = text(evaluator, arg(args, 1)?, at)?;
    let separator = text(evaluator, arg(args, 2)?, at)?;
    let sources: Vec<String> =
        args.iter().skip(3).map(|expr| text(evaluator, expr, at)).collect::<Result<_, _>>()?;
    let points = points
        .into_iter()
        .map(|point| {
            let parts: Vec<_> = sources.iter().map(|name| point.labels.get(name)).collect();
            Point { labels: point.labels.with(&target, &parts.join(&separator)), value: point.value }
        })
        .collect();
    unique(points).map(Value::Vector)
}

/// Functions of one instant vector, with numbers as further arguments.
fn plain(evaluator: &Evaluator<'_>, name: &str, args: &[&Expr], at: i64) -> Result<Value, EvalError> {
    let number = |n: usize, fallback: f64| match args.get(n) {
        Some(expr) => evaluator.scalar(expr, at),
        None => Ok(fallback),
    };
    let function: Box<dyn Fn(f64) -> f64> = match name {
        "abs" => Box::new(f64::abs),
        "ceil" => Box::new(f64::ceil),
        "floor" => Box::new(f64::floor),
        "exp" => Box::new(f64::exp),
        "ln" => Box::new(f64::ln),
        "log2" => Box::new(f64::log2),
        "log10" => Box::new(f64::log10),
        "sqrt" => Box::new(f64::sqrt),
        "sgn" => Box::new(|value| if value == 0.0 || value.is_nan() { value } else { value.signum() }),
        "round" => {
            let inverse = 1.0 / number(1, 1.0)?;
            Box::new(move |value| (value * inverse + 0.5).floor() / inverse)
        }
        "clamp_min" => {
            let least = number(1, f64::NAN)?;
            Box::new(move |value| if value.is_nan() || least.is_nan() { f64::NAN } else { value.max(least) })
        }
        "clamp_max" => {
            let most = number(1, f64::NAN)?;
            Box::new(move |value| if value.is_nan() || most.is_nan() { f64::NAN } else { value.min(most) })
        }
        "clamp" => {
            let (least, most) = (number(1, f64::NAN)?, number(2, f64::NAN)?);
            if most < least {
                return Ok(Value::Vector(Vec::new()));
            }
            Box::new(move |value| {
                if value.is_nan() || least.is_nan() || most.is_nan() {
                    f64::NAN
                } else {
                    value.max(least).min(most)
                }
            })
        }
        other => return Err(bad(format!("function \"{other}\" is not supported"))),
    };
    let points = evaluator.vector(arg(args, 0)?, at)?;
    Ok(Value::Vector(
        points
            .into_iter()
            .map(|point| Point { labels: point.labels.nameless(), value: function(point.value) })
            .collect(),
    ))
}
