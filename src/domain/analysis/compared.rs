//! The new version's number beside the old one's, without a statistical test.

use super::measured::Side;
use super::rules::Rules;

/// What a comparison says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Compared {
    /// Whether the new version is worse by enough.
    pub is_worse: bool,
    /// `worse by 1.2 %`; empty where a test decides.
    pub words: String,
}

/// Compares two numbers by their difference. Where a test decides, the difference alone says nothing.
pub(super) fn compare(rules: &Rules<'_>, new: &Side<'_>, old: &Side<'_>) -> Compared {
    if rules.analysis.test.is_some() {
        return Compared { is_worse: false, words: String::new() };
    }
    let difference = new.value - old.value;
    let smallest = rules.smallest_difference;
    let is_worse = difference > 0.0 && smallest.is_none_or(|smallest| difference >= smallest);
    let words = match smallest {
        _ if is_worse => format!("worse by {}", rules.unit.show(difference)),
        Some(smallest) if difference > 0.0 => format!("worse by less than {}", rules.unit.show(smallest)),
        _ => "not worse".to_owned(),
    };
    Compared { is_worse, words }
}
