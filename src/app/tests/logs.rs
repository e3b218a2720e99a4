//! Logs: what is followed for which view, how lines are merged, filtered and searched, and what ends with the view.

use super::keys::{press, typed};
use crate::app::fixtures::{World, now, planera};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::event::{Event, Outcome};
use crate::app::state::logs::{LogNews, LogView, SourceState};
use crate::app::state::store::Store;
use crate::app::state::view::View;
use crate::app::update;
use crate::domain::log::{LogLine, LogReach, MOST_LINES};

fn view(store: &Store) -> &LogView {
    match store.ui.view() {
        View::Logs(view) => view,
        other => panic!("no log is open: {other:?}"),
    }
}

/// Pods that are asked for, by the present request.
fn asked(effects: &[Effect]) -> Vec<(&str, RequestId)> {
    let follow = |effect: &'_ Effect| match effect {
        Effect::Background(BackgroundEffect::FollowLog { ask, view, .. }) => {
            Some((ask.pod.name.to_string(), *view))
        }
        _ => None,
    };
    let found: Vec<_> = effects.iter().filter_map(follow).collect();
    found.into_iter().map(|(name, view)| (&*name.leak(), view)).collect()
}

fn lines(store: &mut Store, pod: &str, lines: &[(i64, &str)]) {
    let view = view(store).request;
    let lines = lines.iter().map(|(second, text)| LogLine {
        at: Some(now() + chrono::TimeDelta::seconds(*second)),
        text: (*text).into(),
    });
    let news = LogNews::Lines(lines.collect());
    update(store, Event::Log { view, pod: pod.into(), container: "backend".into(), news });
}

fn shown(store: &Store) -> Vec<&str> {
    view(store).ring.shown().map(|entry| &*entry.text).collect()
}

#[test]
fn a_log_is_followed_while_its_view_is_open_and_no_longer() {
    let (mut store, effects) = typed(planera(), "tab l");
    let asked = asked(&effects);
    assert_eq!(asked.len(), 1);
    let request = asked[0].1;
    assert!(press(&mut store, "j k t w").is_empty(), "nothing is asked twice");
    assert_eq!(press(&mut store, "esc"), [Effect::Background(BackgroundEffect::EndLogs(request))]);
    assert!(store.followed.is_empty());
}

#[test]
fn whatever_changes_what_is_wanted_asks_anew_and_ends_the_old_streams() {
    for (key, check) in [
        ("p", (|view| view.what.previous && !view.what.follow) as fn(&LogView) -> bool),
        ("a", |view| view.what.all_containers),
        ("3", |view| view.what.reach == LogReach::Seconds(900)),
        (": since space 2h enter", |view| view.what.reach == LogReach::Seconds(7_200)),
        ("8", |view| view.what.reach == LogReach::All),
    ] {
        let (mut store, effects) = typed(planera(), "tab l");
        let old = asked(&effects)[0].1;
        lines(&mut store, "x", &[(0, "old")]);
        let effects = press(&mut store, key);
        assert!(effects.contains(&Effect::Background(BackgroundEffect::EndLogs(old))), "{key}: {effects:?}");
        assert_eq!(asked(&effects).len(), 1, "{key}");
        assert!(check(view(&store)) && shown(&store).is_empty(), "{key}");
        // what is still on its way from the old stream is dropped
        let news = LogNews::Lines(vec![LogLine { at: None, text: "late".into() }]);
        update(&mut store, Event::Log { view: old, pod: "x".into(), container: "c".into(), news });
        assert!(shown(&store).is_empty());
    }
    let (store, _) = typed(planera(), "tab l : since space soon enter");
    assert_eq!(store.toasts.back().unwrap().text, "that is no span of time: write 90s, 15m, 2h or all");
}

#[test]
fn all_pods_of_a_component_are_followed_also_those_that_come_later() {
    let (mut store, effects) = typed(planera(), "tab L");
    let first = asked(&effects);
    assert!(first.len() > 2, "{first:?}");
    assert!(view(&store).subject.words().starts_with("all pods of backend"));
    let mut world = World { store };
    let some = world.store.clusters[0]
        .pods
        .rows()
        .values()
        .find(|pod| &*pod.key.name == first[0].0)
        .unwrap()
        .clone();
    let mut new = some.clone();
    new.key.name = "backend-new-12345".into();
    world = world.with_pod(new.clone());
    store = world.store;
    assert!(store.followed.values().next().unwrap().contains(&new.key));
    // from the log of one pod to those of its component
    let (_, effects) = typed(planera(), "tab l L");
    assert_eq!(asked(&effects).len(), 1 + first.len());
}

