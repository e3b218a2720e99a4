//! What a chart's title line says: name, values, limit, as much of it as there is room for.

use std::fmt;

use super::{Chart, recent};
use crate::api::environment::Worse;
use crate::app::components::UNDIVIDED;
use crate::domain::age::Age;
use crate::domain::pane::{Limits, PaneDefinition, Severity};
use crate::domain::series::Series;
use crate::ui::format::{Unit, Value, head};
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

/// `Error rate · production · backend · 30m  stable 0.08%  canary 1.9%`; of many curves, the worst alone.
pub(super) struct Title<'a, M> {
    pub(super) chart: &'a Chart<'a, M>,
    pub(super) series: &'a [Series],
    pub(super) room: Room,
    pub(super) dot: &'a str,
    /// A warning stands beside it.
    pub(super) is_warned: bool,
}

impl<M> Title<'_, M> {
    /// ` · production · backend · 30m`, as much of it as there is room for. That one component is shown alone is always said.
    fn place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chart { environment, range, whose, .. } = self.chart;
        let dot = self.dot;
        if self.room == Room::Plenty {
            write!(f, " {dot} {environment}")?;
        }
        if let Some(whose) = whose {
            write!(f, " {dot} {}", head(whose, 30))?;
        }
        if self.room == Room::Plenty {
            write!(f, " {dot} {}", Age::of(*range))?;
        }
        Ok(())
    }

    /// `Error  8% backend`: where there is little room, the value comes before the name of whom it is.
    fn little(&self, f: &mut fmt::Formatter<'_>, value: Option<f64>, whose: &str) -> fmt::Result {
        let Chart { pane, .. } = self.chart;
        let whose = if whose == UNDIVIDED { "all" } else { whose };
        f.write_str(if self.is_warned || self.room == Room::Least {
            telling(&pane.title)
        } else {
            &pane.title
        })?;
        match value {
            Some(value) => write!(f, "  {} {whose}", Value(Unit::from(pane.unit), value)),
            None => write!(f, "  no data {whose}"),
        }
    }

    /// The name of a curve without that of the component, where the title names it already.
    fn name<'b>(&self, series: &'b Series) -> &'b str {
        let rest = self.chart.whose.and_then(|whose| series.label.strip_prefix(whose));
        rest.filter(|rest| rest.is_empty() || rest.starts_with(' ')).map_or(&*series.label, str::trim_start)
    }
}

impl<M> fmt::Display for Title<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chart { pane, now, .. } = self.chart;
        let (name, unit) = (&*pane.title, Unit::from(pane.unit));
        // The value must survive beside a warning: there the name gives way, whose first word says enough.
        let short = if self.room == Room::Least { first_word(name) } else { name };
        let value = |series: &Series| recent(series, *now);
        let worst = self.series.iter().reduce(|a, b| match (value(a), value(b)) {
            (Some(x), Some(y)) if pane.limits.worse_of(x, y).total_cmp(&x).is_ne() => b,
            (None, Some(_)) => b,
            _ => a,
        });
        if let (Some(worst), Some(whose)) = (worst, self.chart.whose.filter(|_| self.room <= Room::Little)) {
            return self.little(f, value(worst), whose);
        }
        f.write_str(short)?;
        self.place(f)?;
        let Some(worst) = worst else { return Ok(()) };
        if self.room <= Room::Little || self.series.len() > 3 {
            return match value(worst) {
                Some(value) if self.series.len() > 1 => {
                    write!(f, "  {} {}", Value(unit, value), self.name(worst))
                }
                Some(value) => write!(f, "  {}", Value(unit, value)),
                None => f.write_str("  no data"),
            };
        }
        for series in self.series {
            f.write_str("  ")?;
            let name = self.name(series);
            if !name.is_empty() {
                write!(f, "{name} ")?;
            }
            match value(series) {
                Some(value) => write!(f, "{}", Value(unit, value))?,
                None => f.write_str("no data")?,
            }
        }
        Ok(())
    }
}

fn first_word(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

/// The word that tells a pane from its neighbours: `p95` of `Latency p95`, `Error` of `Error rate`.
fn telling(name: &str) -> &str {
    let last = name.rsplit(' ').next().filter(|last| last.bytes().any(|byte| byte.is_ascii_digit()));
    last.unwrap_or_else(|| first_word(name))
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
        pane: &PaneDefinition,
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
