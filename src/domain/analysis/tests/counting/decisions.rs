//! Budgets, limits and latencies: what decides beside the test itself.

use super::*;

#[test]
fn comparisons_share_the_budget_of_their_release() {
    let mut environment = compared(|_| {});
    let mut second = environment.spec.analysis[0].clone();
    second.name = "again".into();
    environment.spec.analysis.push(second.clone());
    let mut story = Story::new(environment);
    assert_eq!(story.evidence().len(), 2);
    story.pass(GOOD);
    story.pass(GOOD);
    assert!(story.verdicts().iter().all(|verdict| verdict.evidence_needed == Some(200.0)));
    // one that joins later is not in the budget, and says so
    let mut late = second;
    late.name = "late".into();
    story.environment.spec.analysis.push(late);
    story.pass(GOOD);
    assert_eq!(story.evidence().len(), 2);
    let verdict = story.verdicts().remove(2);
    assert_eq!(verdict.state, GateState::NoData);
    assert!(verdict.detail.contains("from the next release on"), "{}", verdict.detail);
    for _ in 0..20 {
        story.pass(BAD);
    }
    let failed = story.verdicts().iter().filter(|verdict| verdict.state == GateState::Fail).count();
    assert_eq!(failed, 1, "the largest is the cause");
}

#[test]
fn streaks_and_numbers_of_requests_do_not_delay_a_test() {
    let mut story = Story::new(compared(|analysis| {
        analysis.for_ = Some(crate::api::Duration::from_mins(10));
        analysis.failure_limit = Some(50);
        analysis.min_samples = Some(1_000_000);
    }));
    for _ in 0..20 {
        story.pass(BAD);
    }
    assert_eq!(story.verdict().state, GateState::Fail, "{}", story.verdict().detail);
    assert_eq!(impending(&story.environment, &story.release, &story.answers, at(0), at(story.now)), None);
}

#[test]
fn an_expression_may_decide_by_the_confidence() {
    let environment = compared(|analysis| analysis.fail_if = Some("confidence > 0.9 && value > 0.5".into()));
    let mut story = Story::new(environment);
    for _ in 0..20 {
        story.pass(BAD);
        let samples = [("newSamples", number(100.0)), ("stableSamples", number(900.0))];
        let all = [&[("new", number(0.05)), ("stable", number(0.01))][..], &samples].concat();
        record(&mut story.answers, story.now, &all);
    }
    let verdict = story.verdict();
    assert_eq!(verdict.state, GateState::Pass, "the expression has the word: {}", verdict.detail);
    assert!(verdict.confidence.unwrap() > 0.99);
}

#[test]
fn a_limit_beside_a_test_keeps_its_own_verdict() {
    let environment = compared(|analysis| analysis.fail_when = Some("> 10%".into()));
    let mut story = Story::new(environment);
    for rate in [0.01, 0.2] {
        for _ in 0..5 {
            story.pass(GOOD);
            record(&mut story.answers, story.now, &[("new", number(rate)), ("stable", number(0.01))]);
        }
        let verdict = story.verdict();
        let expected = if rate > 0.1 { GateState::Fail } else { GateState::Pass };
        assert_eq!(verdict.state, expected, "{}", verdict.detail);
        assert!(verdict.detail.contains("canary is not shown to be worse"), "{}", verdict.detail);
    }
}

#[test]
fn latencies_are_compared_by_their_buckets() {
    let environment = compared(|analysis| {
        analysis.query = "latencyBuckets".into();
        analysis.test = Some(StatisticalTest::MannWhitney);
    });
    let counts = |slow: bool| {
        move |count: &crate::domain::measure::Count| {
            let of = |target: &'static str, up_to: [f64; 3]| {
                [0.1, 0.5, f64::INFINITY].into_iter().zip(up_to).map(move |(bound, by)| Risen {
                    target: target.to_owned(),
                    bound: Some(bound),
                    by,
                })
            };
            let new = if slow { [20.0, 95.0, 100.0] } else { [80.0, 98.0, 100.0] };
            let stable = || of("a", [360.0, 441.0, 450.0]).chain(of("b", [360.0, 441.0, 450.0]));
            let what = What::Durations;
            let rises = [
                (Counted { is_new: true, what }, of("c", new).collect()),
                (Counted { is_new: false, what }, stable().collect()),
            ];
            Rise { from: count.from, until: count.until, rises: rises.into() }
        }
    };
    for (slow, state) in [(false, GateState::Pass), (true, GateState::Fail)] {
        let mut story = Story::new(environment.clone());
        let rise = counts(slow);
        for _ in 0..20 {
            story.now += 15;
            for (name, count) in story.due() {
                let found = Some(Found::Rise(rise(&count)));
                story
                    .answers
                    .record(&name, Answer { found, ..Answer::new(at(story.now), GateState::Pass, "") });
            }
            story.look();
        }
        let verdict = story.verdict();
        assert_eq!(verdict.state, state, "{}", verdict.detail);
        let words = if slow { "canary is slower: " } else { "canary is not shown to be slower: " };
        assert!(verdict.detail.contains(words), "{}", verdict.detail);
    }
}
