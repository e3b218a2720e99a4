use super::*;
use crate::api::condition::ConditionStatus;
use crate::api::environment::Debt;
use crate::api::environment::WorkloadKind;
use crate::api::release::Phase;
use crate::domain::fixtures::{action, at, deployment, environment, identity_rule, policies, release_at};

mod order;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct World {
    environment: Environment,
    workloads: BTreeMap<String, WorkloadState>,
    autoscalers: BTreeMap<String, String>,
    releases: Vec<Arc<Release>>,
}

impl World {
    /// An environment whose policies are in force, with four pods of each component.
    fn new() -> Self {
        let mut environment = environment();
        let in_force = policies(ConditionStatus::True, at(0));
        environment.status.get_or_insert_default().conditions = vec![in_force];
        let workloads = ["backend", "frontend"].map(|name| (name.to_owned(), deployment(name, "v1")));
        let (autoscalers, releases) = (BTreeMap::new(), Vec::new());
        Self { environment, workloads: workloads.into(), autoscalers, releases }
    }

    fn status(&mut self) -> &mut EnvironmentStatus {
        self.environment.status.as_mut().unwrap()
    }

    fn judge(&self, action: &ReleaseAction, secs: i64) -> Judgement {
        let seen = Situation {
            environment: &self.environment,
            workloads: &self.workloads,
            autoscalers: &self.autoscalers,
            releases: &self.releases,
        };
        judge(&seen, action, at(secs))
    }

    /// Carries an action out as far as `until`: 0 nothing, 1 what is written before, 2 the effect, 3 everything.
    fn carry_out(&mut self, action: &ReleaseAction, until: usize) -> Verdict {
        let judgement = self.judge(action, 100);
        if let (Some(before), 1..) = (judgement.before, until) {
            self.environment.status = Some(before);
        }
        if let (Some(Effect::Scale { component, from, to }), 2..) = (judgement.effect, until) {
            let workload = self.workloads.get_mut(component.as_str()).unwrap();
            assert!(workload.desired == from);
            workload.desired = to;
        }
        if let (Some(after), 3..) = (judgement.after, until) {
            self.environment.status = Some(after);
        }
        judgement.verdict
    }

    fn replicas(&self) -> (i32, Vec<i32>) {
        let scaled = &self.environment.status.as_ref().unwrap().scaled;
        (self.workloads["backend"].desired, scaled.iter().map(|scaled| scaled.replicas).collect())
    }
}

fn ask(kind: ActionKind, actor: &str, change: impl FnOnce(&mut Parameters)) -> ReleaseAction {
    let mut action = action(&format!("{kind}-{actor}").to_lowercase(), kind, actor, 90);
    action.spec.release = None;
    change(action.spec.parameters.get_or_insert_default());
    action
}

fn scale(name: &str, replicas: Option<i32>) -> ReleaseAction {
    let action = ask(ActionKind::Scale, "erin", |parameters| {
        parameters.component = Some("backend".into());
        parameters.replicas = replicas;
    });
    named(action, name)
}

/// The action under another name, and thus another uid.
fn named(mut action: ReleaseAction, name: &str) -> ReleaseAction {
    action.metadata.name = Some(name.into());
    action.metadata.uid = Some(crate::domain::fixtures::uid(name));
    action
}

