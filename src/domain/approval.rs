//! Who has agreed, whether that still counts, and whether it is enough.
//!
//! The rule: every slot needs its minimum of people, and a person sits on one seat only. Two slots with a minimum of one each thus
//! need two people, even when one of them could fill either. People are seated so that as many seats as possible are taken
//! (bipartite matching), so that the order of approvals never matters. A person is who `identity` says: several accounts of one
//! person sit on one seat. An approval counts when it is bound to the present plan, is young enough, is attested, has not been taken back, is not
//! the requester's own where that is forbidden, and names a slot whose group is still the environment's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{attested, identity};
use crate::api::Environment;
use crate::api::environment::{Approval, Slot};
use crate::api::release::{ApprovalRecord, ApprovalState, Release, ReleaseStatus};
use crate::api::release_action::{ActionKind, ReleaseAction};
use crate::api::strategy::ApprovalStep;

/// What approvals are counted against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Review<'a> {
    /// Who must agree.
    pub policy: &'a Approval,
    /// Where: which accounts are one person, and since when the policies attest what people write.
    pub environment: &'a Environment,
    /// What they agree to.
    pub release: &'a Release,
    /// Its status so far: the present plan, and the approvals that were taken back.
    pub status: &'a ReleaseStatus,
}

impl<'a> Review<'a> {
    fn person(&self, account: &'a str) -> &'a str {
        identity::person_in(Some(self.environment), account)
    }

    fn digest(&self) -> Option<&'a str> {
        self.status.plan.as_ref().map(|plan| plan.digest.as_str())
    }

    fn is_own(&self, action: &'a ReleaseAction) -> bool {
        self.person(&action.spec.actor) == self.person(&self.release.spec.requested_by)
    }

    /// Marked when it was taken back; the actions themselves tell it too, should the mark have been crowded out.
    fn is_withdrawn(&self, action: &'a ReleaseAction, given: &[&'a ReleaseAction]) -> bool {
        let name = action.metadata.name.as_deref().unwrap_or_default();
        let is_marked =
            |record: &ApprovalRecord| record.action == name && record.state == ApprovalState::Withdrawn;
        self.status.approvals.iter().any(is_marked)
            || given.iter().any(|later| {
                later.spec.action == ActionKind::Withdraw
                    && later.created_at() > action.created_at()
                    && self.person(&later.spec.actor) == self.person(&action.spec.actor)
            })
    }
}

/// How many seats of a slot are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotCount {
    /// Name of the slot.
    pub name: String,
    /// People seated.
    pub taken: usize,
    /// People needed.
    pub needed: usize,
}

/// The state of a review.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Every approval with its state, oldest first.
    pub records: Vec<ApprovalRecord>,
    /// The slots in the environment's order.
    pub slots: Vec<SlotCount>,
}

impl Tally {
    /// Whether every seat is taken.
    #[must_use]
    pub(crate) fn is_enough(&self) -> bool {
        self.slots.iter().all(|slot| slot.taken >= slot.needed)
    }

    /// Seats taken and seats needed, over all slots.
    #[must_use]
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.slots.iter().map(|s| s.taken).sum(), self.slots.iter().map(|s| s.needed).sum())
    }

    /// Names of the slots that still lack people.
    #[must_use]
    pub(crate) fn missing(&self) -> Vec<&str> {
        self.slots.iter().filter(|s| s.taken < s.needed).map(|s| s.name.as_str()).collect()
    }
}

/// The environment's slots that an action may fill today: same name *and* same group. Naming no slot means those without a group.
#[must_use]
pub(crate) fn slots_of<'a>(policy: &'a Approval, action: &ReleaseAction) -> Vec<&'a Slot> {
    match action.spec.slots.as_deref().filter(|slots| !slots.is_empty()) {
        Some(filled) => policy
            .slots
            .iter()
            .filter(|slot| filled.iter().any(|f| f.name == slot.name && f.group == slot.group))
            .collect(),
        None => policy.slots.iter().filter(|slot| slot.group.is_none()).collect(),
    }
}

/// Whether an approval is one: it counts, or it may as soon as it is known whether the policies are in force.
#[must_use]
pub(crate) fn stands(environment: &Environment, record: &ApprovalRecord) -> bool {
    match record.state {
        ApprovalState::Counted => true,
        ApprovalState::Unattested => attested::is_unknown(environment),
        _ => false,
    }
}

