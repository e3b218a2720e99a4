//! The controller's Lease, by which the terminal knows whether anybody executes releases.
//!
//! A renewal is dated by its writer's clock, which may differ from ours. A session counts from when it saw the renewal change; whoever looks
//! once corrects by the API server's clock, which every answer states in its `Date` header.

use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, header};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::ListParams;
use kube::client::Body;
use kube::core::Status;

use super::error::{Error, Kind};
use super::{Cluster, error};
use crate::api::labels::CONTROLLER_LEASE;
use crate::api::time::from_micro_time;

/// What is asked for, in errors.
const LEASES: &str = "leases.coordination.k8s.io";

/// Who leads, and how fresh that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leader {
    /// Identity of the leader; absent: none has ever led. Of several shards, the one that was renewed longest ago.
    pub identity: Option<String>,
    /// When it last renewed, by its own clock.
    pub renewed: Option<DateTime<Utc>>,
    /// For how long a renewal holds, in seconds.
    pub duration_seconds: i32,
    /// What the API server's clock showed with this answer.
    pub server_time: Option<DateTime<Utc>>,
}

impl Leader {
    /// How long ago it was renewed, if its writer's clock is right: by the API server's clock, else by `now`. Negative where its clock is ahead.
    #[must_use]
    pub fn apparent_age(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        Some(self.server_time.unwrap_or(now) - self.renewed?)
    }

    /// Whether a renewal of that age still holds.
    #[must_use]
    pub fn holds(&self, age: TimeDelta) -> bool {
        age <= TimeDelta::seconds(self.duration_seconds.into())
    }
}

/// What a session has seen of the lease.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeaseWatch {
    seen: Option<(Option<String>, DateTime<Utc>, DateTime<Utc>)>,
}

impl LeaseWatch {
    /// When the lease was renewed, by our clock: when we saw its renewal change. At the first look it is taken for fresh unless it has
    /// run out by the API server's clock.
    pub(crate) fn renewed(&mut self, leader: &Leader, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let renewed = leader.renewed?;
        let at = match &self.seen {
            Some((identity, before, at)) if *before == renewed && *identity == leader.identity => *at,
            Some(_) => now,
            None => leader.apparent_age(now).filter(|age| !leader.holds(*age)).map_or(now, |age| now - age),
        };
        self.seen = Some((leader.identity.clone(), renewed, at));
        Some(at)
    }
}

impl Cluster {
    /// The controller's lease in this namespace, or those of its shards; the default value when there is none.
    pub async fn leader(&self, namespace: &str) -> Result<Leader, Error> {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{CONTROLLER_LEASE}");
        let (server_time, lease) = self.bounded(dated(&self.client(), &path), LEASES).await?;
        let found = match lease {
            Ok(lease) => leader(lease),
            Err(status) if status.code == 404 => self.shards(namespace).await.unwrap_or_default(),
            Err(status) => return Err(Error::of_status(&status, LEASES)),
        };
        Ok(Leader { server_time, ..found })
    }

    /// The shard whose lease was renewed longest ago; nothing where there are no shards, or where they may not be listed.
    async fn shards(&self, namespace: &str) -> Option<Leader> {
        let api: Api<Lease> = Api::namespaced(self.client(), namespace);
        let listed = self.bounded(api.list(&ListParams::default()), LEASES).await;
        if let Err(error) = &listed
            && *error.kind() != Kind::Denied
        {
            tracing::debug!(%error, "the leases of shards are not known");
        }
        let is_shard = |lease: &Lease| {
            lease
                .metadata
                .name
                .as_deref()
                .is_some_and(|name| name.starts_with(&format!("{CONTROLLER_LEASE}-")))
        };
        let leases = listed.ok()?.items.into_iter().filter(is_shard);
        leases.map(leader).min_by_key(|leader| leader.renewed)
    }
}

/// A lease, or the refusal, with the time of the server.
async fn dated(
    client: &kube::Client,
    path: &str,
) -> kube::Result<(Option<DateTime<Utc>>, Result<Lease, Box<Status>>)> {
    let request = Request::get(path).body(Body::empty()).map_err(kube::Error::HttpError)?;
    let answer = client.send(request).await?;
    let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc());
    let code = answer.status();
    let body = answer.into_body().collect_bytes().await?;
    if code.is_success() {
        return Ok((date, Ok(serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?)));
    }
    let mut status: Status = serde_json::from_slice(&body).unwrap_or_default();
    status.code = code.as_u16();
    Ok((date, Err(Box::new(status))))
}

fn leader(lease: Lease) -> Leader {
    let spec = lease.spec.unwrap_or_default();
    Leader {
        identity: spec
            .holder_identity
            .filter(|holder| !holder.is_empty())
            .map(|holder| error::quote(&holder)),
        renewed: spec.renew_time.as_ref().map(from_micro_time),
        duration_seconds: spec.lease_duration_seconds.unwrap_or_default(),
        server_time: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn renewed(secs: i64, server: Option<i64>) -> Leader {
        let server_time = server.map(at);
        Leader { identity: Some("a".into()), renewed: Some(at(secs)), duration_seconds: 15, server_time }
    }

    #[test]
    fn an_abandoned_lease_has_no_leader() {
        let lease: Lease = serde_json::from_value(serde_json::json!({
            "spec": {"holderIdentity": "", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.000006Z"}
        }))
        .unwrap();
        let leader = leader(lease);
        assert_eq!((leader.identity, leader.duration_seconds), (None, 15));
        assert_eq!(leader.renewed.unwrap().timestamp_subsec_micros(), 6);
    }

    #[test]
    fn a_session_counts_from_when_it_saw_a_renewal_change() {
        // the controller's clock is two minutes behind, then ten minutes ahead: nobody cares
        for skew in [-120, 0, 600] {
            let mut watch = LeaseWatch::default();
            watch.renewed(&renewed(1000 + skew, None), at(1000));
            for second in [1003, 1006] {
                assert_eq!(
                    watch.renewed(&renewed(second + skew, None), at(second)),
                    Some(at(second)),
                    "{skew}"
                );
            }
            for second in [1009, 1060] {
                let dead = watch.renewed(&renewed(1006 + skew, None), at(second));
                assert_eq!(dead, Some(at(1006)), "{skew}: nobody renews");
            }
        }
    }

    #[test]
    fn the_first_look_goes_by_the_clock_of_the_server() {
        for (renewal, server, expected) in [
            // our clock is an hour behind the server's; the lease is fresh
            (4600, Some(4602), 1000),
            // nobody has renewed for a minute
            (4540, Some(4600), 940),
            // its writer's clock is ahead
            (5200, Some(4600), 1000),
            (1000, None, 1000),
        ] {
            let seen = LeaseWatch::default().renewed(&renewed(renewal, server), at(1000));
            assert_eq!(seen, Some(at(expected)), "{renewal} {server:?}");
        }
    }
}
