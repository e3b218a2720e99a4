//! Leadership by a Lease: one replica acts, and stops acting before another one may.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;

use super::error::{Error, read_failed};
use crate::api::labels::CONTROLLER_LEASE;
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

/// What this replica has seen of another holder: the record, and when it first saw it. Clocks of machines may differ; only the
/// time that passed here since the last change counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The holder.
    pub holder: String,
    /// Its last renewal, by its own clock.
    pub renewed: Option<DateTime<Utc>>,
    /// When this replica saw that for the first time, by this replica's clock.
    pub at: DateTime<Utc>,
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
}

/// What to do about the lease as it stands, given what was seen before.
#[must_use]
pub fn evaluate(lease: Option<&Lease>, seen: Option<&Seen>, me: &str, now: DateTime<Utc>) -> Move {
    let Some(lease) = lease else { return Move::Create };
    let spec = lease.spec.clone().unwrap_or_default();
    let holder = spec.holder_identity.unwrap_or_default();
    if holder.is_empty() {
        return Move::Take;
    }
    if holder == me {
        return Move::Renew;
    }
    let renewed = spec.renew_time.as_ref().map(from_micro_time);
    let known = seen.filter(|seen| seen.holder == holder && seen.renewed == renewed);
    let since = known.map_or(now, |seen| seen.at);
    let duration = TimeDelta::seconds(spec.lease_duration_seconds.unwrap_or(0).max(0).into());
    if now - since > duration { Move::Take } else { Move::Wait(Seen { holder, renewed, at: since }) }
}

/// Whether this replica leads at this moment; asked before every write.
#[derive(Debug)]
pub(super) struct Leadership {
    /// Microseconds since the epoch until which this replica may act.
    until: AtomicI64,
    leads: watch::Sender<bool>,
}

impl Leadership {
    pub(super) fn new() -> Self {
        Self { until: AtomicI64::new(i64::MIN), leads: watch::Sender::new(false) }
    }

    pub(super) fn holds(&self, now: DateTime<Utc>) -> bool {
        now.timestamp_micros() < self.until.load(Ordering::Acquire)
    }

    fn hold_until(&self, until: DateTime<Utc>) {
        self.until.store(until.timestamp_micros(), Ordering::Release);
        self.leads.send_if_modified(|leads| !std::mem::replace(leads, true));
    }

    fn give_up(&self) {
        self.until.store(i64::MIN, Ordering::Release);
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
    pub me: String,
    pub options: LeaseOptions,
    pub clock: Clock,
}

impl Claim {
    pub(super) fn new(
        client: Client,
        namespace: &str,
        me: &str,
        options: LeaseOptions,
        clock: Clock,
    ) -> Self {
        Self { api: Api::namespaced(client, namespace), me: me.to_owned(), options, clock }
    }

