//! News of a release: that it waits for people, begins, stands, goes back and ends.

use chrono::{DateTime, Utc};

use super::{NEWS, Notice, Severity, blank, fresh, place};
use crate::api::environment::Environment;
use crate::api::release::{GateState, GateStatus, OverrideRecord, Phase, Release, ReleaseStatus};
use crate::domain::gate::APPROVAL;

/// Reasons in the timeline that are news although the phase stays what it was.
const DISTURBED: [&str; 4] = ["PodsLost", "PodsBack", "TemplateChanged", "EnvironmentDeleted"];

/// What is to be told of a release as it is now, and has not been told.
#[must_use]
pub fn of_release(environment: &Environment, release: &Release, now: DateTime<Utc>) -> Vec<Notice> {
    let Some(status) = &release.status else { return Vec::new() };
    let story = Story { environment, release, status };
    let past = story.past().filter(|notice| now.signed_duration_since(notice.at) <= NEWS);
    let glass = story.glass().filter(|notice| now.signed_duration_since(notice.at) <= NEWS);
    let disturbed = story.disturbed().filter(|notice| now.signed_duration_since(notice.at) <= NEWS);
    let all = past.chain(glass).chain(disturbed).chain(story.present(now));
    fresh(environment, &status.notified, all)
}

struct Story<'a> {
    environment: &'a Environment,
    release: &'a Release,
    status: &'a ReleaseStatus,
}

