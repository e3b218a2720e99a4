//! How often a canary is failed that is equally good, and how long it takes to find one that is worse.
//!
//! A seeded simulation of continuous looks, every 15 s with one scrape of 15 s behind. Beside each median time stands the limit: twice
//! the time that the best possible bet needs, one interval and the scrape. `cargo bench --bench canary_verdicts -- --runs 200` is
//! quicker and coarser.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a table"
)]

use std::fmt::Write as _;

use release_cockpit::domain::statistics::errors;

#[path = "canary_verdicts/judges.rs"]
mod judges;
#[path = "canary_verdicts/traffic.rs"]
mod traffic;

use judges::{Judge, Kayenta, Ours, Repeated};
use traffic::{Chance, World};

/// Between two looks, and how far they lie behind, in seconds.
const STEP: f64 = 15.0;
/// Share of equally good releases that may fail.
const ALPHA: f64 = 0.01;
const HOUR: f64 = 3_600.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let given =
        arguments.iter().position(|argument| argument == "--runs").and_then(|at| arguments.get(at + 1));
    let runs = given.and_then(|runs| runs.parse().ok()).unwrap_or(2_000_u64).max(1);
    println!(
        "false alarms within 60 minutes, and median seconds to a verdict of 2x, 3x, 10x at once | from minute 30"
    );
    println!(
        "in brackets the limit; ! over it; runs per cell: {runs}; allowed false alarms: {}",
        percent(ALPHA)
    );
    let (mut over, mut cells, mut worst) = (0, 0, [0.0_f64; 2]);
    for bursty in [false, true] {
        println!("\n{}", if bursty { "bursts of mean 5 on one pod" } else { "independent errors" });
        println!("  rps errors weight |  ours z test kayenta | verdicts");
        for rate in [5.0, 20.0, 200.0] {
            for risk in [0.000_5, 0.01, 0.05] {
                for weight in [0.01, 0.1, 0.5] {
                    let equal = World { rate, risk, weight, ratio: 1.0, onset: 0.0, bursty };
                    let alarms = alarms(&equal, runs);
                    worst[usize::from(bursty)] = worst[usize::from(bursty)].max(alarms[0]);
                    let mut line = format!(
                        "{rate:>5} {:>6} {:>6} | {:>5} {:>6} {:>7} |",
                        percent(risk),
                        percent(weight),
                        percent(alarms[0]),
                        percent(alarms[1]),
                        percent(alarms[2])
                    );
                    for onset in [0.0, HOUR / 2.0] {
                        for ratio in [2.0, 3.0, 10.0] {
                            let world = World { ratio, onset, ..equal };
                            let limit = limit(&world);
                            if limit > HOUR {
                                line.push_str(" not decidable");
                                continue;
                            }
                            let median = median(&world, runs, limit);
                            let is_over = median > limit;
                            if !bursty {
                                cells += 1;
                                over += u32::from(is_over);
                            }
                            let shown =
                                if median.is_finite() { format!("{median:.0}") } else { ">".to_owned() };
                            let _ = write!(line, " {shown}[{limit:.0}]{}", if is_over { "!" } else { "" });
                        }
                        line.push_str(" |");
                    }
                    println!("{line}");
                }
            }
        }
    }
    println!(
        "\nworst false alarms: {} independent, {} in bursts; {over} of {cells} medians over their limit",
        percent(worst[0]),
        percent(worst[1])
    );
}

fn percent(share: f64) -> String {
    format!("{}%", (share * 1e5).round() / 1e3)
}

/// Twice the time that the best bet needs, one interval, and the scrape.
fn limit(world: &World) -> f64 {
    let growth = errors::growth(world.risk, world.weight, world.ratio) * world.weight * world.rate;
    2.0 * -ALPHA.ln() / growth + 2.0 * STEP
}

/// Shares of runs in which each judge fails an equally good canary.
fn alarms(world: &World, runs: u64) -> [f64; 3] {
    let mut found = [0_u32; 3];
    for run in 0..runs {
        let mut judges: [Option<Box<dyn Judge>>; 3] = [
            Some(Box::new(Ours::new(ALPHA))),
            Some(Box::<Repeated>::default()),
            Some(Box::<Kayenta>::default()),
        ];
        world.run(&mut Chance::new(run), STEP, HOUR, |_, interval| {
            for (judge, found) in judges.iter_mut().zip(&mut found) {
                if judge.as_mut().is_some_and(|judge| judge.fails(interval)) {
                    *found += 1;
                    *judge = None;
                }
            }
            judges.iter().all(Option::is_none)
        });
    }
    found.map(|found| f64::from(found) / runs as f64)
}

/// The median time from the onset to a verdict, in seconds; infinite where half of the runs take more than twice the limit.
fn median(world: &World, runs: u64, limit: f64) -> f64 {
    let mut times: Vec<f64> = (0..runs)
        .map(|run| {
            let mut judge = Ours::new(ALPHA);
            let mut time = f64::INFINITY;
            let end = world.onset + 2.0 * limit;
            world.run(&mut Chance::new(1_000_000 + run), STEP, end, |at, interval| {
                let fails = judge.fails(interval);
                if fails {
                    time = at - world.onset + STEP;
                }
                fails
            });
            time
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
