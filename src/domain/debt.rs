//! What break-glass leaves behind: a debt that another person reviews before the next normal release.
//!
//! Owns what counts as break-glass. Must not know who keeps the debts (the environment's status) nor how they are cleared.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::api::environment::Debt;
use crate::api::release::{OverrideRecord, Release, ReleaseKind, ReleaseStatus};
use crate::domain::hex::hex;
use crate::domain::timeline::cut;

/// Debts beyond which nothing but a rollback breaks glass.
pub(crate) const MOST: usize = 64;
/// Debts that an object may hold; the rest above [`MOST`] is for emergency rollbacks.
pub(crate) const ROOM: usize = 128;

/// Id of the debt of an emergency release: no user chooses it.
#[must_use]
pub(crate) fn id_of_release(release: &Release) -> String {
    format!("release/{}", release.metadata.uid.as_deref().unwrap_or_default())
}

/// Id of the debt of a gate that was passed by force. A record of an older version has no uid: its name is hashed under the
/// release's own uid.
#[must_use]
pub(crate) fn id_of_override(release: &Release, forced: &OverrideRecord) -> String {
    if let Some(uid) = forced.uid.as_deref().filter(|uid| !uid.is_empty()) {
        format!("action/{uid}")
    } else {
        let hash = Sha256::digest(forced.action.as_bytes());
        format!("{}/{}", id_of_release(release), hex(&hash[..4]))
    }
}

/// How many debts the release leaves if it begins now.
#[must_use]
pub(crate) fn would_owe(release: &Release, status: &ReleaseStatus, now: DateTime<Utc>) -> usize {
    let started_at = status.started_at.or(Some(now));
    let status = ReleaseStatus { started_at, ..status.clone() };
    owed(&Release { status: Some(status), ..release.clone() }).len()
}

/// What a release that has begun to execute owes: one debt for the emergency, and one for every gate that was passed by force.
/// Nothing while it waits, whatever it was asked for.
///
/// The same release owes the same debts, under the same ids, whenever it is asked.
#[must_use]
pub(crate) fn owed(release: &Release) -> Vec<Debt> {
    let Some(status) = &release.status else { return Vec::new() };
    let Some(started) = status.started_at else { return Vec::new() };
    let emergency = (release.spec.emergency == Some(true)).then(|| Debt {
        id: id_of_release(release),
        by: release.spec.requested_by.clone(),
        at: release.created_at().unwrap_or(started),
        what: cut(format!("emergency {} {}", noun(release.spec.kind), release.spec.version), 256),
        reason: release.spec.reason.clone().unwrap_or_default(),
        incident: release.spec.ticket.clone(),
    });
    let forced = status.overrides.iter().filter(|forced| forced.until > started).map(|forced| Debt {
        id: id_of_override(release, forced),
        by: forced.by.clone(),
        at: forced.at,
        what: cut(format!("gate {} of {} passed by force", forced.gate, release.spec.version), 256),
        reason: forced.reason.clone(),
        incident: (!forced.incident.is_empty()).then(|| forced.incident.clone()),
    });
    emergency.into_iter().chain(forced).collect()
}

/// Whether that debt is one that this very release made. A debt that is known by a name only, as older versions stored it, is
/// nobody's own: users choose names.
#[must_use]
pub(crate) fn is_own(release: &Release, status: &ReleaseStatus, debt: &Debt) -> bool {
    let is_mine = |forced: &OverrideRecord| id_of_override(release, forced) == debt.id;
    id_of_release(release) == debt.id || status.overrides.iter().any(is_mine)
}

