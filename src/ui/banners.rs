//! Lines that everybody must see, below the header of every screen: what is lost, frozen, owed or not attested.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::state::banners::{Banner, BannerKind};
use crate::app::state::cluster_state::ClusterState;
use crate::app::state::store::Store;
use crate::domain::watch_state::WatchState;
use crate::ui::chrome::Freshness;
use crate::ui::format::{Short, width};
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;
use crate::ui::shell::KUBERNETES;

/// How many lines there are to draw.
#[must_use]
pub(crate) fn count(store: &Store) -> usize {
    usize::from(lost(store).is_some()) + store.rows.banners.len()
}

/// Draws as many as fit; the last line says how many more there are.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let mut row = 0;
    if lost(ctx.store).is_some() {
        connection(buf, Rect { height: 1, ..area }, ctx);
        row = 1;
    }
    let banners = &ctx.store.rows.banners;
    let room = usize::from(area.height - row.min(area.height));
    for (at, banner) in banners.iter().take(room).enumerate() {
        let mut pen = Pen::new(buf, area, row);
        if at + 1 == room && banners.len() > room {
            pen.last(ctx.theme.warning, format_args!("+{} more", banners.len() - room));
        }
        line(&mut pen, ctx, banner);
        row += 1;
    }
}

fn line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, banner: &Banner) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    let (glyph, style) = match banner.kind {
        BannerKind::Frozen => (glyphs.paused, theme.warning),
        BannerKind::Debt => (glyphs.warning, theme.failing),
        BannerKind::Policies | BannerKind::Undecodable => (glyphs.failing, theme.failing),
    };
    pen.fmt(style.patch(theme.title).patch(style), format_args!(" {glyph} {} ", banner.kind.word()));
    let room = pen.room();
    pen.cut(room, style, theme, &banner.text);
}

/// The first cluster whose objects are out of step, and why.
fn lost(store: &Store) -> Option<(&ClusterState, Freshness<'_>)> {
    store.clusters.iter().find_map(|cluster| {
        KUBERNETES
            .iter()
            .filter_map(|feed| cluster.feeds.get(feed))
            .find(|state| matches!(state, WatchState::Stale { .. }))
            .map(|state| (cluster, Freshness::of(Some(state), store.now)))
    })
}

/// Which connection is lost, since when, why, when it is tried again, and what is locked meanwhile.
fn connection(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let Some((cluster, Freshness::Stale { age, reason, retry })) = lost(ctx.store) else { return };
    let theme = ctx.theme;
    let style = theme.failing;
    let mut pen = Pen::new(buf, area, 0);
    pen.last(theme.text, format_args!("changes are locked"));
    pen.fmt(style, format_args!(" {} LOST {}", theme.glyphs.failing, cluster.context));
    if let Some(age) = age {
        pen.fmt(style, format_args!(" {age} ago"));
    }
    let again = match retry {
        Some(retry) => Short::of(format_args!(", retry in {retry}")),
        None => Short::of(format_args!("")),
    };
    let room = pen.room().saturating_sub(width(again.as_str()) + 2);
    pen.put(style, ": ").cut(room, style, theme, reason).put(style, again.as_str());
}
