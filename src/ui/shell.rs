//! The lines around every screen: where am I, is anything lost, what is going on, what can I press.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::Tier;
use crate::app::arming::{self, Posture};
use crate::app::state::cluster_state::{ClusterState, WatchedKind};
use crate::app::state::located::EnvironmentId;
use crate::app::state::pending::PendingState;
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::state::ui_state::{Overlay, Purpose};
use crate::app::state::view::{Focus, View};
use crate::domain::age::Age;
use crate::domain::watch_state::WatchState;
use crate::ui::chrome::Freshness;
use crate::ui::format::{Short, width};
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// The feeds that come from the API server.
pub(super) const KUBERNETES: [WatchedKind; 5] = [
    WatchedKind::Environments,
    WatchedKind::Releases,
    WatchedKind::Actions,
    WatchedKind::Pods,
    WatchedKind::Workloads,
];

/// Place, person, freshness, clock.
pub(crate) fn header(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let id = store.focused_environment();
    let row = id.as_ref().and_then(|id| ctx.row(id));
    let wide = area.width >= 120;
    let mut pen = Pen::new(buf, area, 0);
    if wide {
        pen.last(theme.text, format_args!("{}Z", store.now.format("%H:%M:%S")));
    } else {
        pen.last(theme.text, format_args!("{}Z", store.now.format("%H:%M")));
    }
    let cluster =
        id.as_ref().map(|id| id.cluster).and_then(|id| store.cluster(id)).or(store.clusters.first());
    if let Some(cluster) = cluster {
        feeds(&mut pen, ctx, cluster, wide);
    }
    match row {
        Some(row) => {
            posture(&mut pen, ctx, &row.id);
            badge(&mut pen, ctx, row.tier);
            let room = pen.room() - reserved(ctx, cluster, pen.room());
            let style = theme.title;
            pen.cut(room / 2, style, theme, &row.application).put(style, theme.glyphs.dot);
            let room = pen.room() - reserved(ctx, cluster, pen.room());
            pen.cut(room, theme.tier(row.tier), theme, &row.name);
        }
        None => {
            pen.put(theme.title, " Release Cockpit");
        }
    }
    if let Some(cluster) = cluster {
        if wide || store.clusters.len() > 1 {
            let long = wide && pen.room() > width(&cluster.context) + 12;
            let room = pen.room().saturating_sub(3);
            if room > 1 {
                pen.put(theme.muted, if long { "  on " } else { " @" });
                pen.name(room.min(width(&cluster.context)), theme.muted, theme, &cluster.context);
            }
        }
        if let Some(identity) = &cluster.identity {
            let room = pen.room();
            if room > 6 {
                pen.skip(2).name(
                    room.saturating_sub(2).min(width(&identity.user)),
                    theme.muted,
                    theme,
                    &identity.user,
                );
            }
        }
    }
}

/// Cells that are kept for the cluster's name, so that it is cut but never dropped.
fn reserved(ctx: &Ctx<'_>, cluster: Option<&ClusterState>, room: u16) -> u16 {
    let context = cluster.map_or(0, |cluster| width(&cluster.context));
    if ctx.store.clusters.len() > 1 { (context + 3).min(room / 2).min(20) } else { 0 }
}

/// `READ-ONLY` or `ARMED 12m`, where the environment is not simply open; before anything else that could be pushed out.
fn posture(pen: &mut Pen<'_>, ctx: &Ctx<'_>, id: &EnvironmentId) {
    let theme = ctx.theme;
    match arming::posture(ctx.store, id) {
        Posture::Open => {}
        Posture::ReadOnly => {
            pen.last(theme.accent, format_args!("READ-ONLY"));
        }
        Posture::Armed(left) => {
            pen.last(theme.failing, format_args!(" ARMED {left} "));
        }
    }
}

/// The tier, framed and as a word: `▌PROD▐`.
fn badge(pen: &mut Pen<'_>, ctx: &Ctx<'_>, tier: Tier) {
    let (glyphs, style) = (ctx.theme.glyphs, ctx.theme.tier(tier));
    let word = match tier {
        Tier::Production => "PROD",
        Tier::Staging => "STAGING",
        Tier::Development => "DEV",
    };
    pen.put(style, glyphs.badge_left).put(style, word).put(style, glyphs.badge_right).skip(1);
}