const fn noun(kind: ReleaseKind) -> &'static str {
    match kind {
        ReleaseKind::Deploy => "release of",
        ReleaseKind::Promote => "promotion of",
        ReleaseKind::Rollback => "rollback to",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, release, uid};

    fn forced(action: &str, until: i64) -> OverrideRecord {
        OverrideRecord {
            gate: "windows".into(),
            by: "erin".into(),
            at: at(5),
            until: at(until),
            reason: "customers are down".into(),
            incident: "INC-1".into(),
            action: action.into(),
            uid: Some(uid(action)),
        }
    }

    #[test]
    fn only_break_glass_that_has_begun_is_owed() {
        for (emergency, kind, started, forced_until, expected) in [
            (false, ReleaseKind::Deploy, true, None, &[][..]),
            (false, ReleaseKind::Rollback, true, None, &[]),
            (true, ReleaseKind::Deploy, false, Some(50), &[]),
            (true, ReleaseKind::Deploy, true, None, &["emergency release of v2"]),
            (true, ReleaseKind::Promote, true, None, &["emergency promotion of v2"]),
            (true, ReleaseKind::Rollback, true, None, &["emergency rollback to v2"]),
            (false, ReleaseKind::Deploy, true, Some(50), &["gate windows of v2 passed by force"]),
            // over before the release began: nothing was passed by it
            (false, ReleaseKind::Deploy, true, Some(9), &[]),
            (
                true,
                ReleaseKind::Deploy,
                true,
                Some(50),
                &["emergency release of v2", "gate windows of v2 passed by force"],
            ),
        ] {
            let mut release = release("v2");
            release.spec.emergency = emergency.then_some(true);
            release.spec.kind = kind;
            let status = release.status.get_or_insert_default();
            status.started_at = started.then(|| at(10));
            status.overrides = forced_until.map(|until| forced("a1", until)).into_iter().collect();
            let what: Vec<_> = owed(&release).into_iter().map(|debt| debt.what).collect();
            assert_eq!(what, expected, "{emergency} {kind:?} {started}");
        }
    }

    #[test]
    fn a_debt_names_who_why_and_the_incident() {
        let mut release = release("v2");
        release.spec.emergency = Some(true);
        release.spec.reason = Some("login is broken".into());
        release.spec.ticket = Some("INC-7".into());
        let status = release.status.get_or_insert_default();
        status.started_at = Some(at(10));
        status.overrides = vec![forced("a1", 50)];
        let debts = owed(&release);
        let own = format!("release/{}", uid("planera-2"));
        assert_eq!((debts[0].id.as_str(), debts[0].by.as_str()), (own.as_str(), "bob"));
        assert_eq!(
            (debts[0].reason.as_str(), debts[0].incident.as_deref()),
            ("login is broken", Some("INC-7"))
        );
        let forced = format!("action/{}", uid("a1"));
        assert_eq!((debts[1].id.as_str(), debts[1].by.as_str()), (forced.as_str(), "erin"));
        assert_eq!(debts[1].incident.as_deref(), Some("INC-1"));
        let status = release.status.clone().unwrap();
        assert!(debts.iter().all(|debt| is_own(&release, &status, debt)));
        for foreign in ["planera-1", "planera-2", "a1", "release/planera-2", "action/a1"] {
            let foreign = Debt { id: foreign.into(), ..debts[0].clone() };
            assert!(!is_own(&release, &status, &foreign), "{foreign:?}");
        }
    }

    #[test]
    fn a_forced_gate_of_an_older_version_owes_under_an_id_that_nobody_chooses() {
        let mut release = release("v2");
        let status = release.status.get_or_insert_default();
        status.started_at = Some(at(10));
        let old = |action: &str| OverrideRecord { uid: None, ..forced(action, 50) };
        status.overrides = vec![old("a1"), old("none")];
        let ids: Vec<_> = owed(&release).into_iter().map(|debt| debt.id).collect();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| id.starts_with("release/0000") && id.len() <= 63), "{ids:?}");
        let status = release.status.clone().unwrap();
        assert!(owed(&release).iter().all(|debt| is_own(&release, &status, debt)));
        assert_eq!(would_owe(&release, &status, at(11)), 2);
    }
}
