//! Alerts: what fires or is about to, over all clusters, the worst first.
//!
//! Owns which of them are listed and in which order, and how many each environment has. Must not know who tells of them, nor how a
//! line looks.

mod lines;

use std::fmt::Write as _;

use crate::app::arguments::{Named, named};
use crate::app::selection::{follow, select};
use crate::app::state::alerts::{AlertLine, AlertScope, AlertsView};
use crate::app::state::cursor::Cursor;
use crate::app::state::store::Store;
use crate::app::state::text_view::{TextBody, TextView};
use crate::app::state::toast::Level;
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::{Enter, PlaceRow, ViewRow};
use crate::app::views;
use crate::domain::age::Age;

pub(crate) use lines::{Within, within};

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "alerts",
    is: |view| matches!(view, View::Alerts(_)),
    panes: &[Focus::Alerts],
    environment: |store| match scope(store)? {
        AlertScope::One(id) => Some(id.clone()),
        _ => store.selected_alert().and_then(|line| line.environment.clone()),
    },
    go: |store, step, height| {
        let Store { ui, rows, .. } = store;
        if let Some(View::Alerts(view)) = ui.views.last_mut() {
            select(&mut view.cursor, &rows.alerts, step, height, AlertLine::id);
        }
    },
    enter: Some(Enter {
        availability: |_, target| target.needs_environment(),
        run: |store, _| {
            enter(store);
            Vec::new()
        },
    }),
    // each scope is a place; what is chosen among alerts is none
    place: Some(PlaceRow {
        about: |store| scope(store).map_or("", AlertScope::written).to_owned(),
        environment: |store| match scope(store) {
            Some(AlertScope::One(id)) => Some(id.clone()),
            _ => store.ui.environments.selected.clone(),
        },
        go: |store, arrival| {
            reopen(store, AlertScope::read(arrival.about, arrival.environment.clone()));
            Some(())
        },
        ..PlaceRow::ROW
    }),
    forgets_filter: true,
    ..ViewRow::ROW
};

fn scope(store: &Store) -> Option<&AlertScope> {
    let View::Alerts(view) = store.ui.view() else { return None };
    Some(&view.scope)
}

/// Opens the list: of the named environment, else of all; where it is open already, of the next.
pub(super) fn open(store: &mut Store, argument: Option<&str>) {
    let scope = match argument.map(str::trim).filter(|argument| !argument.is_empty()) {
        None => None,
        Some("all") => Some(AlertScope::Environments),
        Some("everything") => Some(AlertScope::Everything),
        Some(argument) => {
            let Some(Named::Environment(id, _)) = named(store, argument) else {
                let text = format!("alerts: `{argument}` is not an environment, all or everything");
                store.say(Level::Warning, text);
                return;
            };
            Some(AlertScope::One(id))
        }
    };
    let next = scope.unwrap_or_else(|| following(store));
    if let Some(View::Alerts(view)) = store.ui.views.last_mut() {
        *view = AlertsView { scope: next, ..AlertsView::default() };
    } else {
        views::push(store, View::Alerts(AlertsView { scope: next, ..AlertsView::default() }));
    }
    store.dirty.alerts = true;
}

/// Opens the list where a person was before.
pub(super) fn reopen(store: &mut Store, scope: AlertScope) {
    views::push(store, View::Alerts(AlertsView { scope, ..AlertsView::default() }));
    store.dirty.alerts = true;
}

/// What the same key shows next: all environments, the one that is selected, everything.
fn following(store: &Store) -> AlertScope {
    let View::Alerts(view) = store.ui.view() else { return AlertScope::Environments };
    match &view.scope {
        AlertScope::Environments => match store.focused_environment() {
            Some(id) => AlertScope::One(id),
            None => AlertScope::Everything,
        },
        AlertScope::One(_) => AlertScope::Everything,
        AlertScope::Everything => AlertScope::Environments,
    }
}

