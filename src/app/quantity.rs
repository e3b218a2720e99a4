//! Numbers for people, everywhere alike: two significant digits and a unit.

use std::fmt;

use crate::api::environment::MetricUnit;

/// What a query's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// 0 to 1, shown in per cent.
    Ratio,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// So many each second.
    PerSecond,
    /// Anything else.
    Number,
}

impl From<MetricUnit> for Unit {
    fn from(unit: MetricUnit) -> Self {
        match unit {
            MetricUnit::Ratio => Self::Ratio,
            MetricUnit::Seconds => Self::Seconds,
            MetricUnit::Bytes => Self::Bytes,
            MetricUnit::PerSecond => Self::PerSecond,
            MetricUnit::Number => Self::Number,
        }
    }
}

/// A number of a unit, as the screen writes it: `0.42%`, `312ms`, `1.2s`, `4.2k`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value(pub Unit, pub f64);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(unit, value) = *self;
        if !value.is_finite() {
            return f.write_str("no data");
        }
        match unit {
            Unit::Ratio => percent(f, value * 100.0),
            Unit::Seconds => seconds(f, value),
            Unit::Bytes => bytes(f, value),
            Unit::PerSecond => {
                number(f, value)?;
                f.write_str("/s")
            }
            Unit::Number => number(f, value),
        }
    }
}

/// A number of a unit with four significant digits, where it must be told exactly: `1.873%`, `312.4ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exact(pub Unit, pub f64);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEBI: f64 = 1_048_576.0;
        let Self(unit, value) = *self;
        if !value.is_finite() {
            return f.write_str("no data");
        }
        let (number, word) = match unit {
            Unit::Ratio => (value * 100.0, "%"),
            Unit::Seconds if value.abs() < 1.0 => (value * 1_000.0, "ms"),
            Unit::Seconds => (value, "s"),
            Unit::Bytes if value.abs() >= MEBI => (value / MEBI, "Mi"),
            Unit::Bytes => (value, "B"),
            Unit::PerSecond => (value, "/s"),
            Unit::Number => (value, ""),
        };
        match number.abs() {
            // What is whole needs no digits after the point.
            n if n >= 999.95 || (n - n.round()).abs() < 1e-9 => write!(f, "{number:.0}{word}"),
            n if n >= 99.995 => write!(f, "{number:.1}{word}"),
            n if n >= 9.9995 => write!(f, "{number:.2}{word}"),
            _ => write!(f, "{number:.3}{word}"),
        }
    }
}

fn percent(f: &mut fmt::Formatter<'_>, percent: f64) -> fmt::Result {
    if percent > 0.0 && percent < 0.005 {
        f.write_str("<0.01%")
    } else if percent == 0.0 {
        f.write_str("0%")
    } else {
        two_digits(f, percent)?;
        f.write_str("%")
    }
}

fn seconds(f: &mut fmt::Formatter<'_>, seconds: f64) -> fmt::Result {
    let millis = seconds * 1_000.0;
    if millis == 0.0 {
        f.write_str("0s")
    } else if millis < 9.95 {
        write!(f, "{millis:.1}ms")
    } else if millis < 999.5 {
        write!(f, "{millis:.0}ms")
    } else if seconds < 600.0 {
        two_digits(f, seconds)?;
        f.write_str("s")
    } else {
        write!(f, "{:.0}m", seconds / 60.0)
    }
}

fn number(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    let (number, unit) = match number.abs() {
        n if n >= 999_500_000.0 => (number / 1e9, "G"),
        n if n >= 999_500.0 => (number / 1e6, "M"),
        n if n >= 999.5 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    two_digits(f, number)?;
    f.write_str(unit)
}

fn bytes(f: &mut fmt::Formatter<'_>, bytes: f64) -> fmt::Result {
    const KIBI: f64 = 1_024.0;
    let (number, unit) = match bytes.abs() {
        n if n >= 999.5 * KIBI * KIBI => (bytes / KIBI / KIBI / KIBI, "Gi"),
        n if n >= 999.5 * KIBI => (bytes / KIBI / KIBI, "Mi"),
        n if n >= 999.5 => (bytes / KIBI, "Ki"),
        _ => (bytes, "B"),
    };
    two_digits(f, number)?;
    f.write_str(unit)
}

/// Two significant digits; whole numbers from 10 on.
fn two_digits(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    match number.abs() {
        // What is whole needs no digits after the point: limits are, measurements hardly ever.
        n if n >= 9.95 || (n - n.round()).abs() < 1e-9 => write!(f, "{number:.0}"),
        n if n >= 0.995 => write!(f, "{number:.1}"),
        _ => write!(f, "{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_numbers_have_four_significant_digits() {
        for (unit, value, expected) in [
            (Unit::Ratio, 0.018_732, "1.873%"),
            (Unit::Ratio, 0.05, "5%"),
            (Unit::Ratio, 0.000_001, "0.000%"),
            (Unit::Seconds, 0.312_44, "312.4ms"),
            (Unit::Seconds, 12.345_6, "12.35s"),
            (Unit::Bytes, 268_435_456.0, "256Mi"),
            (Unit::PerSecond, 65.432_1, "65.43/s"),
            (Unit::Number, 4_210.4, "4210"),
            (Unit::Number, f64::NAN, "no data"),
        ] {
            assert_eq!(Exact(unit, value).to_string(), expected);
        }
    }

    #[test]
    fn numbers_have_two_significant_digits() {
        for (unit, value, expected) in [
            (Unit::Ratio, 0.0042, "0.42%"),
            (Unit::Ratio, 0.019, "1.9%"),
            (Unit::Ratio, 0.11, "11%"),
            (Unit::Ratio, 0.0999, "10%"),
            (Unit::Ratio, 0.0, "0%"),
            (Unit::Ratio, 0.000_001, "<0.01%"),
            (Unit::Ratio, 1.0, "100%"),
            (Unit::Ratio, 0.05, "5%"),
            (Unit::Seconds, 2.0, "2s"),
            (Unit::Seconds, 0.0, "0s"),
            (Unit::Ratio, f64::NAN, "no data"),
            (Unit::Seconds, 0.312, "312ms"),
            (Unit::Seconds, 0.0042, "4.2ms"),
            (Unit::Seconds, 0.9999, "1.0s"),
            (Unit::Seconds, 1.24, "1.2s"),
            (Unit::Seconds, 12.4, "12s"),
            (Unit::Number, 4_210.0, "4.2k"),
            (Unit::Number, 55.0, "55"),
            (Unit::PerSecond, 4_210.0, "4.2k/s"),
            (Unit::Bytes, 268_435_456.0, "256Mi"),
            (Unit::Bytes, 1_610_612_736.0, "1.5Gi"),
            (Unit::Bytes, 512.0, "512B"),
        ] {
            assert_eq!(Value(unit, value).to_string(), expected);
        }
    }
}
