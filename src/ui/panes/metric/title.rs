//! What a chart's title line says: name, values, limit, as much of it as there is room for.

use std::fmt;

use super::{Chart, recent};
use crate::api::environment::Worse;
use crate::domain::age::Age;
use crate::domain::pane::{Limits, Pane, Severity};
use crate::domain::series::Series;
use crate::ui::format::{Unit, Value};
use crate::ui::glyphs::Glyphs;

/// How much a title line can say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Room {
    /// A word, and the worst value.
    Least,
    /// The worst value, without a limit's number: both stand beside the curves.
    Little,
    /// Every curve's value.
    Some,
    /// The environment and the range as well.
    Plenty,
}

impl Room {
    pub(super) const fn of(cells: u16) -> Self {
        match cells {
            0..38 => Self::Least,
            38..60 => Self::Little,
            60..100 => Self::Some,
            _ => Self::Plenty,
        }
    }
}

/// `Error rate · production · 30m  stable 0.08%  canary 1.9%`; of many curves, the worst alone.
pub(super) struct Title<'a, M> {
    pub(super) chart: &'a Chart<'a, M>,
    pub(super) series: &'a [Series],
    pub(super) room: Room,
}

impl<M> fmt::Display for Title<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chart { pane, environment, now, range, .. } = self.chart;
        let (name, unit) = (&*pane.title, Unit::from(pane.unit));
        // The value must survive beside a warning: there the name gives way, whose first word says enough.
        let short = if self.room == Room::Least { name.split(' ').next().unwrap_or(name) } else { name };
        f.write_str(short)?;
        if self.room == Room::Plenty {
            write!(f, " · {environment} · {}", Age::of(*range))?;
        }
        let value = |series: &Series| recent(series, *now);
        let worst = self.series.iter().reduce(|a, b| match (value(a), value(b)) {
            (Some(x), Some(y)) if pane.limits.worse_of(x, y).total_cmp(&x).is_ne() => b,
            (None, Some(_)) => b,
            _ => a,
        });
        let Some(worst) = worst else { return Ok(()) };
        if self.room <= Room::Little || self.series.len() > 3 {
            return match value(worst) {
                Some(value) if self.series.len() > 1 => {
                    write!(f, "  {} {}", Value(unit, value), worst.label)
                }
                Some(value) => write!(f, "  {}", Value(unit, value)),
                None => f.write_str("  no data"),
            };
        }
        for series in self.series {
            f.write_str("  ")?;
            if !series.label.is_empty() {
                write!(f, "{} ", series.label)?;
            }
            match value(series) {
                Some(value) => write!(f, "{}", Value(unit, value))?,
                None => f.write_str("no data")?,
            }
        }
        Ok(())
    }
}

/// `limit 5%`, or `✘ over limit 5%`.
pub(in crate::ui::panes) struct LimitNote {
    limit: Option<f64>,
    unit: Unit,
    word: &'static str,
    glyph: Option<&'static str>,
    is_short: bool,
}

impl LimitNote {
    /// Of the limit that the present values have passed, else of the last one.
    pub(in crate::ui::panes) fn of(
        pane: &Pane,
        (glyphs, severity): (&Glyphs, Severity),
        is_short: bool,
    ) -> Self {
        let Limits { warn, critical, worse } = pane.limits;
        let (limit, glyph) = match severity {
            Severity::Well => (critical.or(warn), None),
            Severity::Warn => (warn, Some(glyphs.warning)),
            Severity::Critical => (critical, Some(glyphs.failing)),
        };
        let word = if worse == Worse::Higher { "over" } else { "under" };
        Self { limit, unit: Unit::from(pane.unit), word, glyph, is_short }
    }
}

impl fmt::Display for LimitNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(limit) = self.limit else { return Ok(()) };
        match (self.glyph, self.is_short) {
            (Some(glyph), true) => write!(f, "{glyph} {} limit", self.word),
            (None, true) => Ok(()),
            (Some(glyph), false) => write!(f, "{glyph} {} limit {}", self.word, Value(self.unit, limit)),
            (None, false) => write!(f, "limit {}", Value(self.unit, limit)),
        }
    }
}
