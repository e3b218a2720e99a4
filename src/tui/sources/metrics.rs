//! Numbers, each kind in a loop of its own so that none waits for another: the panes of the environment that is looked at, the newest
//! value of all other environments, the zoomed pane, the promise to users, alerts, what pods use.

mod alerts;
mod focused;
mod history;
mod managers;
mod objective;
mod others;
mod usage;
mod zoom;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::watcher::WatchContext;
use super::{Closed, Environments, Out, Plan, Subscriptions};
use crate::api::strategy::Track;
use crate::api::{Environment, EnvironmentKey};
use crate::app::state::event::ClusterEvent;
use crate::app::state::event::MetricsEvent;
use crate::domain::pane::{Content, PaneDefinition};
use crate::domain::series::Series;
use crate::domain::sliding;
use crate::metrics::{Curves, Error, Prometheus, Target, queries};

/// What in a template tells one track from the other.
const PER_TRACK: [&str; 3] = ["{{track}}", "{{workload}}", "{{pods}}"];
/// A template that names its track exactly.
const EXACT: &str = "=\"{{track}}\"";
/// Shortest time between two rounds on the wall, however fast the session's clock runs.
const SHORTEST: Duration = Duration::from_secs(1);
/// Shortest time over which a rate is taken, in seconds.
const SHORTEST_WINDOW: f64 = 60.0;
/// Why nothing is asked.
const NOBODY: &str =
    "no Prometheus is known: set spec.metrics.prometheus of the Environment, or --prometheus";

type Inputs = (watch::Receiver<Environments>, watch::Receiver<Subscriptions>);

pub(super) async fn run(context: WatchContext, plan: Plan, inputs: Inputs, out: Out) {
    let asking = Asking { context, plan, out, clients: Mutex::default() };
    // Nobody listens any more: the session is over.
    let _: Result<_, Closed> = tokio::try_join!(
        focused::run(&asking, inputs.clone()),
        others::run(&asking, inputs.clone()),
        zoom::run(&asking, inputs.clone()),
        objective::run(&asking, inputs.clone()),
        alerts::run(&asking, inputs.clone()),
        history::run(&asking, inputs.clone()),
        managers::run(&asking, inputs.clone()),
        usage::run(&asking, inputs),
    );
}

/// What every loop asks with.
struct Asking {
    context: WatchContext,
    plan: Plan,
    out: Out,
    clients: Mutex<BTreeMap<Target, Result<Prometheus, Error>>>,
}

impl Asking {
    /// The client of the environment's Prometheus, opened once, so that all loops together keep to its limit of queries at the same
    /// time; none where nobody names one.
    fn client(&self, environment: &Environment) -> Option<Result<Prometheus, Error>> {
        let target = Target::of(environment, &self.plan.prometheus)?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = |target: &Target| {
            target.open(&self.context.cluster).map(|client| client.at_once(self.plan.queries_at_once))
        };
        Some(clients.entry(target).or_insert_with_key(opened).clone())
    }

    /// Until when to wait for the next answer of a pane.
    fn next(&self, refresh: Option<Duration>) -> Instant {
        let refresh = refresh.unwrap_or(self.plan.refresh_metrics);
        Instant::now() + self.plan.clock.wall(refresh).max(SHORTEST)
    }

    async fn tell(
        &self,
        key: &EnvironmentKey,
        pane: &str,
        answer: Result<Answered, Error>,
    ) -> Result<(), Closed> {
        let (result, partial) = split(answer);
        let at = self.context.clock.now();
        let event = ClusterEvent::Metrics(MetricsEvent::Metrics {
            environment: key.clone(),
            query: pane.into(),
            at,
            result,
            partial,
        });
        self.out.send(event).await
    }
}

/// The environment that is looked at: the wished one, else the first one.
fn focused<'a>(
    known: &'a Environments,
    subscriptions: &Subscriptions,
) -> Option<(&'a EnvironmentKey, &'a std::sync::Arc<Environment>)> {
    let found = subscriptions.focus.as_ref().and_then(|key| known.get_key_value(key));
    found.or_else(|| known.first_key_value())
}

/// Of which tracks a pane is asked: of both while there are two and the template tells them apart, else of everything at once.
fn sides(pane: &PaneDefinition, second: Option<Track>) -> Vec<Option<Track>> {
    let Content::Curves(template) = &pane.content else { return Vec::new() };
    let told_apart = pane.by_track && PER_TRACK.iter().any(|placeholder| template.contains(placeholder));
    match second.filter(|_| told_apart) {
        Some(track) => vec![Some(Track::Stable), Some(track)],
        None => vec![None],
    }
}

/// The curves of one track, named after it.
fn labelled(mut series: Vec<Series>, side: Option<Track>) -> Vec<Series> {
    let Some(track) = side else { return series };
    let alone = series.len() == 1;
    for curve in &mut series {
        curve.label = if alone { track.as_str().into() } else { format!("{} {track}", curve.label).into() };
    }
    series
}

/// Curves, and why they are not the whole truth, where they are not.
#[derive(Debug, Default)]
struct Answered {
    series: Vec<Series>,
    partial: Option<Box<str>>,
}

/// Curves or why there are none, and why they are not the whole truth, as events carry them.
fn split(answer: Result<Answered, Error>) -> (Result<Vec<Series>, String>, Option<Box<str>>) {
    match answer {
        Ok(Answered { series, partial }) => (Ok(series), partial),
        Err(error) => (Err(error.to_string()), None),
    }
}

