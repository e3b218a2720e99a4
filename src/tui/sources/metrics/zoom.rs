//! The zoomed pane: its curves over the range that is asked for, and what they are compared with.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Answered, Asking, Closed, Inputs, NOBODY, curves, joined, labelled, sides, split};
use crate::api::Environment;
use crate::api::strategy::Track;
use crate::app::state::event::MetricsEvent;
use crate::app::state::event::{ClusterEvent, ZoomPart};
use crate::app::state::zoom::{Baseline, ZoomQuery};
use crate::domain::pane::{self, Content, PaneDefinition};
use crate::domain::series::unix;
use crate::domain::sliding;
use crate::metrics::{Curves, Error, Kind, Prometheus};

type Kept = HashMap<(ZoomPart, Option<Track>), Curves>;

pub(super) async fn run(
    asking: &Asking,
    (mut environments, mut subscriptions): Inputs,
) -> Result<(), Closed> {
    let mut kept = Kept::new();
    let mut of: Option<ZoomQuery> = None;
    let mut refreshed = subscriptions.borrow().refresh;
    loop {
        let known = environments.borrow_and_update().clone();
        let (wish, refresh) = {
            let subscriptions = subscriptions.borrow_and_update();
            (subscriptions.zoom.clone(), subscriptions.refresh)
        };
        if wish != of || refresh != refreshed {
            refreshed = refresh;
            kept.clear();
            of.clone_from(&wish);
        }
        let Some(wish) = wish else {
            subscriptions.changed().await.map_err(|_| Closed)?;
            continue;
        };
        let environment = known.get(&wish.environment);
        tokio::select! {
            changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
            done = round(asking, &wish, environment, &mut kept) => {
                let next = done?;
                tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    changed = subscriptions.changed() => changed.map_err(|_| Closed)?,
                    changed = environments.changed() => changed.map_err(|_| Closed)?,
                }
            }
        }
    }
}

async fn round(
    asking: &Asking,
    wish: &ZoomQuery,
    environment: Option<&Arc<Environment>>,
    kept: &mut Kept,
) -> Result<tokio::time::Instant, Closed> {
    let Some(environment) = environment else { return Ok(asking.next(None)) };
    let panes = pane::list(Some(&environment.spec));
    let Some(pane) = panes.iter().find(|pane| pane.name == wish.pane) else { return Ok(asking.next(None)) };
    let prometheus = asking.client(environment).unwrap_or_else(|| Err(Error::new(Kind::Address, NOBODY)));
    let mut parts = vec![ZoomPart::Present];
    parts.extend(wish.baseline.map(|_| ZoomPart::Baseline));
    for part in parts {
        let result = match &prometheus {
            Ok(prometheus) => ask(asking, wish, (environment, pane, prometheus), part, kept).await,
            Err(error) => Err(error.clone()),
        };
        let at = asking.context.clock.now();
        let (result, partial) = split(result);
        let event =
            ClusterEvent::Metrics(MetricsEvent::Zoomed { wish: wish.clone(), part, at, result, partial });
        asking.out.send(event).await?;
    }
    // Over a long range little is new before a step has passed.
    let step = std::time::Duration::from_secs_f64(sliding::step(f64::from(wish.range)) / 4.0);
    let refresh = pane.refresh.map_or(asking.plan.refresh_metrics, crate::api::Duration::to_std);
    Ok(asking.next(Some(refresh.max(step))))
}

async fn ask(
    asking: &Asking,
    wish: &ZoomQuery,
    (environment, pane, prometheus): (&Environment, &PaneDefinition, &Prometheus),
    part: ZoomPart,
    kept: &mut Kept,
) -> Result<Answered, Error> {
    if let Content::Nothing(why) = &pane.content {
        return Err(Error::new(Kind::Query, why.to_string()));
    }
    let range = f64::from(wish.range);
    let present = unix(asking.context.clock.now());
    let now = match (part, wish.baseline) {
        (ZoomPart::Present, _) | (_, None) => present,
        (ZoomPart::Baseline, Some(Baseline::Until(end))) => unix(end),
        #[expect(clippy::cast_precision_loss, reason = "a day")]
        (ZoomPart::Baseline, Some(Baseline::Ago(seconds))) => present - seconds as f64,
    };
    // What was before has one version's name or the other's: it is one whole.
    let second = wish.second.filter(|_| part == ZoomPart::Present);
    let mut answers = Vec::new();
    for side in sides(pane, second) {
        let place = (part, side);
        let mut found = curves(kept.get(&place).cloned(), environment, (pane, side), range)?;
        let answer = found.fetch(prometheus, now).await;
        let partial = found.partial().map(Into::into);
        kept.insert(place, found);
        answers.push(answer.map(|series| Answered { series: labelled(series, side), partial }));
    }
    joined(answers)
}
