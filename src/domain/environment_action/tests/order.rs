//! Actions that arrive late, twice or out of order.

use super::*;
use crate::api::environment::InFlight;

/// Carries out what is asked, oldest first, at these seconds.
fn after(world: &mut World, asked: &[(i64, ReleaseAction)]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (index, (secs, action)) in asked.iter().enumerate() {
        let mut action = named(action.clone(), &format!("a{index}"));
        action.metadata.creation_timestamp = Some(crate::api::time::to_time(at(*secs)));
        let judgement = world.judge(&action, *secs);
        if let Some(after) = judgement.after {
            world.environment.status = Some(after);
        }
        verdicts.push(judgement.verdict);
    }
    verdicts
}

#[test]
fn a_later_short_freeze_opens_nothing() {
    let endless = |actor| ask(ActionKind::Freeze, actor, |p| p.in_flight = Some(InFlight::RollBack));
    let short = |actor| ask(ActionKind::Freeze, actor, |p| p.until = Some(at(18)));
    for open in [false, true] {
        let mut world = World::new();
        if open {
            world.status().conditions.clear();
        }
        let verdicts = after(&mut world, &[(10, endless("erin")), (10, short("carol"))]);
        assert!(verdicts.iter().all(Verdict::is_applied));
        assert_eq!(verdicts[1].message, "frozen by erin; a release in progress is rolled back");
        expire(world.status(), at(19));
        let frozen = world.status().frozen.clone().unwrap();
        assert_eq!((frozen.by.as_str(), frozen.until, frozen.in_flight), ("erin", None, InFlight::RollBack));
        assert_eq!(world.status().freezes.len(), 1);
    }
}

#[test]
fn an_unfreeze_lifts_what_its_author_saw_and_nothing_else() {
    let freeze = |actor| ask(ActionKind::Freeze, actor, |_| {});
    let unfreeze = |actor| ask(ActionKind::Unfreeze, actor, |_| {});
    for (name, asked, left, words) in [
        (
            "all of them",
            vec![(10, freeze("erin")), (11, freeze("carol")), (12, unfreeze("bob"))],
            &[][..],
            "may start again",
        ),
        (
            "judged late",
            vec![(10, freeze("erin")), (12, freeze("carol")), (11, unfreeze("bob"))],
            &["carol"],
            "frozen by carol",
        ),
        (
            "in the same second",
            vec![(10, freeze("erin")), (12, freeze("carol")), (12, unfreeze("bob"))],
            &["carol"],
            "frozen by carol",
        ),
        (
            "one's own in the same second",
            vec![(12, freeze("carol")), (12, unfreeze("carol"))],
            &[],
            "may start again",
        ),
        ("nothing", vec![(12, freeze("carol")), (11, unfreeze("bob"))], &["carol"], "froze it again since"),
    ] {
        let mut world = World::new();
        let verdicts = after(&mut world, &asked);
        let by: Vec<_> = world.status().freezes.iter().map(|frozen| frozen.by.clone()).collect();
        assert_eq!(by, left, "{name}");
        assert_eq!(world.status().frozen.is_some(), !left.is_empty(), "{name}");
        assert!(verdicts.last().unwrap().message.contains(words), "{name}: {verdicts:?}");
    }
}

#[test]
fn a_later_short_denial_or_an_earlier_allow_opens_nothing() {
    let deny = |actor, until: Option<i64>| {
        ask(ActionKind::Deny, actor, |p| (p.digest, p.until) = (Some(DIGEST.into()), until.map(at)))
    };
    let allow = |actor| ask(ActionKind::Allow, actor, |p| p.digest = Some(DIGEST.into()));
    for (name, asked, by) in [
        ("a shorter one", vec![(10, deny("erin", None)), (11, deny("carol", Some(15)))], Some("erin")),
        ("a longer one", vec![(10, deny("erin", Some(15))), (11, deny("carol", None))], Some("carol")),
        ("an allow from before", vec![(10, deny("erin", None)), (9, allow("carol"))], Some("erin")),
        (
            "an allow between",
            vec![(10, deny("erin", None)), (12, deny("carol", Some(30))), (11, allow("bob"))],
            Some("erin"),
        ),
        (
            "an allow after",
            vec![(10, deny("erin", None)), (12, deny("carol", Some(30))), (13, allow("bob"))],
            None,
        ),
    ] {
        let mut world = World::new();
        after(&mut world, &asked);
        expire(world.status(), at(20));
        assert_eq!(world.status().denied.first().map(|denied| denied.by.as_deref().unwrap()), by, "{name}");
    }
}

#[test]
fn an_earlier_stop_that_is_judged_late_replaces_no_later_one() {
    let mut world = World::new();
    let stop = |actor| ask(ActionKind::AbortAll, actor, |_| {});
    after(&mut world, &[(20, stop("erin")), (10, stop("carol"))]);
    assert_eq!(world.status().stop.clone().unwrap().by, "erin");
}

#[test]
fn an_action_under_a_name_that_was_used_before_is_judged() {
    let mut world = World::new();
    let freeze = ask(ActionKind::Freeze, "erin", |_| {});
    world.status().judged_actions = vec![freeze.metadata.name.clone().unwrap()];
    world.carry_out(&freeze, 3);
    assert!(world.status().frozen.is_some());
}

#[test]
fn a_debt_of_an_older_version_is_paid_by_its_name() {
    let mut world = World::new();
    let debt = |id: &str| Debt {
        id: id.into(),
        by: "carol".into(),
        at: at(1),
        what: "emergency".into(),
        reason: "x".into(),
        incident: None,
    };
    let own = format!("release/{}", crate::domain::fixtures::uid("planera-1"));
    world.status().debts = vec![debt("planera-1"), debt(&own)];
    for (id, left) in [("planera-1", 1), (own.as_str(), 0)] {
        let review = ask(ActionKind::Review, "bob", |p| p.debt = Some(id.into()));
        let verdict = world.carry_out(&named(review, id), 3);
        assert!(verdict.is_applied(), "{}", verdict.message);
        assert_eq!(world.status().debts.len(), left);
    }
}