impl Story<'_> {
    /// What once became so, and is told even where it is over by now.
    fn past(&self) -> impl Iterator<Item = Notice> {
        let version = &self.release.spec.version;
        let started = self.status.started_at.map(|at| {
            let sentence =
                format!("{version} was asked for by {}{}.", self.release.spec.requested_by, self.why());
            (Notice { sentence, ..self.notice("Started", &at.timestamp().to_string(), at) }, "has started")
        });
        let undo = self.status.undo.as_ref().map(|undo| {
            let sentence = format!("Rolling back, by {}: {}", undo.by, undo.reason);
            let key = undo.at.timestamp().to_string();
            let notice = self.notice("RollingBack", &key, undo.at);
            (
                Notice { sentence, severity: Severity::Error, by: Some(undo.by.clone()), ..notice },
                "is being rolled back",
            )
        });
        let ended = self.status.finished_at.filter(|_| self.status.phase.is_final()).map(|at| {
            let (severity, ends, what) = ending(self.status.phase);
            let notice = self.notice(self.status.phase.as_str(), &at.timestamp().to_string(), at);
            (Notice { sentence: self.status.message.clone(), severity, ends, ..notice }, what)
        });
        let all: Vec<_> = started.into_iter().chain(undo).chain(ended).collect();
        all.into_iter().map(|(notice, what)| self.titled(notice, what))
    }

    /// What is so now, however long.
    fn present(&self, now: DateTime<Utc>) -> Option<Notice> {
        let since = self.status.timeline.last().map_or(now, |entry| entry.at);
        let stands = |event, key: String, severity, what| {
            let notice = self.notice(event, &key, since);
            Some(self.titled(Notice { sentence: self.status.message.clone(), severity, ..notice }, what))
        };
        match self.status.phase {
            Phase::Held => {
                stands("Held", self.status.attempt.to_string(), Severity::Critical, "is held for a person")
            }
            _ if self.approval().is_some() => self.approval().map(|gate| self.awaits(gate, since)),
            Phase::Paused => {
                let step = self.status.step.as_ref().map_or(0, |step| step.index);
                let paused = self.status.paused.as_ref();
                let key =
                    paused.map_or_else(|| format!("step-{step}"), |paused| paused.at.timestamp().to_string());
                stands("Paused", key, Severity::Warning, "is paused")
            }
            _ => None,
        }
    }

    /// The approval that is waited for, before a release or in the middle of one.
    fn approval(&self) -> Option<&GateStatus> {
        let is_open = |gate: &&GateStatus| gate.name.starts_with(APPROVAL) && gate.state == GateState::Wait;
        let waits = !self.status.phase.is_final() && self.status.phase != Phase::RollingBack;
        self.status.gates.iter().find(is_open).filter(|_| waits)
    }

    fn awaits(&self, gate: &GateStatus, since: DateTime<Utc>) -> Notice {
        let who = gate.cleared_by.as_ref().map_or_else(String::new, |who| format!("; asked is {who}"));
        let plan = self.status.plan.as_ref().map_or("", |plan| plan.digest.as_str());
        let plan: String = plan.trim_start_matches("sha256:").chars().take(16).collect();
        let sentence = format!(
            "{} asks for {}{}: {}{who}.",
            self.release.spec.requested_by,
            self.release.spec.version,
            self.why(),
            gate.detail
        );
        // in the middle of a release every step asks for itself
        let is_before = self.status.phase == Phase::Pending;
        let key = if is_before { plan } else { format!("{plan}-step-{}", self.step()) };
        let notice = self.notice("AwaitingApproval", &key, since);
        self.titled(Notice { sentence, command: gate.command.clone(), ..notice }, "awaits approval")
    }

    fn step(&self) -> i32 {
        self.status.step.as_ref().map_or(0, |step| step.index)
    }

    /// Gates passed by force, and emergencies that have begun.
    fn glass(&self) -> impl Iterator<Item = Notice> {
        let forced = self.status.overrides.iter().map(|forced| self.forced(forced));
        let emergency =
            self.status.started_at.filter(|_| self.release.spec.emergency == Some(true)).map(|at| {
                let by = &self.release.spec.requested_by;
                let ticket = self
                    .release
                    .spec
                    .ticket
                    .as_ref()
                    .map_or_else(String::new, |ticket| format!(" ({ticket})"));
                let sentence =
                    format!("Emergency by {by}{ticket}{}. Another person must review it.", self.why());
                let notice = self.notice("BrokenGlass", "emergency", at);
                Notice { sentence, severity: Severity::Error, ..notice }
            });
        let all: Vec<Notice> = forced.chain(emergency).collect();
        all.into_iter().map(|notice| self.titled(notice, "was let through by force"))
    }

    /// Other hands in the middle of a release: drained nodes, changed templates.
    fn disturbed(&self) -> impl Iterator<Item = Notice> {
        let entries = self.status.timeline.iter().filter(|entry| DISTURBED.contains(&entry.reason.as_str()));
        entries.map(|entry| {
            let key = format!("{}-{}", entry.reason, entry.at.timestamp());
            let notice = self.notice("Disturbed", &key, entry.at);
            let notice =
                Notice { sentence: entry.message.clone(), severity: Severity::Warning, by: None, ..notice };
            self.titled(notice, "meets a change by another hand")
        })
    }

    fn forced(&self, forced: &OverrideRecord) -> Notice {
        let sentence = format!(
            "Gate {} was passed by {} ({}): {}. Another person must review it.",
            forced.gate, forced.by, forced.incident, forced.reason
        );
        let notice = self.notice("BrokenGlass", &forced.action, forced.at);
        Notice { sentence, severity: Severity::Error, by: Some(forced.by.clone()), ..notice }
    }

    fn why(&self) -> String {
        self.release.spec.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
    }

    fn notice(&self, event: &'static str, key: &str, at: DateTime<Utc>) -> Notice {
        let uid = self.release.metadata.uid.as_deref().unwrap_or_default();
        Notice {
            release: self.release.metadata.name.clone(),
            version: Some(self.release.spec.version.clone()),
            by: Some(self.release.spec.requested_by.clone()),
            incident: format!("release/{uid}"),
            ..blank(self.environment, event, format!("{event}@{key}"), at)
        }
    }

    fn titled(&self, notice: Notice, what: &str) -> Notice {
        Notice {
            title: format!("{}: {} {what}", place(self.environment), self.release.spec.version),
            ..notice
        }
    }
}

