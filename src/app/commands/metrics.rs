//! Charts: zooming, ranges, comparing and the cursor.

use super::prelude::*;
use crate::app::zoom;
use crate::config::key::Modifiers;

const ROW: Command = Command { scope: Scope::Zoom, group: Group::Looking, ..Command::ROW };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "metric",
        title: "metric",
        help: "Show the next chart",
        keys: &[KeyChord::char('m')],
        scope: Scope::Cluster,
        run: |store, _| {
            zoom::next_pane(store);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "zoom",
        title: "zoom",
        help: "Zoom a chart: :zoom NAME",
        keys: &[KeyChord::char('z')],
        scope: Scope::Cluster,
        availability: Some(needs_environment),
        run: |store, invocation| {
            if let Some(environment) = &invocation.target.environment {
                zoom::open(store, environment.clone(), invocation.argument.as_deref());
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "range",
        title: "range",
        help: "Zoom out, from 5 minutes to 7 days: :range 6h",
        keys: &[KeyChord::char('r')],
        run: |store, invocation| {
            zoom::range(store, invocation.argument.as_deref());
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "compare",
        title: "compare",
        help: "Compare with the time before the release, then with yesterday",
        keys: &[KeyChord::char('b')],
        run: |store, _| {
            zoom::compare(store);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "cursor-left",
        title: "cursor left",
        help: "Move the cursor to the previous sample (shift: ten)",
        keys: &[KeyChord::plain(KeyCode::Left), KeyChord::new(KeyCode::Left, Modifiers::SHIFT)],
        group: Group::Moving,
        run: |store, invocation| {
            let samples = if invocation.key == Some(1) { 10 } else { 1 };
            zoom::move_cursor(store, -samples);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "cursor-right",
        title: "cursor right",
        help: "Move the cursor to the next sample (shift: ten)",
        keys: &[KeyChord::plain(KeyCode::Right), KeyChord::new(KeyCode::Right, Modifiers::SHIFT)],
        group: Group::Moving,
        run: |store, invocation| {
            let samples = if invocation.key == Some(1) { 10 } else { 1 };
            zoom::move_cursor(store, samples);
            Vec::new()
        },
        ..ROW
    },
];
