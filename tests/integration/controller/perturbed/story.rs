//! What happens in a story: what people do, which replicas die, whose clock jumps. All of it follows from the seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;

use super::super::*;
use super::draw;
use super::ending::Still;
use super::guard::Guard;
use super::people::Ask;
use super::transport::Perturber;

pub const SPACE: &str = "shop";
/// Names of the replicas.
const REPLICAS: [&str; 2] = ["one", "two"];
/// Ways to release.
const STRATEGIES: [&str; 3] = [
    "{rolling: {}}",
    "{canary: {trafficRouting: {router: gateway-api, config: {httpRoute: backend}}, steps: [{setWeight: 20}, {pause: {duration: 5s}}, {setWeight: 60}, {pause: {}}]}}",
    "{blueGreen: {keepBlue: 5s, pauseBeforeSwitch: true}}",
];
/// What people ask of a release at some moment.
const OF_RELEASES: [&str; 7] = ["Pause", "Resume", "Abort", "Rollback", "Promote", "PromoteFull", "Reject"];
/// What becomes of what executes when somebody freezes the environment.
const IN_FLIGHT: [&str; 3] = ["Finish", "Hold", "RollBack"];
/// How long it is perturbed at most.
const STORM: Duration = Duration::from_secs(600);
/// Between two looks of people.
const BLINK: Duration = Duration::from_millis(500);

/// What happens at some moment.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Ask(Ask),
    /// Somebody asks for a second release.
    Second,
    /// The clock of a replica jumps by so many seconds.
    Jump(usize, i64),
}

impl Deed {
    fn of(drawn: u64) -> Self {
        let (choice, rest) = (drawn % 12, drawn / 12);
        let pick = |count: usize| usize::try_from(rest).unwrap() % count;
        match choice {
            0 => Self::Ask(Ask::Freeze(IN_FLIGHT[pick(3)])),
            1 => Self::Ask(Ask::Unfreeze),
            2 | 3 => {
                let secs = i64::try_from(1 + rest / 4 % 120).unwrap();
                Self::Jump(pick(2), if rest / 2 % 2 == 0 { secs } else { -secs })
            }
            _ => Self::Ask(Ask::OfRelease(OF_RELEASES[pick(OF_RELEASES.len())])),
        }
    }
}

/// What a seed decides.
#[derive(Debug)]
pub struct Story {
    pub seed: u64,
    strategy: &'static str,
    pub is_approved: bool,
    /// After so many writes the first release is approved, at the earliest.
    approved_at: u64,
    /// What happens after so many writes of the status of a release.
    deeds: Vec<(u64, Deed)>,
    /// For each replica: before which write it dies, in each of its lives.
    deaths: Vec<Vec<u64>>,
    /// Whether the second replica leads beside the first, by a lease of its own.
    has_two_leaders: bool,
    /// Whether the lease of a replica that died is taken away, so that the next one leads at once.
    is_lease_removed: bool,
    /// Whether a last release shows that the lane is free.
    pub has_encore: bool,
    share: u64,
    limit: u64,
}

impl Story {
    pub fn of(seed: u64) -> Self {
        let number = |what: &str, below: u64| draw(seed, what) % below;
        let deed = |index: u64| {
            (3 + number(&format!("when {index}"), 25), Deed::of(draw(seed, &format!("deed {index}"))))
        };
        let mut deeds: Vec<_> = (0..number("deeds", 5)).map(deed).collect();
        if number("second", 3) == 0 {
            deeds.push((2 + number("when second", 20), Deed::Second));
        }
        deeds.sort_by_key(|(at, _)| *at);
        let deaths = |who: u64| {
            (0..number(&format!("deaths {who}"), 4))
                .map(|life| 3 + number(&format!("death {who} {life}"), 40))
                .collect()
        };
        Self {
            seed,
            strategy: STRATEGIES[usize::try_from(number("strategy", 3)).unwrap()],
            is_approved: number("approved", 10) > 0,
            approved_at: number("approved at", 8),
            has_two_leaders: number("leaders", 3) == 0,
            deeds,
            deaths: (0..=number("replicas", 2)).map(deaths).collect(),
            is_lease_removed: number("lease", 2) == 0,
            has_encore: number("encore", 4) == 0,
            share: [30, 80, 150, 300][usize::try_from(number("share", 4)).unwrap()],
            limit: 100 + number("limit", 300),
        }
    }