#[test]
fn lines_are_filtered_searched_and_scrolled() {
    let (mut store, _) = typed(planera(), "tab L");
    for nth in 0..50 {
        lines(
            &mut store,
            if nth % 2 == 0 { "a" } else { "b" },
            &[(nth, &format!("line {nth} {}", if nth % 10 == 3 { "ERROR" } else { "ok" }))],
        );
    }
    assert_eq!(view(&store).sources.len(), 2);
    assert!(shown(&store).is_sorted_by_key(|line| line.split(' ').nth(1).unwrap().parse::<u32>().unwrap()));
    press(&mut store, "/ error enter");
    assert_eq!(shown(&store).len(), 5);
    press(&mut store, "/ backspace backspace backspace backspace backspace ! error enter");
    assert_eq!(shown(&store).len(), 45);
    // a line that comes while a filter is in force is judged by it
    lines(&mut store, "a", &[(60, "an error"), (61, "fine")]);
    assert_eq!(shown(&store).len(), 46);
    press(&mut store, "esc");
    assert_eq!(shown(&store).len(), 52);
    // from the newest line back, and round
    press(&mut store, "s ERROR enter");
    let found = |store: &Store| view(store).look.found.map(|at| shown(store)[at].to_owned()).unwrap();
    assert_eq!(found(&store), "line 43 ERROR");
    press(&mut store, "N");
    assert_eq!(found(&store), "line 33 ERROR");
    press(&mut store, "n n");
    assert_eq!(found(&store), "line 3 ERROR");
    assert_eq!(store.toasts.back().unwrap().text, "the search goes on from the beginning");
    assert!(!view(&store).at_end);
    press(&mut store, "G");
    assert!(view(&store).at_end);
    press(&mut store, "k");
    assert!(!view(&store).at_end);
    press(&mut store, "f");
    assert!(view(&store).at_end);
}

#[test]
fn a_bad_expression_gives_a_sentence_and_changes_nothing() {
    let (mut store, _) = typed(planera(), "tab l");
    lines(&mut store, "a", &[(0, "one"), (1, "two")]);
    press(&mut store, "/ one enter");
    press(&mut store, "/ ( enter");
    assert_eq!(store.toasts.back().unwrap().text, "not a regular expression: unclosed group");
    assert_eq!(shown(&store), ["one"]);
    press(&mut store, "esc : filter space * enter");
    assert_eq!(
        store.toasts.back().unwrap().text,
        "not a regular expression: repetition operator missing expression"
    );
}

#[test]
fn what_is_looked_at_stays_while_lines_come_and_old_ones_go() {
    let (mut store, _) = typed(planera(), "tab l");
    let request = view(&store).request;
    let many = |from: i64, count: i64| {
        let line = |nth: i64| LogLine {
            at: Some(now() + chrono::TimeDelta::seconds(nth)),
            text: nth.to_string().into(),
        };
        let news = LogNews::Lines((from..from + count).map(line).collect());
        Event::Log { view: request, pod: "a".into(), container: "c".into(), news }
    };
    let most = i64::try_from(MOST_LINES).unwrap();
    update(&mut store, many(0, most));
    press(&mut store, "pgup");
    let top = |store: &Store| {
        shown(store)[view(store).first(store.ui.height(crate::app::state::view::Focus::Text))].to_owned()
    };
    let before = top(&store);
    update(&mut store, many(most, 300));
    assert_eq!(top(&store), before);
    assert_eq!((view(&store).ring.len(), view(&store).ring.dropped()), (MOST_LINES, 300));
}

#[test]
fn logs_are_saved_and_copied_with_their_sources() {
    let (mut store, _) = typed(planera(), "tab l");
    assert!(press(&mut store, "ctrl-s").is_empty());
    assert_eq!(store.toasts.back().unwrap().text, "there is nothing to save yet");
    lines(&mut store, "a", &[(0, "one")]);
    assert_eq!(press(&mut store, "c"), [Effect::Terminal(TerminalEffect::Copy("one".into()))]);
    lines(&mut store, "b", &[(1, "two")]);
    press(&mut store, "t");
    let text = "2026-11-20T14:03:22.000Z a/backend one\n2026-11-20T14:03:23.000Z b/backend two\n";
    let [Effect::Background(BackgroundEffect::Save { path, text: saved })] = &press(&mut store, "ctrl-s")[..]
    else {
        panic!("nothing is saved")
    };
    assert_eq!(saved, text);
    assert!(path.ends_with("-20261120T140322Z.log") && path.starts_with("backend-"), "{path}");
    let effects = press(&mut store, ": save space /tmp/x.log enter");
    assert_eq!(
        effects,
        [Effect::Background(BackgroundEffect::Save { path: "/tmp/x.log".into(), text: text.into() })]
    );
    let saved = |result| Event::RequestDone { request: RequestId(0), outcome: Outcome::Saved(result) };
    update(&mut store, saved(Ok("/tmp/x.log".into())));
    assert_eq!(store.toasts.back().unwrap().text, "saved as /tmp/x.log");
}

#[test]
fn a_lost_source_says_why_and_comes_back() {
    let (mut store, _) = typed(planera(), "tab l");
    let request = view(&store).request;
    let mut tell = |news| {
        update(&mut store, Event::Log { view: request, pod: "a".into(), container: "c".into(), news });
        view(&store).sources[0].state.clone()
    };
    assert_eq!(tell(LogNews::Opened), SourceState::Open);
    assert_eq!(tell(LogNews::Lost("gone".into())), SourceState::Lost("gone".into()));
    assert_eq!(tell(LogNews::Opened), SourceState::Open);
    assert_eq!(tell(LogNews::Ended), SourceState::Ended);
}
