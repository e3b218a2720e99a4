//! What the evidence of a release says: fail, pass, or how much is missing.
//!
//! The budget of false alarms belongs to the release: it fails when the mean evidence of its comparisons reaches 1 / (1 - confidence),
//! which equally good versions do with a probability of at most 1 - confidence, whatever depends on what. The largest is the cause.

use chrono::{DateTime, TimeDelta, Utc};

use super::comparison::{Unit, count};
use super::evidence;
use super::measured::{Finding, what};
use super::over_time::{LEAST, MISSED};
use super::rules::Rules;
use super::subject::Subject;
use crate::api::release::{AnalysisVerdict, Evidence, GateState};
use crate::domain::age::Age;
use crate::domain::health::{Answer, Answers};
use crate::domain::measure::What;
use crate::domain::span;
use crate::domain::statistics::bound;
use crate::domain::statistics::errors::{self, Split};
use crate::domain::statistics::trial::Trial;

/// The ratio of risks up to whose decision the missing requests are counted.
const DOUBLING: f64 = 2.0;
/// Intervals that must have been counted before anything passes.
const FEWEST: f64 = 3.0;
/// Evidence beyond this is shown as this.
const SHOWN: f64 = 1e6;

/// One comparison of a release as the budget sees it.
pub(super) struct Stake<'a> {
    pub entry: &'a Evidence,
    /// 1 - the confidence that its analysis wants.
    pub budget: f64,
    /// Whether it may fail the release: an expression may decide instead, or the difference may be too small.
    pub counts: bool,
}

/// The comparison by which the release fails, if it does.
pub(super) fn cause<'a>(stakes: &[Stake<'a>], comparisons: usize) -> Option<&'a Evidence> {
    let share = |stake: &Stake<'_>| loaded_evidence(stake.entry) * stake.budget;
    let counting = || stakes.iter().filter(|stake| stake.counts);
    #[expect(clippy::cast_precision_loss, reason = "a few comparisons")]
    let all = comparisons.max(1) as f64;
    (counting().map(share).sum::<f64>() >= all)
        .then(|| counting().max_by(|a, b| share(a).total_cmp(&share(b))))
        .flatten()
        .map(|stake| stake.entry)
}

fn loaded_evidence(entry: &Evidence) -> f64 {
    evidence::loaded(entry).log_evidence().exp()
}

/// How sure a comparison is by now, over the highest evidence so far.
pub(super) fn confidence(entry: &Evidence) -> f64 {
    (1.0 - (-entry.highest).exp()).max(0.0)
}

/// Whether the canary's errors lie above those of the stable track by as much as matters.
pub(super) fn is_enough(rules: &Rules<'_>, entry: &Evidence, measured: &AnalysisVerdict) -> bool {
    let Some(smallest) = rules.smallest_difference else { return true };
    if entry.bound.is_empty() {
        return measured.value.zip(measured.stable).is_none_or(|(new, old)| new - old >= smallest);
    }
    let recent = evidence::loaded(entry).recent;
    recent.errors / recent.requests - recent.stable_errors / recent.stable_requests >= smallest
}

/// A comparison and what surrounds it.
pub(super) struct Tested<'a> {
    pub rules: &'a Rules<'a>,
    pub subject: &'a Subject<'a>,
    /// Its evidence; nothing where it joined the release too late.
    pub entry: Option<&'a Evidence>,
    /// Whether the comparisons of the release are fixed.
    pub is_begun: bool,
    /// How many comparisons share the budget.
    pub comparisons: usize,
    /// Whether the release fails by it.
    pub is_cause: bool,
    /// The numbers of the last window.
    pub measured: &'a AnalysisVerdict,
    pub answers: &'a Answers,
    pub now: DateTime<Utc>,
}

