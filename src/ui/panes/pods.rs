//! Pods: what kubectl would say of each, which version it is, and the cause where something is wrong.

mod columns;

use columns::Columns;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::components;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::located::PodId;
use crate::app::state::store::Store;
use crate::app::state::view::Focus;
use crate::domain::age::Age;
use crate::domain::pod_row::PodRow;
use crate::ui::chrome::{Freshness, grey, sentence, stand_in};
use crate::ui::format::Short;
use crate::ui::layout::scrolled;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane {
    id: "pods",
    focus: Some(Focus::Pods),
    rows: |area, _, boxed| visible_rows(area, boxed),
    draw,
    ..Pane::ROW
};

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let (store, theme) = (ctx.store, ctx.theme);
    let cluster = store.focused_environment().map(|id| id.cluster);
    let freshness = match cluster {
        Some(cluster) if !store.ui.all_environments => ctx.freshness(cluster, WatchedKind::Pods),
        _ => ctx.worst(WatchedKind::Pods),
    };
    let inner = frame(buf, area, ctx, freshness);
    let rows = &store.rows.pods;
    if rows.is_empty() {
        let filter = store.ui.filter(Focus::Pods);
        if let (Some(filter), true) = (filter, store.rows.pods_total > 0) {
            let text = Short::of(format_args!("Nothing matches /{}: esc shows all.", filter.text()));
            sentence(buf, inner, theme.muted, text.as_str());
            return;
        }
        let why = match (cluster, store.rows.pods_whole) {
            (None, _) => "Select an environment to see its pods.",
            (Some(_), Some(_)) => "No pods of this component. C shows all components.",
            (Some(_), None) => "No pods: nothing runs here yet. Press n to deploy a version.",
        };
        stand_in(buf, inner, theme, freshness, Some(why));
        return;
    }
    if stand_in(buf, inner, theme, freshness, None) {
        return;
    }
    let columns = Columns::of(inner.width, has_tracks(ctx), store.ui.pods_wide);
    let mut body = inner;
    if inner.height > 3 {
        columns.head(&mut Pen::new(buf, inner, 0), ctx);
        body = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    list(buf, body, ctx, columns);
    if freshness.is_stale() {
        grey(buf, body, theme);
    }
}

fn frame(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>, freshness: Freshness<'_>) -> Rect {
    let (store, theme) = (ctx.store, ctx.theme);
    let chrome =
        crate::ui::chrome::Chrome { freshness, ..ctx.chrome(Some(Focus::Pods), Freshness::Timeless) };
    let id = store.focused_environment();
    let place = match (&id, id.as_ref().and_then(|id| components::alone(store, id))) {
        _ if store.ui.all_environments => "all environments",
        (_, Some(component)) => component.name.as_str(),
        (Some(id), None) => &id.key.name,
        (None, None) if store.rows.pods_total > 0 => "all namespaces",
        (None, None) => "no environment",
    };
    let (shown, total, failing) = (store.rows.pods.len(), store.rows.pods_total, store.rows.pods_failing);
    let dot = theme.glyphs.dot;
    let bad = if failing > 0 {
        Short::of(format_args!(" {dot} {} {failing} failing", theme.glyphs.failing))
    } else {
        Short::of(format_args!(""))
    };
    // of one component alone: `backend · 3 of 7`, for `3/7` is what is ready elsewhere; of a list that is still coming: `500…`
    let more = if freshness == Freshness::Connecting && total > 0 { theme.glyphs.ellipsis } else { "" };
    let filtered = match (store.ui.filter(Focus::Pods), store.rows.pods_whole) {
        (Some(filter), _) => {
            Short::of(format_args!(" {dot} /{} {dot} {shown} of {total}{more}", filter.text()))
        }
        (None, Some(whole)) => Short::of(format_args!(" {dot} {total} of {whole}{more}")),
        (None, None) => Short::of(format_args!(" {dot} {total}{more}")),
    };
    let marked = store.ui.marked.len();
    let turned = if store.ui.pods_reversed { ", reversed" } else { "" };
    let note = if marked > 0 {
        Short::of(format_args!("{marked} marked {dot} {}{turned}", store.ui.pod_sort.word()))
    } else {
        Short::of(format_args!("{}{turned}", store.ui.pod_sort.word()))
    };
    chrome.draw(
        buf,
        area,
        format_args!("Pods {dot} {place}{}{}", filtered.as_str(), bad.as_str()),
        (theme.muted, format_args!("{}", note.as_str())),
    )
}

