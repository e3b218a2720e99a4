//! Windows: when releases may begin, by schedules in the time zones of people.
//!
//! A window begins whenever its schedule says and lasts as long as its duration says, in elapsed time: an hour that the clocks skip
//! or repeat makes none of them shorter or longer. A beginning that falls into a skipped hour happens when that hour would have
//! ended; one that falls into a repeated hour happens once, the first time. A closed window wins over an open one; where there are
//! open ones at all, one of them must be open. What cannot be read holds.

use std::str::FromStr as _;

use chrono::{DateTime, Datelike as _, NaiveDate, SubsecRound as _, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};

use crate::api::environment::{Window, WindowKind};

/// Whether releases may begin now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They may, until then; without an end where none is in sight.
    Open {
        /// When a window changes that.
        until: Option<DateTime<Utc>>,
    },
    /// They may not.
    Shut {
        /// One sentence without its end.
        why: String,
        /// When they may again; nothing where that is not in sight.
        until: Option<DateTime<Utc>>,
    },
    /// A window cannot be read: what is wrong with it.
    Unreadable(String),
}

/// Changes of windows that are followed to find the next time at which releases may begin.
const CHANGES: usize = 64;
/// Overlapping beginnings of one window that are followed to find its end.
const OVERLAPS: usize = 512;

/// Whether releases may begin at `now` under these windows.
#[must_use]
pub(crate) fn judge(windows: &[Window], now: DateTime<Utc>) -> Verdict {
    let mut known = Vec::new();
    for window in windows {
        match Schedule::read(window) {
            Ok(schedule) => known.push(schedule),
            Err(why) => return Verdict::Unreadable(why),
        }
    }
    match look(&known, now) {
        Look::Open { until } => Verdict::Open { until },
        Look::Shut { why, until } => Verdict::Shut { why, until: until.and_then(|at| reopens(&known, at)) },
    }
}

/// One look: whether it is open, and when at the latest to look again.
enum Look {
    Open { until: Option<DateTime<Utc>> },
    Shut { why: String, until: Option<DateTime<Utc>> },
}

fn look(windows: &[Schedule<'_>], now: DateTime<Utc>) -> Look {
    let of = |kind| windows.iter().filter(move |schedule| schedule.window.kind == kind);
    if let Some((deny, end)) = of(WindowKind::Deny).find_map(|deny| Some((deny, deny.end_at(now)?))) {
        return Look::Shut { why: format!("closed by {}", deny.called()), until: end };
    }
    let next_deny = of(WindowKind::Deny).filter_map(|deny| deny.next_start(now)).min();
    if of(WindowKind::Allow).next().is_none() {
        return Look::Open { until: next_deny };
    }
    let open_until = of(WindowKind::Allow).filter_map(|allow| allow.end_at(now)).max();
    if let Some(end) = open_until {
        return Look::Open { until: end.into_iter().chain(next_deny).min() };
    }
    let next = of(WindowKind::Allow)
        .filter_map(|allow| Some((allow.next_start(now)?, allow)))
        .min_by_key(|(start, _)| *start);
    let why = next.map_or_else(
        || "outside of every window that allows releases".to_owned(),
        |(_, allow)| format!("outside of {}", allow.called()),
    );
    Look::Shut { why, until: next.map(|(start, _)| start) }
}

/// The first instant from `at` on at which releases may begin.
fn reopens(windows: &[Schedule<'_>], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = at;
    for _ in 0..CHANGES {
        match look(windows, at) {
            Look::Open { .. } => return Some(at),
            Look::Shut { until, .. } => at = until?,
        }
    }
    None
}

struct Schedule<'a> {
    window: &'a Window,
    cron: Cron,
    zone: Tz,
    duration: TimeDelta,
}

impl<'a> Schedule<'a> {
    fn read(window: &'a Window) -> Result<Self, String> {
        let zone = window.time_zone.as_deref().unwrap_or("UTC");
        let zone = Tz::from_str(zone).map_err(|_| format!("there is no time zone {zone}"))?;
        let schedule = window.schedule.trim();
        let unreadable = |why: String| format!("the schedule `{schedule}` cannot be read: {why}");
        if schedule.split_whitespace().count() != 5 {
            let why = "it needs five fields (minute, hour, day of the month, month, day of the week)";
            return Err(unreadable(why.to_owned()));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(schedule).map_err(|error| unreadable(error.to_string()))?;
        let duration = window.duration.to_delta();
        if duration <= TimeDelta::zero() {
            return Err(format!("the window `{schedule}` has no duration"));
        }
        if !comes(&cron) {
            return Err(format!("the schedule `{schedule}` names a time that never comes"));
        }
        Ok(Self { window, cron, zone, duration })
    }

    /// The first beginning after `at`.
    fn next_start(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found =
            self.cron.find_next_occurrence(&at.trunc_subsecs(0).with_timezone(&self.zone), false).ok()?;
        Some(found.with_timezone(&Utc))
    }

    /// When this window ends, if it is open at `now`: `Some(None)` where it goes on for ever.
    #[expect(clippy::option_option, reason = "open without an end is not the same as not open")]
    fn end_at(&self, now: DateTime<Utc>) -> Option<Option<DateTime<Utc>>> {
        let mut start =
            self.next_start(now.checked_sub_signed(self.duration)?).filter(|start| *start <= now)?;
        for _ in 0..OVERLAPS {
            let Some(end) = start.checked_add_signed(self.duration) else { return Some(None) };
            match self.next_start(start) {
                Some(next) if next <= end => start = next,
                _ => return Some(Some(end)),
            }
        }
        Some(None)
    }

    /// `weekend (0 18 * * 5 Europe/Berlin for 2d14h)`.
    fn called(&self) -> String {
        let (schedule, duration) = (self.window.schedule.trim(), self.window.duration);
        let rule = format!("{schedule} {} for {duration}", self.zone);
        match &self.window.reason {
            Some(reason) => format!("the window {reason} ({rule})"),
            None => format!("the window {rule}"),
        }
    }
}

/// Whether a schedule has any day at all. Asked before any search, which would go on for thousands of years: after 28 of them the
/// calendar repeats itself.
fn comes(cron: &Cron) -> bool {
    let fits = |day: &NaiveDate| {
        let weekday = match day.weekday() {
            chrono::Weekday::Mon => Weekday::Monday,
            chrono::Weekday::Tue => Weekday::Tuesday,
            chrono::Weekday::Wed => Weekday::Wednesday,
            chrono::Weekday::Thu => Weekday::Thursday,
            chrono::Weekday::Fri => Weekday::Friday,
            chrono::Weekday::Sat => Weekday::Saturday,
            chrono::Weekday::Sun => Weekday::Sunday,
        };
        cron.pattern.month_match(day.month()).unwrap_or(false)
            && cron.pattern.day_match(day.year(), day.month(), day.day(), weekday).unwrap_or(false)
    };
    DateTime::UNIX_EPOCH.date_naive().iter_days().take(28 * 366).any(|day| fits(&day))
}

#[cfg(test)]
mod tests;
