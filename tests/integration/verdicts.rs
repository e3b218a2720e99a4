//! What the sequential test promises, on a small seeded simulation: few false alarms, and verdicts in time. The bench
//! `canary_verdicts` prints the whole table.

use release_cockpit::domain::statistics::errors;
use release_cockpit::domain::statistics::trial::Trial;

#[path = "../benches/canary_verdicts/traffic.rs"]
mod traffic;

use traffic::{Chance, World};

const STEP: f64 = 15.0;
const RUNS: u32 = 300;

/// When each run is decided, in seconds from its beginning; nothing where it is not.
fn verdicts(world: &World, alpha: f64, end: f64) -> Vec<Option<f64>> {
    (0..u64::from(RUNS))
        .map(|run| {
            let mut trial = Trial::of_errors(false);
            let mut decided = None;
            world.run(&mut Chance::new(run), STEP, end, |at, interval| {
                trial.count(interval, None);
                decided = (trial.log_evidence() >= -alpha.ln()).then_some(at);
                decided.is_some()
            });
            decided
        })
        .collect()
}

fn alarms(world: &World, alpha: f64) -> f64 {
    let alarms = verdicts(world, alpha, 3_600.0).into_iter().flatten().count();
    f64::from(u32::try_from(alarms).unwrap()) / f64::from(RUNS)
}

#[test]
fn equal_canaries_fail_no_more_often_than_is_allowed() {
    const ALPHA: f64 = 0.05;
    // three standard deviations of so many runs
    let most = ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / f64::from(RUNS)).sqrt();
    for (rate, risk, weight) in
        [(20.0, 0.01, 0.1), (200.0, 0.01, 0.5), (20.0, 0.000_5, 0.1), (5.0, 0.05, 0.01)]
    {
        let equal = World { rate, risk, weight, ratio: 1.0, onset: 0.0, bursty: false };
        let found = alarms(&equal, ALPHA);
        assert!(found <= most, "{equal:?}: {found}");
        let better = World { ratio: 0.5, ..equal };
        assert!(alarms(&better, ALPHA) <= most, "{better:?}");
        // bursts that hit one pod: a small factor more
        let bursty = World { bursty: true, ..equal };
        let found = alarms(&bursty, ALPHA);
        assert!(found <= 5.0 * ALPHA, "{bursty:?}: {found}");
    }
}

#[test]
fn worse_canaries_are_found_in_time_also_when_they_become_worse_late() {
    const ALPHA: f64 = 0.01;
    for (rate, risk, weight, ratio, onset) in [
        (20.0, 0.01, 0.1, 3.0, 0.0),
        (20.0, 0.01, 0.1, 3.0, 1_800.0),
        (200.0, 0.01, 0.1, 2.0, 0.0),
        (5.0, 0.05, 0.5, 2.0, 0.0),
        (20.0, 0.000_5, 0.1, 10.0, 1_800.0),
    ] {
        let world = World { rate, risk, weight, ratio, onset, bursty: false };
        let growth = errors::growth(risk, weight, ratio) * weight * rate;
        let limit = 2.0 * -ALPHA.ln() / growth + 2.0 * STEP;
        let in_time = verdicts(&world, ALPHA, onset + limit)
            .into_iter()
            .flatten()
            .filter(|at| *at > onset && at - onset + STEP <= limit)
            .count();
        assert!(in_time * 2 >= RUNS as usize, "{world:?}: {in_time} of {RUNS} within {limit:.0} s");
    }
}