/// How much an ending matters, whether it ends what was begun, and in which words.
const fn ending(phase: Phase) -> (Severity, bool, &'static str) {
    match phase {
        Phase::Succeeded => (Severity::Info, true, "succeeded"),
        Phase::RolledBack => (Severity::Warning, true, "was rolled back"),
        Phase::Failed => (Severity::Error, false, "failed"),
        Phase::Errored => (Severity::Critical, false, "could not be carried out"),
        Phase::Aborted => (Severity::Info, true, "was aborted"),
        Phase::Rejected => (Severity::Info, false, "was rejected"),
        Phase::Expired => (Severity::Info, false, "expired"),
        _ => (Severity::Info, false, "was superseded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::Notify;
    use crate::api::notified::Notified;
    use crate::api::release::{Paused, Plan, StepProgress, Undo};
    use crate::domain::fixtures::{at, environment, release};
    use crate::domain::notice::EVENTS;

    fn hearing(on: &[&str]) -> Environment {
        let mut environment = environment();
        environment.spec.contacts = [("onCall".to_owned(), "PagerDuty primary".to_owned())].into();
        environment.spec.notify = vec![Notify {
            channel: "slack".into(),
            secret: None,
            config: std::collections::BTreeMap::new(),
            events: on.iter().map(ToString::to_string).collect(),
        }];
        environment
    }

    fn so(change: impl FnOnce(&mut ReleaseStatus)) -> Release {
        let mut release = release("v2");
        let mut status = ReleaseStatus { message: "what became of it".into(), ..ReleaseStatus::default() };
        change(&mut status);
        release.status = Some(status);
        release
    }

    fn approval(status: &mut ReleaseStatus) {
        status.plan = Some(Plan { digest: "sha256:0123456789abcdef0123".into(), ..Plan::default() });
        status.gates = vec![GateStatus {
            name: APPROVAL.into(),
            state: GateState::Wait,
            detail: "0 of 1 people; open: team-leads".into(),
            cleared_by: Some("someone with approve".into()),
            command: Some("release-cockpit approve planera/x".into()),
            ..GateStatus::default()
        }];
    }

    fn undo(status: &mut ReleaseStatus) {
        status.undo = Some(Undo {
            by: "controller".into(),
            at: at(20),
            reason: "3 failed health checks".into(),
            ends_as: Phase::RolledBack,
        });
    }

    #[test]
    fn each_state_is_told_under_its_name() {
        let cases: Vec<(Release, &[&str])> = vec![
            (so(|_| ()), &[]),
            (so(approval), &["AwaitingApproval"]),
            (so(|s| (s.phase, s.started_at) = (Phase::Progressing, Some(at(10)))), &["Started"]),
            (so(|s| (s.phase, s.started_at) = (Phase::Held, Some(at(10)))), &["Started", "Held"]),
            (so(|s| s.phase = Phase::Paused), &["Paused"]),
            (
                so(|s| {
                    s.phase = Phase::RollingBack;
                    undo(s);
                }),
                &["RollingBack"],
            ),
            (
                so(|s| {
                    (s.phase, s.finished_at) = (Phase::RolledBack, Some(at(30)));
                    undo(s);
                }),
                &["RollingBack", "RolledBack"],
            ),
            (so(|s| (s.phase, s.finished_at) = (Phase::Succeeded, Some(at(30)))), &["Succeeded"]),
            (so(|s| (s.phase, s.finished_at) = (Phase::Errored, Some(at(30)))), &["Errored"]),
            // what ended before it was approved no longer waits for anybody
            (
                so(|s| {
                    approval(s);
                    (s.phase, s.finished_at) = (Phase::Expired, Some(at(30)));
                }),
                &["Expired"],
            ),
        ];
        for (release, expected) in cases {
            let news = of_release(&hearing(&[]), &release, at(40));
            let events: Vec<_> = news.iter().map(|notice| notice.event).collect();
            assert_eq!(events, expected, "{:?}", release.phase());
            for notice in news {
                assert!(EVENTS.contains(&notice.event));
                assert!(notice.key.starts_with(&format!("{}@", notice.event)), "{notice:?}");
                assert!(notice.key.len() <= 128 && !notice.sentence.is_empty());
                assert!(notice.title.starts_with("planera production: v2 "), "{notice:?}");
                assert_eq!(notice.contacts.is_empty(), notice.severity < Severity::Error);
            }
        }
    }

    #[test]
    fn what_was_told_is_not_told_again_unless_it_happens_again() {
        let environment = hearing(&[]);
        let mut held = so(|s| (s.phase, s.attempt) = (Phase::Held, 1));
        let news = of_release(&environment, &held, at(40));
        let status = held.status.as_mut().unwrap();
        status.notified = vec![Notified { key: news[0].key.clone(), ..Notified::default() }];
        assert!(of_release(&environment, &held, at(41)).is_empty());
        held.status.as_mut().unwrap().attempt = 2;
        assert_eq!(of_release(&environment, &held, at(42)).len(), 1);

        let mut waits = so(approval);
        let news = of_release(&environment, &waits, at(40));
        assert_eq!(news[0].key, "AwaitingApproval@0123456789abcdef");
        assert!(news[0].sentence.contains("someone with approve") && news[0].command.is_some());
        let status = waits.status.as_mut().unwrap();
        status.notified = vec![Notified { key: news[0].key.clone(), ..Notified::default() }];
        assert!(of_release(&environment, &waits, at(41)).is_empty());
        let status = waits.status.as_mut().unwrap();
        for index in [2, 4] {
            status.phase = Phase::Progressing;
            status.step = Some(StepProgress { index, started_at: at(41), until: None, paused_for: None });
            let release = Release { status: Some(status.clone()), ..release("v2") };
            let news = of_release(&environment, &release, at(42));
            assert_eq!(news[0].key, format!("AwaitingApproval@0123456789abcdef-step-{index}"));
        }
        status.phase = Phase::Pending;
        status.plan.as_mut().unwrap().digest = "sha256:ffff".into();
        assert_eq!(of_release(&environment, &waits, at(42)).len(), 1);
    }

    #[test]
    fn only_what_is_wanted_and_new_is_told() {
        let done = so(|s| (s.phase, s.finished_at) = (Phase::Succeeded, Some(at(30))));
        assert_eq!(of_release(&hearing(&["Succeeded"]), &done, at(40)).len(), 1);
        assert!(of_release(&hearing(&["Failed"]), &done, at(40)).is_empty());
        assert!(of_release(&hearing(&[]), &done, at(30 + 16 * 60)).is_empty());
        let mut deaf = hearing(&[]);
        deaf.spec.notify.clear();
        assert!(of_release(&deaf, &done, at(40)).is_empty());
        // who stands for hours is still news to those who were never told
        let held = so(|s| s.phase = Phase::Held);
        assert_eq!(of_release(&hearing(&[]), &held, at(36_000)).len(), 1);
    }

    #[test]
    fn good_ends_end_what_the_bad_began() {
        let environment = hearing(&[]);
        let mut release = so(|s| {
            (s.phase, s.finished_at) = (Phase::RolledBack, Some(at(30)));
            undo(s);
        });
        let news = of_release(&environment, &release, at(40));
        assert_eq!(news[0].incident, news[1].incident);
        assert_eq!([news[0].ends, news[1].ends], [false, true]);
        assert!(news[0].sentence.contains("3 failed health checks"));
        release.status.as_mut().unwrap().phase = Phase::Failed;
        assert!(!of_release(&environment, &release, at(40))[1].ends);
    }

    #[test]
    fn glass_is_broken_once_for_every_gate_and_for_the_emergency_itself() {
        let mut release = so(|s| {
            s.phase = Phase::Paused;
            s.paused =
                Some(Paused { by: "bob".into(), at: at(15), reason: None, resume_to: Phase::Progressing });
            s.started_at = Some(at(10));
            s.overrides = vec![OverrideRecord {
                gate: "windows".into(),
                by: "erin".into(),
                at: at(5),
                until: at(500),
                reason: "customers are down".into(),
                incident: "INC-1".into(),
                action: "override-1".into(),
                uid: None,
            }];
        });
        release.spec.emergency = Some(true);
        let news = of_release(&hearing(&["BrokenGlass"]), &release, at(40));
        let keys: Vec<_> = news.iter().map(|notice| notice.key.as_str()).collect();
        assert_eq!(keys, ["BrokenGlass@override-1", "BrokenGlass@emergency"]);
        assert!(news[0].sentence.contains("windows") && news[0].sentence.contains("INC-1"));
    }
}
