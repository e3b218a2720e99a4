//! Idempotent actions: repeating one succeeds and changes nothing.

use crate::api::environment::Environment;
use crate::api::release::{Phase, Release, ReleaseStatus};
use crate::api::release_action::ActionKind;
use crate::api::stored;
use crate::domain::intent::{self, Author};
use crate::domain::outcome::{aborted, last_by};
use crate::domain::timeline::CONTROLLER;
use crate::domain::{approval, identity};

/// `v1.8.2 is already paused by bob`; `None` if the action would change something or does not fit the phase.
#[must_use]
pub(crate) fn done(kind: ActionKind, version: &str, status: &ReleaseStatus) -> Option<String> {
    let by = |name: Option<&str>| match name {
        Some(name) if name != CONTROLLER => format!(" by {name}"),
        _ => String::new(),
    };
    match (kind, status.phase) {
        (ActionKind::Pause, Phase::Paused) => {
            let who = status.paused.as_ref().map(|paused| paused.by.as_str());
            Some(format!("{version} is already paused{}", by(who)))
        }
        (ActionKind::Resume, Phase::Progressing | Phase::Verifying) => {
            Some(format!("{version} is already running: {}", status.phase))
        }
        (ActionKind::Abort, Phase::Aborted) => {
            Some(format!("{version} is already aborted{}", by(aborted(status))))
        }
        (ActionKind::Abort, Phase::RollingBack) => {
            let undo = status.undo.as_ref().filter(|undo| undo.ends_as == Phase::Aborted)?;
            Some(format!("{version} is already being aborted{}", by(Some(&undo.by))))
        }
        (ActionKind::Reject, Phase::Rejected) => {
            Some(format!("{version} is already rejected{}", by(last_by(status, "Rejected"))))
        }
        _ => None,
    }
}

/// `you have already approved v1.8.2`; `None` if the author has not, or can fill further slots.
#[must_use]
pub(crate) fn approved(release: &Release, environment: &Environment, author: Author<'_>) -> Option<String> {
    let status = release.status.as_ref()?;
    if status.phase.is_final() || !stored::is_understood(environment) {
        return None;
    }
    let step = status.step.as_ref().map(|step| step.index).filter(|_| status.phase != Phase::Pending);
    let wanted = intent::slots_for(environment, author.groups);
    let theirs = status.approvals.iter().find(|record| {
        record.step == step
            && approval::stands(environment, record)
            && identity::is_same_in(Some(environment), &record.actor, author.user)
            && wanted.iter().all(|slot| record.slots.contains(&slot.name))
    })?;
    let version = &release.spec.version;
    Some(if theirs.actor == author.user {
        format!("you have already approved {version}")
    } else {
        format!("you have already approved {version}, as {}", theirs.actor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::release::{ApprovalRecord, ApprovalState, Paused, TimelineEntry, Undo};
    use crate::domain::fixtures::{at, guarded, release};
    use crate::domain::outcome::aborted_by;

    fn in_phase(phase: Phase) -> Release {
        let mut release = release("v2");
        release.status = Some(ReleaseStatus { phase, ..ReleaseStatus::default() });
        release
    }

    #[test]
    fn only_what_would_change_nothing_is_done_already() {
        use ActionKind::{Abort, Pause, Reject, Resume};
        for (kind, done) in [
            (Pause, &[Phase::Paused][..]),
            (Resume, &[Phase::Progressing, Phase::Verifying]),
            (Abort, &[Phase::Aborted]),
            (Reject, &[Phase::Rejected]),
        ] {
            for phase in Phase::ALL {
                let status = in_phase(phase).status.unwrap();
                let found = super::done(kind, "v2", &status);
                assert_eq!(found.is_some(), done.contains(&phase), "{kind} in {phase}: {found:?}");
            }
        }
    }

    #[test]
    fn it_says_who_did_it() {
        let mut paused = in_phase(Phase::Paused);
        let by =
            |by: &str| Some(Paused { by: by.into(), at: at(1), reason: None, resume_to: Phase::Progressing });
        paused.status.as_mut().unwrap().paused = by("bob");
        let maybe = |release: &Release, kind| done(kind, "v2", release.status.as_ref().unwrap());
        let said = |release: &Release, kind| maybe(release, kind).unwrap();
        assert_eq!(said(&paused, ActionKind::Pause), "v2 is already paused by bob");
        paused.status.as_mut().unwrap().paused = by(CONTROLLER);
        assert_eq!(said(&paused, ActionKind::Pause), "v2 is already paused");

        let mut aborted = in_phase(Phase::Aborted);
        assert_eq!(aborted_by(&aborted), None);
        aborted.status.as_mut().unwrap().timeline = vec![TimelineEntry {
            at: at(1),
            by: "carol".into(),
            reason: "Aborted".into(),
            message: String::new(),
        }];
        assert_eq!(said(&aborted, ActionKind::Abort), "v2 is already aborted by carol");
        let mut undone = in_phase(Phase::RollingBack);
        let undo = |ends_as| Some(Undo { by: "dave".into(), at: at(1), reason: String::new(), ends_as });
        undone.status.as_mut().unwrap().undo = undo(Phase::Aborted);
        assert_eq!(said(&undone, ActionKind::Abort), "v2 is already being aborted by dave");
        undone.status.as_mut().unwrap().undo = undo(Phase::RolledBack);
        assert_eq!(maybe(&undone, ActionKind::Abort), None, "a rollback is no abort");
    }

    #[test]
    fn an_approval_is_found_by_person_slots_and_state() {
        let environment = guarded();
        let slots: Vec<String> = intent::slots_for(&environment, &["team-leads".into()])
            .into_iter()
            .map(|slot| slot.name)
            .collect();
        let mut release = in_phase(Phase::Pending);
        let mut record = ApprovalRecord {
            actor: "alice".into(),
            slots,
            at: at(1),
            digest: "sha256:1".into(),
            action: "a".into(),
            state: ApprovalState::Counted,
            step: None,
            person: None,
            evidence: None,
        };
        let groups: Vec<Box<str>> = vec!["team-leads".into()];
        let mut found = |record: &ApprovalRecord, user: &str| {
            release.status.as_mut().unwrap().approvals = vec![record.clone()];
            let author = Author { user, groups: &groups };
            approved(&release, &environment, author)
        };
        assert_eq!(found(&record, "alice").as_deref(), Some("you have already approved v2"));
        assert_eq!(found(&record, "bob"), None);
        record.state = ApprovalState::Stale;
        assert_eq!(found(&record, "alice"), None, "a stale approval is given again");
    }
}
