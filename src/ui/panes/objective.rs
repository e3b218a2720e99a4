//! The promise to users: what is left of its error budget, how fast it burns, and when it is used up.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::components::{self, UNDIVIDED};
use crate::app::state::located::EnvironmentId;
use crate::domain::age::Age;
use crate::domain::burn_rate::{self, Assessment, Burn, Judged};
use crate::domain::pane::{PaneDefinition, Severity};
use crate::ui::chrome::{Freshness, grey, stand_in};
use crate::ui::format::{Short, Unit, Value};
use crate::ui::pane::Ctx;
use crate::ui::panes::metric::severity_style;
use crate::ui::panes::metrics;
use crate::ui::pen::Pen;
use crate::ui::theme::Theme;

/// Cells of the bar that stands for the budget.
const BAR: u16 = 10;
const WAITING: &str = "Waiting for the first answer. It takes one query for each window, from five minutes to the whole period.";

/// Draws the promise of that environment; `chosen` tells that it is the meant pane among several.
pub(crate) fn draw(
    buf: &mut Buffer,
    area: Rect,
    ctx: &Ctx<'_>,
    (id, pane, chosen): (&EnvironmentId, &PaneDefinition, bool),
) {
    let theme = ctx.theme;
    let objective = ctx.store.cluster(id.cluster).and_then(|cluster| cluster.objectives.get(&id.key));
    let age = objective.and_then(|known| known.at).map(|at| Age::between(at, ctx.store.now));
    let error = objective.and_then(|known| known.error.as_deref());
    let feed = metrics::freshness(ctx, id, objective.is_some());
    let is_off = matches!(feed, Freshness::Stale { .. } | Freshness::Denied(_) | Freshness::Missing(_));
    let freshness = match (error, age) {
        (Some(reason), age) if !is_off => Freshness::Stale { age, reason, retry: None },
        (None, Some(age)) if !is_off => Freshness::Live(age),
        _ => feed,
    };
    let assessment = objective.and_then(|known| known.assessment.as_ref());
    let left = assessment.and_then(|found| found.budget_left);
    let severity = severity(assessment, pane);
    let pointer = if chosen { theme.glyphs.current } else { "" };
    // the promise is one of the whole environment
    let whose = match components::alone(ctx.store, id) {
        Some(_) if area.width < 60 => Short::of(format_args!(" all")),
        Some(_) => Short::of(format_args!(" {} {UNDIVIDED}", theme.glyphs.dot)),
        None => Short::of(format_args!("")),
    };
    let whose = whose.as_str();
    let title = match left {
        Some(left) => {
            let left = Value(Unit::Ratio, left);
            Short::of(format_args!("{pointer}{}  budget {left}{whose}", pane.title))
        }
        None => Short::of(format_args!("{pointer}{}{whose}", pane.title)),
    };
    let glyph = match severity {
        Severity::Well => "",
        Severity::Warn => theme.glyphs.warning,
        Severity::Critical => theme.glyphs.failing,
    };
    let note = (severity_style(theme, severity), format_args!("{glyph}"));
    let inner = ctx.chrome(None, freshness).draw(buf, area, format_args!("{}", title.as_str()), note);
    let empty = assessment.is_none().then_some(WAITING);
    if stand_in(buf, inner, theme, freshness, empty) {
        return;
    }
    if let Some(found) = assessment {
        lines(buf, inner, theme, found);
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// A fast burn is critical, as is a budget that is used up; a slow burn, and little that is left, deserve a look.
fn severity(assessment: Option<&Assessment>, pane: &PaneDefinition) -> Severity {
    let Some(found) = assessment else { return Severity::Well };
    let burns = found.pairs.iter().any(|judged| judged.is_burning() == Some(true));
    let budget = found.budget_left.map_or(Severity::Well, |left| pane.limits.judge(left));
    match (found.fast().is_some(), burns) {
        (true, _) => Severity::Critical,
        (false, true) => budget.max(Severity::Warn),
        (false, false) => budget,
    }
}

fn lines(buf: &mut Buffer, inner: Rect, theme: &Theme, found: &Assessment) {
    let mut pen = Pen::new(buf, inner, 0);
    pen.skip(1);
    match found.budget_left {
        Some(left) => {
            let full = (0..BAR).filter(|cell| left * f64::from(BAR) > f64::from(*cell) + 0.5).count();
            let style = if left <= 0.0 { theme.failing } else { theme.text };
            for cell in 0..usize::from(BAR) {
                pen.put(style, if cell < full { theme.glyphs.bar_full } else { theme.glyphs.bar_empty });
            }
            pen.fmt(style, format_args!(" {} left", Value(Unit::Ratio, left)));
            match found.exhausted_in {
                _ if left <= 0.0 => pen.put(theme.failing, ": used up"),
                Some(span) => pen.fmt(theme.warning, format_args!(", gone in {}", Age::of(span))),
                None => pen.put(theme.muted, ", nothing burns"),
            };
        }
        None => {
            pen.put(theme.muted, "budget unknown: too few requests in the period");
        }
    }
    let roomy = inner.height > 5;
    if roomy {
        let mut pen = Pen::new(buf, inner, 1);
        pen.put(theme.muted, " WINDOWS      LONG     SHORT   LIMIT");
    }
    for (judged, row) in found.pairs.iter().zip(1 + u16::from(roomy)..inner.height) {
        pair(&mut Pen::new(buf, inner, row), theme, judged);
    }
}

fn pair(pen: &mut Pen<'_>, theme: &Theme, judged: &Judged) {
    let windows = judged.pair.words();
    pen.skip(1).left(8, theme.text, theme, &windows);
    for burn in [judged.long.as_ref(), judged.short.as_ref()] {
        let (style, over) = speed(theme, burn, judged.pair.factor);
        match burn {
            Some(burn) => pen.right(9, style, format_args!("{over}{}", Times(burn.rate))),
            None => pen.right(9, style, format_args!("no data")),
        };
    }
    pen.right(8, theme.muted, format_args!("{}", Times(judged.pair.factor)));
    let (style, glyph, word) = match (judged.is_burning(), judged.pair.is_fast) {
        (Some(true), true) => (theme.failing, theme.glyphs.failing, "burns fast"),
        (Some(true), false) => (theme.warning, theme.glyphs.warning, "burns"),
        (Some(false), _) => (theme.healthy, theme.glyphs.healthy, "slow enough"),
        (None, _) => (theme.unknown, theme.glyphs.unknown, "not known"),
    };
    pen.skip(2).put(style, glyph);
    if pen.room() > 12 {
        pen.fmt(style, format_args!(" {word}"));
    }
    if let Some(burn) = judged.long.as_ref().filter(|_| pen.room() > 60) {
        let text = burn_rate::describe(burn, judged.pair.long);
        let room = pen.skip(3).room();
        pen.cut(room, theme.muted, theme, &text);
    }
}

fn speed(theme: &Theme, burn: Option<&Burn>, factor: f64) -> (Style, &'static str) {
    match burn {
        Some(burn) if burn.rate > factor => (theme.failing, theme.glyphs.failing),
        Some(_) => (theme.text, ""),
        None => (theme.muted, ""),
    }
}

/// How many times too fast.
struct Times(f64);

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            rate if rate >= 99.5 => write!(f, "{rate:.0}x"),
            rate => write!(f, "{rate:.1}x"),
        }
    }
}