/// Which pod each row of the list is about, where it has so many rows: from the scroll position on, each with its cause below where
/// there is room for all causes, or where it is selected.
#[must_use]
pub(crate) fn rows(store: &Store, height: u16) -> Vec<usize> {
    let cursor = &store.ui.pods;
    let rows = &store.rows.pods;
    let height = usize::from(height);
    let all = rows.len() + store.rows.pods_failing <= height;
    let has_cause = |id: &PodId| store.pod(id).is_some_and(|pod| !pod.cause.is_empty());
    // Where not every cause fits: the selected pod's and that of the row on top, which is the worst one.
    let selected_cause = height >= 3 && cursor.selected.as_ref().is_some_and(has_cause);
    let spare = height - usize::from(selected_cause && height > 0);
    let mut first = if all { 0 } else { scrolled(cursor.offset, cursor.index, spare) };
    let top_cause =
        height >= 5 && rows.first().is_some_and(has_cause) && rows.first() != cursor.selected.as_ref();
    if !all && first == 0 && top_cause && cursor.index + 1 >= spare {
        first = 1;
    }
    let mut shown = Vec::with_capacity(height);
    for (at, id) in rows.iter().enumerate().skip(first) {
        if shown.len() >= height {
            break;
        }
        let Some(pod) = store.pod(id) else { continue };
        shown.push(at);
        let selected = cursor.selected.as_ref() == Some(id);
        let wanted = all || (selected && selected_cause) || (at == 0 && top_cause);
        if wanted && !pod.cause.is_empty() && shown.len() < height {
            shown.push(at);
        }
    }
    shown
}

fn list(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, columns: Columns) {
    let store = ctx.store;
    let mut before = None;
    for (row, at) in (0_u16..).zip(rows(store, body.height)) {
        let Some((id, pod)) = store.rows.pods.get(at).and_then(|id| Some((id, store.pod(id)?))) else {
            continue;
        };
        if before.replace(at) == Some(at) {
            cause(&mut Pen::new(buf, body, row), ctx, pod);
            continue;
        }
        let selected = store.ui.pods.selected.as_ref() == Some(id);
        columns.row(buf, Rect { y: body.y + row, height: 1, ..body }, ctx, (id, pod, selected));
    }
}

fn cause(pen: &mut Pen<'_>, ctx: &Ctx<'_>, pod: &PodRow) {
    let theme = ctx.theme;
    pen.skip(3).put(theme.muted, theme.glyphs.elbow).put(theme.muted, " ");
    if let Some(at) = pod.last_restart {
        pen.last(theme.muted, format_args!("{} ago", Age::between(at, ctx.store.now)));
    }
    let room = pen.room();
    pen.cut(room, theme.failing, theme, &pod.cause);
}

/// Any pod of the list says which track it is on; looked up among the visible ones only.
fn has_tracks(ctx: &Ctx<'_>) -> bool {
    let cursor = &ctx.store.ui.pods;
    ctx.store
        .rows
        .pods
        .iter()
        .skip(cursor.offset)
        .take(60)
        .any(|id| ctx.store.pod(id).is_some_and(|pod| !pod.track.is_empty()))
}

/// Rows of the list where the pane has this area.
fn visible_rows(area: Rect, boxed: bool) -> u16 {
    let inner = area.height.saturating_sub(if boxed { 2 } else { 1 });
    if inner > 3 { inner - 1 } else { inner }
}
