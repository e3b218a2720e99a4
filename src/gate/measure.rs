//! Numbers out of a Prometheus, all of one question at the same time.

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use super::{Answered, Gate, Scope};
use crate::api::environment::PrometheusRef;
use crate::api::release::GateState;
use crate::domain::health::{Found, Question};
use crate::domain::measure::{Measure, Measurement};
use crate::metrics::Target;

/// Numbers out of a Prometheus.
pub struct MeasureGate;

impl Gate for MeasureGate {
    fn name(&self) -> &'static str {
        "measure"
    }

    fn ask<'a>(&'a self, scope: &'a Scope, question: &'a Question) -> Option<BoxFuture<'a, Answered>> {
        let Question::Measure(measure) = question else { return None };
        Some(read(scope, measure).boxed())
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

/// Where a question goes.
pub(super) fn target(named: Option<&PrometheusRef>) -> Result<Target, String> {
    let own = named.and_then(|named| {
        let url = named.url.clone().map(Target::Url);
        url.or_else(|| named.service.clone().map(Target::Service))
    });
    own.ok_or_else(|| "the environment names no Prometheus (spec.metrics.prometheus)".to_owned())
}