/// What is in the world, what is asked, and what is said (`Ok` where it is done).
type Case = (&'static str, fn(&mut World), ReleaseAction, Result<&'static str, &'static str>);

#[test]
#[allow(clippy::too_many_lines, reason = "one table")]
fn every_action_is_carried_out_or_refused_with_a_sentence() {
    let frozen = |world: &mut World| {
        world.status().frozen = Some(Frozen { by: "dave".into(), at: Some(at(80)), ..Frozen::default() });
    };
    let later = |world: &mut World| {
        world.status().frozen = Some(Frozen { by: "dave".into(), at: Some(at(95)), ..Frozen::default() });
    };
    let owes = |world: &mut World| {
        let debt = Debt {
            id: "planera-1".into(),
            by: "carol".into(),
            at: at(1),
            what: "emergency".into(),
            reason: "x".into(),
            incident: None,
        };
        world.status().debts.push(debt);
        world.environment.spec.identity = Some(identity_rule());
    };
    let open = |world: &mut World| world.status().conditions.clear();
    let young = |world: &mut World| {
        world.status().conditions = vec![policies(ConditionStatus::True, at(95))];
    };
    let review = |actor| ask(ActionKind::Review, actor, |p| p.debt = Some("planera-1".into()));
    let digest = |kind| ask(kind, "erin", |p| p.digest = Some(DIGEST.into()));
    let restart = || ask(ActionKind::Restart, "erin", |p| p.component = Some("backend".into()));
    let cases: Vec<Case> = vec![
        ("freeze", |_| {}, ask(ActionKind::Freeze, "erin", |p| p.until = Some(at(500))), Ok("until 2027-")),
        ("freeze without end", |_| {}, ask(ActionKind::Freeze, "erin", |_| {}), Ok("frozen; a release")),
        (
            "freeze of the past",
            |_| {},
            ask(ActionKind::Freeze, "erin", |p| p.until = Some(at(95))),
            Err("was over"),
        ),
        ("freeze unattested", open, ask(ActionKind::Freeze, "erin", |_| {}), Ok("frozen")),
        ("unfreeze", frozen, ask(ActionKind::Unfreeze, "erin", |_| {}), Ok("may start again")),
        ("unfreeze nothing", |_| {}, ask(ActionKind::Unfreeze, "erin", |_| {}), Err("not frozen")),
        (
            "unfreeze a later freeze",
            later,
            ask(ActionKind::Unfreeze, "erin", |_| {}),
            Err("dave froze it again"),
        ),
        ("unfreeze unattested", open, ask(ActionKind::Unfreeze, "erin", |_| {}), Err("nobody attests")),
        ("deny", |_| {}, digest(ActionKind::Deny), Ok("on the deny list")),
        ("allow nothing", |_| {}, digest(ActionKind::Allow), Err("not on the deny list")),
        ("stop", |_| {}, ask(ActionKind::AbortAll, "erin", |_| {}), Ok("aborting every release")),
        ("stop unattested", open, ask(ActionKind::AbortAll, "erin", |_| {}), Ok("aborting every release")),
        ("review", owes, review("bob"), Ok("cleared")),
        ("review one's own", owes, review("carol"), Err("another person")),
        ("review by another account of the same person", owes, review("carol-admin"), Err("another person")),
        ("review nothing", |_| {}, review("bob"), Err("no debt planera-1")),
        ("review from before the policies", young, review("bob"), Err("nobody attests")),
        ("review unattested", open, review("bob"), Err("nobody attests")),
        ("restart", |_| {}, restart(), Ok("started anew")),
        (
            "restart in a release",
            |world| {
                let mut release = release_at("planera-7", "v2", 0);
                release.status.get_or_insert_default().phase = Phase::Paused;
                world.releases.push(Arc::new(release));
            },
            restart(),
            Err("planera-7 is being executed"),
        ),
        ("scale", |_| {}, scale("s", Some(2)), Ok("backend has 2 replicas")),
        ("scale back from nothing", |_| {}, scale("s", None), Err("has not been scaled")),
        (
            "scale a DaemonSet",
            |world| world.workloads.get_mut("backend").unwrap().kind = WorkloadKind::DaemonSet,
            scale("s", Some(0)),
            Err("no size of its own"),
        ),
        (
            "scale what is gone",
            |world| world.workloads.clear(),
            scale("s", Some(0)),
            Err("Deployment backend does not exist"),
        ),
        (
            "scale against an autoscaler",
            |world| drop(world.autoscalers.insert("backend".into(), "hpa".into())),
            scale("s", Some(2)),
            Err("HorizontalPodAutoscaler hpa"),
        ),
        (
            "scale to nothing, which an autoscaler leaves alone",
            |world| drop(world.autoscalers.insert("backend".into(), "hpa".into())),
            scale("s", Some(0)),
            Ok("0 replicas"),
        ),
    ];
    for (name, prepare, action, expected) in cases {
        let mut world = World::new();
        prepare(&mut world);
        let judgement = world.judge(&action, 100);
        let (is_applied, words) = expected.map_or_else(|words| (false, words), |words| (true, words));
        let verdict = &judgement.verdict;
        assert_eq!(verdict.is_applied(), is_applied, "{name}: {}", verdict.message);
        assert!(verdict.message.contains(words), "{name}: {}", verdict.message);
        let after = judgement.after.unwrap();
        let uid = action.metadata.uid.as_deref().unwrap();
        assert_eq!(judged::verdict(&after.judged_actions, uid), Some(verdict.result), "{name}");
        world.environment.status = Some(after);
        let again = world.judge(&action, 100);
        assert_eq!((again.before, again.effect, again.after), (None, None, None), "{name}");
        assert_eq!(again.verdict, judgement.verdict, "{name}");
    }
}

#[test]
fn what_was_asked_for_too_long_ago_is_not_done_to_workloads() {
    let world = World::new();
    assert!(world.judge(&scale("s", Some(0)), 90 + 600).verdict.is_applied());
    let late = world.judge(&scale("s", Some(0)), 90 + 601);
    assert!(late.verdict.message.contains("ask again"), "{}", late.verdict.message);
}

#[test]
fn a_component_is_scaled_and_brought_back_wherever_the_controller_stops() {
    for stop in 0..3 {
        let mut world = World::new();
        for (name, wanted, expected) in [
            ("s1", Some(0), (0, vec![4])),
            ("s2", Some(2), (2, vec![4])),
            ("s3", None, (4, vec![])),
            ("s4", Some(6), (6, vec![4])),
            ("s5", Some(0), (0, vec![6])),
            ("s6", Some(6), (6, vec![])),
            ("s7", Some(6), (6, vec![])),
        ] {
            let action = scale(name, wanted);
            world.carry_out(&action, stop);
            let verdict = world.carry_out(&action, 3);
            assert!(verdict.is_applied(), "{name}: {}", verdict.message);
            assert_eq!(world.replicas(), expected, "{name}, stopped after {stop}");
        }
    }
}

#[test]
fn the_deny_list_is_bounded_and_holds_a_digest_once() {
    let mut world = World::new();
    let deny = ask(ActionKind::Deny, "erin", |p| p.digest = Some(DIGEST.into()));
    world.carry_out(&deny, 3);
    let mut again = named(deny.clone(), "again");
    again.spec.reason = Some("worse than thought".into());
    world.carry_out(&again, 3);
    let denied = world.status().denied.clone();
    assert_eq!((denied.len(), denied[0].reason.as_deref()), (1, Some("worse than thought")));
    let other = |n: usize| DeniedDigest { digest: format!("sha256:{n:064x}"), ..denied[0].clone() };
    world.status().denied = (0..DENIED).map(other).collect();
    let third = named(again, "third");
    world.status().denied[0].digest = format!("sha256:{DENIED:064x}");
    assert!(world.carry_out(&third, 3).message.contains("full"));
}

#[test]
fn what_has_a_time_ends_by_itself() {
    let mut status = World::new().environment.status.unwrap();
    let denied = |n: u8, until: Option<i64>| DeniedDigest {
        digest: format!("sha256:{n:064x}"),
        until: until.map(at),
        ..DeniedDigest::default()
    };
    status.denied = vec![denied(1, None), denied(2, Some(50)), denied(3, Some(200))];
    status.frozen = Some(Frozen { by: "erin".into(), until: Some(at(100)), ..Frozen::default() });
    assert_eq!(next_expiry(&status), Some(at(50)));
    for (now, told, left, frozen) in
        [(49, 0, 3, true), (50, 1, 2, true), (100, 1, 2, false), (300, 1, 1, false)]
    {
        assert_eq!(expire(&mut status, at(now)).len(), told, "{now}");
        assert_eq!((status.denied.len(), status.frozen.is_some()), (left, frozen), "{now}");
    }
    assert_eq!(next_expiry(&status), None);
}

#[test]
fn a_stop_means_what_was_asked_for_until_the_act() {
    let mut world = World::new();
    world.carry_out(&ask(ActionKind::AbortAll, "erin", |_| {}), 3);
    let stop = world.status().stop.clone().unwrap();
    assert_eq!((stop.by.as_str(), stop.at, stop.action.as_str()), ("erin", at(90), "abortall-erin"));
}
