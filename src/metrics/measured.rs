//! All readings of a question at the same instant.

use super::client::Prometheus;
use super::error::Error;
use super::reading;
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