/// What both tracks answered; a failure of one is a failure of the whole, so that half a picture never passes for a whole one.
fn joined(answers: impl IntoIterator<Item = Result<Answered, Error>>) -> Result<Answered, Error> {
    answers.into_iter().try_fold(Answered::default(), |mut all, answer| {
        let Answered { series, partial } = answer?;
        all.series.extend(series);
        all.partial = all.partial.or(partial);
        Ok(all)
    })
}

/// The kept curves where they are of the environment's present query and range, else new ones.
fn curves(
    kept: Option<Curves>,
    environment: &Environment,
    (pane, side): (&PaneDefinition, Option<Track>),
    range: f64,
) -> Result<Curves, Error> {
    let query = query(environment, pane, side, sliding::step(range))?;
    let fits = |curves: &Curves| curves.is_of(&query, range, pane.legend.as_deref());
    Ok(kept
        .filter(fits)
        .unwrap_or_else(|| Curves::new(&*pane.name, query, range).with_legend(pane.legend.clone())))
}

/// The query of a pane for one track. A rate is taken over no less than a step, so that nothing between two samples is lost.
fn query(
    environment: &Environment,
    pane: &PaneDefinition,
    side: Option<Track>,
    step: f64,
) -> Result<String, Error> {
    let Content::Curves(template) = &pane.content else { return Ok(String::new()) };
    let everything = queries::Values::of(environment);
    let track = match side {
        Some(track) => track.as_str(),
        // An exact matcher matches no expression; where one version runs alone, all of it is stable.
        None if template.contains(EXACT) => Track::Stable.as_str(),
        None => everything.track,
    };
    let longer = (step > SHORTEST_WINDOW).then(|| format!("{step:.0}s"));
    let window = longer.as_deref().unwrap_or(everything.window);
    queries::render(&pane.name, template, &queries::Values { track, window, ..everything })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pane;
    use crate::metrics::Kind;
    use serde_json::json;

    fn environment(error_rate: &str) -> Environment {
        serde_json::from_value(json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": "production", "namespace": "shop"},
            "spec": {"application": "shop", "tier": "production", "components": [],
                     "metrics": {"queries": {"errorRate": error_rate}}},
        }))
        .unwrap()
    }

    fn named(environment: &Environment, name: &str) -> PaneDefinition {
        pane::list(Some(&environment.spec)).into_iter().find(|pane| &*pane.name == name).unwrap()
    }

    fn asked(environment: &Environment, side: Option<Track>) -> String {
        query(environment, &named(environment, "errorRate"), side, 10.0).unwrap()
    }

    #[test]
    fn each_track_is_asked_for_itself_where_the_query_tells_them_apart() {
        let tracked = environment("sum(rate(errors{track=~\"{{track}}\"}[1m]))");
        let plain = environment("sum(rate(errors[1m]))");
        let canary = Some(Track::Canary);
        let sides = |environment: &Environment, name, second| sides(&named(environment, name), second);
        assert_eq!(sides(&tracked, "errorRate", canary), [Some(Track::Stable), canary]);
        assert_eq!(sides(&tracked, "errorRate", None), [None]);
        assert_eq!(sides(&plain, "errorRate", canary), [None]);
        assert_eq!(sides(&plain, "latency", Some(Track::Green)), [Some(Track::Stable), Some(Track::Green)]);
        assert_eq!(sides(&plain, "cpuLimit", canary), [None], "pods bear their track in their names");
        assert_eq!(asked(&tracked, canary), "sum(rate(errors{track=~\"canary\"}[1m]))");
        assert_eq!(asked(&tracked, None), "sum(rate(errors{track=~\".*\"}[1m]))");
    }

    #[test]
    fn a_query_that_names_its_track_exactly_is_asked_of_the_stable_one() {
        let exact = environment("sum(rate(errors{track=\"{{track}}\"}[1m]))");
        assert_eq!(asked(&exact, None), "sum(rate(errors{track=\"stable\"}[1m]))");
        assert_eq!(asked(&exact, Some(Track::Green)), "sum(rate(errors{track=\"green\"}[1m]))");
    }

    #[test]
    fn a_rate_is_taken_over_a_step_at_least() {
        let environment = environment("rate(errors[{{window}}])");
        let pane = named(&environment, "errorRate");
        for (step, expected) in [(10.0, "1m"), (60.0, "1m"), (600.0, "600s")] {
            let query = query(&environment, &pane, None, step).unwrap();
            assert_eq!(query, format!("rate(errors[{expected}])"));
        }
    }

    #[test]
    fn curves_are_named_after_their_track_and_one_failure_is_the_whole_answers() {
        let series = |label: &str| Series { label: label.into(), ..Series::default() };
        let labels =
            |series: Vec<Series>| series.into_iter().map(|s| s.label.into()).collect::<Vec<String>>();
        assert_eq!(labels(labelled(vec![series("backend")], Some(Track::Canary))), ["canary"]);
        let two = labelled(vec![series("backend"), series("frontend")], Some(Track::Stable));
        assert_eq!(labels(two), ["backend stable", "frontend stable"]);
        assert_eq!(labels(labelled(vec![series("backend")], None)), ["backend"]);
        let answered = |label: &str, partial: Option<&str>| -> Result<Answered, Error> {
            Ok(Answered { series: vec![series(label)], partial: partial.map(Into::into) })
        };
        let both = joined([answered("stable", None), answered("canary", Some("partial"))]).unwrap();
        assert_eq!(
            (both.series.len(), both.partial.as_deref()),
            (2, Some("partial")),
            "half a truth is none"
        );
        let failed = Err(Error::new(Kind::Query, "no such function".to_owned()));
        assert!(joined([answered("stable", None), failed, answered("canary", None)]).is_err());
    }
}
