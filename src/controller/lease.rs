//! Leadership by a Lease: one replica acts, and stops acting before another one may.
//!
//! Both sides count time that passed here, by a monotonic clock: the holder since it began its last renewal, the others since they saw
//! the lease change. Clocks of machines may differ and may be set. A replica that may not write does not lead: `credentials` knows.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;

use super::error::{Error, read_failed};
use super::lock::locked;
use super::may::May;
use super::shards::{self, annotation};
use crate::api::labels::{CONTROLLER_LEASE, LEASE_NAMESPACES, LEASE_PROCESS};
use crate::api::time::{from_micro_time, to_micro_time};
use crate::time::Clock;

/// How long a lease holds, and how often it is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseOptions {
    /// How long after a renewal nobody else may lead.
    pub duration: Duration,
    /// Time between two renewals; a third of the duration is right.
    pub renew: Duration,
}

impl Default for LeaseOptions {
    fn default() -> Self {
        Self { duration: Duration::from_secs(15), renew: Duration::from_secs(5) }
    }
}

/// One process among all that have ever run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// Name of the replica.
    pub identity: String,
    /// Drawn at random when it starts: tells it from others of the same identity.
    pub process: String,
}

/// What this replica has seen of another holder: the record, and when it first saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The holder.
    pub holder: String,
    /// Which process of that name.
    pub process: Option<String>,
    /// Its last renewal, by its own clock.
    pub renewed: Option<DateTime<Utc>>,
    /// When this replica saw that for the first time, by [`Clock::monotonic`].
    pub at: Duration,
}

/// What to do about the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// There is none: create it.
    Create,
    /// It is ours: renew it.
    Renew,
    /// Nobody holds it, or its holder is gone: take it.
    Take,
    /// Somebody else holds it.
    Wait(Seen),
    /// Another process of the same identity holds it and is alive.
    Twin,
}

/// What to do about the lease as it stands, given what was seen before; `now` by [`Clock::monotonic`].
#[must_use]
pub fn evaluate(lease: Option<&Lease>, seen: Option<&Seen>, me: &Me, now: Duration) -> Move {
    let Some(lease) = lease else { return Move::Create };
    let spec = lease.spec.clone().unwrap_or_default();
    let holder = spec.holder_identity.unwrap_or_default();
    if holder.is_empty() {
        return Move::Take;
    }
    let process = annotation(lease, LEASE_PROCESS);
    if holder == me.identity && process.as_deref() == Some(me.process.as_str()) {
        return Move::Renew;
    }
    let renewed = spec.renew_time.as_ref().map(from_micro_time);
    let before = seen.filter(|seen| seen.holder == holder && seen.process == process);
    if holder == me.identity && before.is_some_and(|before| before.renewed != renewed) {
        return Move::Twin;
    }
    let since = before.filter(|seen| seen.renewed == renewed).map_or(now, |seen| seen.at);
    let duration = Duration::from_secs(spec.lease_duration_seconds.unwrap_or(0).max(0).unsigned_abs().into());
    if now.saturating_sub(since) > duration {
        Move::Take
    } else {
        Move::Wait(Seen { holder, process, renewed, at: since })
    }
}

/// Until when this replica may act: by the monotonic clock, and by the wall clock, which goes on while a machine sleeps. A wall clock that
/// is set forward costs one renewal; one that is set back gives nothing.
#[derive(Clone, Copy, Debug)]
struct Until {
    monotonic: Duration,
    wall: DateTime<Utc>,
}

/// Whether this replica leads at this moment; asked before every write.
#[derive(Debug)]
pub(super) struct Leadership {
    until: Mutex<Option<Until>>,
    leads: watch::Sender<bool>,
}

impl Leadership {
    pub(super) fn new() -> Self {
        Self { until: Mutex::new(None), leads: watch::Sender::new(false) }
    }

    pub(super) fn holds(&self, clock: &Clock) -> bool {
        locked(&self.until)
            .is_some_and(|until| clock.monotonic() < until.monotonic && clock.now() < until.wall)
    }

    /// Whether the lease is over by the only clock that nobody can set.
    fn is_over(&self, now: Duration) -> bool {
        locked(&self.until).is_none_or(|until| now >= until.monotonic)
    }

    fn hold_until(&self, until: Until) {
        *locked(&self.until) = Some(until);
        self.leads.send_if_modified(|leads| !std::mem::replace(leads, true));
    }

    fn give_up(&self) {
        *locked(&self.until) = None;
        self.leads.send_if_modified(|leads| std::mem::replace(leads, false));
    }

    /// Completes when this replica leads.
    pub(super) async fn gained(&self) {
        let _ = self.leads.subscribe().wait_for(|leads| *leads).await;
    }

