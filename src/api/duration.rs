//! Durations as people write them in manifests: `90s`, `5m`, `1h30m`, `2d`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A non-negative span of time with millisecond resolution, written as `1h30m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// It is not written as one.
    #[error("`{0}` is not a duration: write numbers with the units ms, s, m, h or d, such as 90s or 1h30m")]
    Malformed(String),
    /// It is longer than [`Duration::MAX`].
    #[error("`{0}` is too long: at most 3650d (ten years)")]
    TooLong(String),
}

/// What a schema admits: one number of each unit, the largest unit first. The digits of each unit are limited so that the sum stays
/// below [`Duration::MAX`].
const PATTERN: &str =
    "^(([0-9]{1,3}|[12][0-9]{3}|30[0-9]{2})d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?([0-9]{1,7}ms)?$";

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// The longest span, ten years: every sum with an instant that a schema admits exists.
    pub const MAX: Self = Self(3_650 * 86_400_000);

    /// Whole milliseconds, at most [`Self::MAX`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// Whole seconds, at most [`Self::MAX`].
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_millis(secs.saturating_mul(1_000))
    }

    /// Whole minutes, at most [`Self::MAX`].
    #[must_use]
    pub const fn from_mins(mins: u64) -> Self {
        Self::from_millis(mins.saturating_mul(60_000))
    }

    /// This span in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This span in whole seconds, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// This span for arithmetic with chrono's instants.
    #[must_use]
    pub fn to_delta(self) -> chrono::TimeDelta {
        i64::try_from(self.0)
            .ok()
            .and_then(chrono::TimeDelta::try_milliseconds)
            .unwrap_or(chrono::TimeDelta::MAX)
    }

    /// This span for timers.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(32).collect();
        let refuse = || ParseDurationError::Malformed(shown());
        let too_long = || ParseDurationError::TooLong(shown());
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return Err(refuse());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, f)| *f).ok_or_else(refuse)?;
            if number.is_empty() {
                return Err(refuse());
            }
            let number: u64 = number.parse().map_err(|_| too_long())?;
            total = number.checked_mul(factor).and_then(|n| total.checked_add(n)).ok_or_else(too_long)?;
            rest = tail;
        }
        if total > Self::MAX.0 { Err(too_long()) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, factor) in UNITS {
            let count = rest / factor;
            if count > 0 {
                write!(f, "{count}{unit}")?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 2, "maxLength": 32, "pattern": PATTERN})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_people_write() {
        for (text, millis, canonical) in [
            ("5m", 300_000, "5m"),
            ("90s", 90_000, "1m30s"),
            ("1h30m", 5_400_000, "1h30m"),
            ("62h", 223_200_000, "2d14h"),
            ("250ms", 250, "250ms"),
            ("0s", 0, "0s"),
        ] {
            let parsed: Duration = text.parse().unwrap();
            assert_eq!(parsed.as_millis(), millis, "{text}");
            assert_eq!(parsed.to_string(), canonical);
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "5", "m", "5 m", "-5m", "5x", "1.5h", "99999999999999999999s", "3651d", "100000000d"]
        {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert_eq!("3650d".parse(), Ok(Duration::MAX));
        let error = "99999999999999999999d".parse::<Duration>().unwrap_err().to_string();
        assert_eq!(error, "`99999999999999999999d` is too long: at most 3650d (ten years)");
    }

    #[test]
    fn every_duration_that_the_schema_admits_is_one() {
        let pattern = regex::Regex::new(PATTERN).unwrap();
        let longest = "3099d9999h99999m999999s9999999ms";
        assert!(longest.len() <= 32 && pattern.is_match(longest));
        assert!(longest.parse::<Duration>().unwrap() < Duration::MAX);
        for text in ["5m", "90s", "1h30m", "62h", "250ms", "0s", "2d14h", "10000s", "720h"] {
            assert!(pattern.is_match(text), "{text}");
        }
        for text in ["1x", "99999999999999999999d", "100000000d", "3100d", "5", "30m1h", "1h1h"] {
            assert!(!pattern.is_match(text), "{text}");
        }
    }
}
