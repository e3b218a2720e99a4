//! Whether each environment's Prometheus answers, and what each of its queries brings.

use futures::StreamExt as _;
use futures::future::join_all;

use super::examined_context::ExaminedContext;
use super::{Finding, address};
use crate::api::Environment;
use crate::domain::query::{Values, known, render, template};
use crate::domain::series::Series;
use crate::metrics::{Prometheus, Target, alertmanager_of, instant};
use crate::time::Clock;

/// Queries of one environment that run at the same time.
const AT_ONCE: usize = 4;

/// The environment's Prometheus, where one is named and can be asked at all.
fn open(examined: &ExaminedContext, environment: &Environment) -> Option<Result<Prometheus, String>> {
    let cluster = examined.cluster.as_ref().ok()?;
    let target = Target::of(environment, &address(&examined.settings))?;
    Some(target.open(cluster).map_err(|error| error.to_string()))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 52 bits")]
fn now() -> f64 {
    Clock::system().now().timestamp_millis() as f64 / 1_000.0
}

pub(super) async fn prometheus(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let looked = environments.iter().map(|environment| async move {
        let place = environment.key().to_string();
        let client = match open(examined, environment) {
            None => return Finding::warn(place, "no Prometheus is named: no numbers, no analysis, no alerts", "set spec.metrics.prometheus of the Environment, or --prometheus"),
            Some(Err(error)) => return Finding::fail(place, error, "correct spec.metrics.prometheus of the Environment"),
            Some(Ok(client)) => client,
        };
        match instant(&client, "up", "count(up)", now()).await {
            Ok(series) if series.is_empty() => Finding::warn(place, "answers, and scrapes nothing", "look at its targets"),
            Ok(_) => Finding::ok(place, "answers"),
            Err(error) => Finding::fail(place, error.to_string(), "check its address, and the way to it: directly, or by get on services/proxy through the API server"),
        }
    });
    join_all(looked).await
}

/// Whether each Alertmanager that is named answers.
pub(super) async fn alertmanager(examined: &ExaminedContext) -> Vec<Finding> {
    let (Ok(environments), Ok(cluster)) = (examined.environments().await, examined.cluster.as_ref()) else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let address = super::alertmanager(&examined.settings);
    let named = environments.iter().filter_map(|environment| {
        Some((environment.key().to_string(), alertmanager_of(environment, &address)?))
    });
    let looked = named.map(|(place, reference)| async move {
        let client = match Target::of_alertmanager(&reference).map(|target| target.open_alertmanager(cluster)) {
            Some(Ok(client)) => client,
            Some(Err(error)) => return Finding::fail(place, error.to_string(), "correct spec.metrics.alertmanager of the Environment"),
            None => return Finding::fail(place, "neither service nor url is given", "correct spec.metrics.alertmanager of the Environment"),
        };
        match client.version().await {
            Ok(version) => Finding::ok(place, format!("answers, version {version}")),
            Err(error) => Finding::fail(place, error.to_string(), "check its address, and the way to it: directly, or by get on services/proxy through the API server"),
        }
    });
    let found = join_all(looked).await;
    if found.is_empty() {
        return vec![Finding::skipped(
            "no Alertmanager is named: alerts are shown, and cannot be silenced from here",
        )];
    }
    found
}

pub(super) async fn queries(examined: &ExaminedContext) -> Vec<Finding> {
    let Ok(environments) = examined.environments().await else {
        return vec![Finding::skipped("the environments cannot be read")];
    };
    let looked = environments.iter().map(|environment| async move {
        match open(examined, environment) {
            Some(Ok(client)) => each(&client, environment).await,
            _ => vec![Finding {
                subject: environment.key().to_string(),
                ..Finding::skipped("no Prometheus can be asked")
            }],
        }
    });
    join_all(looked).await.into_iter().flatten().collect()
}

/// What one query brings, or why it cannot be asked.
async fn answer(
    client: &Prometheus,
    environment: &Environment,
    name: String,
) -> (String, Result<Vec<Series>, String>) {
    let text = template(&environment.spec, &name).unwrap_or_default();
    let rendered = render(&name, text, &Values::of(environment)).map_err(|error| error.to_string());
    let answer = match rendered {
        Ok(query) => instant(client, &name, &query, now()).await.map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    (name, answer)
}

/// What brings numbers in one line; each that does not in a line of its own.
async fn each(client: &Prometheus, environment: &Environment) -> Vec<Finding> {
    let place = environment.key().to_string();
    let names = known(&environment.spec);
    let asked: Vec<_> = names.iter().map(|name| answer(client, environment, (*name).to_owned())).collect();
    let answers: Vec<_> = futures::stream::iter(asked).buffered(AT_ONCE).collect().await;
    let own = |name: &str| environment.spec.metrics.iter().any(|metrics| metrics.queries.contains_key(name));
    let (mut good, mut found) = (0, Vec::new());
    for (name, answer) in answers {
        let name = name.as_str();
        let subject = format!("{place} {name}");
        match answer {
            Ok(series) if series.iter().any(|series| series.points.iter().any(|(_, value)| value.is_finite())) => good += 1,
            Ok(_) if own(name) => found.push(Finding::warn(subject, "runs and brings no data", "compare the query's labels with what Prometheus scrapes")),
            Ok(_) => found.push(Finding::warn(subject, "the shipped query brings no data here", "name a query of your own under spec.metrics.queries, or a preset that fits, where you need it")),
            Err(error) => found.push(Finding::fail(subject, error, "correct the query in the Environment")),
        }
    }
    if good > 0 {
        found.insert(0, Finding::ok(place, format!("{good} of {} queries bring data", names.len())));
    }
    found
}