/// Who must agree to a step in the middle of a rollout: the slots that it names, or all of them.
#[must_use]
pub(crate) fn policy_of_step(policy: &Approval, step: &ApprovalStep) -> Approval {
    let is_asked = |slot: &Slot| step.slots.is_empty() || step.slots.contains(&slot.name);
    Approval { slots: policy.slots.iter().filter(|slot| is_asked(slot)).cloned().collect(), ..policy.clone() }
}

/// Counts approvals. `given` are the Approve and Withdraw actions that were applied, and the requester's own attempts, in any order.
#[must_use]
pub(crate) fn tally<'a>(review: &Review<'a>, given: &[&'a ReleaseAction], now: DateTime<Utc>) -> Tally {
    let policy = review.policy;
    let mut approvals: Vec<&'a ReleaseAction> =
        given.iter().filter(|action| action.spec.action == ActionKind::Approve).copied().collect();
    approvals.sort_by_key(|action| (action.created_at(), action.metadata.name.clone()));
    let mut records = Vec::new();
    let mut people: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for action in approvals {
        let slots = slots_of(policy, action);
        let state = match state_of(review, action, now) {
            ApprovalState::SelfApproval => ApprovalState::SelfApproval,
            _ if review.is_withdrawn(action, given) => ApprovalState::Withdrawn,
            ApprovalState::Counted if !attested::is_attested(review.environment, action.created_at()) => {
                ApprovalState::Unattested
            }
            ApprovalState::Counted if slots.is_empty() && !policy.slots.is_empty() => ApprovalState::Stale,
            state => state,
        };
        let person = review.person(&action.spec.actor);
        if state == ApprovalState::Counted {
            let seats = people.entry(person).or_default();
            seats.extend(
                slots.iter().filter_map(|slot| policy.slots.iter().position(|s| s.name == slot.name)),
            );
        }
        records.push(record(action, &slots, state, person));
    }
    trim(&mut records);
    Tally { records, slots: seat(policy, &people) }
}

/// Records that an object may hold.
pub(crate) const RECORDS: usize = 64;

/// Keeps as many records as an object may hold. The oldest of those that do not count go first.
pub(crate) fn trim(records: &mut Vec<ApprovalRecord>) {
    while records.len() > RECORDS {
        let idle = records.iter().position(|record| record.state != ApprovalState::Counted);
        records.remove(idle.unwrap_or(0));
    }
}

fn state_of<'a>(review: &Review<'a>, action: &'a ReleaseAction, now: DateTime<Utc>) -> ApprovalState {
    if review.policy.prevent_self_approval && review.is_own(action) {
        return ApprovalState::SelfApproval;
    }
    let seen = action.spec.expected.as_ref().and_then(|expected| expected.plan_digest.as_deref());
    if seen.is_none() || seen != review.digest() {
        return ApprovalState::Stale;
    }
    // an act whose time nobody attests can be of any age
    let expired = review.policy.expires_after.is_some_and(|limit| {
        action
            .created_at()
            .is_none_or(|at| at.checked_add_signed(limit.to_delta()).is_some_and(|end| end <= now))
    });
    if expired { ApprovalState::Expired } else { ApprovalState::Counted }
}

fn record(action: &ReleaseAction, slots: &[&Slot], state: ApprovalState, person: &str) -> ApprovalRecord {
    let seen = action.spec.expected.as_ref().and_then(|expected| expected.plan_digest.clone());
    ApprovalRecord {
        actor: action.spec.actor.clone(),
        slots: slots.iter().take(8).map(|slot| slot.name.clone()).collect(),
        at: action.created_at().unwrap_or_default(),
        digest: seen.unwrap_or_default(),
        action: action.metadata.name.clone().unwrap_or_default(),
        state,
        step: None,
        person: (person != action.spec.actor).then(|| person.to_owned()),
        evidence: action.spec.evidence.clone(),
    }
}

