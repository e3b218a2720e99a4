//! What can happen to a release, in any order.

use proptest::prelude::*;

use crate::api::environment::InFlight;
use crate::api::release_action::ActionKind;

/// bob asks; carol has two accounts, and bob as well.
pub(super) const PEOPLE: [&str; 6] = ["bob", "bob-admin", "carol", "carol-admin", "dave", "erin"];
/// Gates that people try to pass by force; the last three let nobody.
pub(super) const GATES: [&str; 8] =
    ["frozen", "approval", "windows", "checklist", "post-review", "policies", "lane", "policy"];

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A decision whose status is stored and whose effects are done.
    Turn,
    /// The status is not stored: nothing after it happens either.
    CrashBeforeStatus,
    /// The status is stored; of the effects only the first few are done.
    CrashAfter(usize),
    /// The controller decides on a status that it read before its own last write; the server refuses that write.
    StaleRead,
    Act(ActionKind, usize, i32),
    Force(usize, usize),
    Roll,
    Break(bool),
    Freeze(Option<InFlight>),
    Wait(i64),
    Answers(bool),
    OtherHand(bool),
    Policy(Policy),
    /// A newer release stands in the queue, or leaves it.
    Newer(bool),
    /// Break-glass of another release has to be reviewed, or has been.
    Owe(bool),
}

/// A change of what the environment demands.
#[derive(Clone, Debug)]
pub(super) enum Policy {
    Minimum(i32),
    Checklist(bool),
    Window(bool),
    Supersede(bool),
    /// The admission policies come into force, or are taken away.
    Attests(bool),
    Bake(bool),
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        (1..3i32).prop_map(Policy::Minimum),
        any::<bool>().prop_map(Policy::Checklist),
        any::<bool>().prop_map(Policy::Window),
        any::<bool>().prop_map(Policy::Supersede),
        any::<bool>().prop_map(Policy::Attests),
        any::<bool>().prop_map(Policy::Bake),
    ]
}

/// Anything, what matters most the most often.
pub(super) fn event() -> impl Strategy<Value = Event> {
    use ActionKind::{
        Abort, Approve, Check, Drive, HandOver, Pause, Reject, Resume, Retry, Rollback, Start, Withdraw,
    };
    // what ends a release comes seldom, so that much can happen before
    let often =
        [Approve; 14].into_iter().chain([Resume; 5]).chain([Check; 4]).chain([Pause, Retry].repeat(2));
    let seldom = [Abort, Rollback, Reject, Withdraw, Drive, HandOver, Start];
    let kinds = prop::sample::select(often.chain(seldom).collect::<Vec<_>>());
    let in_flight = prop::sample::select(vec![
        None,
        None,
        Some(InFlight::Finish),
        Some(InFlight::Hold),
        Some(InFlight::RollBack),
    ]);
    prop_oneof![
        14 => Just(Event::Turn),
        3 => Just(Event::CrashBeforeStatus),
        4 => (0..3usize).prop_map(Event::CrashAfter),
        2 => Just(Event::StaleRead),
        9 => (kinds, 0..PEOPLE.len(), 0..3i32).prop_map(|(kind, who, step)| Event::Act(kind, who, step)),
        2 => (0..GATES.len(), 0..PEOPLE.len()).prop_map(|(gate, who)| Event::Force(gate, who)),
        8 => Just(Event::Roll),
        1 => any::<bool>().prop_map(Event::Break),
        1 => in_flight.prop_map(Event::Freeze),
        3 => (1..120i64).prop_map(Event::Wait),
        1 => any::<bool>().prop_map(Event::Answers),
        1 => any::<bool>().prop_map(Event::OtherHand),
        1 => policy().prop_map(Event::Policy),
        1 => prop::sample::select(vec![true, false, false]).prop_map(Event::Newer),
        1 => prop::sample::select(vec![true, false, false]).prop_map(Event::Owe),
    ]
}
