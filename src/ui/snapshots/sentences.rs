//! What every view shows in words in every state and size: the state, whole, and the way to help.

use super::{SIZES, VIEWS, open, screen, states, text};
use crate::ui::theme::Theme;

const NOT_INSTALLED: &str =
    "Release Cockpit's objects are not installed here: release-cockpit manifests | kubectl apply -f -";
const LOST: &str = "LOST prod-eu 14s ago: connection refused, retry in 3s";

/// What a view shows when it has nothing, and when it is refused.
fn sentences(view: &str) -> (&'static str, &'static str) {
    match view {
        "alerts" => {
            ("No alert fires, and none is pending.", "Prometheus does not answer: connection refused")
        }
        "home" => ("No Environment objects yet.", NOT_INSTALLED),
        "release" | "why" => ("This release is gone: it was deleted. esc goes back.", NOT_INSTALLED),
        "rollback" => {
            ("No version to go back to: no release has changed this environment yet.", NOT_INSTALLED)
        }
        "inbox" => ("Nothing waits for you: no approval, no checklist, no review", NOT_INSTALLED),
        "changes" => ("Nothing has changed here in the last hour: no release", NOT_INSTALLED),
        "events" => ("Nothing has happened here lately: a cluster forgets its events", NOT_INSTALLED),
        "zoom" => ("Waiting for the first answer.", "Prometheus does not answer: connection refused"),
        "logs" => ("Waiting for the first line.", "Waiting for the first line."),
        "matrix" => ("No environments found. Create one: release-cockpit help install", NOT_INSTALLED),
        "dora" => ("No application is in sight: there is nothing to count.", NOT_INSTALLED),
        "differences" => (
            "Waiting for staging and production: there is nothing to compare yet.",
            "production: the API server does not answer: connection refused",
        ),
        _ => ("apiVersion: v1", "apiVersion: v1"),
    }
}

/// What a reader reads: frames left out, lines of one column joined, so that a sentence over several lines is whole.
fn read(shown: &str) -> String {
    let mut columns: Vec<String> = Vec::new();
    for line in shown.lines() {
        for (nth, part) in line.split('│').enumerate() {
            if columns.len() <= nth {
                columns.push(String::new());
            }
            columns[nth].push(' ');
            columns[nth].push_str(part.trim());
        }
    }
    columns.join(" | ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_view_names_its_state_and_the_way_to_help() {
    for (state, world) in states() {
        for view in VIEWS {
            let store = open(world.store.clone(), view);
            for size in SIZES {
                let shown = text(&screen(&store, &Theme::named("mono"), size));
                let words = read(&shown);
                let (empty, refused) = sentences(view);
                let expected = match state {
                    "empty" => empty,
                    "stale" => LOST,
                    "error" => refused,
                    _ => "",
                };
                assert!(words.contains(expected), "{view} {state} {size:?}: {expected}\n{shown}");
                assert_eq!(words.contains(LOST), state == "stale", "{view} {state} {size:?}\n{shown}");
                let last = shown.trim_end().lines().last().unwrap_or_default();
                assert!(last.contains("? help"), "{view} {state} {size:?}: no way to help\n{shown}");
            }
        }
    }
}

/// A view that draws from a watched feed marks its content as old.
#[test]
fn every_view_of_a_feed_is_marked_as_stale() {
    for (state, world) in states() {
        for view in VIEWS.into_iter().filter(|view| !["text", "logs"].contains(view)) {
            for size in SIZES {
                let shown = text(&screen(&open(world.store.clone(), view), &Theme::named("mono"), size));
                assert_eq!(shown.contains("STALE "), state == "stale", "{view} {state} {size:?}\n{shown}");
            }
        }
    }
}