/// `k8s ● 1s  prom ● 3s  ctl ● lease 1s`, at the end of the header.
fn feeds(pen: &mut Pen<'_>, ctx: &Ctx<'_>, cluster: &ClusterState, wide: bool) {
    let (glyphs, theme, now) = (ctx.theme.glyphs, ctx.theme, ctx.store.now);
    let health = &cluster.controller;
    let renewed = health.renewed.map(|renewed| Age::between(renewed, now));
    let alive = renewed.is_some_and(|age| age.seconds() <= i64::from(health.duration_seconds.max(1)));
    let controller = if wide { "controller" } else { "ctl" };
    match (&health.leader, renewed) {
        (Some(_), Some(age)) if alive => {
            lamp(pen, theme.healthy, controller, (glyphs.healthy, (age.seconds() >= 5).then_some(age)), "");
        }
        (Some(_), Some(age)) => lamp(pen, theme.failing, controller, (glyphs.failing, Some(age)), "silent "),
        _ => lamp(pen, theme.warning, controller, (glyphs.unknown, None), "none"),
    }
    let metrics = Freshness::of(cluster.feeds.get(&WatchedKind::Metrics), now);
    feed(pen, ctx, if wide { "prometheus" } else { "prom" }, metrics);
    let worst = KUBERNETES
        .iter()
        .filter_map(|feed| cluster.feeds.get(feed))
        .max_by_key(|state| lateness(state, now))
        .map_or(Freshness::Connecting, |state| Freshness::of(Some(state), now));
    feed(pen, ctx, if wide { "kubernetes" } else { "k8s" }, worst);
}

fn feed(pen: &mut Pen<'_>, ctx: &Ctx<'_>, name: &str, freshness: Freshness<'_>) {
    let (glyphs, theme) = (ctx.theme.glyphs, ctx.theme);
    match freshness {
        Freshness::Live(age) => {
            lamp(pen, theme.healthy, name, (glyphs.healthy, (age.seconds() >= 5).then_some(age)), "");
        }
        Freshness::Stale { age, .. } => lamp(pen, theme.failing, name, (glyphs.failing, age), "lost "),
        Freshness::Connecting => lamp(pen, theme.muted, name, (glyphs.moving, None), ""),
        Freshness::Denied(_) | Freshness::Missing(_) => {
            lamp(pen, theme.warning, name, (glyphs.warning, None), "partly");
        }
        Freshness::Timeless => {}
    }
}

/// Name, glyph, and an age that takes its room even while it is not said, so that nothing jumps.
fn lamp(pen: &mut Pen<'_>, style: Style, name: &str, (glyph, age): (&str, Option<Age>), word: &str) {
    let age = age.map_or_else(|| Short::of(format_args!("")), |age| Short::of(format_args!("{age}")));
    let said = Short::of(format_args!("{word}{}", age.as_str()));
    pen.last(style, format_args!(" {name} {glyph} {:<3}", said.as_str()));
}

/// How far behind a feed is; what is denied or missing is no news in the header while others live.
fn lateness(state: &WatchState, now: chrono::DateTime<chrono::Utc>) -> (u8, i64) {
    match state {
        WatchState::Live { heard } => (1, (now - *heard).num_seconds()),
        WatchState::Connecting => (2, 0),
        WatchState::Missing { .. } | WatchState::Denied { .. } => (3, 0),
        WatchState::Stale { since, .. } => (4, since.map_or(i64::MAX, |since| (now - since).num_seconds())),
    }
}

/// There is something to say on the status line.
#[must_use]
pub(crate) fn has_status(store: &Store) -> bool {
    let typing = matches!(
        store.ui.overlay(),
        Some(Overlay::Filter { .. } | Overlay::Pattern(_) | Overlay::Palette(_))
    );
    // Where rows are plenty, the line is always there, so that a message moves nothing.
    store.size.1 >= 20 || typing || !store.toasts.is_empty() || !store.pending.is_empty()
}