impl Tested<'_> {
    /// State and sentence of the comparison.
    pub(super) fn verdict(&self) -> AnalysisVerdict {
        let what = what(self.rules, self.subject);
        let nothing = |detail: String| (GateState::NoData, detail);
        let base = AnalysisVerdict {
            value: self.measured.value,
            stable: self.measured.stable,
            samples: self.measured.samples,
            at: self.measured.at,
            ..AnalysisVerdict::default()
        };
        if let Some(Err(why)) = &self.rules.counters {
            return self.settled(base, nothing(format!("{what} cannot be tested: {why}")));
        }
        let Some(entry) = self.entry else {
            if !self.is_begun {
                let detail = format!("{what}: is being counted");
                return AnalysisVerdict { state: GateState::Wait, detail, ..base };
            }
            let why = "it is compared from the next release on, since this one began without the analysis";
            return self.settled(base, nothing(format!("{what}: {why}")));
        };
        let trial = evidence::loaded(entry);
        let evidence = trial.log_evidence().exp();
        let base = AnalysisVerdict {
            confidence: Some(confidence(entry)),
            evidence: Some(shown(evidence)),
            evidence_needed: Some(shown(self.needed())),
            at: entry.counted.or(self.measured.at),
            ..base
        };
        if self.is_cause {
            let words = self.worse(&trial);
            return AnalysisVerdict { state: GateState::Fail, detail: format!("{what}: {words}"), ..base };
        }
        if let Some(absence) = self.absence(entry) {
            return self.settled(base, absence.map_detail(&what));
        }
        let (state, words) = self.undecided(&trial, evidence);
        AnalysisVerdict { state, detail: format!("{what}: {words}"), ..base }
    }

    /// Evidence at which this comparison alone fails the release.
    fn needed(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few comparisons")]
        let comparisons = self.comparisons.max(1) as f64;
        comparisons / (1.0 - self.rules.confidence)
    }

    /// Seconds that must have been counted before anything passes.
    fn least(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "the milliseconds of an interval fit 53 bits")]
        let interval = self.rules.interval.num_milliseconds() as f64 / 1_000.0;
        FEWEST * interval
    }

    /// Why there is nothing to judge by, if so.
    fn absence(&self, entry: &Evidence) -> Option<Absence> {
        let oldest = span::times(self.rules.interval, MISSED).max(LEAST);
        let patience = span::sum(oldest, span::times(self.rules.interval, 2));
        let fresh = entry.counted.is_some_and(|counted| span::after(counted, patience) >= self.now);
        if fresh {
            return None;
        }
        let name = evidence::name_of(self.rules.analysis, self.subject.component);
        let last = self.answers.last(&name).filter(|answer| span::after(answer.at, oldest) >= self.now);
        let why = last.and_then(|answer| self.silence(answer));
        match (why, entry.counted) {
            (Some(why), _) => Some(Absence { state: GateState::NoData, why }),
            (None, None) if self.now < span::after(entry.until, patience) => {
                Some(Absence { state: GateState::Wait, why: "is being counted".to_owned() })
            }
            (None, _) => {
                let since = entry.counted.unwrap_or(entry.until).format("%Y-%m-%d %H:%M:%SZ");
                Some(Absence { state: GateState::NoData, why: format!("nothing was counted since {since}") })
            }
        }
    }

    /// What an answer lacks.
    fn silence(&self, answer: &Answer) -> Option<String> {
        let Some(rise) = answer.rise() else { return Some(format!("was not counted: {}", answer.detail)) };
        let requests = |is_new| {
            let risen = rise.of(is_new, What::Requests).iter().chain(rise.of(is_new, What::Durations));
            risen.map(|risen| risen.by).sum::<f64>()
        };
        let track = if requests(true) <= 0.0 {
            self.subject.track_word()
        } else if requests(false) <= 0.0 {
            "stable"
        } else {
            return None;
        };
        let (from, until) = (rise.from.format("%H:%M:%S"), rise.until.format("%H:%M:%SZ"));
        Some(format!("no requests of the {track} between {from} and {until}"))
    }

    fn settled(&self, base: AnalysisVerdict, (state, detail): (GateState, String)) -> AnalysisVerdict {
        let finding = super::over_time::settled(self.rules, Finding { state, detail, ..Finding::default() });
        AnalysisVerdict { state: finding.state, detail: finding.detail, ..base }
    }

    /// The sentence of a failure.
    fn worse(&self, trial: &Trial) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a few comparisons")]
        let releases = trial.worse.highest.exp() / self.comparisons.max(1) as f64;
        let releases = releases.max(1.0 / (1.0 - self.rules.confidence));
        let how = format!(
            "an equal {} would show this at most once in {} releases",
            self.subject.track_word(),
            count(shown(releases))
        );
        let word = self.subject.track_word();
        if self.is_of_durations() {
            return format!("{word} is slower: {}; {how}", self.percentiles());
        }
        format!("{word} is worse: {}; {how}", errors_words(&trial.highest))
    }

    fn is_of_durations(&self) -> bool {
        matches!(self.rules.counters, Some(Ok(super::rules::Counters::Durations { .. })))
    }

    /// `p95 500 ms against 322 ms`.
    fn percentiles(&self) -> String {
        match (self.measured.value, self.measured.stable) {
            (Some(new), Some(old)) => {
                format!("p95 {} against {}", Unit::Seconds.show(new), Unit::Seconds.show(old))
            }
            _ => "by the buckets of its histogram".to_owned(),
        }
    }

    /// State and sentence while the evidence does not decide that the canary is worse.
    fn undecided(&self, trial: &Trial, evidence: f64) -> (GateState, String) {
        let word = self.subject.track_word();
        // nothing grows on a moment's numbers, or while the evidence is on its way up
        let is_calm = trial.worse.elapsed >= self.least() && evidence < self.needed().sqrt();
        let state = if is_calm { GateState::Pass } else { GateState::Wait };
        let so_far = format!("evidence {} of {}", short(evidence), count(shown(self.needed())));
        if self.is_of_durations() {
            let words = format!("{word} is not shown to be slower: {} ({so_far})", self.percentiles());
            return (state, words);
        }
        let errors = errors_words(&trial.total);
        let is_sure = evidence >= self.needed();
        let Some((log, smallest)) = trial.log_bound().zip(self.rules.smallest_difference) else {
            let missing = Self::missing(trial, self.needed().ln() - evidence.ln(), |risk, share| {
                errors::growth(risk, share, DOUBLING)
            });
            let missing =
                missing.map_or(String::new(), |missing| format!("; {missing} to decide a doubling"));
            return (state, format!("{word} is not shown to be worse: {errors} ({so_far}){missing}"));
        };
        let limit = self.rules.unit.show(smallest);
        let wanted = -(1.0 - self.rules.confidence).ln();
        if log >= wanted {
            return (
                GateState::Pass,
                format!("{word} is not worse by more than {limit}: {errors} ({so_far})"),
            );
        }
        let missing = Self::missing(trial, wanted - log, |risk, share| bound::growth(risk, share, smallest));
        let missing = missing.map_or(String::new(), |missing| format!("; {missing} to decide {limit}"));
        let words = if is_sure {
            format!("{word} is worse, but not yet shown to be so by {limit}: {errors} ({so_far}){missing}")
        } else {
            format!("{word} is not yet shown to be worse by less than {limit}: {errors} ({so_far}){missing}")
        };
        (GateState::Wait, words)
    }

    /// `about 40 more requests (25s)`: the canary's requests that the evidence still needs at a mean growth per request.
    fn missing(trial: &Trial, logs: f64, growth: impl Fn(f64, f64) -> f64) -> Option<String> {
        let total = &trial.total;
        let all = total.requests + total.stable_requests;
        if all <= 0.0 || trial.worse.elapsed <= 0.0 || logs <= 0.0 {
            return None;
        }
        // half an error more than was seen: nobody knows that there will be none
        let risk = (total.errors + total.stable_errors + 0.5) / (all + 1.0);
        let per_request = growth(risk, total.share()) / trial.dispersion.factor();
        if !per_request.is_finite() || per_request <= 0.0 {
            return None;
        }
        let requests = (logs / per_request).max(1.0);
        let seconds = requests / (total.requests / trial.worse.elapsed);
        if !seconds.is_finite() || seconds > 7.0 * 86_400.0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded and positive")]
        let span = Age::of(TimeDelta::seconds(seconds.ceil() as i64));
        Some(format!("about {} more requests ({span})", count(two_digits(requests))))
    }
}

