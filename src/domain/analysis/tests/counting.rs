//! Comparisons over counted intervals.

use super::*;
use crate::api::release::Evidence;
use crate::domain::measure::{Counted, Rise, Risen, What};

mod decisions;

/// Requests and errors of the canary, and of the stable track, which has two pods.
type Counts = ((f64, f64), (f64, f64));

/// A canary that is counted interval by interval.
struct Story {
    environment: Environment,
    release: Release,
    answers: Answers,
    now: i64,
}

impl Story {
    fn new(environment: Environment) -> Self {
        let release = canary(&environment);
        // the comparisons are fixed and the present weight is known before the first interval begins
        let mut story = Self { environment, release, answers: Answers::default(), now: -1 };
        story.look();
        story.look();
        story.now = 0;
        story
    }

    fn evidence(&self) -> &[Evidence] {
        &self.release.status.as_ref().unwrap().evidence
    }

    fn due(&self) -> Vec<(String, crate::domain::measure::Count)> {
        let due = questions(&self.environment, &self.release, &self.answers, at(self.now));
        let count = |(name, question)| match question {
            Question::Count(count) => Some((name, count)),
            _ => None,
        };
        due.into_iter().filter_map(count).collect()
    }

    /// One look: what was answered is counted, and the status is written.
    fn look(&mut self) {
        let evidence = advance(&self.environment, &self.release, &self.answers, at(self.now));
        self.release.status.as_mut().unwrap().evidence = evidence;
    }

    /// Lets 15 s pass in which this happens, and looks.
    fn pass(&mut self, counts: Counts) {
        self.now += 15;
        for (name, count) in self.due() {
            let found = Some(Found::Rise(rise(&count, counts)));
            self.answers.record(&name, Answer { found, ..Answer::new(at(self.now), GateState::Pass, "") });
        }
        self.look();
    }

    fn verdicts(&self) -> Vec<AnalysisVerdict> {
        judged(&self.environment, &self.release, &self.answers, at(0), at(self.now))
    }

    fn verdict(&self) -> AnalysisVerdict {
        self.verdicts().remove(0)
    }

    fn shift(&mut self, percent: i32) {
        self.release.status.as_mut().unwrap().tracks[0].traffic = percent;
    }
}

/// Pods that begin in the middle of an interval cost that interval, and not all of them since.
#[test]
fn counters_that_are_new_count_from_the_next_interval_on() {
    let mut story = Story::new(compared(|_| {}));
    for _ in 0..2 {
        story.now += 15;
        for (name, count) in story.due() {
            let mut found = rise(&count, GOOD);
            found.rises.retain(|counted, _| !counted.is_new);
            let found = Some(Found::Rise(found));
            story.answers.record(&name, Answer { found, ..Answer::new(at(story.now), GateState::Pass, "") });
        }
        story.look();
    }
    let entry = |story: &Story| story.release.status.as_ref().unwrap().evidence[0].clone();
    let before = entry(&story);
    assert_eq!((before.counted, before.total.requests), (None, 0.0));
    story.pass(GOOD);
    let after = entry(&story);
    assert_eq!((after.elapsed, after.total.requests), (15.0, 100.0));
}

fn rise(count: &crate::domain::measure::Count, ((requests, errors), (stable, failed)): Counts) -> Rise {
    let of = |target: &str, by: f64| Risen { target: target.into(), bound: None, by };
    let pods = |all: f64| vec![of("a", (all / 2.0).ceil()), of("b", (all / 2.0).floor())];
    let rises = [
        (true, What::Requests, vec![of("c", requests)]),
        (true, What::Errors, vec![of("c", errors)]),
        (false, What::Requests, pods(stable)),
        (false, What::Errors, pods(failed)),
    ];
    let rises = rises.into_iter().map(|(is_new, what, risen)| (Counted { is_new, what }, risen)).collect();
    Rise { from: count.from, until: count.until, rises }
}

const GOOD: Counts = ((100.0, 1.0), (900.0, 9.0));
const BAD: Counts = ((100.0, 5.0), (900.0, 9.0));

