//! News of an environment: freezes and emergency stops.

use chrono::{DateTime, Utc};

use super::{NEWS, Notice, Severity, blank, fresh, place};
use crate::api::environment::{Environment, EnvironmentStatus, Frozen, Stop};
use crate::domain::freeze;

/// What is to be told of an environment as it is now, and has not been told.
#[must_use]
pub fn of_environment(environment: &Environment, now: DateTime<Utc>) -> Vec<Notice> {
    let Some(status) = &environment.status else { return Vec::new() };
    let freezes = freeze::listed(status);
    let frozen = freezes.iter().map(|frozen| froze(environment, frozen, now));
    let stopped = status.stop.as_ref().filter(|stop| now.signed_duration_since(stop.at) <= NEWS);
    let stopped = stopped.map(|stop| stop_of(environment, stop));
    let all = stopped.into_iter().chain(frozen).chain(thawed(environment, status, &freezes, now));
    fresh(environment, &status.notified, all)
}

/// What a freeze is called in keys.
fn freeze_key(frozen: &Frozen) -> String {
    frozen.at.map_or_else(|| "unknown".to_owned(), |at| at.timestamp().to_string())
}

fn froze(environment: &Environment, frozen: &Frozen, now: DateTime<Utc>) -> Notice {
    let key = freeze_key(frozen);
    let until = frozen
        .until
        .map_or_else(String::new, |until| format!(" until {}", until.format("%Y-%m-%d %H:%M:%SZ")));
    let incident = frozen.incident.as_ref().map_or_else(String::new, |incident| format!(" ({incident})"));
    let blank = blank(environment, "Frozen", format!("Frozen@{key}"), frozen.at.unwrap_or(now));
    Notice {
        title: format!("{} is frozen", place(environment)),
        sentence: format!("Frozen by {}{until}{incident}: {}", frozen.by, frozen.reason),
        by: Some(frozen.by.clone()),
        severity: Severity::Warning,
        incident: format!("{}/freeze/{key}", blank.incident),
        command: Some(format!("release-cockpit unfreeze {} --reason '…'", environment.key())),
        ..blank
    }
}

/// Freezes that were told and no longer hold.
fn thawed<'a>(
    environment: &'a Environment,
    status: &'a EnvironmentStatus,
    freezes: &'a [Frozen],
    now: DateTime<Utc>,
) -> impl Iterator<Item = Notice> + 'a {
    let holds: Vec<String> = freezes.iter().map(freeze_key).collect();
    let begun = status.notified.iter().filter_map(|told| Some((told.key.strip_prefix("Frozen@")?, told)));
    begun.filter(move |(key, _)| !holds.iter().any(|held| held == key)).map(move |(key, _)| {
        let blank = blank(environment, "Unfrozen", format!("Unfrozen@{key}"), now);
        let (title, sentence) = match &status.frozen {
            Some(left) => {
                ("is still frozen", format!("One freeze has ended. It is still frozen by {}.", left.by))
            }
            None => ("is no longer frozen", "Releases may start again.".to_owned()),
        };
        Notice {
            title: format!("{} {title}", place(environment)),
            sentence,
            incident: format!("{}/freeze/{key}", blank.incident),
            ends: true,
            ..blank
        }
    })
}

fn stop_of(environment: &Environment, stop: &Stop) -> Notice {
    let blank = blank(environment, "Stopped", format!("Stopped@{}", stop.action), stop.at);
    Notice {
        title: format!("{}: emergency stop", place(environment)),
        sentence: format!("Every release was stopped by {}: {}", stop.by, stop.reason),
        by: Some(stop.by.clone()),
        severity: Severity::Error,
        incident: format!("{}/stop/{}", blank.incident, stop.action),
        ..blank
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::Notify;
    use crate::api::notified::Notified;
    use crate::domain::fixtures::{at, enforced, environment};

    fn hearing(on: &[&str]) -> Environment {
        let mut environment = environment();
        environment.spec.notify = vec![Notify {
            channel: "slack".into(),
            secret: None,
            config: std::collections::BTreeMap::new(),
            events: on.iter().map(ToString::to_string).collect(),
        }];
        environment
    }

    fn events(environment: &Environment, secs: i64) -> Vec<&'static str> {
        of_environment(environment, at(secs)).iter().map(|notice| notice.event).collect()
    }

    #[test]
    fn a_freeze_is_told_once_and_its_end_once() {
        for (on, began, ended) in [
            (&[][..], &["Frozen"][..], &["Unfrozen"][..]),
            (&["Frozen"], &["Frozen"], &[]),
            // nobody hears of its beginning, which is remembered all the same
            (&["Unfrozen"], &["Frozen"], &["Unfrozen"]),
            (&["Succeeded"], &[], &[]),
        ] {
            let mut environment = hearing(on);
            let mut status = enforced();
            status.frozen = Some(Frozen { by: "erin".into(), at: Some(at(0)), ..Frozen::default() });
            environment.status = Some(status.clone());
            let news = of_environment(&environment, at(1));
            assert_eq!(news.iter().map(|n| n.event).collect::<Vec<_>>(), began, "{on:?}");
            status.notified =
                news.into_iter().map(|n| Notified { key: n.key, ..Notified::default() }).collect();
            environment.status = Some(status.clone());
            assert!(events(&environment, 2).is_empty());
            status.frozen = None;
            environment.status = Some(status.clone());
            assert_eq!(events(&environment, 3), ended, "{on:?}");
            let news = of_environment(&environment, at(3));
            status.notified.extend(news.into_iter().map(|n| Notified { key: n.key, ..Notified::default() }));
            environment.status = Some(status);
            assert!(events(&environment, 4).is_empty());
        }
    }

    #[test]
    fn one_freeze_after_the_other_is_two_incidents() {
        let mut environment = hearing(&[]);
        let mut status = enforced();
        status.notified =
            vec![Notified { key: format!("Frozen@{}", at(0).timestamp()), ..Notified::default() }];
        status.frozen = Some(Frozen { by: "bob".into(), at: Some(at(50)), ..Frozen::default() });
        environment.status = Some(status);
        let news = of_environment(&environment, at(51));
        assert_eq!(news.iter().map(|n| n.event).collect::<Vec<_>>(), ["Frozen", "Unfrozen"]);
        assert_ne!(news[0].incident, news[1].incident);
    }

    #[test]
    fn an_old_stop_is_no_news() {
        let mut environment = hearing(&[]);
        let mut status = enforced();
        status.stop = Some(Stop {
            by: "erin".into(),
            at: at(0),
            reason: "customers lose data".into(),
            action: "a".into(),
        });
        environment.status = Some(status);
        assert_eq!(events(&environment, 10), ["Stopped"]);
        assert!(of_environment(&environment, at(10))[0].sentence.contains("customers lose data"));
        assert!(events(&environment, 3600).is_empty());
    }
}
