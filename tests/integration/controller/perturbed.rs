//! The controller behind a transport that delays, loses, repeats and refuses, and that dies in the middle: whatever happens, everything
//! ends well once it stops.
//!
//! One seed is one schedule of perturbations and of what people do. Stories are played by hand, on a machine that does little else, since the
//! deadlines in them are short: `RELEASE_COCKPIT_PERTURB=1000 cargo test --test integration perturbed -- --ignored` plays a thousand,
//! from the seed in `RELEASE_COCKPIT_PERTURB_FROM` on (1 where it is not set), and prints each seed that fails with its story.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use futures::StreamExt;
use release_cockpit::controller::Deadlines;

use self::story::Story;

mod guard;
mod story;
mod transport;

/// Stories that are played where nobody says how many.
const STORIES: u64 = 4;
/// Stories that are played at once: each of them mostly waits.
const AT_ONCE: usize = 3;
/// Deadlines that pass while a test waits.
const DEADLINES: Deadlines = Deadlines {
    request: Duration::from_millis(1500),
    reconcile: Duration::from_secs(6),
    stop: Duration::from_secs(4),
    watch: Duration::from_secs(4),
};

/// A number that depends on a seed and a purpose.
fn draw(seed: u64, what: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, what).hash(&mut hasher);
    hasher.finish()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a machine that does little else"]
async fn whatever_is_perturbed_every_release_ends_well() {
    let from = number("RELEASE_COCKPIT_PERTURB_FROM").unwrap_or(1);
    let seeds: Vec<u64> = (from..from + number("RELEASE_COCKPIT_PERTURB").unwrap_or(STORIES)).collect();
    let (count, started) = (seeds.len(), std::time::Instant::now());
    let play = |seed| async move {
        let story = Story::of(seed);
        story.play().await.map_err(|why| format!("seed {seed}: {why}"))
    };
    let outcomes: Vec<_> = futures::stream::iter(seeds).map(play).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    println!("{count} stories in {:?}, {} failed", started.elapsed(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