/// Goes to the environment of the chosen alert.
pub(super) fn enter(store: &mut Store) {
    let chosen = store.selected_alert().and_then(|line| line.environment.clone());
    store.ui.views.truncate(1);
    store.ui.focus = Focus::Environments;
    store.ui.all_environments = false;
    if chosen.is_some() && store.ui.environments.selected != chosen {
        store.ui.environments.selected = chosen;
        store.ui.environments.held = true;
        store.ui.pods = Cursor::default();
    }
    store.dirty.pods = true;
    store.dirty.cursors = true;
}

/// Opens everything that is known of the chosen alert as a text.
pub(super) fn describe(store: &mut Store) {
    let Some(line) = store.selected_alert() else { return };
    let title = format!("alert · {}", line.alert.name);
    let text = told(store, line);
    let request = store.next_request();
    let body = TextBody::Lines(text.lines().map(Into::into).collect());
    views::push(store, View::Text(TextView::new(title, request, body)));
}

/// The chosen alert in one line, as one tells others of it.
pub(super) fn chosen(store: &Store) -> Option<String> {
    let line = store.selected_alert()?;
    let alert = &line.alert;
    let since = alert.since.format("%Y-%m-%d %H:%M:%SZ");
    let mut text = format!("{} {} since {since}", alert.name, line.state());
    for environment in &alert.environments {
        let _ = write!(text, " {environment}");
    }
    if !alert.summary().is_empty() {
        let _ = write!(text, ": {}", alert.summary());
    }
    Some(text)
}

/// Everything that is known of an alert, one thing a line.
#[must_use]
pub(crate) fn told(store: &Store, line: &AlertLine) -> String {
    let alert = &line.alert;
    let mut text = String::new();
    let mut put = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<13}{value}");
    };
    put("alert", &alert.name);
    let since = alert.since.format("%Y-%m-%d %H:%M:%SZ");
    put("state", &format!("{} since {since}, for {}", line.state(), Age::between(alert.since, store.now)));
    put("severity", if alert.severity_word().is_empty() { "not given" } else { alert.severity_word() });
    let whose: Vec<String> = alert.environments.iter().map(ToString::to_string).collect();
    put("environment", &if whose.is_empty() { "none".to_owned() } else { whose.join(" ") });
    put("told by", &line.told_by.join(" "));
    if let Some(handled) = &line.handled {
        put("told to", &handled.receivers.join(" "));
        for silence in &handled.silences {
            let until = silence.until.format("%Y-%m-%d %H:%MZ");
            put("silence", &format!("{} until {until} by {}: {}", silence.id, silence.by, silence.comment));
            for matcher in &silence.matchers {
                put("", &matcher.to_string());
            }
        }
    }
    for (name, value) in &alert.annotations {
        put(name, value);
    }
    put("labels", "");
    for (name, value) in &alert.labels {
        put("", &format!("{name}={value}"));
    }
    text
}

/// Brings the list of the open view up to date.
pub(super) fn list(store: &mut Store) {
    let View::Alerts(view) = store.ui.view() else {
        if store.rows.alerts_total > 0 {
            (store.rows.alerts, store.rows.alerts_total) = (Vec::new(), 0);
        }
        return;
    };
    let Within { mut lines, elsewhere, hidden } = within(store, &view.scope);
    let total = lines.len();
    if let Some(filter) = store.ui.filter(Focus::Alerts) {
        lines.retain(|line| {
            let alert = &line.alert;
            let environments = alert.environments.iter().map(|key| &*key.name);
            let mut words: Vec<&str> = vec![line.state(), alert.severity_word(), alert.summary()];
            words.extend(environments.chain(alert.labels.values().map(|value| &**value)));
            filter.matches_labelled(&words, |label| alert.labels.get(label).map(|value| &**value))
        });
    }
    let height = store.ui.height(Focus::Alerts);
    let Store { ui, rows, .. } = store;
    (rows.alerts, rows.alerts_total) = (lines, total);
    (rows.alerts_elsewhere, rows.alerts_hidden) = (elsewhere, hidden);
    if let Some(View::Alerts(view)) = ui.views.last_mut() {
        if !view.cursor.held {
            view.cursor.selected = None;
        }
        follow(&mut view.cursor, &rows.alerts, |line| &line.id, height);
    }
}

