//! Every kind of action in every phase, and every claim that an action can make.

use super::*;
use crate::api::release::StepProgress;
use crate::api::release_action::Expected;
use crate::domain::fixtures::{action, approve, at, environment, guarded, observed, uid};

fn status(phase: Phase, step: Option<i32>) -> ReleaseStatus {
    ReleaseStatus {
        phase,
        step: step.map(|index| StepProgress { index, started_at: at(0) }),
        before: vec![crate::api::release::RevisionRecord {
            component: "backend".into(),
            image: "ghcr.io/acme/backend:v1".into(),
            revision: None,
        }],
        ..ReleaseStatus::default()
    }
}

#[test]
fn each_kind_fits_its_phases_only() {
    use ActionKind::{Abort, Approve, Pause, Reject, Resume, Retry, Rollback};
    use Phase::{Held, Paused, Pending, Progressing, RollingBack, Succeeded, Verifying};
    let fitting: [(ActionKind, &[Phase]); 7] = [
        (Approve, &[Pending]),
        (Reject, &[Pending]),
        (Pause, &[Progressing, Verifying]),
        (Resume, &[Paused]),
        (Abort, &[Pending, Progressing, Paused, Verifying, Held]),
        (Rollback, &[Progressing, Paused, Verifying, Held, Succeeded]),
        (Retry, &[Held]),
    ];
    let observed = observed(guarded());
    for kind in ActionKind::ALL {
        let fits = fitting.iter().find(|(k, _)| *k == kind).map_or(&[][..], |(_, phases)| *phases);
        for phase in Phase::ALL {
            let mut action = action("a1", kind, "carol", 10);
            action.spec.expected = Some(Expected { plan_digest: None, step: Some(2), generation: Some(1) });
            let mut status = status(phase, Some(2));
            if kind == Approve {
                let digest = "sha256:1";
                status.plan = Some(crate::api::release::Plan { digest: digest.into(), ..Default::default() });
                action.spec.expected =
                    Some(Expected { plan_digest: Some(digest.into()), ..Expected::default() });
            }
            let verdict = judge(&observed, &status, &action);
            assert_eq!(verdict.is_applied(), fits.contains(&phase), "{kind} in {phase}: {verdict:?}");
            assert!(!verdict.message.is_empty() && !verdict.is_suspicious);
            assert_ne!(RollingBack, Succeeded);
        }
    }
}

#[test]
fn claims_are_compared_with_the_release_itself() {
    type Change = fn(&mut ReleaseAction);
    let cases: [(&str, bool, Change); 8] = [
        ("uid differs", false, |a| a.spec.release.as_mut().unwrap().uid = uid("other")),
        ("names release other", false, |a| a.spec.release.as_mut().unwrap().name = "other".into()),
        ("names no release", false, |a| a.spec.release = None),
        ("names environment staging", true, |a| a.spec.environment = "staging".into()),
        ("names eve as requester", true, |a| {
            a.spec.release.as_mut().unwrap().requested_by = Some("eve".into());
        }),
        ("generation 9", false, |a| {
            a.spec.expected = Some(Expected { generation: Some(9), ..Expected::default() });
        }),
        ("already advanced to step 3", false, |a| {
            a.spec.expected = Some(Expected { step: Some(2), ..Expected::default() });
        }),
        ("the plan has changed", false, |a| {
            a.spec.expected = Some(Expected { plan_digest: Some("sha256:0".into()), ..Expected::default() });
        }),
    ];
    for (text, suspicious, change) in cases {
        let mut action = action("a1", ActionKind::Pause, "alice", 10);
        change(&mut action);
        let verdict = judge(&observed(environment()), &status(Phase::Progressing, Some(3)), &action);
        assert_eq!(verdict.result, ActionResult::Refused);
        assert!(verdict.message.contains(text), "{}", verdict.message);
        assert_eq!(verdict.is_suspicious, suspicious, "{text}");
    }
}

#[test]
fn an_approval_must_fit_todays_slots() {
    let observed = observed(guarded());
    let digest = "sha256:1";
    let mut status = status(Phase::Pending, None);
    status.plan = Some(crate::api::release::Plan { digest: digest.into(), ..Default::default() });
    for (slots, group, expected) in [
        (&["any"][..], None, None),
        (&["team-leads"], None, None),
        (&[], None, None),
        (&["other"], None, Some("no approval slot other")),
        (&["team-leads"], Some("directors"), Some("no approval slot team-leads for group directors")),
    ] {
        let mut action = approve("a1", "carol", digest, slots, 10);
        if let Some(group) = group {
            action.spec.slots.as_mut().unwrap()[0].group = Some(group.to_owned());
        }
        let verdict = judge(&observed, &status, &action);
        match expected {
            None => assert!(verdict.is_applied(), "{slots:?}: {verdict:?}"),
            Some(text) => assert!(verdict.message.contains(text), "{verdict:?}"),
        }
    }
}
