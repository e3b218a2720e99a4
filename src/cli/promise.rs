//! What an environment promises its users, as `status ENVIRONMENT` tells it: what is left of the error budget, and how fast it burns.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::table::Table;
use crate::api::Environment;
use crate::api::environment::Slo;
use crate::cluster::Cluster;
use crate::config::Settings;
use crate::domain::burn_rate::{self, Assessment, Burn, PERIOD};
use crate::domain::series::unix;
use crate::metrics::{self, Address, Target};
use crate::sanitize;
use crate::time::Clock;

/// A promise and its state; one sentence where the state is not known.
pub(super) struct Promise {
    slo: Slo,
    state: Result<Assessment, String>,
}

/// Asks the environment's Prometheus; nothing where the environment promises nothing.
pub(super) async fn ask(
    settings: &Settings,
    cluster: &Cluster,
    environment: &Environment,
) -> Option<Promise> {
    let slo = environment.spec.metrics.as_ref()?.slo.clone()?;
    let address =
        Address { url: settings.prometheus_url.clone(), service: settings.prometheus_service.clone() };
    let state = match Target::of(environment, &address).map(|target| target.open(cluster)) {
        None => {
            Err("no Prometheus is known: spec.metrics.prometheus of the Environment, or --prometheus"
                .to_owned())
        }
        Some(Err(error)) => Err(error.to_string()),
        Some(Ok(prometheus)) => {
            let prometheus = prometheus.at_once(settings.prometheus_at_once);
            let now = unix(Clock::system().now());
            let found = metrics::objective(&prometheus, environment, &slo, now).await;
            found.map_err(|error| error.to_string())
        }
    };
    Some(Promise { slo, state })
}

impl Promise {
    /// For people.
    pub(super) fn told(&self) -> String {
        let period = burn_rate::prometheus_duration(self.slo.window.unwrap_or(PERIOD));
        let mut text = format!("\npromise {}% over {period}: ", self.slo.objective);
        let found = match &self.state {
            Ok(found) => found,
            Err(reason) => {
                let _ = writeln!(text, "not known: {}", sanitize::line(reason));
                return text;
            }
        };
        let _ = writeln!(text, "{}", found.summary());
        let mut table = Table::new(["  WINDOWS", "LONG", "SHORT", "LIMIT", "VERDICT"]);
        for judged in &found.pairs {
            let verdict = match (judged.is_burning(), judged.pair.is_fast) {
                (Some(true), true) => "burns fast",
                (Some(true), false) => "burns",
                (Some(false), _) => "slow enough",
                (None, _) => "not known",
            };
            table.row([
                &format!("  {}", judged.pair.words()),
                &rate(judged.long),
                &rate(judged.short),
                &format!("{:.1}x", judged.pair.factor),
                verdict,
            ]);
        }
        let _ = write!(text, "{table}");
        text
    }

    /// For programs; rates are times faster than the objective allows.
    pub(super) fn as_json(&self) -> Value {
        let found = match &self.state {
            Ok(found) => found,
            Err(reason) => return json!({"objective": self.slo.objective, "error": reason}),
        };
        let pairs = found.pairs.iter().map(|judged| {
            json!({
                "windows": judged.pair.words(),
                "long": judged.long.map(|burn| burn.rate),
                "short": judged.short.map(|burn| burn.rate),
                "limit": judged.pair.factor,
                "burning": judged.is_burning(),
            })
        });
        json!({
            "objective": self.slo.objective,
            "budgetLeft": found.budget_left,
            "exhaustedInSeconds": found.exhausted_in.map(|span| span.num_seconds()),
            "pairs": pairs.collect::<Vec<_>>(),
        })
    }
}

fn rate(burn: Option<Burn>) -> String {
    burn.map_or_else(|| "no data".to_owned(), |burn| format!("{:.1}x", burn.rate))
}
