//! What is asked before the terminal is handed to kubectl.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::api::Tier;
use crate::app::state::handoff::HandOffForm;
use crate::ui::chrome::{Chrome, Freshness, sentence};
use crate::ui::layout::centred;
use crate::ui::overlays::clear;
use crate::ui::overlays::confirm::field;
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// Draws the window.
pub(crate) fn draw(buf: &mut Buffer, body: Rect, ctx: &Ctx<'_>, form: &HandOffForm) {
    let theme = ctx.theme;
    let rows = 4 + u16::from(form.ports.is_some()) + 2 * u16::from(form.phrase.is_some());
    let area = centred(body, body.width.min(76), rows + 2);
    clear(buf, area, theme);
    let chrome =
        Chrome { theme, tier: form.tier, focused: true, boxed: true, freshness: Freshness::Timeless };
    let word = if form.tier == Some(Tier::Production) { "PROD" } else { "" };
    let inner = chrome.draw(
        buf,
        area,
        format_args!("{}", form.title),
        (theme.tier(form.tier.unwrap_or(Tier::Development)), format_args!("{word}")),
    );
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let cluster = ctx.store.cluster(form.pod.cluster).map_or("", |cluster| &*cluster.context);
    for (row, name, value) in [(0, "cluster", cluster), (1, "namespace", &*form.pod.key.namespace)] {
        Pen::new(buf, inner, row).left(12, theme.muted, theme, name).put(theme.text, value);
    }
    let mut row = 2;
    if let Some(ports) = &form.ports {
        field(&mut Pen::new(buf, inner, row), ctx, ("ports", !form.on_phrase), ports.split());
        row += 1;
    }
    if let Some(phrase) = &form.phrase {
        let mut pen = Pen::new(buf, inner, row);
        pen.put(theme.text, "to go on, type  ").put(theme.title, &phrase.expected);
        field(&mut Pen::new(buf, inner, row + 1), ctx, ("phrase", form.on_phrase), phrase.editor.split());
        row += 2;
    }
    let rest = Rect { y: inner.y + row.min(inner.height), height: inner.height.saturating_sub(row), ..inner };
    match &form.refusal {
        Some(refusal) => sentence(buf, rest, theme.failing, refusal),
        None => sentence(
            buf,
            rest,
            theme.muted,
            "kubectl gets the terminal until it ends; what is done there is not recorded here.",
        ),
    };
}
