//! Ages as `kubectl` writes them: `5s`, `4m`, `3h2m`, `2d`.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// A span of time for people; negative spans (clock skew) show as `0s`.
///
/// Follows `duration.HumanDuration` of k8s.io/apimachinery: two units at most, the finer one only while it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(i64);

impl Age {
    /// The span from `then` to `now`.
    #[must_use]
    pub fn between(then: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self(now.signed_duration_since(then).num_seconds())
    }

    /// A span of that length.
    #[must_use]
    pub fn of(span: TimeDelta) -> Self {
        Self(span.num_seconds())
    }

    /// Whole seconds, at least 0.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.max(0)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
        if seconds < 120 {
            write!(f, "{seconds}s")
        } else if minutes < 10 {
            two(f, minutes, 'm', seconds % 60, 's')
        } else if minutes < 180 {
            write!(f, "{minutes}m")
        } else if hours < 8 {
            two(f, hours, 'h', minutes % 60, 'm')
        } else if hours < 48 {
            write!(f, "{hours}h")
        } else if days < 8 {
            two(f, days, 'd', hours % 24, 'h')
        } else if days < 730 {
            write!(f, "{days}d")
        } else {
            two(f, days / 365, 'y', days % 365, 'd')
        }
    }
}

fn two(f: &mut fmt::Formatter<'_>, big: i64, big_unit: char, small: i64, small_unit: char) -> fmt::Result {
    if small == 0 { write!(f, "{big}{big_unit}") } else { write!(f, "{big}{big_unit}{small}{small_unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_writes_them() {
        for (seconds, expected) in [
            (-5, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (299, "4m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_920, "3h2m"),
            (28_800, "8h"),
            (172_800, "2d"),
            (183_600, "2d3h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
        ] {
            assert_eq!(Age(seconds).to_string(), expected, "{seconds}");
        }
    }
}
