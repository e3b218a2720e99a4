//! Comparisons as people write them (`> 0.10`, `>= 500ms`, `> 5%`), and numbers as people read them.

use std::fmt;
use std::str::FromStr;

/// What a number is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A share, 0 to 1, read in per cent.
    Ratio,
    /// A time in seconds.
    Seconds,
    /// A number without a unit.
    #[default]
    Plain,
}

impl Unit {
    /// Out of a word of `assets/queries.toml`.
    #[must_use]
    pub(crate) fn of_template(word: &str) -> Self {
        match word {
            "ratio" => Self::Ratio,
            "seconds" => Self::Seconds,
            _ => Self::Plain,
        }
    }

    /// A number of this unit, for people.
    #[must_use]
    pub(crate) fn show(self, number: f64) -> String {
        match self {
            Self::Ratio => format!("{} %", significant(number * 100.0)),
            Self::Seconds if number.abs() < 1.0 => format!("{} ms", significant(number * 1_000.0)),
            Self::Seconds => format!("{} s", significant(number)),
            Self::Plain => significant(number),
        }
    }
}

/// Three significant digits where there is a fraction, whole numbers with commas.
fn significant(number: f64) -> String {
    let size = number.abs();
    if size >= 100.0 || size == 0.0 {
        return count(number);
    }
    let digits = if size >= 10.0 {
        1
    } else if size >= 0.1 {
        2
    } else {
        4
    };
    let text = format!("{number:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "0" || text == "-0" { format!("{number:.1e}") } else { text.to_owned() }
}

/// A whole number with commas: `10,911`.
#[must_use]
pub(crate) fn count(number: f64) -> String {
    let text = format!("{:.0}", number.abs());
    let mut shown = String::with_capacity(text.len().saturating_mul(2));
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && text.len().saturating_sub(index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    if number < 0.0 && shown != "0" { format!("-{shown}") } else { shown }
}

/// A number with the unit that was written, such as `5%` or `500ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantity {
    /// In the unit's base: a ratio or seconds.
    pub number: f64,
    /// The unit.
    pub unit: Unit,
}

/// An operator and a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    operator: Operator,
    /// The limit.
    pub limit: Quantity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Unequal,
}

const OPERATORS: [(&str, Operator); 6] = [
    // the longer ones first
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

const UNITS: [(&str, f64, Unit); 6] = [
    ("%", 0.01, Unit::Ratio),
    ("us", 1e-6, Unit::Seconds),
    ("ms", 1e-3, Unit::Seconds),
    ("s", 1.0, Unit::Seconds),
    ("min", 60.0, Unit::Seconds),
    ("h", 3_600.0, Unit::Seconds),
];

/// Why a text is neither a comparison nor a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// No operator at its beginning.
    #[error(
        "`{0}` is not a comparison: write <, <=, >, >=, == or != and a number, such as `> 5%` or `>= 500ms`"
    )]
    Operator(String),
    /// No number.
    #[error("`{0}` is not a number with a unit: write 0.05, 5%, 500ms, 2s, 1min or 1h")]
    Quantity(String),
}

impl Comparison {
    /// Whether it holds for a number.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "who writes == means it")]
    pub(crate) fn holds(&self, number: f64) -> bool {
        let limit = self.limit.number;
        match self.operator {
            Operator::Less => number < limit,
            Operator::AtMost => number <= limit,
            Operator::Greater => number > limit,
            Operator::AtLeast => number >= limit,
            Operator::Equal => number == limit,
            Operator::Unequal => number != limit,
        }
    }

    /// As written, in that unit.
    #[must_use]
    pub(crate) fn show(&self, unit: Unit) -> String {
        let operator = OPERATORS.iter().find(|(_, operator)| *operator == self.operator);
        format!("{} {}", operator.map_or("", |(text, _)| text), unit.show(self.limit.number))
    }
}

impl FromStr for Comparison {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        let (operator, rest) = OPERATORS
            .iter()
            .find_map(|(word, operator)| trimmed.strip_prefix(word).map(|rest| (*operator, rest)))
            .ok_or_else(|| ParseError::Operator(text.to_owned()))?;
        rest.parse().map(|limit| Self { operator, limit })
    }
}

impl FromStr for Quantity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let trimmed = text.trim();
        let end = trimmed.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').len();
        let (number, unit) = trimmed.split_at(end);
        let wrong = || ParseError::Quantity(text.trim().to_owned());
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        if !number.is_finite() {
            return Err(wrong());
        }
        if unit.is_empty() {
            return Ok(Self { number, unit: Unit::Plain });
        }
        let (_, factor, unit) = UNITS.into_iter().find(|(word, ..)| *word == unit).ok_or_else(wrong)?;
        Ok(Self { number: number * factor, unit })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit.show(self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comparisons_are_read_with_their_units() {
        for (text, below, at, above, shown) in [
            ("> 0.10", false, false, true, "> 0.1"),
            (">10%", false, false, true, "> 10 %"),
            (">= 100ms", false, true, true, ">= 100 ms"),
            ("<= 0.1s", true, true, false, "<= 100 ms"),
            (" < 0.1", true, false, false, "< 0.1"),
            ("== 10 %", false, true, false, "== 10 %"),
            ("!= 0.1", true, false, true, "!= 0.1"),
        ] {
            let comparison: Comparison = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let found = [0.09, 0.1, 0.11].map(|number| comparison.holds(number));
            assert_eq!(found, [below, at, above], "{text}");
            assert_eq!(comparison.show(comparison.limit.unit), shown);
        }
    }

    #[test]
    fn what_is_none_names_what_is_allowed() {
        for text in ["", "0.1", "about 5", "=> 1", "= 1"] {
            assert!(text.parse::<Comparison>().is_err(), "{text}");
        }
        for text in ["> ", "> 5 apples", "> NaN", "> inf", "> 5ms ms", "> 1e999"] {
            let error = text.parse::<Comparison>().unwrap_err();
            assert!(error.to_string().contains("500ms"), "{text}: {error}");
        }
    }

    #[test]
    fn numbers_read_well() {
        for (unit, number, expected) in [
            (Unit::Ratio, 0.124, "12.4 %"),
            (Unit::Ratio, 0.003, "0.3 %"),
            (Unit::Ratio, 0.0, "0 %"),
            (Unit::Ratio, 0.000_012, "0.0012 %"),
            (Unit::Ratio, 1e-9, "1.0e-7 %"),
            (Unit::Ratio, 1.0, "100 %"),
            (Unit::Seconds, 0.8123, "812 ms"),
            (Unit::Seconds, 1.25, "1.25 s"),
            (Unit::Plain, 10_911.4, "10,911"),
            (Unit::Plain, -1_234_567.0, "-1,234,567"),
        ] {
            assert_eq!(unit.show(number), expected);
        }
    }

    proptest! {
        #[test]
        fn opposite_comparisons_disagree(limit in -1e6..1e6_f64, number in -1e6..1e6_f64) {
            for (one, other) in [(">", "<="), ("<", ">="), ("==", "!=")] {
                let holds = |operator: &str| {
                    format!("{operator} {limit}").parse::<Comparison>().unwrap().holds(number)
                };
                prop_assert_ne!(holds(one), holds(other));
            }
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,24}") {
            let _ = text.parse::<Comparison>();
        }
    }
}