/// Those that do not answer, while others do: who, and why not.
pub(crate) fn silent(store: &Store) -> impl Iterator<Item = (&str, &str)> {
    let told = store.clusters.iter().flat_map(|cluster| &cluster.alerts);
    told.filter_map(|(source, told)| Some((&**source, told.error.as_deref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{World, ago, alert, chords, planera};
    use crate::app::state::effect::Effect;
    use crate::app::state::effect::TerminalEffect;
    use crate::app::state::event::AlertingEvent;
    use crate::app::state::event::ClusterEvent;
    use crate::app::state::event::Event;
    use crate::app::state::located::ClusterId;
    use crate::app::update;
    use crate::domain::alert_row::AlertCount;
    use std::collections::BTreeSet;

    fn names(store: &Store) -> Vec<&str> {
        store.rows.alerts.iter().map(|line| &*line.alert.name).collect()
    }

    fn world() -> World {
        planera().with_alerts(vec![
            alert("Watchdog", &[("severity", "none")]).since(9_000),
            alert("HighAPILatency", &[("severity", "warning")]).of("production").since(30),
            alert("HighErrorRate", &[("severity", "critical")]).of("staging").since(20),
            alert("Pending", &[("severity", "critical")]).of("production").pending(),
            alert("HighErrorRate", &[("severity", "critical"), ("component", "backend")])
                .of("production")
                .since(60),
            alert("NodeDown", &[("severity", "critical"), ("namespace", "kube-system")]),
        ])
    }

    #[test]
    fn the_worst_comes_first_and_other_peoples_alerts_are_left_out() {
        let store = world().typing("a").store();
        let told: Vec<(&str, Option<&str>)> = store
            .rows
            .alerts
            .iter()
            .map(|line| (&*line.alert.name, line.environment.as_ref().map(|id| &*id.key.name)))
            .collect();
        assert_eq!(
            told,
            [
                ("HighErrorRate", Some("production")),
                ("HighErrorRate", Some("staging")),
                ("HighAPILatency", Some("production")),
                ("Watchdog", None),
                ("Pending", Some("production")),
            ]
        );
        assert_eq!((store.rows.alerts_total, store.rows.alerts_elsewhere), (5, 1));
    }

    /// Keys typed, and the alerts that are listed then.
    #[test]
    fn keys_choose_whose_alerts_are_listed() {
        for (keys, expected) in [
            ("a a", &["HighErrorRate", "HighAPILatency", "Pending"][..]),
            (
                "a a a",
                &["HighErrorRate", "NodeDown", "HighErrorRate", "HighAPILatency", "Watchdog", "Pending"],
            ),
            (": alerts space staging enter", &["HighErrorRate"]),
            ("a / latency enter", &["HighAPILatency"]),
            ("a / pending enter", &["Pending"]),
            ("a / ! space high enter", &["Watchdog", "Pending"]),
            ("a / - l space component=backend enter", &["HighErrorRate"]),
        ] {
            let store = world().typing(keys).store();
            let mut listed = names(&store);
            let mut expected = expected.to_vec();
            listed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(listed, expected, "{keys}");
        }
        let store = world().typing(": alerts space nowhere enter").store();
        assert!(store.toasts.back().unwrap().text.contains("`nowhere` is not an environment"));
    }

    #[test]
    fn enter_goes_to_the_environment_and_d_tells_everything() {
        let store = world().typing("a j enter").store();
        assert_eq!(*store.ui.view(), View::Home);
        assert_eq!(&*store.ui.environments.selected.as_ref().unwrap().key.name, "staging");
        let store = world().typing("a d").store();
        let View::Text(view) = store.ui.view() else { panic!("{:?}", store.ui.view()) };
        let text: Vec<&str> = view.lines().iter().map(|line| &**line).collect();
        for line in
            ["state        firing since 2026-11-20 14:02:22Z, for 60s", "             component=backend"]
        {
            assert!(text.contains(&line), "{line}: {text:#?}");
        }
    }

    #[test]
    fn what_is_copied_is_the_alert_and_not_its_environment() {
        let mut store = world().typing("a").store();
        let effects = update(&mut store, Event::Key { chord: chords("c")[0], repeat: false });
        let [Effect::Terminal(TerminalEffect::Copy(text))] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert!(text.starts_with("HighErrorRate firing since 2026-11-20 14:02:22Z "), "{text}");
        assert!(text.contains("planera-production/production"), "{text}");
    }

    /// A pair of servers that tell of the same alerts, and others between them.
    #[test]
    fn what_several_tell_of_is_one_alert() {
        let mut world = world().typing("a");
        let pair = |source: &str, alerts| {
            ClusterEvent::Alerting(AlertingEvent::Alerts {
                source: source.into(),
                at: ago(0),
                result: Ok(alerts),
            })
        };
        let same =
            || alert("HighErrorRate", &[("severity", "critical"), ("component", "backend")]).of("production");
        let twin = pair(
            "monitoring/other:9090",
            vec![alert("Another", &[]).of("staging").into(), same().pending().since(600).into()],
        );
        world.send(Event::Cluster(ClusterId(0), twin));
        let line = |store: &Store| {
            let mut found =
                store.rows.alerts.iter().filter(|line| line.alert.labels.contains_key("component"));
            let line = found.next().unwrap();
            assert_eq!(found.next(), None);
            (line.state(), line.told_by.join(" "), line.lost)
        };
        let both = "monitoring/other:9090 monitoring/prometheus:9090";
        assert_eq!(line(&world.store), ("firing", both.to_owned(), false));
        assert_eq!((world.store.rows.alerts_total, names(&world.store).len()), (6, 6));
        // the one that fires does not answer any more
        let source = "monitoring/prometheus:9090".into();
        let fails = ClusterEvent::Alerting(AlertingEvent::Alerts {
            source,
            at: ago(0),
            result: Err("Prometheus is down".into()),
        });
        world.send(Event::Cluster(ClusterId(0), fails));
        assert_eq!(line(&world.store), ("pending", both.to_owned(), false));
    }

    #[test]
    fn the_choice_stays_on_its_alert_while_others_come() {
        let mut world = world().typing("a j j");
        assert_eq!(&*world.store.selected_alert().unwrap().alert.name, "HighAPILatency");
        world = world.with_alerts(vec![
            alert("Newer", &[("severity", "critical")]).of("production").since(1),
            alert("Newest", &[("severity", "critical")]).of("production").since(0),
            alert("HighAPILatency", &[("severity", "warning")]).of("production").since(30),
        ]);
        assert_eq!(&*world.store.selected_alert().unwrap().alert.name, "HighAPILatency");
        assert_eq!(names(&world.store), ["Newest", "Newer", "HighAPILatency"]);
    }

    #[test]
    fn environments_count_their_own_and_nothing_is_known_before_the_first_answer() {
        let counts = |store: &Store| -> Vec<Option<AlertCount>> {
            store.rows.environments.iter().map(|row| row.alerts).collect()
        };
        assert_eq!(counts(&planera().store()), [None, None]);
        let one = Some(AlertCount { firing: 1, pending: 0, is_critical: true });
        let several = Some(AlertCount { firing: 2, pending: 1, is_critical: true });
        assert_eq!(counts(&world().store()), [one, several]);
    }

    #[test]
    fn an_answer_that_fails_keeps_the_last_good_one_and_a_source_that_is_gone_goes() {
        let mut world = world().typing("a");
        let source: Box<str> = "monitoring/prometheus:9090".into();
        let fails = ClusterEvent::Alerting(AlertingEvent::Alerts {
            source,
            at: ago(0),
            result: Err("Prometheus is down".into()),
        });
        world.send(Event::Cluster(ClusterId(0), fails));
        assert!(world.store.rows.alerts.len() == 5 && world.store.rows.alerts.iter().all(|line| line.lost));
        assert_eq!(
            silent(&world.store).collect::<Vec<_>>(),
            [("monitoring/prometheus:9090", "Prometheus is down")]
        );
        world.send(Event::Cluster(
            ClusterId(0),
            ClusterEvent::Alerting(AlertingEvent::AlertSources(BTreeSet::new())),
        ));
        assert_eq!(names(&world.store), [""; 0]);
    }
}