    /// Takes and renews the lease for as long as it is polled.
    pub(super) async fn pursue(&self, leadership: &Leadership) {
        let mut seen = None;
        loop {
            let started = self.clock.now();
            let attempt = tokio::time::timeout(self.clock.wall(self.patience()), self.attempt(seen.as_ref()));
            match attempt.await {
                Ok(Ok(Outcome::Held)) => leadership.hold_until(started + self.trust()),
                Ok(Ok(Outcome::Elsewhere(other))) => {
                    leadership.give_up();
                    seen = Some(other);
                }
                Ok(Ok(Outcome::Raced)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the lease cannot be renewed"),
                Err(_) => tracing::warn!("the lease cannot be renewed in time"),
            }
            if !leadership.holds(self.clock.now()) {
                leadership.give_up();
            }
            tokio::time::sleep(self.clock.wall(self.options.renew)).await;
        }
    }

    /// How long a renewal may take: a slow server is not a lost one, and there is time for another try.
    fn patience(&self) -> Duration {
        self.options.renew.max(self.options.duration.mul_f64(0.4))
    }

    /// How long after the start of a renewal this replica trusts it: a fifth less than the others do.
    fn trust(&self) -> TimeDelta {
        TimeDelta::from_std(self.options.duration.mul_f64(0.8)).unwrap_or(TimeDelta::zero())
    }

    async fn attempt(&self, seen: Option<&Seen>) -> Result<Outcome, Error> {
        let found = self.api.get_opt(CONTROLLER_LEASE).await.map_err(read_failed("read the lease"))?;
        let now = self.clock.now();
        let written = match evaluate(found.as_ref(), seen, &self.me, now) {
            Move::Wait(other) => return Ok(Outcome::Elsewhere(other)),
            Move::Create => {
                let metadata =
                    ObjectMeta { name: Some(CONTROLLER_LEASE.to_owned()), ..ObjectMeta::default() };
                let lease = Lease { metadata, spec: Some(self.spec(None, now)) };
                self.api.create(&PostParams::default(), &lease).await
            }
            Move::Renew | Move::Take => {
                let mut lease = found.unwrap_or_default();
                lease.spec = Some(self.spec(lease.spec.take(), now));
                self.api.replace(CONTROLLER_LEASE, &PostParams::default(), &lease).await
            }
        };
        match written {
            Ok(_) => Ok(Outcome::Held),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Outcome::Raced),
            Err(source) => Err(read_failed("write the lease")(source)),
        }
    }

    fn spec(&self, old: Option<LeaseSpec>, now: DateTime<Utc>) -> LeaseSpec {
        let old = old.unwrap_or_default();
        let is_mine = old.holder_identity.as_deref() == Some(self.me.as_str());
        let transitions = old.lease_transitions.unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.me.clone()),
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
        let Ok(Some(mut lease)) = self.api.get_opt(CONTROLLER_LEASE).await else { return };
        let Some(spec) = lease.spec.as_mut() else { return };
        if spec.holder_identity.as_deref() == Some(self.me.as_str()) {
            spec.holder_identity = Some(String::new());
            let _ = self.api.replace(CONTROLLER_LEASE, &PostParams::default(), &lease).await;
        }
    }
}

enum Outcome {
    Held,
    Raced,
    Elsewhere(Seen),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn lease(holder: &str, renewed: i64) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.into()),
            renew_time: Some(to_micro_time(at(renewed))),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };
        Lease { metadata: ObjectMeta::default(), spec: Some(spec) }
    }

    fn seen(renewed: i64, first: i64) -> Seen {
        Seen { holder: "b".into(), renewed: Some(at(renewed)), at: at(first) }
    }

    #[test]
    fn the_lease_is_taken_only_from_nobody_or_from_the_silent() {
        for (lease, seen_before, now, expected) in [
            (None, None, 0, Move::Create),
            (Some(lease("", 0)), None, 0, Move::Take),
            (Some(lease("a", 0)), None, 900, Move::Renew),
            (Some(lease("b", 0)), None, 900, Move::Wait(seen(0, 900))),
            (Some(lease("b", 0)), Some(seen(0, 900)), 915, Move::Wait(seen(0, 900))),
            (Some(lease("b", 0)), Some(seen(0, 900)), 916, Move::Take),
            (Some(lease("b", 5)), Some(seen(0, 900)), 916, Move::Wait(seen(5, 916))),
        ] {
            assert_eq!(
                evaluate(lease.as_ref(), seen_before.as_ref(), "a", at(now)),
                expected,
                "{lease:?} {now}"
            );
        }
    }

    #[test]
    fn leadership_ends_by_itself_when_it_is_not_renewed() {
        let leadership = Leadership::new();
        assert!(!leadership.holds(at(0)));
        leadership.hold_until(at(10));
        assert!(leadership.holds(at(9)));
        assert!(!leadership.holds(at(10)));
        leadership.hold_until(at(20));
        leadership.give_up();
        assert!(!leadership.holds(at(9)));
    }
}
