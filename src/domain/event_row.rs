//! Events of a cluster as a person reads them: small rows, and what says the same of several pods gathered in one line.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::pod_row::PodKey;

/// Namespace and name of an event.
pub(crate) type EventKey = PodKey;

/// One event. All texts are sanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// When it was last seen.
    pub at: Option<DateTime<Utc>>,
    /// It is a warning.
    pub warning: bool,
    /// Its reason, such as `BackOff`.
    pub reason: Box<str>,
    /// Kind of the object that it is about.
    pub kind: Box<str>,
    /// Name of the object that it is about.
    pub name: Box<str>,
    /// What it says.
    pub message: Box<str>,
    /// How often it was seen.
    pub count: u32,
}

/// Events that say the same, of one object or of several of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventGroup {
    /// When the newest of them was last seen.
    pub at: Option<DateTime<Utc>>,
    /// They are warnings.
    pub warning: bool,
    /// Their reason.
    pub reason: Box<str>,
    /// Kind of the objects.
    pub kind: Box<str>,
    /// The object of the newest one.
    pub name: Box<str>,
    /// Objects in all.
    pub objects: usize,
    /// What the newest one says.
    pub message: Box<str>,
    /// How often all of them were seen.
    pub count: u32,
}

/// What events have in common that are one group: warning, reason, kind, family and words.
type Same<'a> = (bool, &'a str, &'a str, &'a str, String);

/// Gathers events that say the same of objects of one family (the pods of a workload); the newest first.
#[must_use]
pub(crate) fn group<'a>(events: impl IntoIterator<Item = &'a EventRow>) -> Vec<EventGroup> {
    let mut groups: BTreeMap<Same<'_>, (EventGroup, Vec<&str>)> = BTreeMap::new();
    for event in events {
        let family = family(&event.kind, &event.name);
        let key = (event.warning, &*event.reason, &*event.kind, family, said(event));
        let (group, names) = groups.entry(key).or_insert_with(|| (EventGroup::of(event), Vec::new()));
        if event.at > group.at {
            let count = group.count;
            *group = EventGroup { count, ..EventGroup::of(event) };
        }
        group.count = group.count.saturating_add(event.count);
        if !names.contains(&&*event.name) {
            names.push(&event.name);
        }
        group.objects = names.len();
    }
    let mut all: Vec<EventGroup> = groups.into_values().map(|(group, _)| group).collect();
    all.sort_by_key(|group| std::cmp::Reverse(group.at));
    all
}

impl EventGroup {
    fn of(event: &EventRow) -> Self {
        let EventRow { at, warning, reason, kind, name, message, .. } = event.clone();
        Self { at, warning, reason, kind, name, objects: 0, message, count: 0 }
    }
}

/// The name without what is random in it: `backend-7f9c6d` of `backend-7f9c6d-2xk4p`.
fn family<'a>(kind: &str, name: &'a str) -> &'a str {
    match name.rsplit_once('-') {
        Some((family, random)) if kind == "Pod" && is_random(random) => family,
        _ => name,
    }
}

fn is_random(end: &str) -> bool {
    end.len() == 5 || (!end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The message without what differs from object to object: its name, identities, numbers.
fn said(event: &EventRow) -> String {
    let words = event.message.split_whitespace().map(|word| {
        if word.contains(&*event.name) || word.bytes().any(|byte| byte.is_ascii_digit()) { "#" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether an event is about a workload, or about what belongs to it by name: its ReplicaSets and pods, and the second workload beside it.
#[must_use]
pub(crate) fn is_about(event: &EventRow, workload: &str) -> bool {
    event.name.strip_prefix(workload).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, reason: &str, name: &str, message: &str) -> EventRow {
        EventRow {
            at: DateTime::from_timestamp(second, 0),
            warning: reason == "BackOff",
            reason: reason.into(),
            kind: "Pod".into(),
            name: name.into(),
            message: message.into(),
            count: 3,
        }
    }

    #[test]
    fn what_says_the_same_of_the_pods_of_one_revision_is_one_line() {
        let events = [
            event(
                1,
                "BackOff",
                "backend-7f-2xk4p",
                "Back-off restarting failed container main in pod backend-7f-2xk4p",
            ),
            event(
                9,
                "BackOff",
                "backend-7f-9qqlm",
                "Back-off restarting failed container main in pod backend-7f-9qqlm",
            ),
            event(5, "BackOff", "backend-7f-9qqlm", "Back-off pulling image \"x\""),
            event(7, "Pulled", "backend-5b-t7vzd", "Successfully pulled image \"x\" in 1.2s"),
            event(8, "Pulled", "backend-5b-hhhhh", "Successfully pulled image \"x\" in 2.4s"),
        ];
        let told: Vec<_> = group(&events)
            .into_iter()
            .map(|g| (g.at.unwrap().timestamp(), g.reason, g.objects, g.count))
            .collect();
        let expected: [(i64, Box<str>, usize, u32); 3] =
            [(9, "BackOff".into(), 2, 6), (8, "Pulled".into(), 2, 6), (5, "BackOff".into(), 1, 3)];
        assert_eq!(told, expected);
    }

    #[test]
    fn families_are_those_of_pods_only() {
        for (kind, name, expected) in [
            ("Pod", "backend-7f9c6d-2xk4p", "backend-7f9c6d"),
            ("Pod", "db-0", "db"),
            ("Pod", "single", "single"),
            ("ReplicaSet", "backend-7f9c6", "backend-7f9c6"),
        ] {
            assert_eq!(family(kind, name), expected);
        }
        let about = |name: &str| is_about(&event(0, "x", name, ""), "backend");
        assert!(about("backend") && about("backend-canary-7f-2xk4p") && !about("backends-1"));
    }

    proptest::proptest! {
        #[test]
        fn no_event_is_lost(seconds in proptest::collection::vec((0_i64..20, 0_usize..3, 0_usize..3), 0..60)) {
            let reasons = ["BackOff", "Pulled", "Killing"];
            let names = ["a-1-aaaaa", "a-1-bbbbb", "b-1-ccccc"];
            let events: Vec<EventRow> =
                seconds.iter().map(|(at, reason, name)| event(*at, reasons[*reason], names[*name], "m")).collect();
            let groups = group(&events);
            proptest::prop_assert_eq!(groups.iter().map(|group| group.count).sum::<u32>(), 3 * u32::try_from(events.len()).unwrap());
            proptest::prop_assert!(groups.windows(2).all(|pair| pair[0].at >= pair[1].at));
        }
    }
}
