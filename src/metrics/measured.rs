//! All readings of a question at the same instant.

use super::client::Prometheus;
use super::error::{Error, Kind};
use super::reading;
use crate::api::Environment;
use crate::api::environment::Slo;
use crate::domain::burn_rate::{self, Assessment};
use crate::domain::measure::{Measure, Measurement};

/// Asks every query of a question at that instant (Unix seconds); as many at once as the client allows. The first failure is the
/// failure of all.
pub async fn measure(prometheus: &Prometheus, question: &Measure, now: f64) -> Result<Measurement, Error> {
    let asked = question.queries.iter().map(|(name, query)| async move {
        let parameters = [("query", query.clone()), ("time", format!("{now:.3}"))];
        let found = prometheus.ask(name, "query", &parameters).await?;
        Ok::<_, Error>((name.clone(), reading::of(&found)))
    });
    Ok(Measurement(futures::future::try_join_all(asked).await?.into_iter().collect()))
}

/// How fast the error budget of an environment burns at that instant (Unix seconds).
pub async fn objective(
    prometheus: &Prometheus,
    environment: &Environment,
    slo: &Slo,
    now: f64,
) -> Result<Assessment, Error> {
    if let Some(problem) = burn_rate::problem(environment, slo) {
        return Err(Error::new(Kind::Query, problem));
    }
    let question = burn_rate::question(environment, slo);
    let question = question.map_err(|error| Error::new(Kind::Query, error.to_string()))?;
    Ok(burn_rate::assess(slo, &measure(prometheus, &question, now).await?))
}
