//! Numbers out of a Prometheus, all of one question at the same time.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all, try_join, try_join_all};

use super::{Answered, Gate, Scope};
use crate::api::environment::PrometheusRef;
use crate::api::release::GateState;
use crate::domain::health::{Found, Question};
use crate::domain::measure::{Count, Measure, Measurement, Rise, What};
use crate::metrics::Target;

/// Numbers out of a Prometheus.
pub(super) struct MeasureGate;

impl Gate for MeasureGate {
    fn name(&self) -> &'static str {
        "measure"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        match question {
            Question::Measure(measure) => Some(read(scope, measure).boxed()),
            Question::Count(question) => Some(count(scope, question).boxed()),
            _ => None,
        }
    }
}

async fn read(scope: &Scope, measure: &Measure) -> Answered {
    let target = match target(measure.prometheus.as_ref()) {
        Ok(target) => target,
        Err(why) => return Answered::from((GateState::NoData, why)),
    };
    let read = measure.queries.iter().map(|(name, query)| {
        scope
            .prometheus
            .read(&target, name, query)
            .map(|reading| reading.map(|reading| (name.clone(), reading)))
    });
    // one missing number would be a verdict on half the truth
    match join_all(read).await.into_iter().collect::<Result<_, _>>() {
        Ok(readings) => Answered {
            state: GateState::Pass,
            detail: "measured".to_owned(),
            found: Some(Found::Measurement(Measurement(readings))),
        },
        Err(error) => Answered::from((GateState::NoData, error.to_string())),
    }
}

/// What counters rose by: all of them, or none.
async fn count(scope: &Scope, count: &Count) -> Answered {
    let target = match target(count.prometheus.as_ref()) {
        Ok(target) => target,
        Err(why) => return Answered::from((GateState::NoData, why)),
    };
    let at = |at: DateTime<Utc>| {
        let target = &target;
        let read = count.queries.iter().map(move |(counted, query)| async move {
            let name = match counted.what {
                What::Requests => "requests",
                What::Errors => "errors",
                What::Durations => "latencyBuckets",
            };
            let counters = scope.prometheus.counters(target, name, query, at).await?;
            Ok::<_, crate::metrics::error::Error>((*counted, counters))
        });
        try_join_all(read)
    };
    match try_join(at(count.from), at(count.until)).await {
        Ok((before, after)) => {
            let (before, after) = (before.into_iter().collect(), after.into_iter().collect());
            Answered {
                state: GateState::Pass,
                detail: "counted".to_owned(),
                found: Some(Found::Rise(Rise::between(count, &before, &after))),
            }
        }
        Err(error) => Answered::from((GateState::NoData, error.to_string())),
    }
}

/// Where a question goes.
pub(super) fn target(named: Option<&PrometheusRef>) -> Result<Target, String> {
    let own = named.and_then(|named| {
        let url = named.url.clone().map(Target::Url);
        url.or_else(|| named.service.clone().map(Target::Service))
    });
    own.ok_or_else(|| "the environment names no Prometheus (spec.metrics.prometheus)".to_owned())
}
