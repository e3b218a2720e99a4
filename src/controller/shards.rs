//! Shards: replicas that serve some namespaces only. Each set of namespaces has a Lease of its own; sets that overlap must not both lead.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use sha2::{Digest, Sha256};

use crate::api::labels::{CONTROLLER_LEASE, LEASE_NAMESPACES, LEASE_PROCESS};
use crate::domain::hex::hex;

/// The name of the Lease of those who serve these namespaces, in any order; of all namespaces where there are none.
#[must_use]
pub fn lease_name(namespaces: &[String]) -> String {
    if namespaces.is_empty() {
        return CONTROLLER_LEASE.to_owned();
    }
    let digest = Sha256::digest(listed(namespaces).as_bytes());
    format!("{CONTROLLER_LEASE}-{}", hex(&digest[..5]))
}

/// The namespaces as an annotation: sorted, each once, with commas.
pub(super) fn listed(namespaces: &[String]) -> String {
    let sorted: BTreeSet<&str> = namespaces.iter().map(String::as_str).collect();
    sorted.into_iter().collect::<Vec<_>>().join(",")
}

/// That annotation of a Lease.
pub(super) fn annotation(lease: &Lease, key: &str) -> Option<String> {
    lease.metadata.annotations.as_ref()?.get(key).cloned()
}

/// What a record of a lease looks like while nobody renews it.
type Record = (String, Option<String>, Option<String>);

/// What has been seen of other leases: since when each has not changed.
#[derive(Debug, Default)]
pub(super) struct Others {
    seen: BTreeMap<String, (Record, Duration)>,
}

impl Others {
    /// The first live lease of others that serves one of our namespaces, in one sentence. A lease that was never seen before counts as alive
    /// until its duration has passed here without a renewal.
    pub(super) fn serving(&mut self, leases: &[Lease], ours: &[String], now: Duration) -> Option<String> {
        let own = lease_name(ours);
        let mut found = None;
        for lease in leases {
            let name = lease.metadata.name.clone().unwrap_or_default();
            let spec = lease.spec.clone().unwrap_or_default();
            let holder = spec.holder_identity.unwrap_or_default();
            let is_other = name != own && name.starts_with(CONTROLLER_LEASE);
            let Some(shared) = shared(lease, ours).filter(|_| is_other && !holder.is_empty()) else {
                continue;
            };
            let renewed = spec.renew_time.map(|time| format!("{:?}", time.0));
            let record = (holder.clone(), annotation(lease, LEASE_PROCESS), renewed);
            let since = match self.seen.get(&name) {
                Some((before, since)) if *before == record => *since,
                _ => now,
            };
            self.seen.insert(name.clone(), (record, since));
            let duration =
                Duration::from_secs(spec.lease_duration_seconds.unwrap_or(0).max(0).unsigned_abs().into());
            if now.saturating_sub(since) <= duration {
                found = found.or(Some(format!("{shared} served already by {holder} (Lease {name})")));
            }
        }
        found
    }
}

/// What both serve, as the beginning of a sentence; nothing where that is nothing.
fn shared(lease: &Lease, ours: &[String]) -> Option<String> {
    let theirs = annotation(lease, LEASE_NAMESPACES).unwrap_or_default();
    if theirs.is_empty() || ours.is_empty() {
        return Some(if ours.is_empty() && theirs.is_empty() {
            "all namespaces are".to_owned()
        } else {
            format!("namespace {} is", if theirs.is_empty() { listed(ours) } else { theirs })
        });
    }
    let common = theirs.split(',').find(|theirs| ours.iter().any(|ours| ours == theirs))?;
    Some(format!("namespace {common} is"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    fn lease(namespaces: &str, holder: &str, renewed: &str) -> Lease {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": lease_name(&names(namespaces)), "annotations": {LEASE_NAMESPACES: namespaces}},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed},
        }))
        .unwrap()
    }

    const T: [&str; 2] = ["2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:10.000006Z"];

    #[test]
    fn each_set_of_namespaces_has_a_lease_of_its_own() {
        assert_eq!(lease_name(&[]), CONTROLLER_LEASE);
        assert_eq!(lease_name(&names("b,a")), lease_name(&names("a,b,a")));
        assert_ne!(lease_name(&names("a")), lease_name(&names("b")));
        assert!(lease_name(&names("a")).len() < 63);
    }

    #[test]
    fn shards_that_overlap_do_not_both_lead() {
        for (theirs, ours, expected) in [
            ("a,b", "b,c", true),
            ("a,b", "c", false),
            ("", "c", true),
            ("a", "", true),
            ("a,b", "a,b", false),
        ] {
            let found = Others::default().serving(&[lease(theirs, "x", T[0])], &names(ours), Duration::ZERO);
            assert_eq!(found.is_some(), expected, "{theirs} and {ours}: {found:?}");
        }
    }

    #[test]
    fn a_lease_that_nobody_renews_does_not_count_for_ever() {
        let (mut others, ours) = (Others::default(), names("a"));
        let at = Duration::from_secs;
        assert!(others.serving(&[lease("a,b", "x", T[0])], &ours, at(100)).is_some());
        assert!(others.serving(&[lease("a,b", "x", T[0])], &ours, at(115)).is_some());
        assert!(others.serving(&[lease("a,b", "x", T[0])], &ours, at(116)).is_none());
        assert!(others.serving(&[lease("a,b", "x", T[1])], &ours, at(117)).is_some(), "it was renewed");
        assert!(others.serving(&[lease("a,b", "", T[1])], &ours, at(118)).is_none(), "it was let go");
    }
}
