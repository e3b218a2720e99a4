//! The controller's Lease, by which the terminal knows whether anybody executes releases.

use chrono::{DateTime, Utc};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use super::error::Error;
use super::{Cluster, error};
use crate::api::labels::CONTROLLER_LEASE;
use crate::api::time::from_micro_time;

/// Who leads, and how fresh that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leader {
    /// Identity of the leader; absent: none has ever led.
    pub identity: Option<String>,
    /// When it last renewed, by its own clock.
    pub renewed: Option<DateTime<Utc>>,
    /// For how long a renewal holds, in seconds.
    pub duration_seconds: i32,
}

impl Cluster {
    /// The controller's lease in this namespace; the default value when there is none.
    pub async fn leader(&self, namespace: &str) -> Result<Leader, Error> {
        let api: Api<Lease> = Api::namespaced(self.client(), namespace);
        let lease = self.bounded(api.get_opt(CONTROLLER_LEASE), "leases.coordination.k8s.io").await?;
        Ok(lease.map(leader).unwrap_or_default())
    }
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