    /// Plays it; what went wrong.
    pub async fn play(&self) -> Result<(), String> {
        let text = include_str!("world.toml").replace("STRATEGY", self.strategy);
        let scenario = Scenario::from_toml(&text, "world.toml").map_err(|error| error.to_string())?;
        let stage = Stage::direct(scenario).await;
        stage.running.lag_caches(40);
        let guard = Guard::new(stage.running.view(), SPACE);
        let perturber = Perturber::new(self.seed, self.share, self.limit, Some(guard));
        let clocks: Vec<_> = self.deaths.iter().map(|_| stage.clock.on_another_machine()).collect();
        let site = Site { before: Still::of(&stage).await, stage, perturber, clocks };
        let lives: Vec<_> = (0..self.deaths.len()).map(|who| tokio::spawn(site.lives(self, who))).collect();
        let mut outcome = site.happen(self).await;
        site.stage.stop.cancel();
        for life in lives {
            outcome = outcome.and(life.await.map_err(|error| error.to_string()).flatten());
        }
        let unknown = site.stage.running.unknown_requests();
        site.stage.running.stop().await;
        if !unknown.is_empty() {
            outcome = outcome.and(Err(format!("the simulator does not know {unknown:?}")));
        }
        let log = || format!("{self:?}\nperturbed:\n{}", site.perturber.log().join("\n"));
        outcome.map_err(|why| format!("{why}\n{}", log()))
    }
}

/// Where a story is played.
pub struct Site {
    pub stage: Stage,
    pub perturber: Arc<Perturber>,
    /// What served before.
    pub before: Still,
    /// The clock of each replica.
    pub clocks: Vec<Clock>,
}

impl Site {
    /// One life of a replica after the other; each but the last ends before a write.
    fn lives(&self, story: &Story, who: usize) -> impl Future<Output = Result<(), String>> + Send + use<> {
        let mut deaths = story.deaths[who].clone().into_iter();
        let client = self.perturber.client(REPLICAS[who], &self.stage.client("controller"));
        let is_apart = who > 0 && story.has_two_leaders;
        let namespace = if is_apart { SPACE } else { "release-cockpit" };
        let options = ControllerOptions {
            clock: self.clocks[who].clone(),
            lease: LeaseOptions::default(),
            namespace: namespace.into(),
            ..self.stage.options(REPLICAS[who])
        };
        let leases: Api<Lease> = Api::namespaced(self.stage.client("admin"), &options.namespace);
        let (stop, is_lease_removed) = (self.stage.stop.clone(), story.is_lease_removed);
        async move {
            loop {
                let death = deaths.next();
                let left = AtomicU64::new(death.unwrap_or(u64::MAX));
                let faults = Faults::kill_when(move |_| left.fetch_sub(1, Ordering::Relaxed) == 0);
                match controller::run_with(client.clone(), options.clone(), faults, stop.clone()).await {
                    Ok(()) => return Ok(()),
                    Err(controller::Error::Killed(_)) if death.is_some() => {}
                    // a write of its life before arrived late; whoever runs it starts it again
                    Err(controller::Error::Twin(_)) => {}
                    Err(error) => return Err(format!("the controller ended: {error}")),
                }
                if is_lease_removed {
                    let _ = leases.delete("release-cockpit-controller", &DeleteParams::default()).await;
                }
            }
        }
    }

    /// People act, then nothing is perturbed any more and people answer what waits for them.
    async fn happen(&self, story: &Story) -> Result<(), String> {
        let mut steps = self.perturber.steps();
        self.request("v1.9.0").await;
        let mut deeds = story.deeds.iter().peekable();
        let mut unapproved: Vec<_> =
            story.is_approved.then_some((story.approved_at, "v1.9.0")).into_iter().collect();
        let started = tokio::time::Instant::now();
        while self.perturber.is_on() && started.elapsed() < STORM && !self.is_over() {
            let _ = tokio::time::timeout(BLINK, steps.changed()).await;
            let count = *steps.borrow_and_update();
            let mut waiting = Vec::new();
            for (at, version) in unapproved {
                if count < at || !self.approve(version).await {
                    waiting.push((at, version));
                }
            }
            unapproved = waiting;
            while let Some((_, deed)) = deeds.next_if(|(at, _)| count >= *at) {
                match deed {
                    Deed::Ask(ask) => self.ask("v1.9.0", *ask).await,
                    Deed::Second => {
                        if self.request("v1.9.1").await {
                            unapproved.push((0, "v1.9.1"));
                        }
                    }
                    Deed::Jump(who, secs) => {
                        self.clocks[who % self.clocks.len()].step(TimeDelta::seconds(*secs));
                    }
                }
            }
            // nothing more will happen by itself
            if deeds.peek().is_none() && unapproved.is_empty() && self.waits_for_people() {
                break;
            }
        }
        self.perturber.calm();
        self.end(story).await?;
        self.check().await
    }
}
