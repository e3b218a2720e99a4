//! What pods use, out of Prometheus: for clusters without a metrics API.

use std::collections::BTreeMap;

use super::answer::Found;
use super::client::Prometheus;
use super::error::{Error, Kind};
use super::queries;
use crate::api::Environment;
use crate::domain::usage::Usage;
use crate::sanitize;

/// Queries of `assets/queries.toml`: cores, and bytes.
const CPU: &str = "podCpu";
const MEMORY: &str = "podMemory";

/// What the pods of the environment use at `now` (Unix seconds), by name. What only one of both numbers is known of has
/// nothing of the other.
pub async fn pod_usage(
    prometheus: &Prometheus,
    environment: &Environment,
    now: f64,
) -> Result<Vec<(Box<str>, Usage)>, Error> {
    let ask = async |name: &str| {
        let template = queries::template(&environment.spec, name).unwrap_or_default();
        let query = queries::render(name, template, &queries::Values::of(environment))?;
        prometheus.ask(name, "query", &[("query", query), ("time", format!("{now:.3}"))]).await
    };
    let (cpu, memory) = futures::try_join!(ask(CPU), ask(MEMORY))?;
    if cpu.is_empty() && memory.is_empty() {
        return Err(Error::new(
            Kind::Query,
            "Prometheus knows no container's usage there: does it scrape cAdvisor?",
        ));
    }
    Ok(merged(&cpu, &memory))
}

fn merged(cpu: &[Found], memory: &[Found]) -> Vec<(Box<str>, Usage)> {
    let mut pods: BTreeMap<String, Usage> = BTreeMap::new();
    for (pod, cores) in values(cpu) {
        pods.entry(pod).or_default().cpu = Usage::millicores(cores);
    }
    for (pod, bytes) in values(memory) {
        pods.entry(pod).or_default().memory = Usage::bytes(bytes);
    }
    pods.into_iter().map(|(pod, usage)| (pod.into(), usage)).collect()
}

/// Pod and newest number of each result that has both.
fn values(found: &[Found]) -> impl Iterator<Item = (String, f64)> {
    found.iter().filter_map(|found| {
        let pod = found.labels.get("pod")?.as_str()?;
        let (_, value) = found.samples.last()?;
        value.is_finite().then(|| (sanitize::line(pod).into_owned(), *value))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(pod: &str, value: f64) -> Found {
        let labels = json!({"pod": pod}).as_object().cloned().unwrap_or_default();
        Found { labels, samples: vec![(0.0, value)] }
    }

    #[test]
    fn both_numbers_of_a_pod_come_together() {
        let cpu = [found("a", 0.1201), found("b", f64::NAN)];
        let memory = [found("c", 1024.0), found("a", 2.5e8)];
        let expected: [(Box<str>, Usage); 2] = [
            ("a".into(), Usage { cpu: 121, memory: 250_000_000 }),
            ("c".into(), Usage { cpu: 0, memory: 1024 }),
        ];
        assert_eq!(merged(&cpu, &memory), expected);
    }
}
