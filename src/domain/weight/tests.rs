//! Every number of pods, and every rail.

use super::*;
use crate::api::Duration;
use crate::api::release::{StepProgress, Weights};
use crate::api::strategy::{ApprovalStep, Pause};
use crate::domain::fixtures::{at, environment, release};

fn weight(percent: i32) -> Weight {
    Weight::new(u8::try_from(percent).unwrap()).unwrap()
}

#[test]
fn whole_pods_make_the_nearest_weight_and_say_so() {
    for (percent, pods, second, own, real, words) in [
        (20, 3, 1, 2, 33, "20% of 3 replicas is 33%: 1 of 3"),
        (41, 10, 4, 6, 40, "41% of 10 replicas is 40%: 4 of 10"),
        (45, 10, 5, 5, 50, "45% of 10 replicas is 50%: 5 of 10"),
        (1, 10, 1, 9, 10, "1% of 10 replicas is 10%: 1 of 10"),
        (99, 10, 9, 1, 90, "99% of 10 replicas is 90%: 9 of 10"),
        (50, 4, 2, 2, 50, "50%: 2 of 4 replicas"),
        (30, 1, 1, 1, 50, "30% of 2 replicas is 50%: 1 of 2"),
        (100, 4, 4, 0, 100, "100%: 4 of 4 replicas"),
        (0, 4, 0, 4, 0, "0%: 0 of 4 replicas"),
    ] {
        let split = split(weight(percent), pods, false);
        assert_eq!(split, Split { second, own, traffic: 0 }, "{percent}% of {pods}");
        assert_eq!(achievable(&[(split, false)]), Some(real), "{percent}% of {pods}");
        assert_eq!(sentence(weight(percent), &[(split, false)]), words);
    }
    assert_eq!(split(weight(50), 0, false), Split::home(0));
    assert_eq!((achievable(&[(Split::home(0), false)]), achievable(&[])), (None, None));
}

#[test]
fn a_router_needs_as_many_pods_as_its_share_asks_for_and_leaves_the_others_whole() {
    for (percent, pods, second) in [(10, 4, 1), (26, 4, 2), (50, 3, 2), (100, 4, 4), (1, 1, 1), (0, 4, 0)] {
        let split = split(weight(percent), pods, true);
        assert_eq!((split.second, split.own, split.traffic), (second, pods, percent), "{percent}% of {pods}");
        assert_eq!(achievable(&[(split, true)]), Some(percent));
    }
    let routed = [(split(weight(10), 4, true), true), (split(weight(10), 2, true), true)];
    assert_eq!(sentence(weight(10), &routed), "10% of the traffic, 2 pods beside 6");
}

#[test]
fn no_split_is_ever_without_pods_where_traffic_goes() {
    for percent in 0..=100 {
        for pods in 0..40 {
            for is_routed in [false, true] {
                let split = split(weight(percent), pods, is_routed);
                assert!(split.second + split.own >= pods, "{percent}% of {pods}: {split:?}");
                assert!(split.second <= pods && split.own <= pods.max(1));
                assert!(split.traffic == 0 || split.second > 0);
                let in_between = percent > 0 && percent < 100 && pods > 0;
                assert!(!in_between || (split.second > 0 && split.own > 0));
                if is_routed {
                    assert!(split.second * 100 >= split.traffic * pods);
                }
            }
        }
    }
}

fn environment_with(canary: Canary) -> Environment {
    let mut environment = environment();
    environment.spec.strategy = Some(Strategy::Canary(canary));
    environment
}

fn canary() -> Canary {
    let steps = vec![Step::SetWeight(weight(10)), Step::Pause(Pause::default())];
    let rest = [Step::Approval(ApprovalStep::default()), Step::SetWeight(weight(100))];
    Canary { steps: steps.into_iter().chain(rest).collect(), ..Canary::default() }
}