#[test]
fn a_canary_with_five_times_the_errors_fails_and_says_how_surely() {
    let mut story = Story::new(compared(|_| {}));
    let verdict = story.verdict();
    assert_eq!(
        (verdict.state, verdict.detail.as_str()),
        (GateState::Wait, "error rate of backend: is being counted")
    );
    let mut looks = 0;
    while story.verdict().state != GateState::Fail && looks < 40 {
        story.pass(BAD);
        looks += 1;
    }
    let verdict = story.verdict();
    assert_eq!(verdict.state, GateState::Fail, "{}", verdict.detail);
    assert!((3..12).contains(&looks), "{looks}: {}", verdict.detail);
    let detail = &verdict.detail;
    assert!(detail.starts_with("error rate of backend: canary is worse: "), "{detail}");
    assert!(
        detail.contains(" errors on 10% of the traffic; an equal canary would show this at most once in "),
        "{detail}"
    );
    assert!(verdict.evidence.unwrap() >= 100.0 && verdict.evidence_needed == Some(100.0), "{verdict:?}");
    assert!(verdict.confidence.unwrap() >= 0.99);
    // nothing of this goes with another attempt, a pause or a later step
    let later =
        judged(&story.environment, &story.release, &story.answers, at(story.now), at(story.now)).remove(0);
    assert_eq!(later.state, GateState::Fail);
}

#[test]
fn an_equal_canary_passes_and_says_what_is_missing() {
    let mut story = Story::new(compared(|_| {}));
    for _ in 0..20 {
        story.pass(GOOD);
        assert_ne!(story.verdict().state, GateState::Fail);
    }
    let verdict = story.verdict();
    assert_eq!(verdict.state, GateState::Pass);
    let detail = &verdict.detail;
    assert!(
        detail.starts_with("error rate of backend: canary is not shown to be worse: 19 of 190 errors on 10% of the traffic (evidence 0."),
        "{detail}"
    );
    assert!(detail.contains(" of 100); about ") && detail.ends_with(") to decide a doubling"), "{detail}");
    assert_eq!(verdict.at, story.evidence()[0].counted);
}

#[test]
fn a_single_error_decides_nothing() {
    let mut story = Story::new(compared(|_| {}));
    for errors in [0.0, 1.0, 0.0, 0.0] {
        story.pass(((117.0, errors), (974.0, 0.0)));
    }
    let verdict = story.verdict();
    assert_eq!(verdict.state, GateState::Pass);
    assert!(
        verdict.evidence.unwrap() < 10.0 && verdict.detail.contains("1 of 1 error on "),
        "{}",
        verdict.detail
    );
}

#[test]
fn no_interval_counts_twice() {
    let mut story = Story::new(compared(|_| {}));
    story.pass(BAD);
    story.pass(BAD);
    let (evidence, old) = (story.evidence().to_vec(), story.answers.clone());
    let requests = |evidence: &[Evidence]| format!("{}", evidence[0].total.requests);
    assert_eq!(requests(&evidence), "100", "the newest interval ends one scrape ago");
    // the same answer again, a restart that forgets it, and a second leader that asks for it anew
    story.look();
    story.answers = Answers::default();
    story.look();
    assert_eq!(story.evidence(), evidence);
    let asked: Vec<_> = story.due().into_iter().map(|(_, count)| (count.from, count.until)).collect();
    assert!(asked.iter().all(|(from, until)| *from >= evidence[0].until && until > from), "{asked:?}");
    story.answers = old;
    story.pass(BAD);
    assert_eq!(requests(story.evidence()), "200");
    let text = serde_json::to_string(story.evidence()).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Evidence>>(&text).unwrap(), story.evidence());
    assert!(text.len() < 1_200, "{} bytes", text.len());
}

#[test]
fn the_interval_of_a_weight_change_is_left_out_and_the_evidence_stays() {
    let mut story = Story::new(compared(|_| {}));
    for _ in 0..4 {
        story.pass(BAD);
    }
    let before = story.evidence()[0].clone();
    story.shift(50);
    story.now += 7;
    story.look();
    let after = &story.evidence()[0];
    assert!(after.until > at(story.now), "{after:?}");
    assert_eq!((&after.logs, after.highest, &after.total), (&before.logs, before.highest, &before.total));
    assert!(story.due().is_empty());
    story.now = 75;
    story.pass(BAD);
    story.pass(BAD);
    assert!(story.evidence()[0].total.requests > before.total.requests);
}

