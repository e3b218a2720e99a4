//! The new version against the old one.

use super::comparison::{Unit, count};
use super::measured::Side;
use super::rules::Rules;
use crate::api::environment::StatisticalTest;
use crate::domain::measure::Reading;
use crate::domain::statistics::{self, Tested};

/// What a comparison says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Compared {
    /// Whether the new version is worse, surely enough and by enough.
    pub is_worse: bool,
    /// How sure one can be that it is, where a test was asked for.
    pub confidence: Option<f64>,
    /// `worse with 99.9 % confidence`.
    pub words: String,
}

/// Compares; the sentence says why that cannot be done.
pub(super) fn compare(rules: &Rules<'_>, new: &Side<'_>, old: &Side<'_>) -> Result<Compared, String> {
    let difference = new.value - old.value;
    let smallest = rules.smallest_difference;
    let is_enough = smallest.is_none_or(|smallest| difference >= smallest);
    let by_less =
        smallest.map_or(String::new(), |smallest| format!("by less than {}", rules.unit.show(smallest)));
    let Some(test) = rules.analysis.test else {
        let is_worse = is_enough && difference > 0.0;
        let words = match (is_worse, difference > 0.0) {
            (true, _) => format!("worse by {}", rules.unit.show(difference)),
            (false, true) => format!("worse {by_less}"),
            (false, false) => "not worse".to_owned(),
        };
        return Ok(Compared { is_worse, confidence: None, words });
    };
    let tested = match test {
        StatisticalTest::TwoProportion => proportions(new, old)?,
        StatisticalTest::MannWhitney => distributions(new, old)?,
    };
    let confidence = tested.confidence();
    let is_sure = confidence >= rules.confidence;
    let words = match (is_sure, is_enough) {
        (true, true) => format!("worse with {} confidence", sure(confidence)),
        (true, false) => format!("worse with {} confidence, but {by_less}", sure(confidence)),
        (false, _) => format!(
            "not worse with the {} confidence that is wanted ({})",
            Unit::Ratio.show(rules.confidence),
            sure(confidence)
        ),
    };
    Ok(Compared { is_worse: is_sure && is_enough, confidence: Some(confidence), words })
}

/// A confidence is never rounded up: one that is not certain does not read as certain.
fn sure(confidence: f64) -> String {
    let permille = (confidence * 1_000.0).floor().min(999.0);
    format!("{} %", (permille / 10.0).max(0.0))
}

fn proportions(new: &Side<'_>, old: &Side<'_>) -> Result<Tested, String> {
    let share = |side: &Side<'_>| match side.samples {
        _ if !(0.0..=1.0).contains(&side.value) => {
            Err(format!("twoProportion needs a ratio between 0 and 1, and the query gives {}", side.value))
        }
        None => Err(format!("nothing counts the requests of the {}", side.word)),
        Some(samples) => Ok((side.value * samples, samples)),
    };
    let ((hits, total), (other_hits, other_total)) = (share(new)?, share(old)?);
    statistics::two_proportion(hits, total, other_hits, other_total)
        .ok_or_else(|| format!("{} against {} requests cannot be compared", count(total), count(other_total)))
}

fn distributions(new: &Side<'_>, old: &Side<'_>) -> Result<Tested, String> {
    let tested = match (new.reading, old.reading) {
        (Reading::Buckets(new), Reading::Buckets(old)) => statistics::mann_whitney_of_buckets(new, old),
        (Reading::List(new), Reading::List(old)) => statistics::mann_whitney(new, old),
        _ => {
            return Err(
                "mannWhitney needs a query that gives the buckets of a histogram (with the label le) or \
                        lists of samples"
                    .to_owned(),
            );
        }
    };
    tested.ok_or_else(|| "the two have no samples in comparable buckets".to_owned())
}
