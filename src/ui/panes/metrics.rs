//! The two metric panes of an environment: error rate and latency.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::cluster_state::Feed;
use crate::app::located::EnvironmentId;
use crate::app::store::Store;
use crate::app::ui_state::MetricPane;
use crate::ui::chrome::Freshness;
use crate::ui::format::Unit;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::changes::change_style;
use crate::ui::panes::metric::Chart;

/// The error rate.
pub static ERROR_RATE: Pane =
    Pane { id: "error-rate", title: "Error rate", focus: None, min: (30, 1), draw: error_rate };

/// The latency.
pub static LATENCY: Pane = Pane { id: "latency", title: "Latency", focus: None, min: (30, 1), draw: latency };

fn error_rate(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    draw(buf, area, ctx, MetricPane::ErrorRate);
}

fn latency(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    draw(buf, area, ctx, MetricPane::Latency);
}

/// Draws the pane of that metric.
pub fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, pane: MetricPane) {
    let store = ctx.store;
    let (name, unit) = match pane {
        MetricPane::ErrorRate => ("Error rate", Unit::Ratio),
        MetricPane::Latency => ("Latency p95", Unit::Seconds),
    };
    let Some(id) = store.focused_environment().or_else(|| nameless(store)) else {
        let chart = Chart {
            name,
            environment: "no environment",
            unit,
            metric: None,
            limit: None,
            markers: std::iter::empty(),
            now: store.now,
            empty: "Select an environment to see its numbers.",
        };
        chart.draw(buf, area, ctx.chrome(None, Freshness::Timeless));
        return;
    };
    let limit = store
        .environment(&id)
        .and_then(|environment| environment.spec.metrics.as_ref())
        .and_then(|metrics| metrics.limits.get(pane.query()).copied());
    let metric = store.cluster(id.cluster).and_then(|cluster| {
        cluster.metrics.iter().find(|((key, query), _)| *key == id.key && &**query == pane.query())
    });
    let chart = Chart {
        name,
        environment: if id.key.name.is_empty() { &id.key.namespace } else { &id.key.name },
        unit,
        metric: metric.map(|(_, metric)| metric),
        limit,
        markers: markers(ctx, &id),
        now: store.now,
        empty: "No data: Prometheus answered, but has no samples of this. Run `release-cockpit doctor` to see every query \
                with its answer.",
    };
    let freshness = match ctx.freshness(id.cluster, Feed::Metrics) {
        // An answer that came speaks for itself, whatever the feed's own heartbeat says.
        Freshness::Live(_) if metric.is_none() => Freshness::Connecting,
        freshness => freshness,
    };
    chart.draw(buf, area, ctx.chrome(None, freshness));
}

/// Where no environment can be had, the numbers of a namespace stand under a key without a name.
fn nameless(store: &Store) -> Option<EnvironmentId> {
    store.clusters().find_map(|(cluster, state)| {
        let (key, _) = state.metrics.keys().find(|(key, _)| key.name.is_empty())?;
        state.environments.is_empty().then(|| EnvironmentId::new(cluster, key.clone()))
    })
}

/// What changed this environment, in the order of its times. Of another environment than the one on the screen, nothing is known.
fn markers<'a>(
    ctx: &Ctx<'a>,
    id: &EnvironmentId,
) -> impl Iterator<Item = (DateTime<Utc>, &'a str, Style)> + Clone + 'a {
    let theme = ctx.theme;
    let known = ctx.store.focused_environment().as_ref() == Some(id);
    let changes = ctx.store.rows.changes.iter().rev().filter(move |_| known);
    changes.map(move |change| (change.at, &*change.label, change_style(theme, change.kind)))
}
