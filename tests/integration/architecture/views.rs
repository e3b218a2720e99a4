//! A view stands in few files: its own, its pane's, and those whose subject it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Each view and the number of files that name it, tests left out. Lower a row when a view is named in fewer; a new view needs two: its
/// own file and its pane's, beside its line in `app::VIEWS`, in `ui::panes::PANES` and among the commands.
const NAMED_IN: &[(&str, usize)] = &[
    ("Home", 8),
    ("Release", 14),
    ("Rollback", 9),
    ("Inbox", 7),
    ("Why", 3),
    ("Listed", 4),
    ("Events", 7),
    ("Alerts", 10),
    ("Differences", 8),
    ("Zoom", 5),
    ("Matrix", 3),
    ("Dora", 2),
    ("Text", 13),
    ("Logs", 8),
];

#[test]
fn a_view_is_named_in_few_files() {
    let sources = super::sources();
    let mut wrong = String::new();
    for (view, allowed) in NAMED_IN {
        let files: BTreeSet<&str> = sources
            .iter()
            .filter(|source| super::names(&source.code, &format!("View::{view}"), &format!("View::{view}")))
            .map(|source| source.inside.as_str())
            .collect();
        if files.len() != *allowed {
            writeln!(wrong, "{view}: named in {} files, its row says {allowed}: {files:?}", files.len())
                .unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "
{wrong}"
    );
}

#[test]
fn every_view_has_a_row() {
    let state = super::sources().into_iter().find(|source| source.inside == "app/state/view.rs").unwrap();
    let (_, views) = state.code.split_once("pub enum View {").unwrap();
    let views: BTreeSet<String> = views
        .lines()
        .take_while(|line| *line != "}")
        .map(super::word_at_start)
        .filter(|word| !word.is_empty())
        .collect();
    let rows: BTreeSet<String> = NAMED_IN.iter().map(|(view, _)| (*view).to_owned()).collect();
    assert_eq!(views, rows);
}