fn status(environment: &Environment, index: i32, desired: i32) -> ReleaseStatus {
    ReleaseStatus {
        plan: Some(plan::plan(environment, &release("v2"))),
        step: Some(StepProgress { index, started_at: at(0), until: None, paused_for: None }),
        weight: Some(Weights { desired, since: Some(at(0)), ..Weights::default() }),
        ..ReleaseStatus::default()
    }
}

#[test]
fn people_shift_within_the_rails_and_hear_them_where_they_do_not() {
    let free = canary();
    let step = Canary { max_step: Weight::new(20), ..canary() };
    let before = Canary { max_weight_before_approval: Weight::new(25), ..canary() };
    let dwell = Canary { min_dwell: Some(Duration::from_mins(5)), ..canary() };
    for (canary, index, from, to, secs, expected) in [
        (&free, 1, 10, 90, 1, None),
        (&free, 1, 10, 10, 1, Some("its weight is 10% already")),
        (&free, 4, 100, 50, 1, Some("its steps of weight are over")),
        (&step, 1, 10, 30, 1, None),
        (
            &step,
            1,
            10,
            31,
            1,
            Some("production lets the weight grow by 20% at most in one step: from 10% to 30%"),
        ),
        (&step, 1, 50, 0, 1, None),
        (&before, 1, 10, 25, 1, None),
        (&before, 1, 10, 26, 1, Some("production allows 25% at most before the approval of step 3")),
        (&before, 2, 10, 26, 1, Some("before the approval of step 3")),
        (&before, 3, 10, 26, 1, None),
        (&dwell, 1, 10, 11, 299, Some("production keeps a weight for 5m at least: 10% stays until")),
        (&dwell, 1, 10, 11, 300, None),
        (&dwell, 1, 10, 9, 1, None),
    ] {
        let environment = environment_with(canary.clone());
        let refused = refusal(&environment, &status(&environment, index, from), weight(to), at(secs));
        match expected {
            None => assert_eq!(refused, None, "step {index}: {from} to {to}"),
            Some(text) => assert!(refused.as_ref().is_some_and(|r| r.contains(text)), "{text}: {refused:?}"),
        }
    }
    let rolling = environment();
    assert!(
        refusal(&rolling, &status(&rolling, 0, 0), weight(10), at(1)).unwrap().contains("only the weight")
    );
}

#[test]
fn a_preview_counts_the_pods_of_every_component() {
    let environment = environment_with(canary());
    let mut release = release("v2");
    let pods: BTreeMap<_, _> = [("backend".to_owned(), 3), ("frontend".to_owned(), 4)].into();
    let seen = preview(&environment, &release, &pods, weight(20), at(1));
    assert_eq!((seen.desired, seen.achievable, seen.canary_pods, seen.stable_pods), (20, Some(29), 2, 5));
    assert!(seen.refusal.is_some(), "it has not begun");
    release.status = Some(status(&environment, 1, 10));
    let seen = preview(&environment, &release, &pods, weight(20), at(1));
    assert_eq!((seen.refusal, seen.sentence.as_str()), (None, "20% of 7 replicas is 29%: 2 of 7"));
    let mut routed = canary();
    routed.traffic_routing =
        Some(crate::api::strategy::TrafficRouting { router: "istio".into(), config: BTreeMap::new() });
    let seen = preview(&environment_with(routed), &release, &pods, weight(20), at(1));
    assert_eq!((seen.achievable, seen.canary_pods, seen.stable_pods), (Some(20), 2, 7));
}

#[test]
fn the_largest_numbers_of_pods_overflow_nowhere() {
    for pods in [i32::MAX, i32::MAX - 1, i32::MIN] {
        for percent in [0, 1, 50, 99, 100] {
            for is_routed in [false, true] {
                let split = split(weight(percent), pods, is_routed);
                assert!(split.second >= 0 && split.own >= 0, "{percent}% of {pods}: {split:?}");
                let both = [(split, is_routed), (split, is_routed)];
                assert!(
                    achievable(&both).is_none_or(|real| (0..=100).contains(&real)),
                    "{percent}% of {pods}"
                );
                assert!(!sentence(weight(percent), &both).is_empty());
            }
        }
    }
}
