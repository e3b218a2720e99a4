//! The metric panes of an environment: which of them are shown, and what each is drawn from.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::components;
use crate::app::state::cluster_state::{Metric, WatchedKind};
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::domain::pane::{self, Content};
use crate::ui::chrome::Freshness;
use crate::ui::layout;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::changes::change_style;
use crate::ui::panes::metric::Chart;
use crate::ui::panes::objective;

/// The metric pane that is meant.
pub(crate) static PANE: Pane = Pane { id: "metric", draw: meant, ..Pane::ROW };

const EMPTY: &str = "No data: Prometheus answered, but has no samples of this. Run `release-cockpit doctor` to see every query \
                     with its answer.";

/// Why there is no curve where a component is shown alone.
pub(super) const OF_OTHERS: &str =
    "No data of this component: the curves are of others. C shows all components.";

fn meant(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    grid(buf, area, ctx, ctx.grid);
}

/// Draws as many panes as the grid has cells: those among which the meant one is.
pub(crate) fn grid(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, (columns, lines): (u16, u16)) {
    let panes = &ctx.store.rows.panes;
    let count = usize::from(columns) * usize::from(lines);
    let meant = panes.iter().position(|pane| pane.name == ctx.store.ui.metric).unwrap_or(0);
    // Page by page, so that nothing moves but the pointer until it leaves the page.
    let first = (meant / count.max(1) * count).min(panes.len().saturating_sub(count));
    for (area, (index, pane)) in
        layout::cells(area, (columns, lines)).zip(panes.iter().enumerate().skip(first))
    {
        if !area.is_empty() {
            draw(buf, area, ctx, (pane, count > 1 && index == meant));
        }
    }
}

/// Draws that pane; `chosen` tells that it is the meant one among several.
pub(crate) fn draw(
    buf: &mut Buffer,
    area: Rect,
    ctx: &Ctx<'_>,
    (pane, chosen): (&pane::PaneDefinition, bool),
) {
    let store = ctx.store;
    let Some(id) = store.focused_environment().or_else(|| nameless(store)) else {
        let chart = Chart {
            pane,
            chosen,
            environment: "no environment",
            metric: None,
            series: &[],
            whose: None,
            markers: std::iter::empty(),
            now: store.now,
            range: store.range,
            empty: "Select an environment to see its numbers.",
        };
        chart.draw(buf, area, ctx.chrome(None, Freshness::Timeless));
        return;
    };
    let metric = metric(store, &id, &pane.name);
    let freshness = freshness(ctx, &id, metric.is_some());
    if pane.content == Content::Objective {
        objective::draw(buf, area, ctx, (&id, pane, chosen));
        return;
    }
    let series = metric.map_or(&[][..], |metric| &metric.series);
    let (whose, shown) = components::curves(store, &id, series);
    let chart = Chart {
        pane,
        chosen,
        environment: name_of(&id),
        metric,
        series: shown,
        whose,
        markers: markers(ctx, &id),
        now: store.now,
        range: store.range,
        empty: if series.is_empty() { EMPTY } else { OF_OTHERS },
    };
    chart.draw(buf, area, ctx.chrome(None, freshness));
}

/// What people call an environment; where it has no name, its namespace.
#[must_use]
pub(crate) fn name_of(id: &EnvironmentId) -> &str {
    if id.key.name.is_empty() { &id.key.namespace } else { &id.key.name }
}

/// The curves of that pane of an environment.
fn metric<'a>(store: &'a Store, id: &EnvironmentId, pane: &str) -> Option<&'a Metric> {
    let cluster = store.cluster(id.cluster)?;
    cluster
        .metrics
        .iter()
        .find(|((key, name), _)| *key == id.key && **name == *pane)
        .map(|(_, metric)| metric)
}

/// How true numbers of that environment are.
#[must_use]
pub(crate) fn freshness<'a>(ctx: &Ctx<'a>, id: &EnvironmentId, has_answered: bool) -> Freshness<'a> {
    match ctx.freshness(id.cluster, WatchedKind::Metrics) {
        // An answer that came speaks for itself, whatever the feed's own heartbeat says.
        Freshness::Live(_) if !has_answered => Freshness::Connecting,
        freshness => freshness,
    }
}

/// Where no environment can be had, the numbers of a namespace stand under a key without a name.
fn nameless(store: &Store) -> Option<EnvironmentId> {
    store.clusters().find_map(|(cluster, state)| {
        let (key, _) = state.metrics.keys().find(|(key, _)| key.name.is_empty())?;
        state.environments.is_empty().then(|| EnvironmentId::new(cluster, key.clone()))
    })
}

/// What changed this environment, in the order of its times. Of another environment than the one on the screen, nothing is known.
pub(crate) fn markers<'a>(
    ctx: &Ctx<'a>,
    id: &EnvironmentId,
) -> impl Iterator<Item = (DateTime<Utc>, &'a str, Style)> + Clone + 'a {
    let theme = ctx.theme;
    let known = ctx.store.focused_environment().as_ref() == Some(id);
    let changes = ctx.store.rows.changes.iter().rev().filter(move |_| known);
    changes.map(move |change| (change.at, &*change.label, change_style(theme, change.kind)))
}