    /// Completes when this replica no longer leads.
    pub(super) async fn lost(&self) {
        let _ = self.leads.subscribe().wait_for(|leads| !*leads).await;
    }
}

/// One replica's claim on the lease.
pub(super) struct Claim {
    pub api: Api<Lease>,
    pub me: Me,
    /// Namespaces that it serves; empty: all of them.
    pub namespaces: Vec<String>,
    pub options: LeaseOptions,
    pub clock: Clock,
    /// The latest renewal that was ever sent.
    sent: Mutex<Option<DateTime<Utc>>>,
}

impl Claim {
    pub(super) fn new(
        client: Client,
        namespace: &str,
        (me, namespaces): (Me, &[String]),
        options: LeaseOptions,
        clock: Clock,
    ) -> Self {
        let (api, namespaces) = (Api::namespaced(client, namespace), namespaces.to_vec());
        Self { api, me, namespaces, options, clock, sent: Mutex::default() }
    }

    fn name(&self) -> String {
        shards::lease_name(&self.namespaces)
    }

    /// Takes and renews the lease for as long as it is polled and `may` allows it. Ends when another process of the same identity leads.
    pub(super) async fn pursue(&self, leadership: &Leadership, mut may: watch::Receiver<May>) -> Error {
        let (mut seen, mut others) = (None, shards::Others::default());
        loop {
            if matches!(*may.borrow(), May::No(_)) && !leadership.is_over(self.clock.monotonic()) {
                leadership.give_up();
                self.release().await;
            }
            if *may.borrow() == May::Yes {
                let started = Until { monotonic: self.clock.monotonic(), wall: self.clock.now() };
                let attempt = self.attempt(seen.as_ref(), &mut others);
                match tokio::time::timeout(self.clock.wall(self.patience()), attempt).await {
                    Ok(Ok(Outcome::Held)) => leadership.hold_until(self.trust(started)),
                    Ok(Ok(Outcome::Elsewhere(other))) => {
                        leadership.give_up();
                        seen = Some(other);
                    }
                    Ok(Ok(Outcome::Twin)) => {
                        leadership.give_up();
                        return Error::Twin(self.me.identity.clone());
                    }
                    Ok(Ok(Outcome::Served(who))) => {
                        leadership.give_up();
                        tracing::warn!(
                            "{who}: this replica does not lead. Give the shards disjoint --namespaces"
                        );
                    }
                    Ok(Ok(Outcome::Raced)) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "the lease cannot be renewed"),
                    Err(_) => tracing::warn!("the lease cannot be renewed in time"),
                }
            }
            if leadership.is_over(self.clock.monotonic()) {
                leadership.give_up();
            }
            let known = may.borrow_and_update().clone();
            tokio::select! {
                biased;
                () = tokio::time::sleep(self.clock.wall(self.options.renew)) => {}
                // whoever waits to know whether it may lead waits no longer
                changed = may.wait_for(|may| *may != known) => if changed.is_err() {
                    return Error::NotLeading;
                },
            }
        }
    }

    /// How long a renewal may take: a slow server is not a lost one, and there is time for another try.
    fn patience(&self) -> Duration {
        self.options.renew.max(self.options.duration.mul_f64(0.4))
    }

    /// How long after the start of a renewal this replica trusts it: a fifth less than the others do.
    fn trust(&self, started: Until) -> Until {
        let span = self.options.duration.mul_f64(0.8);
        let wall = started.wall + TimeDelta::from_std(span).unwrap_or(TimeDelta::zero());
        Until { monotonic: started.monotonic + span, wall }
    }

    async fn attempt(&self, seen: Option<&Seen>, others: &mut shards::Others) -> Result<Outcome, Error> {
        let name = self.name();
        let found = self.api.get_opt(&name).await.map_err(read_failed("read the lease"))?;
        let decided = evaluate(found.as_ref(), seen, &self.me, self.clock.monotonic());
        if matches!(decided, Move::Create | Move::Take)
            && let Some(who) = self.served_already(others).await?
        {
            return Ok(Outcome::Served(who));
        }
        let now = self.clock.now();
        let is_renewal = decided == Move::Renew;
        let written = match decided {
            Move::Wait(other) => return Ok(Outcome::Elsewhere(other)),
            Move::Twin => return Ok(Outcome::Twin),
            Move::Renew if self.is_renewed_by_another(found.as_ref()) => return Ok(Outcome::Twin),
            Move::Create => {
                self.sends(now);
                let metadata = ObjectMeta { name: Some(name), ..ObjectMeta::default() };
                let lease = self.mine(Lease { metadata, spec: Some(self.spec(None, now)) });
                self.api.create(&PostParams::default(), &lease).await
            }
            Move::Renew | Move::Take => {
                self.sends(now);
                let mut lease = found.unwrap_or_default();
                lease.spec = Some(self.spec(lease.spec.take(), now));
                self.api.replace(&name, &PostParams::default(), &self.mine(lease)).await
            }
        };
        match written {
            Ok(_) if is_renewal => Ok(self.yields(others).await.map_or(Outcome::Held, Outcome::Served)),
            Ok(_) => Ok(Outcome::Held),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Outcome::Raced),
            Err(source) => Err(read_failed("write the lease")(source)),
        }
    }

    fn sends(&self, renewal: DateTime<Utc>) {
        let mut sent = locked(&self.sent);
        *sent = Some(sent.map_or(renewal, |before| before.max(renewal)));
    }

    /// Whether our lease was renewed later than we ever did: an older version, which knows of no processes, runs under the same identity
    /// and leaves our annotation as it is.
    fn is_renewed_by_another(&self, lease: Option<&Lease>) -> bool {
        let renewed = lease.and_then(|lease| lease.spec.as_ref()?.renew_time.as_ref().map(from_micro_time));
        let last = locked(&self.sent).map(|sent| from_micro_time(&to_micro_time(sent)));
        renewed.zip(last).is_some_and(|(renewed, last)| renewed > last)
    }

    /// Who serves one of our namespaces although we lead, where they come first: an older version, which knows of one lease only, or a
    /// shard that took its lease at the same moment.
    async fn yields(&self, others: &mut shards::Others) -> Option<String> {
        let own = self.name();
        if own == CONTROLLER_LEASE {
            return None;
        }
        // the lease is renewed already: what cannot be read now is read next time
        let patience = self.clock.wall(self.patience() / 4);
        let listed = tokio::time::timeout(patience, self.api.list(&kube::api::ListParams::default())).await;
        let mut leases = listed.ok()?.ok()?.items;
        leases.retain(|lease| lease.metadata.name.as_ref().is_some_and(|name| *name < own));
        others.serving(&leases, &self.namespaces, self.clock.monotonic())
    }

    /// Who serves one of the same namespaces under another lease, in one sentence.
    async fn served_already(&self, others: &mut shards::Others) -> Result<Option<String>, Error> {
        let leases = match self.api.list(&kube::api::ListParams::default()).await {
            Ok(leases) => leases.items,
            // roles of an older version do not let a controller list leases; then it knows of its own only
            Err(kube::Error::Api(status)) if status.code == 403 => return Ok(None),
            Err(source) => return Err(read_failed("list the leases")(source)),
        };
        Ok(others.serving(&leases, &self.namespaces, self.clock.monotonic()))
    }

    /// The lease with what tells this process and its shard from others.
    fn mine(&self, mut lease: Lease) -> Lease {
        let annotations = lease.metadata.annotations.get_or_insert_default();
        annotations.insert(LEASE_PROCESS.to_owned(), self.me.process.clone());
        annotations.insert(LEASE_NAMESPACES.to_owned(), shards::listed(&self.namespaces));
        lease
    }

    fn is_mine(&self, lease: &Lease) -> bool {
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
        holder == Some(self.me.identity.as_str())
            && annotation(lease, LEASE_PROCESS).as_deref() == Some(self.me.process.as_str())
    }

    fn spec(&self, old: Option<LeaseSpec>, now: DateTime<Utc>) -> LeaseSpec {
        let old = old.unwrap_or_default();
        let is_mine = old.holder_identity.as_deref() == Some(self.me.identity.as_str());
        let transitions = old.lease_transitions.unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.me.identity.clone()),
            acquire_time: if is_mine { old.acquire_time.clone() } else { Some(to_micro_time(now)) },
            renew_time: Some(to_micro_time(now)),
            lease_duration_seconds: Some(
                i32::try_from(self.options.duration.as_secs().max(1)).unwrap_or(i32::MAX),
            ),
            lease_transitions: Some(if is_mine { transitions } else { transitions.saturating_add(1) }),
            ..old
        }
    }

    /// Lets go, so that another replica can lead at once. Nothing happens when the lease is not ours.
    pub(super) async fn release(&self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.name()).await else { return };
        if !self.is_mine(&lease) {
            return;
        }
        if let Some(spec) = lease.spec.as_mut() {
            spec.holder_identity = Some(String::new());
            let _ = self.api.replace(&self.name(), &PostParams::default(), &lease).await;
        }
    }
}