#[test]
fn no_requests_on_a_side_are_no_data() {
    for (counts, track) in [(((0.0, 0.0), (900.0, 9.0)), "canary"), (((100.0, 1.0), (0.0, 0.0)), "stable")] {
        let mut story = Story::new(compared(|_| {}));
        for _ in 0..4 {
            story.pass(counts);
        }
        let verdict = story.verdict();
        assert_eq!(verdict.state, GateState::NoData, "{}", verdict.detail);
        assert!(
            verdict.detail.contains(&format!("no requests of the {track} between ")),
            "{}",
            verdict.detail
        );
        // what was seen before is worth nothing once nobody comes any more
        let mut story = Story::new(compared(|_| {}));
        for _ in 0..4 {
            story.pass(GOOD);
        }
        assert_eq!(story.verdict().state, GateState::Pass);
        for _ in 0..8 {
            story.pass(counts);
        }
        assert_eq!(story.verdict().state, GateState::NoData, "{}", story.verdict().detail);
    }
}

#[test]
fn a_query_that_gives_a_ratio_alone_cannot_be_tested() {
    let mut environment = compared(|_| {});
    let queries = &mut environment.spec.metrics.as_mut().unwrap().queries;
    queries.insert("errorRate".into(), "my_error_ratio{track=\"{{track}}\"}".into());
    let mut story = Story::new(environment.clone());
    story.pass(BAD);
    let verdict = story.verdict();
    assert_eq!(verdict.state, GateState::NoData);
    assert!(
        verdict.detail.contains("add the queries `requests` and `errors` to metrics.queries"),
        "{}",
        verdict.detail
    );
    let queries = &mut environment.spec.metrics.as_mut().unwrap().queries;
    queries.insert("requests".into(), "my_requests_total{track=\"{{track}}\"}".into());
    queries.insert("errors".into(), "increase(my_errors_total{track=\"{{track}}\"}[{{window}}])".into());
    let verdict = Story::new(environment.clone()).verdict();
    assert!(verdict.detail.contains("query `errors` gives no raw counters"), "{}", verdict.detail);
    let queries = &mut environment.spec.metrics.as_mut().unwrap().queries;
    queries.insert("errors".into(), "my_errors_total{track=\"{{track}}\"}".into());
    let mut story = Story::new(environment);
    for expected in [GateState::Wait, GateState::Wait, GateState::Wait, GateState::Pass] {
        story.pass(GOOD);
        assert_eq!(story.verdict().state, expected, "{}", story.verdict().detail);
    }
}

#[test]
fn with_a_smallest_difference_a_pass_is_a_bound() {
    let mut story = Story::new(compared(|analysis| analysis.smallest_difference = Some("1%".into())));
    story.pass(((100.0, 0.0), (900.0, 0.0)));
    story.pass(((100.0, 0.0), (900.0, 0.0)));
    let verdict = story.verdict();
    assert_eq!(verdict.state, GateState::Wait, "{}", verdict.detail);
    assert!(
        verdict.detail.contains("canary is not yet shown to be worse by less than 1 %"),
        "{}",
        verdict.detail
    );
    assert!(
        verdict.detail.contains("; about ") && verdict.detail.ends_with(" to decide 1 %"),
        "{}",
        verdict.detail
    );
    for _ in 0..10 {
        story.pass(((100.0, 0.0), (900.0, 0.0)));
    }
    let verdict = story.verdict();
    assert_eq!(verdict.state, GateState::Pass, "{}", verdict.detail);
    assert!(
        verdict.detail.contains("canary is not worse by more than 1 %: 0 of 0 errors on 10%"),
        "{}",
        verdict.detail
    );
    // ten times as bad, but by less than matters
    let mut story = Story::new(compared(|analysis| analysis.smallest_difference = Some("1%".into())));
    for _ in 0..40 {
        story.pass(((1_000.0, 5.0), (9_000.0, 4.0)));
        assert_ne!(story.verdict().state, GateState::Fail, "{}", story.verdict().detail);
    }
    assert_eq!(story.verdict().state, GateState::Pass, "{}", story.verdict().detail);
}