/// Why a comparison has nothing to say.
struct Absence {
    state: GateState,
    why: String,
}

impl Absence {
    fn map_detail(self, what: &str) -> (GateState, String) {
        (self.state, format!("{what}: {}", self.why))
    }
}

/// `7 of 16 errors on 10% of the traffic`.
fn errors_words(split: &Split) -> String {
    let all = split.errors + split.stable_errors;
    let share = split.share() * 100.0;
    let share =
        if share.is_finite() { Unit::Plain.show((share * 10.0).round() / 10.0) } else { "0".to_owned() };
    let errors = if (all - 1.0).abs() < 0.5 { "error" } else { "errors" };
    format!("{} of {} {errors} on {share}% of the traffic", count(split.errors), count(all))
}

fn shown(evidence: f64) -> f64 {
    let evidence = evidence.min(SHOWN);
    if evidence >= 10.0 { (evidence + 1e-6).floor() } else { (evidence * 100.0).round() / 100.0 }
}

fn short(evidence: f64) -> String {
    Unit::Plain.show(if evidence < 10.0 { (evidence * 10.0).round() / 10.0 } else { shown(evidence) })
}

/// No more digits than anybody can know.
fn two_digits(number: f64) -> f64 {
    let scale = 10_f64.powf((number.log10().floor() - 1.0).max(0.0));
    (number / scale).ceil() * scale
}