/// Sixteen random digits.
pub(super) fn process() -> String {
    let mut bytes = [0; 8];
    let drawn = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    if drawn.is_err() {
        // no randomness: the process id still tells replicas of one machine apart
        return format!("{:016x}", std::process::id());
    }
    format!("{:016x}", u64::from_be_bytes(bytes))
}

enum Outcome {
    Held,
    Raced,
    Twin,
    /// Somebody serves one of our namespaces under another lease.
    Served(String),
    Elsewhere(Seen),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    const fn tick(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn me() -> Me {
        Me { identity: "a".into(), process: "1".into() }
    }

    fn lease(holder: &str, process: Option<&str>, renewed: i64) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.into()),
            renew_time: Some(to_micro_time(at(renewed))),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };
        let annotations = process.map(|process| [(LEASE_PROCESS.to_owned(), process.to_owned())].into());
        Lease { metadata: ObjectMeta { annotations, ..ObjectMeta::default() }, spec: Some(spec) }
    }

    fn seen(holder: &str, process: Option<&str>, renewed: i64, first: u64) -> Seen {
        Seen {
            holder: holder.into(),
            process: process.map(Into::into),
            renewed: Some(at(renewed)),
            at: tick(first),
        }
    }

    #[test]
    fn the_lease_is_taken_only_from_nobody_or_from_the_silent() {
        let b = |renewed, first| seen("b", Some("9"), renewed, first);
        for (lease, seen_before, now, expected) in [
            (None, None, 0, Move::Create),
            (Some(lease("", None, 0)), None, 0, Move::Take),
            (Some(lease("a", Some("1"), 0)), None, 900, Move::Renew),
            (Some(lease("b", Some("9"), 0)), None, 900, Move::Wait(b(0, 900))),
            // the holder's clock is an hour behind or ahead: nobody cares
            (Some(lease("b", Some("9"), -3600)), None, 900, Move::Wait(b(-3600, 900))),
            (Some(lease("b", Some("9"), 3600)), Some(b(3600, 900)), 916, Move::Take),
            (Some(lease("b", Some("9"), 0)), Some(b(0, 900)), 915, Move::Wait(b(0, 900))),
            (Some(lease("b", Some("9"), 0)), Some(b(0, 900)), 916, Move::Take),
            (Some(lease("b", Some("9"), 5)), Some(b(0, 900)), 916, Move::Wait(b(5, 916))),
        ] {
            assert_eq!(
                evaluate(lease.as_ref(), seen_before.as_ref(), &me(), tick(now)),
                expected,
                "{lease:?} {now}"
            );
        }
    }

    #[test]
    fn another_process_of_the_same_identity_is_no_renewal_of_ours() {
        for process in [Some("2"), None] {
            let twin = |renewed, first| seen("a", process, renewed, first);
            let found = lease("a", process, 0);
            // it may be what we were before a crash: that ends by itself
            assert_eq!(evaluate(Some(&found), None, &me(), tick(9)), Move::Wait(twin(0, 9)));
            assert_eq!(evaluate(Some(&found), Some(&twin(0, 9)), &me(), tick(25)), Move::Take);
            // it renews: it is alive
            let renewed = lease("a", process, 5);
            assert_eq!(evaluate(Some(&renewed), Some(&twin(0, 9)), &me(), tick(14)), Move::Twin);
        }
        // another name in between is no sign of life
        let other = seen("b", Some("2"), 0, 1);
        let found = lease("a", Some("2"), 5);
        assert!(matches!(evaluate(Some(&found), Some(&other), &me(), tick(14)), Move::Wait(_)));
    }

    #[test]
    fn leadership_ends_by_itself_when_it_is_not_renewed() {
        let clock = Clock::manual(at(0));
        let leadership = Leadership::new();
        assert!(!leadership.holds(&clock));
        let until = |secs| Until {
            monotonic: clock.monotonic() + tick(secs),
            wall: clock.now() + TimeDelta::seconds(60),
        };
        leadership.hold_until(until(10));
        clock.advance(tick(9));
        assert!(leadership.holds(&clock));
        clock.advance(tick(1));
        assert!(!leadership.holds(&clock) && leadership.is_over(clock.monotonic()));
        leadership.hold_until(until(10));
        leadership.give_up();
        assert!(!leadership.holds(&clock));
    }

    #[test]
    fn a_machine_that_slept_does_not_act_before_it_has_renewed() {
        let clock = Clock::manual(at(0));
        let leadership = Leadership::new();
        // the monotonic clock stood still meanwhile, the wall clock did not
        let slept = Until { monotonic: clock.monotonic() + tick(10), wall: at(-1) };
        leadership.hold_until(slept);
        assert!(!leadership.holds(&clock));
        assert!(!leadership.is_over(clock.monotonic()), "it is asked to renew, not to begin anew");
    }

    #[test]
    fn processes_differ() {
        assert_ne!(process(), process());
        assert_eq!(process().len(), 16);
    }
}