/// What is being typed, else the newest message, else what is on its way, else more about what is selected.
pub(crate) fn status(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let mut pen = Pen::new(buf, area, 0);
    match store.ui.overlay() {
        Some(Overlay::Filter { editor, .. }) => {
            pen.last(theme.muted, format_args!("{} shown, ! inverts, -l key=value", filtered(ctx)));
            pen.put(theme.key, " /");
            edited(&mut pen, ctx, editor.split());
            return;
        }
        Some(Overlay::Pattern(line)) => {
            match &line.fault {
                Some(fault) => pen.last(theme.failing, format_args!("{fault}")),
                None => pen.last(theme.muted, format_args!("{}", pattern_help(line.purpose))),
            };
            pen.put(theme.key, if line.purpose == Purpose::Filter { " /" } else { " search " });
            edited(&mut pen, ctx, line.editor.split());
            return;
        }
        Some(Overlay::Palette(palette)) => {
            pen.put(theme.key, " :");
            edited(&mut pen, ctx, palette.editor.split());
            return;
        }
        _ => {}
    }
    let glyphs = theme.glyphs;
    if let Some(toast) = store.toasts.back() {
        let (glyph, style) = match toast.level {
            Level::Info => (glyphs.dot, theme.text),
            Level::Done => (glyphs.done, theme.healthy),
            Level::Warning => (glyphs.warning, theme.warning),
            Level::Error => (glyphs.failing, theme.failing),
        };
        let room = pen.room();
        pen.fmt(style, format_args!(" {glyph} ")).cut(room.saturating_sub(3), style, theme, &toast.text);
    } else if let Some(pending) = store.pending.last() {
        let word = match pending.state {
            PendingState::Sent => "sent, no answer yet",
            PendingState::Accepted => "accepted, the controller has not judged it yet",
            PendingState::Unknown => "may or may not have arrived: look at the queue before you try again",
        };
        let age = Age::between(pending.since, store.now);
        pen.fmt(theme.accent, format_args!(" {} {}: {word} ({age})", glyphs.moving, pending.what));
    } else {
        selected(&mut pen, ctx);
    }
}

const fn pattern_help(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Filter => "regular expression, ! inverts",
        Purpose::Search => "regular expression, then n and N",
    }
}

fn filtered(ctx: &Ctx<'_>) -> usize {
    match ctx.store.ui.focus {
        Focus::Environments => ctx.store.rows.environments.len(),
        Focus::Queue => ctx.store.rows.queue.len(),
        Focus::Events => ctx.store.rows.events.len(),
        Focus::Differences => {
            ctx.store.rows.differences.lines.iter().filter(|line| line.row.is_some()).count()
        }
        _ => ctx.store.rows.pods.len(),
    }
}

/// A text field: the text with a caret.
pub(crate) fn edited(pen: &mut Pen<'_>, ctx: &Ctx<'_>, (before, behind): (&str, &str)) {
    let theme = ctx.theme;
    let room = pen.room().saturating_sub(width(behind).min(10) + 2);
    pen.put(theme.text, crate::ui::format::tail(before, room));
    pen.put(theme.accent, theme.glyphs.caret).put(theme.text, behind);
}

/// What the rows had no room for.
fn selected(pen: &mut Pen<'_>, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    if !matches!(store.ui.view(), View::Home) {
        return;
    }
    pen.skip(1);
    let room = pen.room();
    match store.ui.focus {
        Focus::Queue => {
            let row = store.rows.queue.iter().find(|row| Some(&row.id) == store.ui.queue.selected.as_ref());
            if let Some(row) = row {
                pen.cut(room, theme.muted, theme, &row.message);
            }
        }
        Focus::Pods => {
            let pod = store.ui.pods.selected.as_ref().and_then(|id| store.pod(id));
            if let Some(pod) = pod {
                // where pods of several environments are listed, their names may be alike
                if store.ui.all_environments {
                    pen.fmt(theme.muted, format_args!("{}/", pod.key.namespace));
                }
                let room = pen.room();
                pen.name(room.min(width(&pod.key.name)), theme.muted, theme, &pod.key.name);
                if !pod.node.is_empty() {
                    pen.fmt(theme.muted, format_args!(" on {}", pod.node));
                }
                no_usage(pen, ctx, pod);
            }
        }
        _ => {
            if let Some(frozen) = ctx.environment().and_then(|row| row.frozen.as_ref()) {
                pen.put(theme.warning, "frozen: ").cut(room.saturating_sub(8), theme.warning, theme, frozen);
            }
        }
    }
}

/// Why the table knows neither CPU nor memory of a pod.
fn no_usage(pen: &mut Pen<'_>, ctx: &Ctx<'_>, pod: &crate::domain::pod_row::PodRow) {
    let Some(id) = &ctx.store.ui.pods.selected else { return };
    let usage = ctx.store.cluster(id.cluster).and_then(|cluster| cluster.usage.get(&pod.key.namespace));
    if let Some(error) = usage.and_then(|usage| usage.error.as_ref()) {
        let room = pen.room();
        pen.put(ctx.theme.muted, "  no CPU and memory: ").cut(room, ctx.theme.muted, ctx.theme, error);
    }
}
