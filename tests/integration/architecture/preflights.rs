//! A preflight check stands in few files: its row and settings, the file that asks, and those whose subject it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Each kind and the files that name it beside `api/environment/preflight.rs`, tests left out. A new kind needs one, its own in `gate`,
/// and its line in `gate::GATES`.
const NAMED_IN: &[(&str, &[&str])] = &[
    ("ImageExists", &["cli/doctor/objects.rs", "gate/image_exists.rs"]),
    ("SecretKeys", &["cli/doctor/objects.rs", "gate/secret_keys.rs"]),
    ("RevisionHistory", &["gate/revision_history.rs"]),
    ("GithubChecks", &["gate/github_checks.rs"]),
];

const TABLE: &str = "api/environment/preflight.rs";

#[test]
fn a_preflight_check_is_named_in_few_files() {
    let sources = super::sources();
    let mut wrong = String::new();
    for (kind, allowed) in NAMED_IN {
        let is_named = |code: &str| {
            let is_word = |at: usize| {
                let rest = &code[at + kind.len()..];
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                    // a role of the simulator has the name of a check
                    && !code[..at].ends_with("Role::")
            };
            code.match_indices(kind).any(|(at, _)| is_word(at))
        };
        let files: BTreeSet<&str> = sources
            .iter()
            .filter(|source| source.inside != TABLE && source.room != "sim")
            .filter(|source| !source.inside.ends_with("tests.rs") && is_named(&source.code))
            .map(|source| source.inside.as_str())
            .collect();
        if files != allowed.iter().copied().collect() {
            writeln!(wrong, "{kind}: named in {files:?}, its row says {allowed:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_preflight_check_has_a_row() {
    let table = super::sources().into_iter().find(|source| source.inside == TABLE).unwrap();
    let (_, rows) = table.code.split_once("preflights! {").unwrap();
    let kinds: BTreeSet<String> = rows
        .lines()
        .take_while(|line| *line != "}")
        .map(super::word_at_start)
        .filter(|word| !word.is_empty())
        .collect();
    let rows: BTreeSet<String> = NAMED_IN.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    assert_eq!(kinds, rows);
}
