//! What goes when it is old, and what stays.

use super::*;

const DAY: i64 = 86_400;

struct Shelf {
    environment: Environment,
    releases: Vec<Release>,
    actions: Vec<ReleaseAction>,
}

/// So many releases, one a day, each with an action on it, all in the chain; kept for 10 days.
fn shelf(count: i64) -> Shelf {
    let mut environment = fixtures::environment();
    environment.spec.retention = Some(Duration::from_secs(10 * 86_400));
    let releases: Vec<Release> = (0..count).map(|day| seen(&format!("r{day}"), day * DAY)).collect();
    let on = |day: i64| {
        let mut action = judged(&format!("a{day}"), ActionKind::Approve, day * DAY + 5);
        action.spec.release.as_mut().unwrap().name = format!("r{day}");
        action
    };
    let mut shelf = Shelf { environment, releases, actions: (0..count).map(on).collect() };
    shelf.seal();
    shelf
}

impl Shelf {
    fn seal(&mut self) {
        let mut head = ChainHead::default();
        loop {
            let records: Vec<Record> = self
                .releases
                .iter()
                .map(Record::of_release)
                .chain(self.actions.iter().map(Record::of_action))
                .collect();
            let plan = plan_seals(&head, &records);
            for (key, seal) in plan.seals {
                let name = Some(key.name);
                if let Some(release) = self.releases.iter_mut().find(|r| r.metadata.name == name) {
                    release.status.as_mut().unwrap().seal = Some(seal.clone());
                }
                if let Some(action) = self.actions.iter_mut().find(|a| a.metadata.name == name) {
                    action.status.as_mut().unwrap().seal = Some(seal);
                }
            }
            head = plan.head;
            if !plan.more {
                break;
            }
        }
        self.environment.status =
            Some(EnvironmentStatus { chain: Some(head), ..EnvironmentStatus::default() });
    }

    /// Names that would go on that day, in their order.
    fn gone(&self, day: i64) -> Vec<String> {
        let releases: Vec<&Release> = self.releases.iter().collect();
        let actions: Vec<&ReleaseAction> = self.actions.iter().collect();
        let Removal::Records { uids, removed, .. } =
            plan_removal(&self.environment, &releases, &actions, fixtures::at(day * DAY))
        else {
            return Vec::new();
        };
        assert_eq!(usize::try_from(removed).unwrap(), uids.len());
        let name = |uid: &String| {
            let release = releases.iter().find(|r| r.metadata.uid.as_ref() == Some(uid));
            let action = actions.iter().find(|a| a.metadata.uid.as_ref() == Some(uid));
            release.map(|r| r.metadata.name.clone()).or(action.map(|a| a.metadata.name.clone()))
        };
        uids.iter().map(|uid| name(uid).unwrap().unwrap()).collect()
    }
}

#[test]
fn the_oldest_go_and_the_newest_releases_stay_whatever_their_age() {
    let shelf = shelf(25);
    assert_eq!(shelf.gone(12), ["r0", "a0", "r1", "a1"]);
    assert_eq!(shelf.gone(1000), ["r0", "a0", "r1", "a1", "r2", "a2", "r3", "a3", "r4", "a4"]);
}

#[test]
fn without_a_limit_or_before_it_nothing_goes() {
    let mut shelf = shelf(25);
    assert!(shelf.gone(10).is_empty());
    shelf.environment.spec.retention = None;
    assert!(shelf.gone(1000).is_empty());
}

#[test]
fn what_is_needed_stops_the_removal_there() {
    let mut debt = shelf(25);
    debt.environment.status.as_mut().unwrap().debts = vec![Debt {
        id: "r1".into(),
        by: "alice".into(),
        at: fixtures::at(0),
        what: "emergency".into(),
        reason: "outage".into(),
        incident: None,
    }];
    assert_eq!(debt.gone(1000), ["r0", "a0"]);
    let mut held = shelf(25);
    held.releases[1].status.as_mut().unwrap().phase = Phase::Held;
    assert_eq!(held.gone(1000), ["r0", "a0"]);
    let mut referred = shelf(25);
    referred.releases[20].status.as_mut().unwrap().superseded_by = Some("r1".into());
    assert_eq!(referred.gone(1000), ["r0", "a0"]);
    let mut acted = shelf(25);
    acted.actions[1].status.as_mut().unwrap().at = Some(fixtures::at(900 * DAY));
    acted.seal_anew();
    assert_eq!(acted.gone(905), ["r0", "a0"]);
    let mut failed = shelf(25);
    for release in &mut failed.releases[3..] {
        release.status.as_mut().unwrap().phase = Phase::RolledBack;
    }
    assert!(failed.gone(1000).is_empty(), "the only ones that succeeded are the ways back");
}

#[test]
fn a_broken_chain_keeps_everything() {
    let mut shelf = shelf(25);
    shelf.actions[20].spec.actor = "mallory".into();
    let releases: Vec<&Release> = shelf.releases.iter().collect();
    let actions: Vec<&ReleaseAction> = shelf.actions.iter().collect();
    let removal = plan_removal(&shelf.environment, &releases, &actions, fixtures::at(1000 * DAY));
    assert!(matches!(&removal, Removal::Stopped(why) if why.contains("a20")), "{removal:?}");
}

impl Shelf {
    fn seal_anew(&mut self) {
        self.releases.iter_mut().for_each(|r| r.status.as_mut().unwrap().seal = None);
        self.actions.iter_mut().for_each(|a| a.status.as_mut().unwrap().seal = None);
        self.seal();
    }
}