/// Seats people on slots, one seat each, as many as possible: augmenting paths over (person, seat).
fn seat(policy: &Approval, people: &BTreeMap<&str, BTreeSet<usize>>) -> Vec<SlotCount> {
    let seats: Vec<usize> = policy
        .slots
        .iter()
        .enumerate()
        .flat_map(|(slot, s)| std::iter::repeat_n(slot, usize::try_from(s.minimum).unwrap_or(0)))
        .collect();
    let wishes: Vec<&BTreeSet<usize>> = people.values().collect();
    let mut taken: Vec<Option<usize>> = vec![None; seats.len()];
    for person in 0..wishes.len() {
        let mut tried = vec![false; seats.len()];
        find_seat(person, &wishes, &seats, &mut taken, &mut tried);
    }
    let count = |slot: usize| seats.iter().zip(&taken).filter(|(s, t)| **s == slot && t.is_some()).count();
    policy
        .slots
        .iter()
        .enumerate()
        .map(|(index, slot)| SlotCount {
            name: slot.name.clone(),
            taken: count(index),
            needed: usize::try_from(slot.minimum).unwrap_or(0),
        })
        .collect()
}

fn find_seat(
    person: usize,
    wishes: &[&BTreeSet<usize>],
    seats: &[usize],
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for index in 0..seats.len() {
        if tried[index] || !wishes[person].contains(&seats[index]) {
            continue;
        }
        tried[index] = true;
        let free = taken[index].is_none_or(|other| find_seat(other, wishes, seats, taken, tried));
        if free {
            taken[index] = Some(person);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Duration;
    use crate::api::condition::ConditionStatus;
    use crate::domain::fixtures::{action, approve, at, environment, identity_rule, policies, release, slot};

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn policy() -> Approval {
        Approval {
            slots: vec![slot("team-leads", Some("team-leads"), 1), slot("any", None, 1)],
            prevent_self_approval: true,
            expires_after: Some(Duration::from_mins(60)),
            wait_timer: None,
            confirm_phrase: None,
        }
    }

    fn planned() -> ReleaseStatus {
        let plan = crate::api::release::Plan { digest: DIGEST.into(), ..Default::default() };
        ReleaseStatus { plan: Some(plan), ..ReleaseStatus::default() }
    }

    fn tally_of(policy: &Approval, actions: &[ReleaseAction], now: DateTime<Utc>) -> Tally {
        let (release, status) = (release("v2"), planned());
        let environment = environment();
        let review = Review { policy, environment: &environment, release: &release, status: &status };
        tally(&review, &actions.iter().collect::<Vec<_>>(), now)
    }

    fn tally_of_people(policy: &Approval, actions: &[ReleaseAction]) -> Tally {
        let (release, status, mut environment) = (release("v2"), planned(), environment());
        environment.spec.identity = Some(identity_rule());
        let review = Review { policy, environment: &environment, release: &release, status: &status };
        tally(&review, &actions.iter().collect::<Vec<_>>(), at(20))
    }

    #[test]
    fn records_that_do_not_count_give_way_to_those_that_do() {
        let other = DIGEST.replace('0', "f");
        let both = ["team-leads", "any"];
        let mut actions = vec![approve("a0", "carol", DIGEST, &both, 1)];
        actions.extend((0..80).map(|n| approve(&format!("s{n}"), "mallory", &other, &["any"], 2 + n)));
        let tally = tally_of(&policy(), &actions, at(100));
        assert_eq!(tally.records.len(), RECORDS);
        assert!(tally.records.iter().any(|record| record.actor == "carol"));
    }

    #[test]
    fn two_people_fill_two_slots_and_one_does_not() {
        let both = ["team-leads", "any"];
        let carol = approve("a1", "carol", DIGEST, &both, 10);
        let again = approve("a2", "carol", DIGEST, &both, 11);
        let one = tally_of(&policy(), &[carol.clone(), again], at(20));
        assert_eq!(one.count(), (1, 2));
        assert!(!one.is_enough());
        let two = tally_of(&policy(), &[carol, approve("a3", "dave", DIGEST, &["any"], 12)], at(20));
        assert!(two.is_enough());
    }

    #[test]
    fn the_order_of_approvals_does_not_matter() {
        let carol = approve("a1", "carol", DIGEST, &["team-leads", "any"], 10);
        let dave = approve("a2", "dave", DIGEST, &["any"], 11);
        assert!(tally_of(&policy(), &[dave.clone(), carol.clone()], at(20)).is_enough());
        assert!(tally_of(&policy(), &[carol, dave], at(20)).is_enough());
    }

    #[test]
    fn two_of_any_leave_the_leads_missing() {
        let tally = tally_of(
            &policy(),
            &[approve("a1", "dave", DIGEST, &["any"], 10), approve("a2", "erin", DIGEST, &["any"], 10)],
            at(20),
        );
        assert_eq!(tally.missing(), ["team-leads"]);
        assert_eq!(tally.count(), (1, 2));
    }

    #[test]
    fn states_tell_why_an_approval_does_not_count() {
        use ApprovalState::{Counted, Expired, SelfApproval, Stale};
        let states = |actions: &[ReleaseAction], now| {
            tally_of(&policy(), actions, now).records.iter().map(|r| r.state).collect::<Vec<_>>()
        };
        let other = DIGEST.replace('0', "f");
        let actions = [
            approve("a1", "bob", DIGEST, &["any"], 10),
            approve("a2", "carol", &other, &["any"], 10),
            approve("a3", "dave", DIGEST, &["any"], 10),
        ];
        assert_eq!(states(&actions, at(20)), [SelfApproval, Stale, Counted]);
        assert_eq!(states(&actions, at(10 + 3600)), [SelfApproval, Stale, Expired]);
    }

    #[test]
    fn a_slot_whose_group_changed_no_longer_counts() {
        let carol = approve("a1", "carol", DIGEST, &["team-leads"], 10);
        let mut changed = policy();
        changed.slots[0].group = Some("directors".into());
        let tally = tally_of(&changed, &[carol], at(20));
        assert_eq!(tally.records[0].state, ApprovalState::Stale);
        assert_eq!(tally.count(), (0, 2));
    }

    #[test]
    fn where_it_is_allowed_the_requester_counts_once() {
        let mut own = policy();
        own.prevent_self_approval = false;
        let bob = approve("a1", "bob", DIGEST, &["any"], 10);
        assert_eq!(tally_of(&own, &[bob], at(20)).count(), (1, 2));
    }

    #[test]
    fn two_accounts_of_one_person_are_one_person() {
        let both = ["team-leads", "any"];
        let carols =
            [approve("a1", "carol", DIGEST, &both, 10), approve("a2", "oidc:carol-admin", DIGEST, &both, 11)];
        assert!(tally_of(&policy(), &carols, at(20)).is_enough(), "without a rule they are two");
        let one = tally_of_people(&policy(), &carols);
        assert_eq!(one.count(), (1, 2));
        let people: Vec<_> = one.records.iter().map(|r| (r.actor.as_str(), r.person.as_deref())).collect();
        assert_eq!(people, [("carol", None), ("oidc:carol-admin", Some("carol"))]);
        let [carol, _] = carols;
        let dave = approve("a3", "dave@old.example", DIGEST, &["any"], 12);
        assert!(tally_of_people(&policy(), &[carol, dave]).is_enough());
    }

    #[test]
    fn the_requesters_other_account_is_the_requester() {
        let bob = approve("a1", "bob-admin", DIGEST, &["any"], 10);
        let tally = tally_of_people(&policy(), &[bob]);
        assert_eq!(tally.records[0].state, ApprovalState::SelfApproval);
        assert_eq!(tally.count(), (0, 2));
    }

    #[test]
    fn what_was_taken_back_does_not_count_until_it_is_given_again() {
        use ApprovalState::{Counted, Withdrawn};
        let carol = approve("a1", "carol", DIGEST, &["team-leads"], 10);
        let back = action("a2", ActionKind::Withdraw, "carol-admin", 11);
        let again = approve("a3", "carol", DIGEST, &["team-leads"], 12);
        let seen = |actions: &[ReleaseAction]| {
            let tally = tally_of_people(&policy(), actions);
            (tally.records.iter().map(|r| r.state).collect::<Vec<_>>(), tally.count().0)
        };
        assert_eq!(seen(&[carol.clone(), back.clone()]), (vec![Withdrawn], 0));
        assert_eq!(seen(&[carol.clone(), back.clone(), again]), (vec![Withdrawn, Counted], 1));
        let others = action("a2", ActionKind::Withdraw, "dave", 11);
        assert_eq!(seen(&[carol.clone(), others]), (vec![Counted], 1));
        // in one second the mark alone tells what came first
        let (release, mut status) = (release("v2"), planned());
        status.approvals = vec![record(&carol, &[], Withdrawn, "carol")];
        let (policy, environment) = (policy(), environment());
        let review =
            Review { policy: &policy, environment: &environment, release: &release, status: &status };
        let second = approve("a4", "carol", DIGEST, &["team-leads"], 10);
        let marked = tally(&review, &[&carol, &second], at(20));
        assert_eq!(marked.records.iter().map(|r| r.state).collect::<Vec<_>>(), [Withdrawn, Counted]);
    }

    #[test]
    fn what_no_policy_attests_does_not_count() {
        use ApprovalState::{Counted, Expired, SelfApproval, Stale, Unattested};
        let other = DIGEST.replace('0', "f");
        let actions = [
            approve("a1", "bob", DIGEST, &["any"], 10),
            approve("a2", "carol", &other, &["any"], 10),
            approve("a3", "carol", DIGEST, &["any"], 10),
            approve("a4", "dave", DIGEST, &["any"], 20),
        ];
        let given: Vec<_> = actions.iter().collect();
        let states = |status, since, now| {
            let (release, plan, policy) = (release("v2"), planned(), policy());
            let mut environment = environment();
            environment.status.get_or_insert_default().conditions = vec![policies(status, at(since))];
            let review =
                Review { policy: &policy, environment: &environment, release: &release, status: &plan };
            let tally = tally(&review, &given, at(now));
            (tally.records.iter().map(|r| r.state).collect::<Vec<_>>(), tally.count().0)
        };
        let all = [SelfApproval, Stale, Counted, Counted];
        assert_eq!(states(ConditionStatus::True, 10, 30), (all.into(), 1));
        let late = [SelfApproval, Stale, Unattested, Counted];
        assert_eq!(states(ConditionStatus::True, 15, 30), (late.into(), 1), "given before");
        for status in [ConditionStatus::False, ConditionStatus::Unknown] {
            let none = [SelfApproval, Stale, Unattested, Unattested];
            assert_eq!(states(status, 10, 30), (none.into(), 0));
        }
        let old = [SelfApproval, Stale, Expired, Expired];
        assert_eq!(states(ConditionStatus::False, 10, 10_000), (old.into(), 0));
    }

    #[test]
    fn what_the_author_saw_is_kept() {
        let mut carol = approve("a1", "carol", DIGEST, &["any"], 10);
        let evidence = crate::api::release_action::Evidence {
            weight: Some(25),
            error_rate: Some("0.2 %".into()),
            samples: Some(1200),
            ..Default::default()
        };
        carol.spec.evidence = Some(evidence.clone());
        let tally = tally_of(&policy(), &[carol], at(20));
        assert_eq!(tally.records[0].evidence, Some(evidence));
    }

    proptest::proptest! {
        #[test]
        fn never_more_seats_than_people(
            minimums in proptest::collection::vec(0..4i32, 1..4),
            votes in proptest::collection::vec((0..4u8, proptest::collection::vec(proptest::bool::ANY, 4)), 0..12),
        ) {
            let mut policy = policy();
            policy.slots = minimums.iter().enumerate().map(|(i, n)| slot(&format!("s{i}"), None, *n)).collect();
            let actions: Vec<_> = votes.iter().enumerate().map(|(n, (person, wants))| {
                let names: Vec<_> = (0..minimums.len()).filter(|i| wants[*i]).map(|i| format!("s{i}")).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                approve(&format!("a{n}"), &format!("p{person}"), DIGEST, &names, 10)
            }).collect();
            let tally = tally_of(&policy, &actions, at(20));
            let people: BTreeSet<_> = votes.iter().map(|(person, _)| person).collect();
            proptest::prop_assert!(tally.count().0 <= people.len());
            let needed: i32 = minimums.iter().sum();
            if tally.is_enough() {
                proptest::prop_assert!(people.len() >= usize::try_from(needed).unwrap());
            }
        }
    }
}
