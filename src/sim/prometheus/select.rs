//! Selectors: which series, which samples, at which time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use promql_parser::label::Matchers;
use promql_parser::parser::{AtModifier, MatrixSelector, Offset, SubqueryExpr, VectorSelector};

use super::eval::{EvalError, Evaluator, Point, Value, bad};
use super::samples::{NAME, Samples, Series};

/// How far back an instant looks for a sample, in milliseconds.
pub(super) const LOOKBACK: i64 = 5 * 60_000;

impl<'a> Evaluator<'a> {
    /// The latest samples of a selector.
    pub(super) fn instant(&self, selector: &VectorSelector, at: i64) -> Result<Vec<Point>, EvalError> {
        let at = self.shifted(selector.at.as_ref(), selector.offset.as_ref(), at);
        Ok(self
            .find(selector)?
            .iter()
            .filter_map(|series| {
                let (_, value) = series.latest(at - LOOKBACK, at)?;
                Some(Point { labels: (*series.labels).clone(), value })
            })
            .collect())
    }

    /// The samples of a range selector.
    pub(super) fn range(&self, selector: &MatrixSelector, at: i64) -> Result<Value, EvalError> {
        let until = self.shifted(selector.vs.at.as_ref(), selector.vs.offset.as_ref(), at);
        let after = until - millis(selector.range);
        let series = self
            .find(&selector.vs)?
            .iter()
            .filter_map(|series| {
                let samples: Vec<_> = series.between(after, until).collect();
                (!samples.is_empty()).then(|| ((*series.labels).clone(), samples))
            })
            .collect();
        Ok(Value::Matrix(series, (after, until)))
    }

    /// An expression evaluated at the steps of a window.
    pub(super) fn subquery(&self, subquery: &SubqueryExpr, at: i64) -> Result<Value, EvalError> {
        let until = self.shifted(subquery.at.as_ref(), subquery.offset.as_ref(), at);
        let after = until - millis(subquery.range);
        let step = subquery.step.map_or(60_000, millis).max(1);
        if (until - after) / step > 11_000 {
            return Err(EvalError::Execution("subquery has too many steps".to_owned()));
        }
        let mut series: Vec<(super::Labels, Vec<(i64, f64)>)> = Vec::new();
        let mut moment = (after.div_euclid(step) + 1) * step;
        while moment <= until {
            let points = match self.eval(&subquery.expr, moment)? {
                Value::Vector(points) => points,
                Value::Scalar(value) => vec![Point { labels: super::Labels::default(), value }],
                _ => return Err(bad("subquery is only allowed on instant vector")),
            };
            for point in points {
                match series.iter_mut().find(|(labels, _)| *labels == point.labels) {
                    Some((_, samples)) => samples.push((moment, point.value)),
                    None => series.push((point.labels, vec![(moment, point.value)])),
                }
            }
            moment += step;
        }
        Ok(Value::Matrix(series, (after, until)))
    }

    fn shifted(&self, modifier: Option<&AtModifier>, offset: Option<&Offset>, at: i64) -> i64 {
        let base = match modifier {
            None => at,
            Some(AtModifier::Start) => self.bounds.0,
            Some(AtModifier::End) => self.bounds.1,
            Some(AtModifier::At(time)) => match time.duration_since(SystemTime::UNIX_EPOCH) {
                Ok(after) => millis(after),
                Err(before) => -millis(before.duration()),
            },
        };
        match offset {
            None => base,
            Some(Offset::Pos(span)) => base - millis(*span),
            Some(Offset::Neg(span)) => base + millis(*span),
        }
    }

    fn find(&self, selector: &VectorSelector) -> Result<Arc<Vec<&'a Series>>, EvalError> {
        let key = std::ptr::from_ref(selector) as usize;
        if let Some(found) = self.found.borrow().get(&key) {
            return Ok(found.clone());
        }
        let found = Arc::new(matching(self.samples, selector)?);
        Self::check_size(found.len())?;
        self.found.borrow_mut().insert(key, found.clone());
        Ok(found)
    }
}

/// The series that a selector matches.
pub(super) fn matching<'a>(
    samples: &'a Samples,
    selector: &VectorSelector,
) -> Result<Vec<&'a Series>, EvalError> {
    let matchers: &Matchers = &selector.matchers;
    if !matchers.or_matchers.is_empty() {
        return Err(bad("alternative matchers joined by \"or\" are not supported"));
    }
    let equal_name = matchers
        .matchers
        .iter()
        .find(|matcher| matcher.name == NAME && matches!(matcher.op, promql_parser::label::MatchOp::Equal));
    let name = selector.name.as_deref().or(equal_name.map(|matcher| matcher.value.as_str()));
    Ok(samples
        .named(name)
        .filter(|series| {
            matchers.matchers.iter().all(|matcher| matcher.is_match(series.labels.get(&matcher.name)))
        })
        .collect())
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}
